/**
 * Records: what is kept and is not on the hot path. A kind is data: its fields that queries name, its large fields, its indexes; everything
 * else of a record travels in one body. A store reads records by id or by an index, adds numbers up, and commits changes, all of them
 * or none.
 *
 * Every write of a record gives it another revision, and no revision comes again. A change is guarded by the revision that its writer read: so
 * nobody overwrites what they have not seen, and a commit that is sent again, because its answer was lost, finds its own revision and is
 * `applied`.
 */
import { randomBytes } from 'node:crypto'
import { QuillworkError } from '../task/errors.ts'

/** What a field holds that queries name: a text, or a whole number. */
export type Value = string | number

/** Every record has an id, unique in its kind. */
export interface Identified {
  readonly id: string
}

/** A kind without the type of its records. */
export interface AnyKind {
  /** Of the table or the collection. */
  readonly name: string
  /** Fields that indexes, queries, sums and counters name. */
  readonly fields: Readonly<Record<string, 'text' | 'integer' | 'real'>>
  /** Fields that a read can leave out. `bytes` are read as `Uint8Array`. */
  readonly large: Readonly<Record<string, 'text' | 'json' | 'bytes'>>
  /** The fields of each index, in order. */
  readonly indexes: Readonly<Record<string, readonly string[]>>
}

/** A kind of records. */
export interface Kind<R extends Identified> extends AnyKind {
  /** Carries the type alone. */
  readonly '~record'?: R
}

/** Returns a kind of which the fields are those of its records. */
export function defineKind<R extends Identified>(kind: {
  name: string
  fields?: { readonly [F in keyof R & string]?: 'text' | 'integer' | 'real' }
  large?: { readonly [F in keyof R & string]?: 'text' | 'json' | 'bytes' }
  indexes?: Readonly<Record<string, readonly (keyof R & string)[]>>
}): Kind<R> {
  return { fields: {}, large: {}, indexes: {}, ...kind } as Kind<R>
}

/** A record as it was read. `without`: the fields that were left out. */
export type Stored<R, Without extends keyof R = never> = Omit<R, Without> & { readonly revision: string }

/** Which records, in which order. All conditions hold together. */
export interface Query<R> {
  /** The field is the value, or one of them. */
  equal?: { readonly [F in keyof R]?: Value | readonly Value[] }
  /** The field is greater. */
  above?: { readonly [F in keyof R]?: number }
  /** The field is at most that. */
  most?: { readonly [F in keyof R]?: number }
  /** Fields of one index, after those that `equal` names; or `id`. */
  order?: readonly (keyof R & string)[]
  /** Descending. */
  reverse?: boolean
  /** Values of the fields of `order`: begins behind them. */
  after?: readonly Value[] | undefined
  limit?: number
}

/** A query of any kind. */
export type AnyQuery = Query<Record<string, unknown>>

/** What is added up, by what. */
export interface SumQuery<R, Summed> extends Pick<Query<R>, 'equal' | 'above' | 'most'> {
  by: keyof R & string
  of?: readonly Summed[]
}

/** A group of records: how many, and the sums of their fields. */
export type Sums<Summed extends string> = Readonly<Record<Summed | 'count', number>>

/** Fields as a change finds them, mostly the revision; `none`: there must be no such record; `any`: whatever is there. */
export type Guard = Readonly<Record<string, Value>> | 'none' | 'any'

interface OfRecord {
  readonly kind: AnyKind
  readonly id: string
}

/** Records of a kind, all of which a change is made of. */
export type Selection<R> = Pick<Query<R>, 'equal' | 'above' | 'most'>

/** A change of one record, or of every record of a selection. No two changes of a commit are of one record, but those of selections. */
export type Change =
  | (OfRecord & { readonly op: 'put'; readonly record: Identified; readonly over: Guard })
  | (OfRecord & { readonly op: 'remove'; readonly over: Guard })
  | (OfRecord & { readonly op: 'add' } & Readonly<Record<'by' | 'raise', Readonly<Record<string, number>>>>)
  | Each

/** A change of every record of a selection. */
export interface Each {
  readonly op: 'each'
  readonly kind: AnyKind
  readonly of: AnyQuery
  readonly by: Readonly<Record<string, number>>
  readonly set: Readonly<Record<string, Value>>
}

/** Adds a record that must not be there. */
export function insert<R extends Identified>(kind: Kind<R>, record: R): Change {
  return { op: 'put', kind, id: record.id, record, over: 'none' }
}

/** Writes the whole record in place of the one that was read. */
export function replace<R extends Identified>(kind: Kind<R>, { revision, ...record }: Stored<R>): Change {
  const put = record as unknown as R
  return { op: 'put', kind, id: put.id, record: put, over: { revision } }
}

/** Writes whole records, whatever is there. */
export function write<R extends Identified>(kind: Kind<R>, records: readonly R[]): Change[] {
  return records.map(record => ({ op: 'put', kind, id: record.id, record, over: 'any' }))
}

/**
 * Adds to counters of a record, whatever its revision is, and raises fields to at least a value: for what many change at once. It is the
 * companion of guarded changes, by which the commit is recognised when it is sent again. The record must be there.
 */
export function add<R extends Identified>(
  kind: Kind<R>,
  id: string,
  { by = {}, raise = {} }: { [What in 'by' | 'raise']?: { readonly [F in keyof R]?: number } },
): Change {
  return { op: 'add', kind, id, by: by as Record<string, number>, raise: raise as Record<string, number> }
}

/** Gives a record another revision, so that guarded changes of it begin again; the record must be there. */
export function touch(kind: AnyKind, id: string): Change {
  return { op: 'add', kind, id, by: {}, raise: {} }
}

/**
 * Adds to fields of every record of a selection, and sets fields, as the changes before it in the commit left them. Each gets another
 * revision. It is the companion of guarded changes, by which the commit is recognised when it is sent again.
 */
export function each<R extends Identified>(
  kind: Kind<R>,
  of: Selection<NoInfer<R>>,
  {
    by = {},
    set = {},
  }: {
    by?: { readonly [F in keyof NoInfer<R>]?: number }
    set?: { readonly [F in keyof NoInfer<R>]?: Value }
  },
): Change {
  const change = { by: by as Record<string, number>, set: set as Record<string, Value> }
  return { op: 'each', kind, of: of as AnyQuery, ...change }
}

/** Removes the record that was read. One that is gone is no hindrance. */
export function remove(kind: AnyKind, { id, revision }: Identified & { revision: string }): Change {
  return { op: 'remove', kind, id, over: { revision } }
}

/** Removes records by their ids, whatever is there: what a guarded change of the same commit stands for. */
export function erase(kind: AnyKind, ids: readonly string[]): Change[] {
  return ids.map(id => ({ op: 'remove', kind, id, over: 'any' }))
}

/** A change of one record. */
export type OfOne = Exclude<Change, Each>

/** Whether a change needs to know which revision is there. */
export function isGuarded(change: Change): change is OfOne {
  return change.op !== 'each' && (change.op === 'add' || change.over !== 'any')
}

/** Whether a change may be made where these fields are there; undefined: no record is. */
export function holds(change: OfOne, held: Readonly<Record<string, unknown>> | undefined): boolean {
  if (change.op === 'add') return held !== undefined
  if (change.over === 'any') return true
  if (held === undefined) return change.over === 'none' || change.op === 'remove'
  return (
    change.over !== 'none' && Object.entries(change.over).every(([field, value]) => held[field] === value)
  )
}

/** Where records are kept. */
export interface Records {
  /** The records that are there, by id. */
  get<R extends Identified, Without extends keyof R = never>(
    kind: Kind<R>,
    ids: readonly string[],
    without?: readonly Without[],
  ): Promise<ReadonlyMap<string, Stored<R, Without>>>
  /** The records of a query, by one of the kind's indexes. */
  find<R extends Identified, Without extends keyof R = never>(
    kind: Kind<R>,
    query: Query<R>,
    without?: readonly Without[],
  ): Promise<Stored<R, Without>[]>
  /** Counts records and adds up their fields, by the value of a field. */
  sum<R extends Identified, Summed extends keyof R & string = never>(
    kind: Kind<R>,
    query: SumQuery<R, Summed>,
  ): Promise<ReadonlyMap<Value, Sums<Summed>>>
  /**
   * Makes all changes, or none: `stale` when a record is not what its guard says. Throws OPTION_INVALID for a record above
   * `largestRecord`.
   */
  commit(changes: readonly Change[]): Promise<'applied' | 'stale'>
}

/** The index that serves a query: the one of which the conditions name the most leading fields. Undefined for none: then it is by id. */
export function indexFor({ indexes }: AnyKind, query: AnyQuery): string | undefined {
  const { equal = {}, above = {}, most = {}, order = [] } = query
  const ranged = new Set([...Object.keys(above), ...Object.keys(most), ...order.slice(0, 1)])
  const led = Object.entries(indexes).map(([index, on]) => {
    const fixed = on.findIndex(field => !(field in equal))
    const fields = fixed === -1 ? on.length : fixed
    return { index, led: fields + (ranged.has(on[fields] ?? '') ? 0.5 : 0) }
  })
  const [best] = led.filter(each => each.led > 0).sort((one, other) => other.led - one.led)
  return best?.index
}

/** Bytes that a record has at most: below the 16 MB that a document of MongoDB may have. */
export const largestRecord = 15_000_000

/** Throws OPTION_INVALID for a record that one of the stores could not keep. */
export function requireAllFit(changes: readonly Change[]): void {
  for (const change of changes) {
    if (change.op !== 'put') continue
    const bytes = sizeOf(change.kind, change.record)
    if (bytes <= largestRecord) continue
    throw new QuillworkError(
      'OPTION_INVALID',
      `The record ${change.id} of ${change.kind.name} has ${bytes} bytes; at most ${largestRecord} are stored.`,
    )
  }
}

/** Bytes of a record, without its small fields. */
export function sizeOf({ large }: AnyKind, record: Identified): number {
  let bytes = 0
  for (const [field, value] of Object.entries(record)) {
    if (value instanceof Uint8Array) bytes += value.length
    else if (typeof value === 'string') bytes += Buffer.byteLength(value)
    else if (large[field] === 'json') bytes += Buffer.byteLength(JSON.stringify(value))
  }
  return bytes
}

/** Of this process alone. */
const ownRevisions = randomBytes(9).toString('base64url')
let commits = 0

/** Returns a revision that no other commit has, of this process or of another. */
export function nextRevision(): string {
  commits += 1
  return ownRevisions + commits.toString(36)
}

/** The record with an id, or undefined. */
export async function getOne<R extends Identified, Without extends keyof R = never>(
  records: Records,
  kind: Kind<R>,
  id: string,
  without: readonly Without[] = [],
): Promise<Stored<R, Without> | undefined> {
  return (await records.get(kind, [id], without)).get(id)
}
