/** What the parts of this store share. `store.ts` builds it, each part after those that it needs. */
import type { Collection, Document, Filter, FindOptions, UpdateFilter } from 'mongodb'
import { createEmitter } from '../../runtime/emitter.ts'
import type { Delivery, LaneCapacity, Outbox, PartitionStore } from '../store.ts'
import type { OpenableDatabase } from './database.ts'
import type {
  LaneDocument,
  PartitionFlag,
  PayloadDocument,
  RelayDocument,
  TaskDocument,
} from './documents.ts'

/** What every part may use. */
export interface Context {
  database: OpenableDatabase
  tasks: Collection<TaskDocument>
  payloads: Collection<PayloadDocument>
  lanes: Collection<LaneDocument>
  relays: Collection<RelayDocument>
  /** The server's time as far as this process knows it, epoch milliseconds. The process's own clock may jump. */
  now(): number
  /** Resolves when the server's time is known again after the machine slept; undefined where it is. What begins a lease or a deadline here waits for it. */
  freshTime(): Promise<void> | undefined
  /** The server's time within a pipeline update or an `$expr`: `$$NOW`, or the date of an injected clock. */
  serverNow(): '$$NOW' | Date
  /** The name of this process among those that share the database. */
  processId: string
  /** A fresh name for a write, a delivery or a payload; no other process gives the same. */
  nextName(): string
  /** The number of the next task: rises with submission. */
  nextNumber(): number
  order: FairOrder
  flags: DirtyFlags
  partitions: Partitions
  paused: PausedLanes
  writtenEvents: ReturnType<typeof createWrittenEvents>
  resendAfter: ResendAfter
  features: Features
  /** Calls the listeners of the outbox: something may be due. */
  notifyDue(): void
  /** Throws STORE_CLOSED once the store is closed, or closing. */
  requireOpen(): void
}

/** The context, and the parts that work with it. */
export interface Session extends Context {
  parents: ParentIndex
  inFlight: InFlightDeliveries
  poll: Poll
}

/** The partitions as one process sees them. Until it shares them it holds all: then no other process is relied on. */
export interface Partitions extends PartitionStore {
  /** Returns the partition of a new task. */
  of(userId: string): string
  /** Whether this process holds the partition. What has none belongs to the first. */
  holds(partition: string | undefined): boolean
  /** The part of the partitions that this process holds of a lane; 1 for all. */
  shareOf(lane: string): number
  /** Returns the names under which tasks wait in a queue, in the partitions of a lane that this process holds, or `elsewhere`, or in `all`. */
  readyNames(queue: string, lane: string, which?: 'elsewhere' | 'all' | undefined): string[]
  /** Returns the flags of records in partitions that this process holds. */
  flags(): PartitionFlag[]
  /** Returns the flags that a record of the partition may have. Without a partition: of any. */
  flagsOf(partition: string | undefined): PartitionFlag[]
  /** Returns a condition for tasks in partitions that this process holds; undefined where it holds all. */
  condition(): Filter<TaskDocument> | undefined
  /** Joins the relays, or renews the lease, if it is time. `lanes`: those that this process sends. */
  renew(lanes: readonly string[]): Promise<void>
  /** Takes what the collection of relays has now. Returns whether this process holds other partitions than before. */
  learn(relays: readonly RelayDocument[]): boolean
  /** Something became due in this partition: its holder is notified, where that is another process. */
  becameDueIn(partition: string | undefined): void
  /** As `becameDueIn`, where it is not known in which. */
  becameDueAnywhere(): void
  /** This process could not do what a relay does: it gives its share up for a while. */
  failed(): void
}

/** Reads now and then what may be due, and flags it. */
export interface Poll {
  /** Polls if it is time. `lanes`: those that this process sends; default those of the last call. */
  run(lanes?: readonly LaneCapacity[]): Promise<void>
}

/** Reads tasks in one round trip. `operation` names it in errors. */
export function findTasks(
  { database, tasks }: Context,
  operation: string,
  filter: Filter<TaskDocument>,
  options: FindOptions = {},
): Promise<TaskDocument[]> {
  return database.run(operation, () => tasks.find(filter, { ...byId(filter), ...options }).toArray())
}

/** Names the index of the ids for a filter that has some, so that no other one looks cheaper. */
function byId({ _id }: Filter<TaskDocument>): { hint?: string } {
  return _id === undefined ? {} : { hint: '_id_' }
}

/** Reads some fields of tasks, as `findTasks`. */
export function readFields<K extends keyof TaskDocument>(
  context: Context,
  operation: string,
  filter: Filter<TaskDocument>,
  fields: readonly K[],
  options: FindOptions = {},
): Promise<Pick<TaskDocument, K | '_id'>[]> {
  const projection = Object.fromEntries(['_id', ...fields].map(field => [field, 1]))
  return findTasks(context, operation, filter, { ...options, projection })
}

/** Reads what a pipeline makes of tasks, along an index, in one round trip. `operation` names it in errors. */
export function aggregateTasks<T extends Document>(
  { database, tasks }: Pick<Context, 'database' | 'tasks'>,
  operation: string,
  hint: string,
  pipeline: Document[],
): Promise<T[]> {
  return database.run(operation, () => tasks.aggregate<T>(pipeline, { hint }).toArray())
}

/** Counts tasks along an index, from its keys alone where they answer the filter, and no further than the limit. */
export function countUpTo(
  { database, tasks }: Pick<Context, 'database' | 'tasks'>,
  operation: string,
  filter: Filter<TaskDocument>,
  along: { hint: string; limit: number },
): Promise<number> {
  return database.run(operation, () => tasks.countDocuments(filter, along))
}

/**
 * Changes the tasks that the filter finds, by one statement: at most a batch of them, by id, or along an index. Returns how many were changed.
 */
export async function updateTasks(
  { database, tasks }: Context,
  operation: string,
  filter: Filter<TaskDocument>,
  update: Document[] | UpdateFilter<TaskDocument>,
  hint?: string,
): Promise<number> {
  const options = hint === undefined ? byId(filter) : { hint }
  const { modifiedCount } = await database.run(operation, () => tasks.updateMany(filter, update, options))
  return modifiedCount
}

/** Tasks that one part of a change of many takes: what waits for the same records waits for no more than these. */
const perPart = 1_000

/**
 * Changes every task that the filter finds, part by part; `hint` is the index that finds them. The update must take a task out of what the
 * filter finds. Returns how many were found.
 */
export async function updateInParts(
  session: Context,
  operation: string,
  filter: Filter<TaskDocument>,
  update: Document[] | UpdateFilter<TaskDocument>,
  hint: string,
): Promise<number> {
  for (let total = 0; ; ) {
    const found = await readFields(session, operation, filter, [], { hint, limit: perPart })
    total += found.length
    if (found.length === 0) return total
    await updateTasks(session, operation, { ...filter, _id: { $in: found.map(({ _id }) => _id) } }, update)
    if (found.length < perPart) return total
  }
}

/** Changes each task by an update of its own, in one round trip. Returns how many were found. */
export async function updateEach(
  { database, tasks }: Context,
  operation: string,
  updates: readonly { filter: Filter<TaskDocument>; update: Document[] | UpdateFilter<TaskDocument> }[],
): Promise<number> {
  if (updates.length === 0) return 0
  const writes = updates.map(updateOne => ({ updateOne }))
  const { matchedCount } = await database.run(operation, () => tasks.bulkWrite(writes, { ordered: false }))
  return matchedCount
}

/** Writes documents in place of those with their ids, in one round trip. `operation` names it in errors. */
export async function replaceAll<D extends { _id: string }>(
  { database }: Context,
  operation: string,
  collection: string,
  documents: readonly D[],
): Promise<void> {
  if (documents.length === 0) return
  const target = database.collection<Document & { _id: string }>(collection)
  const writes = documents.map(document => ({
    replaceOne: { filter: { _id: { $eq: document._id } }, replacement: document, upsert: true },
  }))
  await database.run(operation, () => target.bulkWrite(writes, { ordered: false }))
}

/** What the engine asked for, because it is published. */
export interface Features {
  events: boolean
  notifications: boolean
  /** Milliseconds, ascending, that the broker can hold a delivery for. */
  delays: readonly number[]
}

/** How long a sent delivery may stay unclaimed before it is sent again; milliseconds. */
export interface ResendAfter {
  /** It is unknown whether the broker has it. */
  unconfirmed: number
  /** The broker has it; doubles with every time it is sent. */
  confirmed: number
}

/** Where a task waits. */
export interface Place {
  userId: string
  lane: string
  priority: number
}

/** The fair order as one process sees it. */
export interface FairOrder {
  /** Reads from the index what was not read for a second. Await it before ranks are given. */
  refresh(places: readonly Place[]): Promise<void>
  /** Whether this process has seen how far the lane is. */
  knows(place: Place): boolean
  /** Returns the rank of one more task of this user. */
  rankFor(place: Place): number
  /** A task of this rank was sent or claimed. */
  passed(place: Pick<TaskDocument, 'lane' | 'priority' | 'rank'>): void
}

/** Which lanes are paused, remembered for a moment. */
export interface PausedLanes {
  current(): Promise<ReadonlySet<string>>
  /** A lane was paused or resumed here: the next call reads again. */
  reset(): void
}

/** Records that are remembered; the others are found as those of another process are. */
const mostWritten = 10_000

/** Milliseconds for which a process leaves the event of a new task to the process that claims it. */
export const unclaimedMs = 300
/** Milliseconds between two looks at those whose time is over. */
const unclaimedEveryMs = 100

/** Remembers the records in which this process left events since they were last taken. */
export function createWrittenEvents() {
  const written = new Set<string>()
  const pending = createEmitter()
  const unclaimed = new Map<string, number>()
  let timer: NodeJS.Timeout | undefined

  function note(taskIds: readonly string[]): void {
    if (taskIds.length === 0) return
    for (const id of taskIds) if (written.size < mostWritten) written.add(id)
    pending.emit()
  }

  function later(taskIds: readonly string[], at: number): void {
    for (const id of taskIds) if (unclaimed.size < mostWritten) unclaimed.set(id, at)
    if (unclaimed.size > 0 && timer === undefined) timer = setTimeout(look, unclaimedEveryMs).unref()
  }

  function look(): void {
    timer = undefined
    const now = performance.now()
    const over = [...unclaimed].filter(([, at]) => at <= now).map(([id]) => id)
    for (const id of over) unclaimed.delete(id)
    note(over)
    later([], now)
  }

  return {
    note,
    /** As `note`, a moment later: new tasks. */
    noteUnclaimed: (taskIds: readonly string[]) => later(taskIds, performance.now() + unclaimedMs),
    /** As `note`, after so many milliseconds: what another process publishes, unless it is gone. */
    noteIn: (taskIds: readonly string[], ms: number) => later(taskIds, performance.now() + ms),
    take(limit: number): string[] {
      const taken = [...written].slice(0, limit)
      for (const id of taken) written.delete(id)
      if (written.size > 0) pending.emit()
      return taken
    },
    /** Calls back after each note. Returns an unsubscribe function. */
    onPending: (listener: () => void) => pending.on(listener),
  }
}

/** The deliveries that this process has the right to send, until their tasks are claimed. */
export interface InFlightDeliveries extends Required<Pick<Outbox, 'requeue' | 'defer'>> {
  /** These were taken for sending; those that are not published are reclaimed at the next read of the lane. */
  add(deliveries: readonly Delivery[], by: string): void
  /** The write that created the task took the right to send it. */
  addNew(taskId: string, by: string): void
  published(deliveries: readonly Delivery[]): void
  /** This process runs the task. */
  claimed(taskId: string, quarantined: boolean): void
  /** An attempt of the task ended here. */
  settled(taskId: string): void
  /** Puts back in line what was taken in these lanes and not published, and what was requeued. Returns whether there was something not published. */
  reclaim(lanes: readonly string[]): Promise<boolean>
  /** Counts the quarantined tasks that are on their way from here, or run here. */
  countQuarantined(): Promise<number>
  /** Writes what is pending. */
  flush(): Promise<void>
}

/** Which task is whose sub-task, as far as this process knows, and which parents have sub-tasks to aggregate. */
export interface ParentIndex {
  /** Remembers the parent of a task, undefined for a root. */
  set(taskId: string, parentId: string | undefined): void
  /** Returns the parent as it is known: null for a root, undefined when nothing is known of the task. */
  parentOf(taskId: string): string | null | undefined
  /** Whether this process saw a sub-task of it. */
  isParent(taskId: string): boolean
  /** These tasks moved: their parents aggregate them soon, or a little later when `isLive`, because they move again. */
  moved(tasks: readonly Moved[], options?: { isLive: boolean }): void
  /** Aggregates what moved before this call. Rejects when the database fails; the sweep does it then. */
  aggregate(parentId: string): Promise<void>
  /** Resolves when what moved before this call, and is due soon, is aggregated or has failed. */
  idle(): Promise<void>
  /** As `idle`, with everything that moved. */
  flush(): Promise<void>
}

/** A task that changed its status, and its partition. */
export interface Moved {
  taskId: string
  partition: string | undefined
}

/** @param now The store's clock, which tests move; real time counts as well, so that a clock that stands still stops nothing. */
export function createPeriod(ms: number, now: () => number) {
  let realStart = Number.NEGATIVE_INFINITY
  let start = Number.NEGATIVE_INFINITY
  return {
    /** Whether it is time; the next period begins then. */
    isOver(): boolean {
      const [real, time] = [performance.now(), now()]
      if (real - realStart < ms && Math.abs(time - start) < ms) return false
      realStart = real
      start = time
      return true
    },
  }
}

/** Milliseconds between two polls. */
const pollEveryMs = 1_000

/** Whether a task that waits until then, or for no time, may be due before the next poll of another process. */
export function isDueSoon(now: number, at = now): boolean {
  return at <= now + pollEveryMs
}

/** A read that is worth making now and then although nothing is known to be there: at most once in a period. */
export type Period = ReturnType<typeof createPeriod>

/**
 * What may be due, as this process knows it, so that it reads little: its own writes set flags, and so does the poll for what other processes
 * wrote. At first anything may be due.
 */
export class DirtyFlags {
  readonly #clean = new Set<string>()
  /** The earliest time that a task is known to wait for, epoch milliseconds. */
  nextAt: number | undefined
  /** A quarantined task may be ready. */
  quarantined = true
  /** Lanes of which tasks wait in partitions that other processes hold. */
  readonly waitingElsewhere = new Set<string>()
  /** A parent may be pending. */
  pendingParents = true
  /** Parents of sub-tasks that moved, and that nobody aggregated yet. */
  readonly movedParents = new Set<string>()
  /** The `order` of the record that the last read of pending parents ended with, from which the next one goes on. */
  reconciledUpTo = 0
  /** Deliveries are presumed lost. */
  lost = false
  /** Notifications of dead letters are overdue. */
  notifications = false
  /** The broker is away, as the relay of this process said last. */
  isAlone = false
  /** Deliveries may have been sent to a broker that is away. */
  sentAlone = false
  /** Other processes left events behind. */
  leftBehind = false
  /** Another process says that something is due here. */
  isNotified = false
  readonly periods

  /** @param now The store's clock. */
  constructor(now: () => number) {
    this.periods = {
      poll: createPeriod(pollEveryMs, now),
      /** The end of a quarantined task that was sent from here. */
      quarantined: createPeriod(200, now),
    }
  }

  /** A task of the lane may be ready; without a name, of any lane. */
  setReady(lane?: string): void {
    if (lane === undefined) this.#clean.clear()
    else this.#clean.delete(lane)
  }

  isReady(lane: string): boolean {
    return !this.#clean.has(lane)
  }

  /** The lane is read now; what is flagged from here on makes it worth another read. */
  clearReady(lane: string): void {
    this.#clean.add(lane)
  }

  /** A task waits for this time (epoch milliseconds). */
  setNextAt(at: number): void {
    if (this.nextAt === undefined || at < this.nextAt) this.nextAt = at
  }
}
