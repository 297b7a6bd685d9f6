import { randomUUID } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { syncFolder } from '../../runtime/sync-folder.ts'
import { QuillworkError } from '../../task/errors.ts'
import type { Backup, Backups } from '../store.ts'
import type { Database } from './driver.ts'
import { closedError, storeError } from './failures.ts'

/** Pages that are copied in one turn of the event loop, 4 KB each: about a millisecond. */
const pagesPerTurn = 100
/** Pages after which the copy is synced, off the main thread, so that its last sync, which is on it, has little left. */
const pagesPerSync = 2_048

/** Returns the name of a copy that is made to be read once. */
const passingName = (file: string) => `${file}-backup`

/**
 * Copies the file while it is used. SQLite copies some pages at a time, and writes anew what changes meanwhile: the copy is the file as it was when
 * the last page was copied. A copy that a crash left to nobody is deleted here.
 *
 * @param openTransaction Resolves when no transaction is open that other turns of the event loop interrupt.
 */
export function createBackups(
  db: Database,
  file: string,
  openTransaction: () => Promise<void> | undefined,
): Backups {
  for (const suffix of ['', '-journal']) rmSync(`${passingName(file)}${suffix}`, { force: true })
  let last: Promise<unknown> = Promise.resolve()

  /** Writes the copy into a file that is not there yet. What fails leaves none. */
  async function copyTo(target: string): Promise<Backup> {
    const handle = await open(target, 'wx', 0o600).catch(error => {
      throw unwritable(target, error)
    })
    try {
      // Where a transaction is open, SQLite copies nothing, which the driver takes for the whole.
      for (let pages = 0; pages === 0; ) {
        await openTransaction()
        if (!db.open) throw closedError()
        const { totalPages } = await db.backup(target, { progress: syncedBy(handle) })
        pages = totalPages
      }
      await handle.sync()
      const { size } = await handle.stat()
      await handle.close()
      return { bytes: size }
    } catch (error) {
      await handle.close().catch(() => undefined)
      for (const suffix of ['', '-journal']) await rm(`${target}${suffix}`, { force: true })
      throw db.open ? storeError(error, target) : closedError()
    }
  }

  async function readCopy() {
    const place = passingName(file)
    const backup = await copyTo(place)
    // On its own from here on: its space is free again once it was read, or the process has ended.
    const handle = await open(place, 'r')
    await rm(place)
    return { ...backup, content: handle.createReadStream() }
  }

  return {
    async write(target) {
      requireNew(target)
      const beside = `${target}.${randomUUID()}.part`
      const backup = await copyTo(beside)
      try {
        requireNew(target)
        await rename(beside, target)
        await syncFolder(path.dirname(target))
      } catch (error) {
        await rm(beside, { force: true })
        throw error instanceof QuillworkError ? error : unwritable(target, error)
      }
      return backup
    },
    read() {
      const copy = last.then(readCopy)
      last = copy.catch(() => undefined)
      return copy
    },
  }
}

/** Returns what is told how far a copy is, and answers with the pages of the next turn. It syncs the copy again and again, off the main thread. */
function syncedBy(handle: FileHandle) {
  let synced = 0
  let running = false
  return ({ totalPages, remainingPages }: { totalPages: number; remainingPages: number }) => {
    const copied = totalPages - remainingPages
    if (!running && copied - synced >= pagesPerSync) {
      running = true
      synced = copied
      // One that fails is tried again, and told, at the end.
      void handle
        .datasync()
        .catch(() => undefined)
        .finally(() => {
          running = false
        })
    }
    return pagesPerTurn
  }
}

function requireNew(target: string): void {
  if (existsSync(target)) throw unwritable(target, 'it is there already')
}

function unwritable(target: string, cause: unknown): QuillworkError {
  const why = typeof cause === 'string' ? cause : ((cause as NodeJS.ErrnoException).code ?? String(cause))
  return new QuillworkError('FILE_UNWRITABLE', `${target} cannot be written: ${why}.`, { cause })
}
