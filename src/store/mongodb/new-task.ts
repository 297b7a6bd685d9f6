/** What is decided of a new task: whether it is admitted, and the document that is inserted. */
import { type AdmissionLimits, refusalOf } from '../../task/admission.ts'
import { QuillworkError } from '../../task/errors.ts'
import { unranked } from '../../task/fairness.ts'
import { type NewTask, type TaskRecord, waitsUntil } from '../../task/task.ts'
import { newRecord, startRecord } from '../new-task.ts'
import { type Created, type CreateOptions, priorities, type Refusal } from '../store.ts'
import {
  fieldsOfRecord,
  mayGoOn,
  ordersPerMs,
  type StoredEvent,
  type TaskDocument,
  unstarted,
} from './documents.ts'
import { readyName } from './partitions.ts'
import type { LargeValue } from './payloads.ts'
import { countUpTo, type Place, readFields, type Session } from './session.ts'

/** One task to create. */
export interface CreateRequest {
  task: NewTask
  limits: AdmissionLimits
}

/** Admits sub-tasks of running parents, and other tasks within their limits. Reads once for all, and returns the refusals one for one. */
export async function admit(
  session: Session,
  requests: readonly CreateRequest[],
): Promise<(Refusal | undefined)[]> {
  const roots = requests.filter(({ task }) => task.parent === undefined)
  const [running, users, lanes] = await Promise.all([
    runningParents(session, requests),
    countWaiting(session, roots, 'userId', 'waitingPerUser'),
    countWaiting(session, roots, 'lane', 'waitingPerLane'),
  ])
  return requests.map(({ task: { parent, userId, lane }, limits }) => {
    if (parent !== undefined)
      return running.has(attemptKey(parent.taskId, parent.attempt)) ? undefined : 'PARENT_NOT_RUNNING'
    const waits = { user: users.get(userId) ?? 0, lane: lanes.get(lane) ?? 0 }
    const refusal = refusalOf(waits, limits)
    if (refusal !== undefined) return refusal
    // Those of one call count as well.
    users.set(userId, waits.user + 1)
    lanes.set(lane, waits.lane + 1)
    return undefined
  })
}

function attemptKey(taskId: string, attempt: number): string {
  return `${attempt}\n${taskId}`
}

/** Returns the attempts of parents that may add sub-tasks: they hold their task, and were not asked to stop. */
async function runningParents(
  session: Session,
  requests: readonly CreateRequest[],
): Promise<ReadonlySet<string>> {
  const parents = [...new Set(requests.map(({ task }) => task.parent?.taskId))].filter(id => id !== undefined)
  if (parents.length === 0) return new Set()
  const filter = { _id: { $in: parents }, leaseUntil: { $exists: true }, ...mayGoOn }
  const found = await readFields(session, 'read parents', filter, ['attempt'])
  return new Set(found.map(({ _id, attempt }) => attemptKey(_id, attempt)))
}

/** Counts the waiting tasks without a parent, by user or by lane, and no further than the highest limit that was given for each. */
async function countWaiting(
  session: Session,
  requests: readonly CreateRequest[],
  field: 'userId' | 'lane',
  limit: keyof AdmissionLimits,
): Promise<Map<string, number>> {
  const highest = new Map<string, number>()
  for (const { task, limits } of requests) {
    const most = limits[limit]
    if (most !== undefined) highest.set(task[field], Math.max(most, highest.get(task[field]) ?? 1))
  }
  const counts = [...highest].map(async ([key, most]) => {
    // Of a user in every lane: a range before its field leads to each by one seek.
    const filter = { depth: 0, lane: { $gte: '' }, [field]: key, ...unstarted }
    const along = { hint: 'tasks_waiting', limit: most }
    return [key, await countUpTo(session, 'count waiting tasks', filter, along)] as const
  })
  return new Map(await Promise.all(counts))
}

/** Returns numbers for times (epoch milliseconds): each is above the one before, and two processes may give the same one. */
export function createNumbers(): (time: number) => number {
  let last = 0
  return time => {
    last = Math.max(last + 1, time * ordersPerMs)
    return last
  }
}

/** What is decided of a task before it is inserted. */
export interface Initial {
  /** Names the insert. */
  name: string
  large: LargeValue | undefined
  /** The insert takes the right to send it, if it could run now. */
  sends: boolean
  /** The insert starts its first attempt, if it could run now. */
  claim: NewTask['claim']
}

/** Whether what was found in the place of a task is as good as the task; see `CreateOptions`. */
export type Accepts = CreateOptions['allOrNone'] & object

/** What is there already, by request. */
export type Found = ReadonlyMap<CreateRequest, { record: TaskRecord }>
/** Requests that have the id or the idempotency key of an earlier one of the same call, each with that one. */
export type Repeats = ReadonlyMap<CreateRequest, CreateRequest>
/** Why requests are not admitted. */
export type Refusals = ReadonlyMap<CreateRequest, Refusal | undefined>

/** Returns the requests that have the id or the idempotency key of an earlier one, each with that one. */
export function repeatsOf(requests: readonly CreateRequest[]): Repeats {
  const first = new Map<string, CreateRequest>()
  const repeats = new Map<CreateRequest, CreateRequest>()
  for (const request of requests) {
    const { task } = request
    const names = [task.id, ...(task.idempotencyKey === undefined ? [] : [JSON.stringify(keyOf(task))])]
    const same = names.map(name => first.get(name)).find(each => each !== undefined)
    if (same !== undefined) repeats.set(request, same)
    else for (const name of names) first.set(name, request)
  }
  return repeats
}

/** Returns the answers to a call that creates all or none, where something stands in the way of one; undefined where nothing does. */
export function answersOfNone(
  session: Session,
  requests: readonly CreateRequest[],
  { found, repeats, refusals }: { found: Found | undefined; repeats: Repeats; refusals: Refusals },
  accepts: Accepts,
): Created[] | undefined {
  let isRefused = false
  const answers = requests.map((request): Created => {
    const same = repeats.get(request)
    const record = found?.get(request)?.record ?? (same && newRecord(same.task, session.now()))
    const code = refusals.get(request)
    if (code !== undefined) {
      isRefused = true
      return { outcome: 'refused', code }
    }
    if (record === undefined) return { outcome: 'withheld' }
    const isAccepted = accepts(request.task, record)
    isRefused ||= !isAccepted
    return isAccepted && found?.has(request) !== true
      ? { outcome: 'withheld' }
      : { outcome: 'existing', record }
  })
  return isRefused ? answers : undefined
}

/** Returns the answers to a call, of which `made` has those that were neither found nor repeats. */
export function answersOf(
  requests: readonly CreateRequest[],
  {
    found,
    repeats,
    made,
  }: { found: Found | undefined; repeats: Repeats; made: ReadonlyMap<CreateRequest, Created> },
): Created[] {
  return requests.map((request): Created => {
    const existing = found?.get(request)
    if (existing !== undefined) return { outcome: 'existing', record: existing.record }
    const first = made.get(repeats.get(request) ?? request)
    if (first === undefined)
      throw new QuillworkError('STORE_FAILED', `The task ${request.task.id} got no answer.`)
    if (first.outcome !== 'created' || !repeats.has(request)) return first
    return { outcome: 'existing', record: first.record }
  })
}

/** Returns what finds the task with the idempotency key of this one. */
export function keyOf(task: Pick<NewTask, 'userId' | 'taskType' | 'idempotencyKey'>) {
  return { userId: task.userId, taskType: task.taskType, idempotencyKey: task.idempotencyKey ?? '' }
}

/** Returns where a task is to wait. */
export function placeOf({ userId, lane, priority }: NewTask): Place {
  return { userId, lane, priority: priorities.indexOf(priority) }
}

/** Returns the document that is inserted. */
export function documentOf(session: Session, task: NewTask, initial: Initial): TaskDocument {
  const now = session.now()
  const record = newRecord(task, now)
  const isDue = waitsUntil(record) === undefined
  const starts = isDue ? initial.claim : undefined
  if (starts !== undefined) startRecord(record, starts, now)
  const partition = session.partitions.of(task.userId)
  const document: TaskDocument = {
    ...fieldsOfRecord(record, initial.large === undefined ? [] : [initial.large]),
    partition,
    rank: isDue ? session.order.rankFor(placeOf(task)) : unranked,
    order: session.nextNumber(),
    lastWrites: [initial.name],
    ...initialPlace(session, task, initial, { partition, until: waitsUntil(record) }),
  }
  if (task.parent !== undefined) document.uncounted = partition
  if (session.features.events) {
    document.events = firstEvents(session.processId, new Date(now), starts)
    document.eventSequence = document.events.length
    document.eventsAt = new Date(now)
  }
  return document
}

function firstEvents(by: string, at: Date, claim: NewTask['claim']): StoredEvent[] {
  const submitted = { sequence: 1, name: 'submitted', at, version: 1, attempt: 0, by, fields: {} } as const
  if (claim === undefined) return [submitted]
  const fields = { executionNodeId: claim.executionNodeId, waitedMs: 0 }
  return [submitted, { ...submitted, sequence: 2, name: 'started', attempt: 1, fields }]
}

/** Where it waits: for its time, as a delivery of the process that creates it, or in line. A sub-task gets its place when it has been counted. */
function initialPlace(
  session: Session,
  { lane, parent }: NewTask,
  { name, sends, claim }: Initial,
  { partition, until }: { partition: string; until: number | undefined },
): Partial<TaskDocument> {
  if (until !== undefined) {
    const wakeAt = new Date(until)
    // It joins the line when that has come: the broker knows no ranks.
    return { wakeAt, tellAt: wakeAt }
  }
  if (parent !== undefined || claim !== undefined) return {}
  if (!sends) return { ready: readyName(lane, partition) }
  return {
    sent: { queue: lane, by: name, at: new Date(session.now()), confirmed: false },
    sends: 1,
    lostAt: new Date(session.now() + session.resendAfter.unconfirmed),
  }
}
