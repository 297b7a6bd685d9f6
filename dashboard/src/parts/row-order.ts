/**
 * Keeps rows where they stand while live data comes in: a row that was shown keeps its place whatever becomes of it, and new ones come
 * after those that were there. A row that moved from one page to another while both were read is shown once.
 */
export class RowOrder {
  readonly #places = new Map<string, number>()

  /** The rows in the order in which each was first given. */
  arrange<T extends { readonly id: string }>(rows: readonly T[]): readonly T[] {
    const placed = new Map<number, T>()
    for (const row of rows) {
      const place = this.#places.get(row.id) ?? this.#places.size
      this.#places.set(row.id, place)
      placed.set(place, row)
    }
    return [...placed].sort(([a], [b]) => a - b).map(([, row]) => row)
  }
}
