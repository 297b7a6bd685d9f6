import type { Task } from '../api/task.ts'
import type { Below } from './counts-below.ts'

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

const unsuccessful: ReadonlySet<Task['status']> = new Set(['FAILED', 'DEAD_LETTER', 'CANCELLED'])

/** Whether something that failed stands behind something that did not, or was not read because it failed after its place was passed. */
export function isOutOfOrder(rows: readonly Pick<Task, 'status'>[], { counts }: Below): boolean {
  const isBad = rows.map(({ status }) => unsuccessful.has(status))
  const firstGood = isBad.indexOf(false)
  if (firstGood === -1) return false
  if (isBad.includes(true, firstGood)) return true
  const { FAILED = 0, DEAD_LETTER = 0, CANCELLED = 0 } = counts
  return FAILED + DEAD_LETTER + CANCELLED > firstGood
}
