import type { Database } from 'better-sqlite3'
import { QuillworkError } from '../../task/errors.ts'

/** SQL, or a function, that brings the tables of a part from one version to the next. Forward only; never edited once released. */
export type Migration = string | ((db: Database) => void)

/**
 * Runs the migrations of a part that the file has not seen, in order, all in one transaction.
 * Throws STORE_NEWER when the file knows more migrations than this version.
 */
export function applyMigrations(db: Database, part: string, migrations: readonly Migration[]): void {
  db.exec(
    'CREATE TABLE IF NOT EXISTS schema_versions (part TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID',
  )
  const seen = db.prepare('SELECT version FROM schema_versions WHERE part = ?').pluck().get(part)
  const version = typeof seen === 'number' ? seen : 0
  if (version > migrations.length) {
    throw new QuillworkError(
      'STORE_NEWER',
      `The database was written by a newer version (${part} ${version}, this one knows ${migrations.length}); update the program.`,
    )
  }
  if (version === migrations.length) return
  db.transaction(() => {
    for (const step of migrations.slice(version)) {
      if (typeof step === 'string') db.exec(step)
      else step(db)
    }
    db.prepare(
      'INSERT INTO schema_versions VALUES (?, ?) ON CONFLICT (part) DO UPDATE SET version = excluded.version',
    ).run(part, migrations.length)
  })()
}
