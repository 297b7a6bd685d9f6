/** A value that a statement binds. */
export type Value = string | number

/** Conditions and the values they bind. */
export class Conditions {
  readonly texts: string[] = []
  readonly values: Value[] = []

  add(text: string, ...values: Value[]): this {
    this.texts.push(text)
    this.values.push(...values)
    return this
  }

  /** No list does not restrict; an empty one matches nothing. */
  among(column: string, values: readonly string[] | undefined): this {
    if (values === undefined) return this
    // `IN ()` is false before any index is chosen, which an index that is prescribed does not survive.
    const places = values.length === 0 ? 'NULL' : values.map(() => '?').join(', ')
    return this.add(`${column} IN (${places})`, ...values)
  }

  equal(column: string, value: Value | undefined): this {
    return value === undefined ? this : this.add(`${column} = ?`, value)
  }

  /** A text that holds for one of several bindings of it, of which there is one at least. */
  any(text: string, bindings: readonly (readonly Value[])[]): this {
    return this.add(`(${bindings.map(() => text).join(' OR ')})`, ...bindings.flat())
  }

  /** These and those of another. */
  with({ texts, values }: Conditions): this {
    this.texts.push(...texts)
    this.values.push(...values)
    return this
  }

  where(): string {
    return this.texts.length === 0 ? '' : ` WHERE ${this.texts.join(' AND ')}`
  }
}
