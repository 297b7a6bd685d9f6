/** Documents of the collection `background_tasks` and the records they are. */
import type { SequencedEvent } from '../../task/events.ts'
import type { TaskStatus } from '../../task/status.ts'
import type { TaskRecord } from '../../task/task.ts'
import { claiming } from '../../task/transition.ts'
import { type AttemptRow, type OutputPlace, priorities } from '../store.ts'

/** Optional times of a record. */
export const times = [
  'startedAt',
  'completedAt',
  'lastAttemptTimestamp',
  'nextAttemptTimestamp',
  'deadline',
  'leaseUntil',
  'cancelRequestedAt',
] as const satisfies readonly (keyof TaskRecord)[]

type OptionalTime = (typeof times)[number]
type Kept = Omit<TaskRecord, 'id' | 'priority' | 'tags' | 'createdAt' | 'updatedAt' | OptionalTime>

/**
 * A task as MongoDB keeps it: the fields of the record, times as dates. What the record does not have is where it waits, what is pending of
 * it, and how its parent counts it.
 */
export interface TaskDocument extends Kept, Partial<Record<OptionalTime, Date>> {
  _id: string
  /** Place in `priorities`: lower leaves first. */
  priority: number
  /** Place in the fair order of the lane. */
  rank: number
  /** Rises with submission: milliseconds times 4,096 and a counter. With the id it makes a total order. */
  order: number
  tags?: readonly string[]
  createdAt: Date
  updatedAt: Date
  /** Which texts are in `task_payloads`, by the id of the payload; the field then holds an empty text. */
  large?: Partial<Record<LargeText, string>>
  /** How far an attempt may have written its output: up to this piece it held the task. */
  output?: OutputPlace
  /** Sub-tasks that have not ended, as far as they are counted. */
  liveSubTasks?: number

  /** The partition of its user; see `partitions.ts`. Absent in tasks of earlier versions. */
  partition?: string
  /**
   * The queue (of the lane, or of its quarantined tasks) and the partition, as `readyName` makes it, while the task could run now and no process has
   * the right to send it.
   */
  ready?: string
  /** The right to send it was taken: into which queue, under which name, and whether the broker confirmed. */
  sent?: { queue: string; by: string; at: Date; confirmed: boolean }
  /** How often it was sent in a row without being claimed. */
  sends?: number
  /** When the sent delivery is presumed lost. */
  lostAt?: Date
  /** When the task may be claimed; only while it waits for a time. */
  wakeAt?: Date
  /** When the outbox reads a task that waits for a time: then, or as much ahead as the broker can hold it. */
  tellAt?: Date
  /**
   * It must be reconciled: a pending parent, a task to cancel that no attempt holds, or a sub-task that waits for a sibling which has ended. The value
   * names the partition.
   */
  look?: PartitionFlag
  /** A sub-task whose status its parent has not counted yet. The value names the partition. */
  uncounted?: PartitionFlag
  /** What the parent counted of a sub-task: the status, and the version of the sub-task that had it. */
  counted?: { as: TaskStatus; version: number }
  /** Of a parent: rises with every aggregation and every move of it; and the last aggregation, which may not be finished. */
  aggregate?: { version: number; batch?: readonly { id: string; version: number; as: TaskStatus }[] }
  /** Of a parent: some of its sub-tasks have waited for siblings. */
  hasSuccessors?: true
  /** Of a sub-task that waits for a sibling: that has ended. */
  predecessorEnded?: true
  /** Events that are not published yet, and the number of the last one. */
  events?: readonly StoredEvent[]
  eventSequence?: number
  /** When the oldest pending event was left here. */
  eventsAt?: Date
  /** Since when the notification of a dead letter is pending. */
  noticeAt?: Date
  /** For how many milliseconds it could have run before its last claim. */
  waitedMs?: number
  /** Names the last four writes that created or moved the task, the newest first, so that a writer recognises itself. */
  lastWrites?: readonly string[]
  /** The last fifty attempts that did not complete the task, oldest first. */
  pastAttempts?: readonly PastAttempt[]
  /** The stacks of the newest of them that have one, oldest first. */
  attemptStacks?: readonly { attempt: number; stack: string }[]
  /** Its tree is about to be deleted, and nothing of it moves; `begun` at a root whose tree has lost records, or is about to. */
  pruning?: true | 'begun'
}

/** Texts that may be too large to be rewritten with every change of a record. */
export const largeTexts = ['parameters', 'progress', 'result'] as const
export type LargeText = (typeof largeTexts)[number]

/** An attempt that ended without completing the task. */
export interface PastAttempt extends Omit<AttemptRow, 'startedAt' | 'endedAt' | 'stack'> {
  startedAt: Date
  endedAt: Date
}

/** Numbers of the field `order` in one millisecond. */
export const ordersPerMs = 4_096

/** What of an event is not in the rest of the record. */
export interface StoredEvent {
  sequence: number
  sequenceFrom?: number
  name: SequencedEvent['name']
  at: Date
  version: number
  attempt: number
  /** The process that wrote it, and publishes it; absent in what an earlier version wrote. */
  by?: string
  /** The fields that only this kind of event has. */
  fields: Readonly<Record<string, unknown>>
}

/** A large text of the collection `task_payloads`, or a part of one that fits no document. */
export interface PayloadDocument {
  /** The payload and the number of the part. */
  _id: string
  payload: string
  part: number
  taskId: string
  content: string
  /** When it was written; absent in documents of an earlier version. */
  at?: Date
}

/** A relay of the collection `task_relays`: what it sends, and until when it holds its share. One more document has the number of partitions. */
export interface RelayDocument {
  _id: string
  until?: Date
  lanes?: readonly string[]
  count?: number
}

/** Flags a record for the relay that holds its partition. `true`: an earlier version wrote it, or the record has no partition. */
export type PartitionFlag = string | true

/** A lane of the collection `task_lanes`; one that was never paused has none. */
export interface LaneDocument {
  _id: string
  paused: boolean
}

const noPayloads: ReadonlyMap<string, string> = new Map()

/** Returns the record of a document. `payloads` holds the large texts, by the id of the payload. */
export function recordOf(document: TaskDocument, payloads = noPayloads): TaskRecord {
  const record: TaskRecord = {
    id: document._id,
    taskType: document.taskType,
    userId: document.userId,
    lane: document.lane,
    priority: priorities[document.priority] ?? 'normal',
    tags: document.tags ?? [],
    status: document.status,
    phase: document.phase,
    version: document.version,
    parameters: textOf(document, 'parameters', payloads) ?? '',
    parametersVersion: document.parametersVersion,
    attempt: document.attempt,
    retryCount: document.retryCount,
    crashCount: document.crashCount,
    round: document.round,
    createdAt: document.createdAt.getTime(),
    updatedAt: document.updatedAt.getTime(),
    rootTaskId: document.rootTaskId,
    depth: document.depth,
  }
  for (const field of times) {
    const time = document[field]
    if (time instanceof Date) record[field] = time.getTime()
  }
  for (const field of asTheyAre) {
    const value = document[field]
    if (value !== undefined && value !== null) Object.assign(record, { [field]: value })
  }
  for (const field of ['progress', 'result'] as const) {
    const text = textOf(document, field, payloads)
    if (text !== undefined) record[field] = text
  }
  return record
}

const asTheyAre = [
  'errorInfo',
  'checkpointAttempt',
  'checkpointScope',
  'executionNodeId',
  'claimToken',
  'parentTaskId',
  'subTaskKey',
  'after',
  'predecessor',
  'retry',
  'subTaskStatusSummary',
  'reduces',
  'failedSubTasks',
  'waits',
  'signals',
  'signalCount',
  'idempotencyKey',
  'submissionHash',
  'rerunOf',
  'traceparent',
  'budget',
  'deadLetter',
  'deadLetterHistory',
] as const satisfies readonly (keyof TaskDocument & keyof TaskRecord)[]

function textOf(document: TaskDocument, field: LargeText, payloads: ReadonlyMap<string, string>) {
  const payload = document.large?.[field]
  return payload === undefined ? (document[field] ?? undefined) : (payloads.get(payload) ?? '')
}

/** Returns the fields of a document that are those of its record. `large`: its texts that live apart. */
export function fieldsOfRecord(
  { id, priority, tags, ...rest }: TaskRecord,
  large: readonly { field: LargeText; payload: string }[],
): Omit<TaskDocument, 'rank' | 'order'> {
  const fields: Record<string, unknown> = { _id: id, ...rest, priority: priorities.indexOf(priority) }
  for (const field of [...times, 'createdAt', 'updatedAt'] as const) {
    const time = rest[field]
    if (time !== undefined) fields[field] = new Date(time)
  }
  if (tags.length > 0) fields['tags'] = tags
  for (const { field } of large) fields[field] = ''
  if (large.length > 0)
    fields['large'] = Object.fromEntries(large.map(({ field, payload }) => [field, payload]))
  return fields as unknown as Omit<TaskDocument, 'rank' | 'order'>
}

/** That nobody asked to cancel a task, and that it is not being deleted. */
export const mayGoOn = { cancelRequestedAt: { $exists: false }, pruning: { $exists: false } } as const

/** Which tasks wait for an attempt; the condition of the indexes of waiting tasks. */
export const unstarted = { status: { $in: [...claiming.from] } } as const
