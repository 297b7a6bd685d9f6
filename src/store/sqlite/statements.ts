import type { Database, Statement } from 'better-sqlite3'

/** Prepares a statement at its first use and keeps it. */
export type Statements = (sql: string) => Statement

/** The prepared statements of one database; their number is bounded by the number of texts in the source. */
export function statementsOf(db: Database): Statements {
  const prepared = new Map<string, Statement>()
  return sql => {
    let statement = prepared.get(sql)
    if (statement === undefined) {
      statement = db.prepare(sql)
      prepared.set(sql, statement)
    }
    return statement
  }
}
