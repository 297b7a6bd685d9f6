import { type AdmissionLimits, refusalOf } from '../../task/admission.ts'
import { QuillworkError } from '../../task/errors.ts'
import { unranked } from '../../task/fairness.ts'
import { hasEnded, type TaskStatus } from '../../task/status.ts'
import type { NewTask, TaskRecord } from '../../task/task.ts'
import { newRecord, startRecord } from '../new-task.ts'
import { type Created, priorities, queueOf, type Refusal } from '../store.ts'
import type { Place } from './fair-order.ts'
import type { Known } from './in-flight.ts'
import { insertTags, longestInline, noCancelRequested, readTask, readTasks, storeText } from './rows.ts'
import { noteWake, type Session } from './session.ts'

const insert = `INSERT INTO tasks (id, task_type, user_id, lane, priority, rank, queue, status, phase, version, attempt, retry_count, crash_count,
  created_at, updated_at, depth, parameters, parameters_version, lease_until, claim_token, node, started_at, last_attempt_at,
  wake_at, next_attempt_at, deadline, root_id, parent_id, sub_task_key, idempotency_key, submission_hash, rerun_of,
  tags, traceparent, budget)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, 0, 0, ${Array(22).fill('?').join(', ')}) ON CONFLICT DO NOTHING`

/** Writes new tasks; a task whose id or idempotency key exists is answered with the record that was found. */
export async function create(session: Session, tasks: readonly NewTask[], limits: AdmissionLimits) {
  const written = await session.file.write(
    () => {
      const now = session.now()
      const parents = new Map<string, boolean>()
      return tasks.map(task => createOne(session, task, { now, limits, parents }))
    },
    made => {
      for (const { known } of made) {
        if (known === undefined) continue
        if (known.record.claimToken === undefined) session.inFlight.remember(known)
        else session.inFlight.hold(known)
      }
    },
  )
  return written.map(({ answer }) => answer)
}

interface Written {
  answer: Created
  /** The row that was made, when it can run at once or runs already. */
  known?: Known
}

interface Moment {
  now: number
  limits: AdmissionLimits
  /** Whether an attempt of a parent is still running, asked once per attempt. */
  parents: Map<string, boolean>
}

function createOne(session: Session, task: NewTask, moment: Moment): Written {
  const { aggregate, order } = session
  const { parent } = task
  const isRoot = parent === undefined
  const code = isRoot ? admit(session, task, moment.limits) : admitChild(session, parent, moment.parents)
  if (code !== undefined) return existingOr(session, task, { outcome: 'refused', code })
  const priority = priorities.indexOf(task.priority)
  const place: Place = { userId: task.userId, lane: task.lane, priority, isRoot, rank: unranked }
  const record = newRecord(task, moment.now)
  const isDue = record.nextAttemptTimestamp === undefined
  if (isDue) place.rank = order.rankFor(place)
  const starts = task.claim !== undefined && isDue && laneIsEmpty(session, task.lane) ? task.claim : undefined
  if (starts !== undefined) startRecord(record, starts, moment.now)
  const seq = insertRow(session, record, place)
  if (seq === undefined) return existingOr(session, task, undefined)
  aggregate.moved(undefined, record.status)
  if (parent !== undefined) adopt(session, parent.taskId, record.status)
  if (starts === undefined) order.entered(place)
  if (record.nextAttemptTimestamp === undefined)
    return { answer: { outcome: 'created', record }, known: { seq, rank: place.rank, record } }
  noteWake(session, record.nextAttemptTimestamp)
  return { answer: { outcome: 'created', record } }
}

/** The parent counts one more sub-task. */
function adopt({ aggregate, inFlight }: Session, parentId: string, status: TaskStatus): void {
  aggregate.childMoved(parentId, { to: status })
  const parent = inFlight.held(parentId)
  if (parent !== undefined) parent.hasSubTasks = true
}

/** Whether nothing that could run waits in the lane, so that a new task overtakes nobody. */
function laneIsEmpty({ sql, order }: Session, name: string): boolean {
  const lane = order.lane(name)
  if (lane.paused) return false
  if (lane.waiting === 0) return true
  const first = sql('SELECT 1 FROM tasks WHERE queue IN (?, ?) LIMIT 1').get(
    queueOf(name, false),
    queueOf(name, true),
  )
  return first === undefined
}

function admit({ order }: Session, task: NewTask, limits: AdmissionLimits) {
  if (limits.waitingPerLane === undefined && limits.waitingPerUser === undefined) return undefined
  return refusalOf(order.waiting(task.userId, task.lane), limits)
}

function admitChild(
  { sql }: Session,
  { taskId, attempt }: NewTask['parent'] & object,
  parents: Map<string, boolean>,
): Refusal | undefined {
  const key = `${taskId}\n${attempt}`
  let running = parents.get(key)
  if (running === undefined) {
    const holder = sql(
      `SELECT attempt FROM tasks WHERE id = ? AND lease_until IS NOT NULL AND ${noCancelRequested}`,
    )
    running = holder.pluck().get(taskId) === attempt
    parents.set(key, running)
  }
  return running ? undefined : 'PARENT_NOT_RUNNING'
}

/** A refusal yields to the task that is there already: submitting it again is not one more. */
function existingOr(session: Session, task: NewTask, refusal: Created | undefined): Written {
  const { sql } = session
  const { id, userId, taskType, idempotencyKey } = task
  const sameKey = 'tasks WHERE user_id = ? AND task_type = ? AND idempotency_key = ?'
  const found =
    readTask(sql, id) ??
    (idempotencyKey === undefined ? undefined : readTasks(sql, sameKey, userId, taskType, idempotencyKey)[0])
  if (found !== undefined) return { answer: { outcome: 'existing', record: found.record } }
  if (refusal !== undefined) return { answer: refusal }
  throw new QuillworkError(
    'STORE_FAILED',
    `The task ${id} was neither written nor found; the database is damaged.`,
  )
}

/** The row's number, or undefined when the id or the idempotency key is taken. */
function insertRow({ sql }: Session, record: TaskRecord, { priority, rank }: Place): number | undefined {
  const { id, lane, parameters, tags, parentTaskId, budget, nextAttemptTimestamp: wakeAt = null } = record
  const isLarge = parameters.length > longestInline
  const { changes, lastInsertRowid } = sql(insert).run(
    id,
    record.taskType,
    record.userId,
    lane,
    priority,
    rank,
    wakeAt === null && record.leaseUntil === undefined ? queueOf(lane, false) : null,
    record.status,
    record.phase,
    record.attempt,
    record.createdAt,
    record.updatedAt,
    record.depth,
    isLarge ? '' : parameters,
    record.parametersVersion,
    record.leaseUntil ?? null,
    record.claimToken ?? null,
    record.executionNodeId ?? null,
    record.startedAt ?? null,
    record.lastAttemptTimestamp ?? null,
    wakeAt,
    wakeAt,
    record.deadline ?? null,
    parentTaskId === undefined ? null : record.rootTaskId,
    parentTaskId ?? null,
    record.subTaskKey ?? null,
    record.idempotencyKey ?? null,
    record.submissionHash ?? null,
    record.rerunOf ?? null,
    tags.length === 0 ? null : JSON.stringify(tags),
    record.traceparent ?? null,
    budget === undefined ? null : JSON.stringify(budget),
  )
  if (changes === 0) return undefined
  const seq = Number(lastInsertRowid)
  if (isLarge) storeText(sql, seq, 'parameters', parameters)
  insertTags(sql, seq, tags)
  return seq
}

/** Whether a parent lets its sub-tasks run: it has not ended and nobody asked to cancel it. */
export function parentAllows({ sql }: Session, parentId: string): boolean {
  const status = sql(`SELECT status FROM tasks WHERE id = ? AND ${noCancelRequested}`).pluck().get(parentId)
  return status !== undefined && !hasEnded(status as TaskStatus)
}
