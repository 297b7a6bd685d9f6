/** The text of a paragraph while it is read, in pieces: adding one takes the same time however long the paragraph is. */
export class ParagraphText {
  #pieces: string[] = []
  #length = 0
  #last = ''
  #isBlank = true

  /** In UTF-16 units. */
  get length(): number {
    return this.#length
  }

  /** Whether nothing that can be seen was added. */
  get isBlank(): boolean {
    return this.#isBlank
  }

  /** Whether white space at the start of what is added next would be seen. */
  get endsInSpace(): boolean {
    return this.#last === '' || this.#last === ' ' || this.#last === '\n' || this.#last === '\t'
  }

  /** The place after what was added so far. */
  get place(): number {
    return this.#pieces.length
  }

  add(text: string): void {
    if (text === '') return
    this.#pieces.push(text)
    this.#length += text.length
    this.#last = text.slice(-1)
    this.#isBlank &&= text.trim() === ''
  }

  /** What was added since a place, when it is no longer than `longest`; else undefined. */
  since(place: number, longest: number): string | undefined {
    let text = ''
    for (const piece of this.#pieces.slice(place, place + longest)) {
      text += piece
      if (text.length > longest) return undefined
    }
    return this.#pieces.length - place > longest ? undefined : text
  }

  /** Takes back what was added since a place. */
  cut(place: number): void {
    for (const piece of this.#pieces.splice(place)) this.#length -= piece.length
    this.#last = this.#pieces.at(-1)?.slice(-1) ?? ''
  }

  /** The whole text; the next paragraph begins. */
  take(): string {
    const text = this.#pieces.join('')
    this.#pieces = []
    this.#length = 0
    this.#last = ''
    this.#isBlank = true
    return text
  }
}
