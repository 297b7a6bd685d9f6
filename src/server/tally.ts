/** Counts rows, and sums up what they hold in a number that does not depend on their order: two homes with the same rows have the same sum. */
import { createHash } from 'node:crypto'
import { scenes, type UploadRecord, uploads } from '../novel/library/kinds.ts'
import type { AnyKind, Identified } from '../records/records.ts'
import type { RowsTransfer, StoreTransfer, TransferredTask } from '../store/transfer.ts'

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

/** The store with every row that is read from it counted. */
export function countedTasks(
  tasks: StoreTransfer,
  tally: Tally,
): Pick<StoreTransfer, (typeof taskKinds)[number]> {
  return {
    tasks: counted(tasks.tasks, task => countTask(tally, task)),
    output: counted(tasks.output, row => addTo(tally, 'pieces of output', row)),
    usage: counted(tasks.usage, row => addTo(tally, 'model calls', row)),
    strays: counted(tasks.strays, row => addTo(tally, 'strays', row)),
    schedules: counted(tasks.schedules, row => addTo(tally, 'schedules', row)),
    pausedLanes: counted(tasks.pausedLanes, row => addTo(tally, 'paused lanes', row)),
    budgets: counted(tasks.budgets, row => addTo(tally, 'budgets', row)),
  }
}

/** The kinds of rows of a store, in the order in which they are copied. */
export const taskKinds = [
  'tasks',
  'output',
  'usage',
  'strays',
  'schedules',
  'pausedLanes',
  'budgets',
] as const

/** Counts records of the library. A file is written again, so it lies elsewhere. */
export function countRecords(tally: Tally, kind: AnyKind, records: readonly Identified[]): void {
  const name = kind.name.replace('library_', '')
  for (const record of records) {
    const { location: _, ...rest } = record as UploadRecord
    addTo(tally, name, kind.name === uploads.name ? rest : record)
    if (kind.name === scenes.name && 'summary' in record) addTo(tally, 'summaries', record.summary)
  }
}

/** A lease is void in the new home, so its end is not compared. */
function countTask(tally: Tally, { record, rank, attempts, checkpoints, logs }: TransferredTask): void {
  const { leaseUntil: _, ...rest } = record
  addTo(tally, 'tasks', { ...rest, rank })
  if (record.deadLetter !== undefined) addTo(tally, 'dead letters', record.deadLetter)
  for (const attempt of attempts) addTo(tally, 'attempts that failed', { ...attempt, taskId: record.id })
  for (const [key, value] of checkpoints) addTo(tally, 'finished steps', { key, value, taskId: record.id })
  for (const line of logs) addTo(tally, 'log lines', { ...line, taskId: record.id })
}

function counted<Row>(rows: RowsTransfer<Row>, count: (row: Row) => void): RowsTransfer<Row> {
  return {
    write: written => rows.write(written),
    async *read() {
      for await (const page of rows.read()) {
        page.forEach(count)
        yield page
      }
    },
  }
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
