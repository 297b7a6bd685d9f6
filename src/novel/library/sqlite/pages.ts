/** Reading whole tables, a page at a time. */
import type { Database } from 'better-sqlite3'
import type { SharedDatabase } from '../../../store/sqlite/database.ts'

/** All rows of a table in the order of their keys, a page at a time; `read` answers the next ones after a key. */
export async function* pagesByKey<Row extends { key: number }>(
  database: SharedDatabase,
  read: (db: Database, after: number) => readonly Row[],
): AsyncGenerator<readonly Row[]> {
  let after = 0
  for (;;) {
    const from = after
    const page = await database.read(db => read(db, from))
    const last = page.at(-1)
    if (last === undefined) return
    yield page
    after = last.key
  }
}
