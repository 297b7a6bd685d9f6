import {
  closeSync,
  copyFileSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
} from 'node:fs'
import path from 'node:path'
import { QuillworkError } from '../index.ts'
import { sqliteLibraryRecords } from '../novel/index.ts'
import { syncFolder } from '../runtime/sync-folder.ts'
import { openFile, tablesIn } from '../store/sqlite/file.ts'
import { sqlite } from '../store/sqlite/index.ts'
import { sqliteWebhooks } from '../webhooks/open.ts'
import { timeInName } from './data-directory.ts'
import { removeDatabase, requireNoLog } from './home-sqlite.ts'

/** What a database is called while a backup is checked; it gets its name when it was found whole. */
const unchecked = '.restoring'

/** What is restored. */
interface Restored {
  /** The name that the earlier database has now; absent where there was none. */
  kept?: string
}

/**
 * Makes a backup the database. It is copied and checked first: until then nothing of the database has changed. Throws FILE_UNREADABLE, BACKUP_UNUSABLE, STORE_NEWER
 * for a backup that a newer version made, STORE_LOCKED while a server has the database, STORE_NOT_EMPTY where there is one and `replaces` is false, STORE_FULL.
 *
 * @param options `replaces`: the earlier database gets another name, beside the new one.
 */
export async function restore(
  backup: string,
  database: string,
  { replaces }: { replaces: boolean },
): Promise<Restored> {
  const holds = existsSync(database) ? contentOf(database) : 'none'
  if (holds !== 'none' && !replaces)
    throw new QuillworkError(
      'STORE_NOT_EMPTY',
      `${database} is there already. Pass --replace to restore in its place; it is kept under another name.`,
    )
  const checked = `${database}${unchecked}`
  removeDatabase(checked)
  try {
    copy(backup, checked)
    await check(checked, backup)
    const kept = holds === 'none' ? undefined : nameFor(database, new Date())
    if (kept === undefined) removeDatabase(database)
    else setAside(database, kept)
    renameSync(checked, database)
    await syncFolder(path.dirname(database))
    return kept === undefined ? {} : { kept }
  } finally {
    removeDatabase(checked)
  }
}

/** Returns what is in the database, which nobody has open. Throws STORE_LOCKED. */
function contentOf(database: string) {
  const content = tablesIn(database)
  // The log is copied into the file, which alone gets another name. What a reader leaves beside it says nothing.
  if (content === 'ours') openFile(database).close()
  rmSync(`${database}-shm`, { force: true })
  return content
}

function copy(backup: string, to: string): void {
  mkdirSync(path.dirname(to), { recursive: true, mode: 0o700 })
  try {
    copyFileSync(backup, to)
    // Not with the mode of the backup. What the check writes is synced by the store; the rest here.
    const file = openSync(to, 'r+')
    fchmodSync(file, 0o600)
    fsyncSync(file)
    closeSync(file)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOSPC') throw new QuillworkError('STORE_FULL', `There is no space for ${to}.`, { cause })
    throw new QuillworkError('FILE_UNREADABLE', `${backup} cannot be copied to ${to}: ${code}.`, { cause })
  }
}

/** Opens the copy as a server would, so that its tables have the newest form. Throws BACKUP_UNUSABLE, STORE_NEWER, STORE_FULL. */
async function check(file: string, backup: string): Promise<void> {
  const unusable = (why: string, cause?: unknown) =>
    new QuillworkError('BACKUP_UNUSABLE', `${backup} cannot be restored: ${why}.`, { cause })
  try {
    if (tablesIn(file) !== 'ours') throw unusable('it is no database of Quillwork')
    const store = sqlite({ file })
    try {
      sqliteWebhooks(store.database)
      sqliteLibraryRecords(store.database)
      const found = await store.database.read(db => db.pragma('quick_check', { simple: true }))
      if (found !== 'ok') throw unusable(`it is damaged (${String(found)})`)
    } finally {
      await store.tasks.close()
    }
    requireNoLog(file)
  } catch (error) {
    if (error instanceof QuillworkError && error.code === 'STORE_UNSUITABLE')
      throw unusable('it is no database, or damaged', error)
    throw error
  }
}

/** Gives the database a name that says what it is. Throws STORE_FULL. */
function setAside(database: string, name: string): void {
  requireNoLog(database)
  renameSync(database, name)
}

function nameFor(database: string, at: Date): string {
  const { dir, name, ext } = path.parse(database)
  return path.join(dir, `${name}-before-${timeInName(at)}${ext}`)
}
