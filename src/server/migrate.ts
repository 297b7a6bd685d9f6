/** Moves all tasks and novels from one home to another, and compares what is there with what was there. */
import { QuillworkError, systemClock } from '../index.ts'
import type { UploadFiles } from '../novel/index.ts'
import { libraryKinds, type UploadRecord, uploads } from '../novel/library/kinds.ts'
import { copyRecords, everyRecord } from '../records/copy.ts'
import type { Identified } from '../records/records.ts'
import { coldKinds } from '../store/cold-records.ts'
import type { RowsTransfer } from '../store/transfer.ts'
import { sqliteFileOf } from './addresses.ts'
import type { Home, HomeOptions } from './home.ts'
import { addTo, countRecords, countTask, isMoved, type Tally } from './tally.ts'

/** From where to where. */
export interface Move {
  from: Home
  to: Home
  /** Called after each page with what has been copied so far. */
  onProgress?: (copied: Readonly<Tally>) => void
  signal?: AbortSignal
}

/** How many rows of a kind were copied, and found in the new home when it was read again. */
export interface MovedKind {
  kind: string
  copied: number
  found: number
  /** As many, and with the same content. */
  same: boolean
}

/** What a move came to. */
export interface Moved {
  kinds: readonly MovedKind[]
  /** Uploads whose time is not over and whose file was not there: nothing can read them in the new home either. */
  missingFiles: number
}

/** Opens a home by its address. The driver loads with it. */
export async function openHome(options: HomeOptions): Promise<Home> {
  if (sqliteFileOf(options.address) === undefined)
    return (await import('./home-mongodb.ts')).mongoHome(options)
  return (await import('./home-sqlite.ts')).sqliteHome(options)
}

/**
 * Moves everything. The old home is only read. Throws STORE_LOCKED when one of them is in use, STORE_NOT_EMPTY when the new one holds
 * something, TRANSFER_INCOMPLETE when it does not hold what was copied; then, and when it is cut off, it cannot be used, and the move
 * is made again from the start.
 */
export async function migrate({ from, to, onProgress, signal }: Move): Promise<Moved> {
  await from.requireUnused()
  await to.requireUnused()
  await to.begin(from.shown)
  const copied: Tally = new Map()
  const report = () => {
    signal?.throwIfAborted()
    onProgress?.(copied)
  }
  await readTasks(from, copied, report, to)
  const missing = new Set<string>()
  await copyRecords(from.records, to.records, movedKinds, {
    async change(kind, record) {
      if (!isMoved(kind, record)) return undefined
      if (kind.name !== uploads.name) return record
      return moveFile(record as UploadRecord, { from: from.uploads, to: to.uploads, copied, missing })
    },
    onCopied(kind, records) {
      countRecords(copied, kind, records)
      report()
    },
  })
  const kinds = compared(copied, await read(to, report))
  requireSame(kinds, from, to)
  await from.requireUnused()
  await to.finish()
  return { kinds, missingFiles: missing.size }
}

/** Throws TRANSFER_INCOMPLETE, with the numbers of each kind that differs. */
function requireSame(moved: readonly MovedKind[], from: Home, to: Home): void {
  const wrong = moved.filter(({ same }) => !same)
  if (wrong.length === 0) return
  const numbers = wrong.map(({ kind, copied, found }) => `${kind} ${copied} and ${found}`).join(', ')
  throw new QuillworkError(
    'TRANSFER_INCOMPLETE',
    `${to.shown} does not hold what ${from.shown} holds: ${numbers}.`,
  )
}

/** Kinds of records, in the order in which they are copied. */
const movedKinds = [...coldKinds, ...libraryKinds]

/** Counts the rows of all tasks and the paused lanes, and writes them into another home. */
async function readTasks(from: Home, tally: Tally, report: () => void, to?: Home): Promise<void> {
  async function pass<Row>(
    source: RowsTransfer<Row>,
    count: (row: Row) => void,
    target: RowsTransfer<Row> | undefined,
  ): Promise<void> {
    for await (const rows of source.read()) {
      rows.forEach(count)
      await target?.write(rows)
      report()
    }
  }
  await pass(from.tasks.tasks, task => countTask(tally, task), to?.tasks.tasks)
  await pass(from.tasks.output, piece => addTo(tally, 'pieces of output', piece), to?.tasks.output)
  await pass(from.tasks.usage, call => addTo(tally, 'model calls', call), to?.tasks.usage)
  for (const lane of await from.lanes.paused()) {
    addTo(tally, 'paused lanes', lane)
    await to?.lanes.setPaused(lane, true)
  }
}

/** The name under which files that could be copied are counted. */
const filesKind = 'uploaded files'

/** Where files are copied from and to, and what is noted of them. */
interface FilesMove {
  from: UploadFiles
  to: UploadFiles
  copied: Tally
  /** Ids of uploads that should have a file. */
  missing: Set<string>
}

/** Copies the file of an upload. One whose file is gone stays without, and is noted where its time is not over. */
async function moveFile(row: UploadRecord, { from, to, copied, missing }: FilesMove): Promise<UploadRecord> {
  const source = await from.open(row.location, row.fileName)
  const stored = source === undefined ? undefined : await to.write(source.read())
  if (stored !== undefined) addTo(copied, filesKind, { id: row.id, bytes: stored.bytes })
  else if (row.expiresAt > systemClock.now()) missing.add(row.id)
  return stored === undefined ? row : { ...row, location: stored.location }
}

/** Reads a home to its end. */
async function read(home: Home, report: () => void): Promise<Tally> {
  const found: Tally = new Map()
  await readTasks(home, found, report)
  for (const kind of movedKinds) {
    for await (const page of everyRecord<Identified>(home.records, kind)) {
      countRecords(found, kind, page)
      report()
    }
  }
  for await (const page of everyRecord(home.records, uploads)) {
    for (const { id, location, fileName } of page) {
      const file = await home.uploads.open(location, fileName)
      if (file !== undefined) addTo(found, filesKind, { id, bytes: await lengthOf(file.read()) })
    }
  }
  return found
}

async function lengthOf(content: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0
  for await (const piece of content) bytes += piece.length
  return bytes
}

function compared(copied: Tally, found: Tally): MovedKind[] {
  return [...new Set([...copied.keys(), ...found.keys()])].map(kind => {
    const [was, is] = [copied.get(kind), found.get(kind)]
    const same = was?.count === is?.count && was?.digest === is?.digest
    return { kind, copied: was?.count ?? 0, found: is?.count ?? 0, same }
  })
}
