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

  among(column: string, values: readonly string[] | undefined): this {
    if (values === undefined || values.length === 0) return this
    return this.add(`${column} IN (${values.map(() => '?').join(', ')})`, ...values)
  }

  equal(column: string, value: Value | undefined): this {
    return value === undefined ? this : this.add(`${column} = ?`, value)
  }

  where(): string {
    return this.texts.length === 0 ? '' : ` WHERE ${this.texts.join(' AND ')}`
  }
}
