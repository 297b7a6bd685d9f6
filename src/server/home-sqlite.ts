import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import { QuillworkError } from '../index.ts'
import { folderUploads, sqliteLibraryRecords } from '../novel/index.ts'
import { libraryKinds } from '../novel/library/kinds.ts'
import { tablesIn } from '../store/sqlite/file.ts'
import { type SqliteStore, sqlite } from '../store/sqlite/index.ts'
import { webhookKinds } from '../webhooks/kinds.ts'
import { sqliteWebhooks } from '../webhooks/open.ts'
import { sqliteFileOf } from './addresses.ts'
import { closeToOthers } from './close-to-others.ts'
import type { Home, HomeOptions } from './home.ts'

/** What a file is called while it is being filled; it gets its name when it is full. */
const unfinished = '.filling'

/** Opens a file to be moved. Throws FILE_UNREADABLE when a source is not there, STORE_LOCKED, CONFIG_INVALID as `closeToOthers` does, and the other errors of the store. */
export async function sqliteHome({ address, isTarget, uploads, allowOpenData }: HomeOptions): Promise<Home> {
  const file = path.resolve(sqliteFileOf(address) ?? '')
  const closed = closeToOthers({ sqliteFile: file, uploads, allowOpenData })
  const home = isTarget ? await targetHome(file, uploads) : sourceHome(file, uploads)
  return { ...home, closed }
}

function sourceHome(file: string, uploads: string): Omit<Home, 'closed'> {
  if (!existsSync(file)) throw new QuillworkError('FILE_UNREADABLE', `There is no file ${file}.`)
  const store = sqlite({ file })
  return {
    ...partsOf(store, file),
    uploads: folderUploads(uploads),
    uploadsShown: uploads,
    begin: async () => undefined,
    finish: async () => undefined,
    close: () => store.tasks.close(),
  }
}

/** A file of another name is filled, and its uploads go into another folder: whatever is cut off leaves nothing that could be opened. */
async function targetHome(file: string, uploads: string): Promise<Omit<Home, 'closed'>> {
  await requireEmpty(file)
  const filling = `${file}${unfinished}`
  const uploadsFilling = `${uploads}${unfinished}`
  removeDatabase(filling)
  rmSync(uploadsFilling, { recursive: true, force: true })
  const store = sqlite({ file: filling })
  return {
    ...partsOf(store, file),
    uploads: folderUploads(uploadsFilling),
    uploadsShown: uploads,
    begin: from => store.transfer.begin(from),
    async finish() {
      await store.transfer.finish()
      await store.tasks.close()
      requireNoLog(filling)
      await requireEmpty(file)
      moveFiles(uploadsFilling, uploads)
      removeDatabase(file)
      renameSync(filling, file)
    },
    close: () => store.tasks.close(),
  }
}

function partsOf(store: SqliteStore, file: string) {
  sqliteWebhooks(store.database)
  return {
    shown: `sqlite:${file}`,
    tasks: store.transfer,
    lanes: store.lanes,
    records: sqliteLibraryRecords(store.database),
    // The lock of the file is held.
    requireUnused: async () => undefined,
  }
}

/** Throws STORE_NOT_EMPTY for a file that holds anything, also of another program, STORE_LOCKED for one that is in use. */
async function requireEmpty(file: string): Promise<void> {
  if (!existsSync(file)) return
  // To open it as a store would make tables in it.
  if (tablesIn(file) === 'those of another program')
    throw new QuillworkError(
      'STORE_NOT_EMPTY',
      `${file} is the database of another program; name another file.`,
    )
  const store = sqlite({ file })
  try {
    await store.transfer.begin('')
    sqliteWebhooks(store.database)
    const records = sqliteLibraryRecords(store.database)
    for (const kind of [...libraryKinds, ...webhookKinds]) {
      if ((await records.find(kind, { limit: 1 })).length === 0) continue
      throw new QuillworkError('STORE_NOT_EMPTY', `${file} has rows in ${kind.name}; name another file.`)
    }
  } finally {
    await store.tasks.close()
  }
}

/** Throws STORE_FULL where a closed store left a log: SQLite says nothing where it could not copy all of that into the file, which alone is renamed. */
export function requireNoLog(file: string): void {
  if (!existsSync(`${file}-wal`)) return
  const message = `The log of ${file} could not be copied into it; give the disk space, and run the command again.`
  throw new QuillworkError('STORE_FULL', message)
}

/** Deletes a database that nobody has open. */
export function removeDatabase(file: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true })
}

function moveFiles(from: string, to: string): void {
  if (!existsSync(from)) return
  mkdirSync(to, { recursive: true, mode: 0o700 })
  for (const name of readdirSync(from)) renameSync(path.join(from, name), path.join(to, name))
  rmSync(from, { recursive: true, force: true })
}
