import fs from 'node:fs'
import path from 'node:path'
import SqliteDatabase from 'better-sqlite3'
import { QuillworkError } from '../../task/errors.ts'
import type { Database } from './driver.ts'
import { storeError } from './failures.ts'

/** Opens the file with the settings that the promises need. Throws STORE_LOCKED, STORE_UNSUITABLE. */
export function openFile(file: string): Database {
  const db = connect(file)
  try {
    db.pragma('locking_mode = EXCLUSIVE')
    // Of a new file; of another one when it is rewritten.
    db.pragma('auto_vacuum = INCREMENTAL')
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = NORMAL')
    db.pragma('foreign_keys = ON')
    db.pragma('temp_store = MEMORY')
    db.pragma('cache_size = -32768')
    // Clears deleted bytes within the pages that are written anyway; the free ones are overwritten by `scrub`. ON would write these too, at each delete.
    db.pragma('secure_delete = FAST')
    // The store copies the log when it is synced, in its own parts: see space.ts.
    db.pragma('wal_autocheckpoint = 0')
    // Takes the exclusive lock now, so that a second process learns it here and not at its first write.
    db.exec('BEGIN EXCLUSIVE; COMMIT')
    if (file !== ':memory:') readBack(db, file)
    return db
  } catch (error) {
    db.close()
    throw storeError(error, file)
  }
}

/** Returns whose tables are in a file that exists. Changes nothing in it. Throws STORE_LOCKED, STORE_UNSUITABLE, STORE_FAILED. */
export function tablesIn(file: string): 'none' | 'ours' | 'those of another program' {
  let db: Database | undefined
  try {
    db = new SqliteDatabase(file, { readonly: true, fileMustExist: true, timeout: 0 })
    const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").pluck().all()
    if (tables.length === 0) return 'none'
    return tables.includes('schema_versions') ? 'ours' : 'those of another program'
  } catch (error) {
    throw storeError(error, file)
  } finally {
    db?.close()
  }
}

function connect(file: string): Database {
  try {
    if (file !== '' && file !== ':memory:') createFile(file)
    return new SqliteDatabase(file, { timeout: 0 })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new QuillworkError('STORE_FAILED', `${file} cannot be opened or made: ${message}`, { cause: error })
  }
}

/**
 * Creates an empty file for its owner alone, and its folder, where there is none. SQLite gives the mode of the file to what it keeps beside it. A
 * file that exists is not opened: closing it again would release the locks that this process holds on it.
 */
function createFile(file: string): void {
  fs.mkdirSync(path.dirname(path.resolve(file)), { recursive: true, mode: 0o700 })
  try {
    fs.closeSync(fs.openSync(file, 'wx', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** A pragma that silently did nothing would break the promise: what matters is read back. */
function readBack(db: Database, file: string): void {
  const wanted = { journal_mode: 'wal', synchronous: 1, locking_mode: 'exclusive' }
  for (const [pragma, value] of Object.entries(wanted)) {
    const held = db.pragma(pragma, { simple: true })
    if (held !== value) {
      throw new QuillworkError(
        'STORE_UNSUITABLE',
        `${file} does not hold the setting ${pragma}=${value} (it says ${String(held)}); put it on a local disk with a file system that supports it.`,
      )
    }
  }
}

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
    // SQLite copies no log into a file that grew by many more pages than were written: those of tables that came and went.
    db.pragma('incremental_vacuum(2000)')
  })()
}
