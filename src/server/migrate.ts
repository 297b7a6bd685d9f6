/** Moves all tasks and novels from one home to another, and compares what is there with what was there. */
import { createHash } from 'node:crypto'
import { QuillworkError, systemClock } from '../index.ts'
import type { UploadFiles } from '../novel/index.ts'
import { novelExports, type UploadRecord, uploads } from '../novel/library/file-kinds.ts'
import { libraryKinds, scenes } from '../novel/library/kinds.ts'
import { copyRecords, everyRecord } from '../records/copy.ts'
import type { AnyKind, Identified } from '../records/records.ts'
import { apiKeys } from '../store/api-keys.ts'
import { audit } from '../store/audit.ts'
import { coldKinds, states, unparsable } from '../store/cold-records.ts'
import { operatorValues } from '../store/operator-values.ts'
import { keptSchedules } from '../store/schedules.ts'
import { budgetKey } from '../store/store.ts'
import type { RowsTransfer, TransferredTask } from '../store/transfer.ts'
import { usageDays } from '../store/usage-days.ts'
import { webhookKinds } from '../webhooks/kinds.ts'
import { sqliteFileOf } from './addresses.ts'
import type { Home, HomeOptions } from './home.ts'

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
const movedKinds = [...coldKinds, ...libraryKinds, ...webhookKinds]

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

/** What was seen of one kind of rows. */
interface Seen {
  count: number
  /** Sum of the hashes of the rows, modulo 2^64. */
  digest: bigint
}

/** What was seen, by kind: counts of rows, and sums that do not depend on their order. Two homes with the same rows have the same sums. */
export type Tally = Map<string, Seen>

/** Adds one row, or a part of one, to a kind. */
function addTo(tally: Tally, kind: string, row: unknown): void {
  const seen = tally.get(kind) ?? { count: 0, digest: 0n }
  const hash = createHash('sha256').update(canonical(row)).digest().readBigUInt64LE()
  tally.set(kind, { count: seen.count + 1, digest: BigInt.asUintN(64, seen.digest + hash) })
}

/** Accounts of rate limits stay behind: a minute later they say nothing. So do exports, which are made again from the novel. */
function isMoved({ name }: AnyKind, { id }: Identified): boolean {
  if (name === novelExports.name) return false
  return name !== states.name || id.startsWith(budgetKey(''))
}

/** What kinds are called where their name would say less. */
const shownNames: Readonly<Record<string, string>> = {
  [unparsable.name]: 'unparsable messages',
  [states.name]: 'budgets',
  [usageDays.name]: 'days of model calls',
  [apiKeys.name]: 'API keys',
  [audit.name]: 'lines of the audit trail',
  [operatorValues.name]: 'values that operators set',
  [keptSchedules.name]: 'schedules that were made',
}

/** Counts records of the store and of the library. A file is written again, so it lies elsewhere. */
export function countRecords(tally: Tally, kind: AnyKind, records: readonly Identified[]): void {
  const name = shownNames[kind.name] ?? kind.name.replace('library_', '')
  for (const record of records) {
    if (!isMoved(kind, record)) continue
    const { location: _, ...rest } = record as UploadRecord
    addTo(tally, name, kind.name === uploads.name ? rest : record)
    if (kind.name === scenes.name && 'summary' in record) addTo(tally, 'summaries', record.summary)
  }
}

/** Counts a task and what hangs on it. A lease is void in the new home, so its end is not compared. */
function countTask(tally: Tally, { record, rank, attempts, checkpoints, logs }: TransferredTask): void {
  const { leaseUntil: _, ...rest } = record
  addTo(tally, 'tasks', { ...rest, rank })
  if (record.deadLetter !== undefined) addTo(tally, 'dead letters', record.deadLetter)
  for (const attempt of attempts) addTo(tally, 'attempts that failed', { ...attempt, taskId: record.id })
  for (const [key, value] of checkpoints) addTo(tally, 'finished steps', { key, value, taskId: record.id })
  for (const line of logs) addTo(tally, 'log lines', { ...line, taskId: record.id })
}

/** JSON with the fields in one order; an absent field and an undefined one are the same. */
function canonical(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`)
  return `{${fields.join(',')}}`
}
