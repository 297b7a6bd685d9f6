/** Namespaces of WordprocessingML: as Word writes it, and in its strict form. */
const wordSpaces = new Set([
  'http://schemas.openxmlformats.org/wordprocessingml/2006/main',
  'http://purl.oclc.org/ooxml/wordprocessingml/main',
])

/** Tells the names of WordprocessingML from those of drawings and formulas, which have paragraphs and texts of their own. */
export class WordNames {
  #prefix = 'w:'
  #isKnown = false

  /** The name of an element of WordprocessingML without its prefix; undefined for others. The first element declares the prefix. */
  of(name: string, attributes?: Readonly<Record<string, string>>): string | undefined {
    if (!this.#isKnown && attributes !== undefined) this.#learn(attributes)
    return name.startsWith(this.#prefix) ? name.slice(this.#prefix.length) : undefined
  }

  /** An attribute of WordprocessingML. */
  attribute(attributes: Readonly<Record<string, string>>, name: string): string | undefined {
    return attributes[this.#prefix + name] ?? attributes[name]
  }

  #learn(attributes: Readonly<Record<string, string>>): void {
    this.#isKnown = true
    for (const [name, value] of Object.entries(attributes)) {
      if (!wordSpaces.has(value)) continue
      if (name === 'xmlns') this.#prefix = ''
      else if (name.startsWith('xmlns:')) this.#prefix = `${name.slice('xmlns:'.length)}:`
    }
  }
}
