/** The document of a new task. */
import { unranked } from '../../task/fairness.ts'
import type { Phase, TaskStatus } from '../../task/status.ts'
import type { NewTask } from '../../task/task.ts'
import { claiming } from '../../task/transition.ts'
import { priorities } from '../store.ts'
import type { StoredEvent, TaskDocument } from './documents.ts'
import type { LargeValue } from './payloads.ts'
import type { Session } from './session.ts'

const born: { status: TaskStatus; phase: Phase } = { status: 'QUEUED', phase: 'executing' }

/** Numbers of tasks that came to be in the same millisecond. */
const perMillisecond = 4_096

/** Gives each task a number that rises with submission; two processes may give the same one. */
export function createNumbers(now: () => number): () => number {
  let last = 0
  return () => {
    last = Math.max(last + 1, now() * perMillisecond)
    return last
  }
}

/** What is decided of a task before it is written. */
export interface Birth {
  /** Names the write. */
  name: string
  large: LargeValue | undefined
  /** The write takes the right to send it, if it could run now. */
  sends: boolean
  /** The write starts its first attempt, if it could run now. */
  claim: NewTask['claim']
}

/** The document that is inserted. */
export function documentOf(session: Session, task: NewTask, birth: Birth): TaskDocument {
  const now = session.now()
  const at = new Date(now)
  const startAt = task.startAt ?? (task.delay === undefined ? undefined : now + task.delay)
  const waitsUntil = startAt !== undefined && startAt > now ? startAt : undefined
  const place = { userId: task.userId, lane: task.lane, priority: priorities.indexOf(task.priority) }
  const document: TaskDocument = {
    _id: task.id,
    taskType: task.taskType,
    ...place,
    rank: waitsUntil === undefined ? session.order.rankFor(place) : unranked,
    order: session.nextNumber(),
    status: born.status,
    phase: born.phase,
    version: 1,
    parameters: birth.large === undefined ? task.parameters : '',
    parametersVersion: task.parametersVersion,
    attempt: 0,
    retryCount: 0,
    crashCount: 0,
    round: 0,
    createdAt: at,
    updatedAt: at,
    rootTaskId: task.parent?.rootTaskId ?? task.id,
    depth: task.parent?.depth ?? 0,
    lastWrites: [birth.name],
    ...placeOf(session, task, birth, waitsUntil),
  }
  if (birth.large !== undefined) document.large = { parameters: birth.large.payload }
  if (task.tags.length > 0) document.tags = task.tags
  if (task.deadlineAfter !== undefined) document.deadline = new Date(now + task.deadlineAfter)
  if (task.idempotencyKey !== undefined) document.idempotencyKey = task.idempotencyKey
  if (task.traceparent !== undefined) document.traceparent = task.traceparent
  if (task.budget !== undefined) document.budget = task.budget
  if (task.parent !== undefined) {
    document.parentTaskId = task.parent.taskId
    document.subTaskKey = task.parent.key
    document.uncounted = true
  }
  if (session.keeps.events) leaveEvent(document, 'submitted', at, {})
  if (birth.claim !== undefined && waitsUntil === undefined) start(session, document, birth.claim, at)
  return document
}

/** The claim that comes with the creation: nobody has to send it. */
function start(session: Session, document: TaskDocument, claim: Started, at: Date): void {
  document.status = claiming.to
  document.attempt = 1
  document.claimToken = claim.token
  document.executionNodeId = claim.executionNodeId
  document.leaseUntil = new Date(at.getTime() + claim.leaseMs)
  document.startedAt = at
  document.lastAttemptTimestamp = at
  if (session.keeps.events)
    leaveEvent(document, 'started', at, { executionNodeId: claim.executionNodeId, waitedMs: 0 })
}

type Started = NonNullable<NewTask['claim']>

function leaveEvent(
  document: TaskDocument,
  name: StoredEvent['name'],
  at: Date,
  fields: StoredEvent['fields'],
): void {
  const { events = [], version, attempt } = document
  const sequence = events.length + 1
  document.events = [...events, { sequence, name, at, version, attempt, fields }]
  document.eventSequence = sequence
  document.eventsAt = at
}

type Place = Pick<
  TaskDocument,
  'ready' | 'sent' | 'sends' | 'lostAt' | 'wakeAt' | 'tellAt' | 'nextAttemptTimestamp'
>

/** Where it waits: for its time, in the hands of whoever created it, or in line; a sub-task gets its place when it has been counted. */
function placeOf(
  session: Session,
  { lane, parent }: NewTask,
  { name, sends, claim }: Birth,
  waitsUntil: number | undefined,
): Place {
  if (waitsUntil !== undefined) {
    const wakeAt = new Date(waitsUntil)
    // It joins the line when it has come: the broker knows no turns.
    return { wakeAt, nextAttemptTimestamp: wakeAt, tellAt: wakeAt }
  }
  if (parent !== undefined || claim !== undefined) return {}
  if (!sends) return { ready: lane }
  return {
    sent: { queue: lane, by: name, at: new Date(session.now()), confirmed: false },
    sends: 1,
    lostAt: new Date(session.now() + session.resendAfter.unconfirmed),
  }
}
