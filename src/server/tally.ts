/** Counts rows, and sums up what they hold in a number that does not depend on their order: two homes with the same rows have the same sum. */
import { createHash } from 'node:crypto'
import { scenes, type UploadRecord, uploads } from '../novel/library/kinds.ts'
import type { AnyKind, Identified } from '../records/records.ts'
import { states, unparsable } from '../store/cold-records.ts'
import { budgetKey } from '../store/store.ts'
import type { TransferredTask } from '../store/transfer.ts'

/** What was seen of one kind of rows. */
export interface Seen {
  count: number
  /** Sum of the hashes of the rows, modulo 2^64. */
  digest: bigint
}

/** What was seen, by kind. */
export type Tally = Map<string, Seen>

/** Adds one row, or a part of one, to a kind. */
export function addTo(tally: Tally, kind: string, row: unknown): void {
  const seen = tally.get(kind) ?? { count: 0, digest: 0n }
  const hash = createHash('sha256').update(canonical(row)).digest().readBigUInt64LE()
  tally.set(kind, { count: seen.count + 1, digest: BigInt.asUintN(64, seen.digest + hash) })
}

/** Accounts of rate limits stay behind: a minute later they say nothing. */
export function isMoved({ name }: AnyKind, { id }: Identified): boolean {
  return name !== states.name || id.startsWith(budgetKey(''))
}

/** What kinds are called where their name would say less. */
const shownNames: Readonly<Record<string, string>> = {
  [unparsable.name]: 'unparsable messages',
  [states.name]: 'budgets',
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
export function countTask(
  tally: Tally,
  { record, rank, attempts, checkpoints, logs }: TransferredTask,
): void {
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
