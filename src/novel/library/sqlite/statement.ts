import type { Database, Statement } from 'better-sqlite3'

const prepared = new WeakMap<Database, Map<string, Statement>>()

/** The statement of a text, prepared once per database, when first used. */
export function statement<Row>(db: Database, sql: string): Statement<unknown[], Row> {
  const known = prepared.get(db) ?? new Map<string, Statement>()
  prepared.set(db, known)
  const found = known.get(sql) ?? db.prepare(sql)
  known.set(sql, found)
  return found as Statement<unknown[], Row>
}
