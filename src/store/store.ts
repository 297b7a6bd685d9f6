/**
 * Where the truth lives: the ports that a store offers, small and by capability. Every write method takes many and answers one for
 * one; an adapter commits together what arrives together. A promise resolves when its writes are durable, never before.
 *
 * A read sees only what is durable.
 */
import type { SharedTexts } from '../runtime/shared-account.ts'
import type { AdmissionLimits } from '../task/admission.ts'
import type { ErrorCode, QuillworkError } from '../task/errors.ts'
import type { SequencedEvent } from '../task/events.ts'
import type { TaskStatus } from '../task/status.ts'
import type { DeadLetter, NewTask, Priority, TaskRecord } from '../task/task.ts'
import type { Applied, Transition } from '../task/transition.ts'
import type { ActivityStore } from './activity.ts'
import type { ApiKeyStore } from './api-keys.ts'
import type { AttemptStore, UsageStore } from './attempts.ts'
import type { AuditStore } from './audit.ts'
import type { Backups } from './backups.ts'
import type { EndedTasks } from './ended.ts'
import type { NodeStore } from './nodes.ts'
import type { OperatorValueStore } from './operator-values.ts'
import type { OutputStore } from './output.ts'
import type { Page, PageRequest, TaskQueries } from './queries.ts'
import type { ScheduleStore } from './schedules.ts'

export type { ActivityBucket, ActivityCounts, ActivityStore, LimitPeak } from './activity.ts'
export type { ApiKeyRecord, ApiKeyStore } from './api-keys.ts'
export * from './attempts.ts'
export {
  type AuditFields,
  type AuditFilter,
  type AuditRecord,
  type AuditStore,
  auditOutcomes,
} from './audit.ts'
export * from './backups.ts'
export * from './ended.ts'
export type { NodeState, NodeStore, RunningAttempt } from './nodes.ts'
export type { OperatorValueStore, OperatorValues } from './operator-values.ts'
export * from './output.ts'
export * from './queries.ts'
export type { KeptSchedule, ListedSchedule, ScheduleState, ScheduleStore } from './schedules.ts'

/** Why a task is not created. */
export type Refusal = Extract<ErrorCode, 'USER_QUEUE_FULL' | 'LANE_QUEUE_FULL' | 'PARENT_NOT_RUNNING'>

/**
 * What became of one creation. `existing` = the id or the idempotency key was there; the record is the one that was found, of many sub-tasks that
 * are created together maybe without its result, progress and large parameters.
 */
export type Created =
  | { outcome: 'existing'; record: TaskRecord }
  /** `delivery`: the write that created the task took the right to send it, as `NewTask.send` requested; the caller publishes it. */
  | { outcome: 'created'; record: TaskRecord; delivery?: Delivery }
  | { outcome: 'refused'; code: Refusal }
  /** Nothing stood in the way of this one, but of another of the same call: all were to be created, or none. */
  | { outcome: 'withheld' }
  /** The store could not write this one; the others of the same call have answers of their own. */
  | { outcome: 'failed'; error: QuillworkError }

/** How a call of `create` writes. */
export interface CreateOptions {
  /** The tasks come to be if and when the caller's transaction commits; only where the store offers it. */
  transaction?: unknown
  /**
   * All are created, in one commit, or none is: none where one is refused, or where this returns false for a task that was found in the
   * place of one. It may be called more than once.
   */
  allOrNone?(task: NewTask, found: TaskRecord): boolean
}

/** The request to start an attempt. */
export interface Claim {
  taskId: string
  /** The attempt number that the delivery saw; a claim of a task that was claimed meanwhile is refused. */
  attempt: number
  /** The lane whose slot is to run it; the claim of a task that was moved to another lane is refused. Absent = any lane. */
  lane?: string
  /** Fresh for each claim, so that a claim whose answer was lost can be recognised. */
  token: string
  executionNodeId: string
  leaseMs: number
}

/** The record of a task whose attempt begins. */
export interface ClaimedRecord extends TaskRecord {
  /**
   * Milliseconds for which the task could have run: since its start time or the time of its retry or snooze, else since the write that
   * made it wait (it was created, given back, or retried by a person, or its reduce became due). A pause of its lane counts.
   */
  waitedMs: number
}

/** The claimed record, or undefined: ended, held, not due, asked to stop, its parent ended, or another attempt. */
export type Claimed = ClaimedRecord | undefined

/** A claim that its process still runs. */
export interface Lease {
  taskId: string
  token: string
}

/** What a heartbeat learns of one lease. */
export interface Extended {
  held: boolean
  cancelRequested: boolean
}

/** A record that needs the sweep: its lease has expired, its deadline has passed while no attempt holds it, or it cannot be read. */
export interface Overdue {
  record: TaskRecord
  why: 'lease' | 'deadline'
}

/** The write path: a transition is one atomic, guarded write of one record. */
export interface TaskStore {
  /** The store's clock, epoch milliseconds. */
  now(): number
  create(tasks: readonly NewTask[], limits: AdmissionLimits, options?: CreateOptions): Promise<Created[]>
  claim(claims: readonly Claim[]): Promise<Claimed[]>
  /**
   * `required`: one commit for all, so that nobody sees some without the others; unless each of the first so many is applied, none is.
   */
  apply(transitions: readonly Transition[], options?: { required: number }): Promise<Applied[]>
  extend(leases: readonly Lease[], leaseMs: number): Promise<Extended[]>
  /** At most `limit` records that the sweep must look at, the longest overdue first. */
  overdue(limit: number): Promise<Overdue[]>
  /** Deletes at most `limit` records of ended trees; see Retention. Returns how many are gone. */
  prune(retention: Retention, limit: number): Promise<number>
  /**
   * Deletes at most `limit` records of a tree of which no task is live, whatever its retention; the root last, which cannot be retried from the first
   * record on. Returns how many are gone: 0 where a task of it is live, or it is not there.
   */
  erase(rootTaskId: string, limit: number): Promise<number>
  /**
   * Deletes what COMPLETED tasks wrote while they ran, for no attempt will read it: their checkpoints, and their output once they have been COMPLETED
   * for `outputMs`. Looks at no more than `limit` tasks that have either (or pieces of them), from where the last call ended. Returns whether there
   * is more to look at: false when the next call begins anew.
   */
  trim(outputMs: number, limit: number): Promise<boolean>
  /** Writes down what is pending, then lets the file or connection go. */
  close(): Promise<void>
}

/** How long ended trees are kept, in milliseconds from their end, by the status of their root; absent = for ever. */
export type Retention = Readonly<Partial<Record<TaskStatus, number>>>

/** The right to run one task: what wakes a worker up. */
export interface Delivery {
  taskId: string
  taskType: string
  lane: string
  /** The attempt number before the claim. */
  attempt: number
  /** Crashes in a row that the last attempts ended in. */
  crashCount: number
  /** What a broker between processes puts beside it; only a store of many processes tells it. */
  headers?: DeliveryHeaders
}

/** What travels with a delivery between processes. */
export interface DeliveryHeaders
  extends Pick<TaskRecord, 'userId' | 'priority' | 'retryCount' | 'traceparent'> {
  /** Absent in what an earlier build sent. */
  parametersVersion?: number
  /** Milliseconds until the task may run: one of the delays that the broker can hold a delivery for. */
  delayMs?: number
}

/** A task that ended with an open dead letter that is not published yet. */
export interface DeadLetterNotification
  extends Pick<TaskRecord, 'taskType' | 'lane' | 'userId' | 'attempt' | 'retryCount'> {
  taskId: string
  reason: DeadLetter['reason']
  code: string
}

/** What a store still has to publish. */
export interface Due {
  deliveries: readonly Delivery[]
  /**
   * Dead letters that were opened a while ago and are not published: their delivery was not there to carry the news. Each is
   * handed out to one asker, and again a while later unless `notified` came.
   */
  notifications?: readonly DeadLetterNotification[]
  /** When the next waiting task becomes due, epoch milliseconds; undefined when none waits for a time. */
  nextAt: number | undefined
  /** Lanes of which tasks wait in partitions that other processes hold. */
  waitingElsewhere?: ReadonlySet<string>
}

/** The room that a lane has for deliveries. */
export interface LaneCapacity {
  lane: string
  capacity: number
  /** Nothing of the lane waits in the broker: what it confirmed a while ago, and nobody claimed, is lost. */
  isEmpty?: boolean
  /** A delivery that goes ahead of all that wait reaches a slot soon, also where there is no room. */
  takesUrgent?: boolean
}

/** What a relay knows beside the capacity of its lanes. */
export interface DueOptions {
  /** Quarantined tasks that may be on their way from here, or run here, over all lanes. */
  quarantined: number
  /** The broker is away: what is sent starts in this process, and what was sent to the broker does not arrive. Default false. */
  isAlone?: boolean
}

/** What is still to be published, and whose turn it is. */
export interface Outbox {
  /**
   * The next deliveries in fair order, at most `capacity` per lane, none of a paused lane. Quarantined tasks need no capacity where the lane takes what
   * is urgent.
   */
  due(lanes: readonly LaneCapacity[], options: DueOptions): Promise<Due>
  /**
   * Returns the ids of at most `limit` records that the aggregator must reconcile: parents whose sub-tasks have all ended, parents that ended while
   * sub-tasks are live, sub-tasks that wait for a sibling which has ended, and tasks that nobody holds although they were asked to stop: the attempt
   * ended before it heard of it.
   */
  pendingParents(limit: number): Promise<readonly string[]>
  /** These deliveries reached the broker; they are not due again until claimed, or until `requeue` says that they were lost. */
  published(deliveries: readonly Delivery[]): Promise<void>
  /** These deliveries came to nothing (refused by the claim, or dropped); what is still waiting becomes due again. */
  requeue(taskIds: readonly string[]): void
  /**
   * Where deliveries outlive the process: these came to nothing, and what is still waiting becomes due again after so many milliseconds,
   * whatever becomes of this process. Resolves when that is durable.
   */
  defer?(taskIds: readonly string[], ms: number): Promise<void>
  /** Calls back after each commit that may have made something due. Returns an unsubscribe function. */
  onDue(listener: () => void): () => void
  /** The broker can hold a delivery for these times (milliseconds, ascending): waiting tasks are handed to it that much ahead. */
  useDelayTiers?(delays: readonly number[]): void
  /** From now on the end of a task with a dead letter leaves a notice in its record, until `notified`. */
  keepNotifications?(): void
  /** Others learnt of these dead letters; `story` is what the broker tells of the message's way, for people. */
  notified?(notices: readonly { taskId: string; attempt: number; story?: string }[]): Promise<void>
}

/**
 * Which process dispatches what, where all their deliveries reach the same slots: each relay holds a share of the partitions under a lease. Until
 * `share` a process looks after all tasks.
 */
export interface PartitionStore {
  /**
   * From the next call of `due` on this process holds a share. `notify` is called when something became due in partitions that others hold, with their
   * names, and without any when this process gave its share back.
   */
  share(notify: (partitions: readonly string[]) => void): void
  /** What `notify` got in another process. */
  becameDue(partitions: readonly string[]): void
  /** Gives the share back: the relay of this process has stopped. */
  release(): Promise<void>
}

/** Events of one record that are not published yet, oldest first and without a gap. */
export interface PendingEvents {
  taskId: string
  events: readonly SequencedEvent[]
}

/** The events that are pending. */
export interface EventBacklog {
  records: number
  /** Epoch milliseconds. */
  oldestAt?: number
}

/** The number of a task's last event, whether it was published, and the task as it is now, without its large texts. */
export interface LastEvent {
  sequence: number
  isPublished: boolean
  task: Omit<TaskRecord, 'parameters' | 'progress' | 'result' | 'failedSubTasks'>
}

/** The events of records, kept in them by the writes that made them until they are published. Only where others listen. */
export interface EventOutbox {
  /** From now on each transition leaves its event in the record. */
  keep(): void
  /**
   * At most `limit` records with pending events: those that this process wrote since the last ask and, with `leftBehind`, those whose
   * writer has not published them for a while.
   */
  due(limit: number, options: { leftBehind: boolean }): Promise<readonly PendingEvents[]>
  /** How many records have pending events, counted to 10,000, and since when the oldest has; for those who watch. */
  backlog(): Promise<EventBacklog>
  /** The events of these records were published, up to the sequence. */
  published(upTo: readonly { taskId: string; sequence: number }[]): Promise<void>
  /** The last event of each task, one for one; undefined where it left none, or is not there. */
  lastOf(taskIds: readonly string[]): Promise<readonly (LastEvent | undefined)[]>
  /** Calls back after each commit of this process that left events to publish. Returns an unsubscribe function. */
  onPending(listener: () => void): () => void
}

/** A lane as the store knows it. */
export interface LaneState {
  lane: string
  paused: boolean
  /** Tasks that wait: those that could run now, and those that wait for a time or a sibling. Counted as far as `countsUpTo`. */
  waiting: number
  /** Creation time of the next in turn of those that could run now, epoch milliseconds. */
  oldestWaitingAt?: number
}

/** Lanes: pausing survives a restart. */
export interface LaneStore {
  /** By name. A lane in which nothing waits and that was never paused may be left out. */
  lanes(): Promise<readonly LaneState[]>
  /** Names of the paused lanes; a pause that another process made may be seen a second later. */
  paused(): Promise<ReadonlySet<string>>
  setPaused(lane: string, paused: boolean): Promise<void>
}

/** A message or record that names no readable task, kept with its bytes so that a person can look at it. */
export interface UnparsableMessage {
  id: string
  at: number
  reason: string
  /** The text as it was found. */
  content: string
}

/** Messages and records that nobody can read; one never stops the others. */
export interface UnparsableStore {
  file(messages: readonly UnparsableMessage[]): Promise<void>
  list(page: PageRequest): Promise<Page<UnparsableMessage>>
  remove(ids: readonly string[]): Promise<number>
  /** Deletes at most `limit` of those that came before this time, epoch milliseconds; the oldest first. Returns how many are gone. */
  expire(before: number, limit: number): Promise<number>
}

/** Small states by key that several processes change, such as the accounts of rate limits and budgets. */
export type SharedStates = SharedTexts

/** The key of the state that belongs to the budget of a tree; it is deleted with the root. */
export function budgetKey(rootTaskId: string): string {
  return `budget/${rootTaskId}`
}

/** What differs between stores, each with the reason beside it. */
export interface StoreCapabilities {
  /** Several processes may share the store. SQLite: no, one process owns the file. */
  readonly manyProcesses: boolean
  /** A task can be created within a transaction of the caller. SQLite: no, the file is written by the store alone; the caller joins its transaction by `transact`. */
  readonly callerTransactions: boolean
  /**
   * Tasks of one status, or that wait in one lane, are counted as far as this number; absent where counts are exact. SQLite keeps counters
   * within the transactions that change tasks. MongoDB counts by an index: a counter would be a second document to write with every write of
   * a task.
   */
  readonly countsUpTo?: number
}

/** A statement within a transaction of the caller. */
export interface CallerStatement {
  /** Runs it for what it changes. */
  run(...values: unknown[]): { changes: number; lastInsertRowid: number | bigint }
  /** Returns the first row, or undefined. */
  get(...values: unknown[]): unknown
  /** Returns all rows. */
  all(...values: unknown[]): unknown[]
}

/** A transaction in the file of the store, as the work of a caller sees it while it runs. Throws OPTION_INVALID later. */
export interface CallerTransaction {
  /**
   * Prepares a statement on tables of the caller's own in the same file. Throws what SQLite says of it; OPTION_INVALID for one that would end the
   * transaction or change settings of the file.
   */
  prepare(sql: string): CallerStatement
  /** As `TaskStore.create`, each task for itself, at once. */
  create(tasks: readonly NewTask[], limits: AdmissionLimits): Created[]
}

/** Everything that an engine needs of a store. `Tx` is the caller's transaction, where submitting within one is offered. */
export interface Store<Tx = never> {
  readonly kind: string
  readonly capabilities: StoreCapabilities
  readonly tasks: TaskStore
  readonly outbox: Outbox
  /** Of a store that processes share. */
  readonly partitions?: PartitionStore
  readonly attempts: AttemptStore
  readonly output: OutputStore
  readonly queries: TaskQueries
  readonly ended: EndedTasks
  readonly lanes: LaneStore
  readonly operatorValues: OperatorValueStore
  readonly schedules: ScheduleStore
  readonly unparsable: UnparsableStore
  readonly apiKeys: ApiKeyStore
  readonly audit: AuditStore
  /** Of a store that others can be told by. */
  readonly events?: EventOutbox
  readonly states: SharedStates
  readonly usage: UsageStore
  readonly activity: ActivityStore
  /** Of a store that processes share. */
  readonly nodes?: NodeStore
  /** Connects and checks; called before anything else where it is there. Throws STORE_UNSUITABLE, STORE_FAILED. */
  open?(): Promise<void>
  /** Of a store that can be read while it cannot be written: rejects, for whoever asks for its health, while that is so. */
  takesWrites?(): Promise<void>
  /** Of a store that keeps the space of what was deleted: gives a part of it back. The sweep calls it. */
  compact?(): Promise<void>
  /** Of a store with a file of its own: overwrites there, and in its log, the bytes of what was deleted. Throws STORE_FAILED, STORE_FULL; then some may be left. */
  scrub?(): Promise<void>
  /**
   * Of a store that runs within this process: runs synchronous work once, in a transaction of its file. Resolves with what it returns, when all that
   * it wrote is durable; rejects with what it throws, as it was, and nothing is written then. Throws OPTION_INVALID for a promise.
   */
  transact?<T>(work: (tx: CallerTransaction) => T): Promise<T>
  /** Of a store with a file of its own. */
  readonly backups?: Backups
  /**
   * Of a store whose disk may lose what it took: calls back once that was seen. Everything is refused from then on, and the process has to end.
   * Returns an unsubscribe function.
   */
  onDamage?(listener: (error: unknown) => void): () => void
  /** For the compiler only: the type of the caller's transaction. */
  readonly '~transaction'?: (transaction: Tx) => void
}

/** Priorities in the order in which a lane hands them out. */
export const priorities: readonly Priority[] = ['high', 'normal']

/** The suffix of the queue of quarantined tasks: few are handed out at a time. */
export const quarantinedSuffix = '~suspect'

/** Returns the queue of a lane for a task. */
export function queueOf(lane: string, quarantined: boolean): string {
  return quarantined ? lane + quarantinedSuffix : lane
}
