import { runThrough, type Steps } from '../../runtime/cooperate.ts'
import { weightOf } from '../../runtime/gather.ts'
import { type AdmissionLimits, refusalOf } from '../../task/admission.ts'
import { QuillworkError } from '../../task/errors.ts'
import { unranked } from '../../task/fairness.ts'
import { hasEnded, type TaskStatus } from '../../task/status.ts'
import { type NewTask, type TaskRecord, waitsUntil } from '../../task/task.ts'
import { claiming } from '../../task/transition.ts'
import { newRecord, startRecord } from '../new-task.ts'
import { type Created, type CreateOptions, priorities, queueOf, type Refusal } from '../store.ts'
import type { Place } from './fair-order.ts'
import type { Known } from './in-flight.ts'
import { keyOf } from './keys.ts'
import { inlineText, noCancelRequested, padding, readTask, storeLarge, type Value } from './rows.ts'
import { noteWake, type Session } from './session.ts'

/** The columns that each new row has, of values that differ. */
const always =
  'id, task_type, user_id, lane, priority, rank, created_at, updated_at, depth, parameters, parameters_version'.split(
    ', ',
  )
/** The columns that a new row may have. The first is that of a task which starts at once. */
const sometimes =
  `lease_until, claim_token, node, started_at, last_attempt_at, queue, wake_at, next_attempt_at, deadline,
  root_id, parent_id, sub_task_key, idempotency_key, submission_hash, rerun_of, tags, traceparent, budget, follows, predecessor,
  retry`.split(/,\s*/)
const starts = 1

/** The statement of each kind of new row, by which columns it has: to bind what is null, or the same in each, costs as much as to bind a number. */
const inserts = new Map<number, string>()

function insertOf(shape: number): string {
  let text = inserts.get(shape)
  if (text === undefined) {
    const columns = [...always, ...sometimes.filter((_, index) => shape & (1 << index))]
    const [status, attempt] = shape & starts ? [claiming.to, 1] : [claiming.from[0], 0]
    text = `INSERT INTO tasks (version, retry_count, crash_count, phase, padding, status, attempt, ${columns.join(', ')})
      VALUES (1, 0, 0, 'executing', ${shape & starts ? padding.running : padding.waiting}, '${status}', ${attempt}, ${columns.map(() => '?').join(', ')}) ON CONFLICT DO NOTHING`
    inserts.set(shape, text)
  }
  return text
}

/** Tasks that are created, all or none, in one turn of the event loop, and together with what others write. */
const perTurn = 500

/** Writes new tasks; a task whose id or idempotency key exists is answered with the record that was found. */
export async function create(
  session: Session,
  tasks: readonly NewTask[],
  limits: AdmissionLimits,
  { allOrNone }: CreateOptions = {},
): Promise<Created[]> {
  const { file } = session
  const begin = () => momentOf(session, limits)
  const committed = (made: readonly Written[]) => remember(session, made)
  const steps = (accepts: Accepts) => createTogether(session, tasks, begin(), accepts)
  let writing: Promise<Written[]>
  if (allOrNone === undefined || tasks.length < 2)
    writing = file.write(() => createEach(session, tasks, limits), committed, sizeOfAll(tasks))
  else if (tasks.length <= perTurn)
    writing = file.write(() => runThrough(steps(allOrNone)), committed, sizeOfAll(tasks))
  else writing = file.writeInSteps(() => steps(allOrNone), committed)
  return (await writing).map(({ answer }) => answer)
}

function sizeOfAll(tasks: readonly NewTask[]): number {
  return tasks.reduce((size, { parameters }) => size + weightOf(parameters.length), 0)
}

/** Writes each task for itself, within the transaction that is open. */
export function createEach(session: Session, tasks: readonly NewTask[], limits: AdmissionLimits): Written[] {
  const moment = momentOf(session, limits)
  return tasks.map(task => createOne(session, task, moment))
}

function momentOf(session: Session, limits: AdmissionLimits): Moment {
  return { now: session.now(), limits, parents: new Map() }
}

type Accepts = CreateOptions['allOrNone'] & object

/** Checks all, so that nothing has to be undone; then writes all, unless something stands in the way of one. */
function* createTogether(
  session: Session,
  tasks: readonly NewTask[],
  moment: Moment,
  accepts: Accepts,
): Steps<Written[]> {
  const before = { ...moment, planned: new Planned() }
  const checked: { task: NewTask; answer: Created }[] = []
  let isRefused = false
  for (const task of tasks) {
    const answer = check(session, task, before, accepts)
    checked.push({ task, answer })
    isRefused ||=
      answer.outcome === 'refused' || (answer.outcome === 'existing' && !accepts(task, answer.record))
    yield
  }
  if (isRefused) return checked
  const made: Written[] = []
  for (const { task, answer } of checked) {
    made.push(answer.outcome === 'existing' ? { answer } : createOne(session, task, moment))
    yield
  }
  return made
}

/** Returns what stands in the way of a task; `withheld` where nothing does. */
function check(
  session: Session,
  task: NewTask,
  moment: Moment & { planned: Planned },
  accepts: Accepts,
): Created {
  const { planned } = moment
  const stored = findStored(session, task)
  if (stored !== undefined) return { outcome: 'existing', record: stored.record }
  const same = planned.find(task)
  if (same !== undefined) return accepts(task, same) ? withheld : { outcome: 'existing', record: same }
  const code = refusal(session, task, moment)
  if (code !== undefined) return { outcome: 'refused', code }
  planned.add(task, moment.now)
  return withheld
}

const withheld: Created = { outcome: 'withheld' }

/** What a call is going to create. */
class Planned {
  readonly #records = new Map<string, TaskRecord>()
  readonly #roots = new Map<string, number>()

  find({ id, ...task }: NewTask): TaskRecord | undefined {
    return (
      this.#records.get(id) ??
      (task.idempotencyKey === undefined ? undefined : this.#records.get(keyOf(task)))
    )
  }

  add(task: NewTask, now: number): void {
    const record = newRecord(task, now)
    this.#records.set(task.id, record)
    if (task.idempotencyKey !== undefined) this.#records.set(keyOf(task), record)
    if (task.parent !== undefined) return
    for (const place of [`user ${task.userId}`, `lane ${task.lane}`])
      this.#roots.set(place, (this.#roots.get(place) ?? 0) + 1)
  }

  /** How many of them will wait, as `FairOrder.waiting`. */
  waiting(userId: string, lane: string) {
    return { user: this.#roots.get(`user ${userId}`) ?? 0, lane: this.#roots.get(`lane ${lane}`) ?? 0 }
  }
}

/** Remembers what was committed and can run. */
export function remember({ inFlight }: Session, made: readonly Written[]): void {
  for (const { known } of made) {
    if (known === undefined) continue
    if (known.record.claimToken === undefined) inFlight.remember(known)
    else inFlight.hold(known)
  }
}

/** What was written for a task. */
export interface Written {
  answer: Created
  /** The row that was made, when it can run at once or runs already. */
  known?: Known
}

interface Moment {
  now: number
  limits: AdmissionLimits
  /** Whether an attempt of a parent is still running, asked once per attempt. */
  parents: Map<string, boolean>
  /** What the same call is going to create before. */
  planned?: Planned
}

function createOne(session: Session, task: NewTask, moment: Moment): Written {
  const { aggregate, order, listing, keys } = session
  const { parent } = task
  const isRoot = parent === undefined
  const code = refusal(session, task, moment)
  if (code !== undefined) return existingOr(session, task, { outcome: 'refused', code })
  if (task.idempotencyKey !== undefined && keys.find(task) !== undefined)
    return existingOr(session, task, undefined)
  const priority = priorities.indexOf(task.priority)
  const place: Place = { userId: task.userId, lane: task.lane, priority, isRoot, rank: unranked }
  const record = newRecord(task, moment.now)
  const wakeAt = waitsUntil(record)
  const isDue = wakeAt === undefined
  if (isDue) place.rank = order.rankFor(place)
  const starts = task.claim !== undefined && isDue && laneIsEmpty(session, task.lane) ? task.claim : undefined
  if (starts !== undefined) startRecord(record, starts, moment.now)
  const seq = insertRow(session, record, place)
  if (seq === undefined) return existingOr(session, task, undefined)
  listing.wrote(seq)
  keys.wrote(task, seq)
  aggregate.moved(undefined, record.status)
  if (parent !== undefined) adopt(session, parent.taskId, record.status)
  if (starts === undefined) order.entered(place)
  if (isDue) return { answer: { outcome: 'created', record }, known: { seq, rank: place.rank, record } }
  noteWake(session, wakeAt)
  if (parent !== undefined && record.predecessor !== undefined) {
    aggregate.childWaits(parent.taskId, seq, record.predecessor)
    session.dirty.parents = true
  }
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

/** Returns why a task cannot be created. */
function refusal(session: Session, task: NewTask, { limits, parents, planned }: Moment): Refusal | undefined {
  const { parent, userId, lane } = task
  if (parent !== undefined) return admitChild(session, parent, parents)
  if (limits.waitingPerLane === undefined && limits.waitingPerUser === undefined) return undefined
  const waiting = session.order.waiting(userId, lane)
  if (planned === undefined) return refusalOf(waiting, limits)
  const more = planned.waiting(userId, lane)
  return refusalOf({ user: waiting.user + more.user, lane: waiting.lane + more.lane }, limits)
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
function existingOr(session: Session, task: NewTask, refused: Created | undefined): Written {
  const found = findStored(session, task)
  if (found !== undefined) return { answer: { outcome: 'existing', record: found.record } }
  if (refused !== undefined) return { answer: refused }
  throw new QuillworkError(
    'STORE_FAILED',
    `The task ${task.id} was neither written nor found; the database is damaged.`,
  )
}

/** Returns the task with the same id, else the one with the same idempotency key. */
function findStored({ sql, keys }: Session, task: NewTask): Known | undefined {
  return readTask(sql, task.id) ?? (task.idempotencyKey === undefined ? undefined : keys.find(task))
}

/** The row's number, or undefined when the id is taken. */
function insertRow({ sql }: Session, record: TaskRecord, { priority, rank }: Place): number | undefined {
  const { id, lane, parameters, tags, parentTaskId, budget, after, retry } = record
  const wakeAt = waitsUntil(record)
  const values: Value[] = [
    id,
    record.taskType,
    record.userId,
    lane,
    priority,
    rank,
    record.createdAt,
    record.updatedAt,
    record.depth,
    inlineText(parameters),
    record.parametersVersion,
  ]
  let shape = 0
  let bit = 1
  const add = (value: Value | undefined) => {
    if (value !== undefined) {
      shape |= bit
      values.push(value)
    }
    bit <<= 1
  }
  add(record.leaseUntil)
  add(record.claimToken)
  add(record.executionNodeId)
  add(record.startedAt)
  add(record.lastAttemptTimestamp)
  add(wakeAt === undefined && record.leaseUntil === undefined ? queueOf(lane, false) : undefined)
  add(wakeAt)
  add(record.nextAttemptTimestamp)
  add(record.deadline)
  add(parentTaskId === undefined ? undefined : record.rootTaskId)
  add(parentTaskId)
  add(record.subTaskKey)
  add(record.idempotencyKey)
  add(record.submissionHash)
  add(record.rerunOf)
  add(tags.length === 0 ? undefined : JSON.stringify(tags))
  add(record.traceparent)
  add(budget === undefined ? undefined : JSON.stringify(budget))
  add(after === undefined ? undefined : JSON.stringify(after))
  add(record.predecessor)
  add(retry === undefined ? undefined : JSON.stringify(retry))
  const { changes, lastInsertRowid } = sql(insertOf(shape)).run(...values)
  if (changes === 0) return undefined
  const seq = Number(lastInsertRowid)
  storeLarge(sql, seq, { parameters })
  return seq
}

/** Whether a parent lets its sub-tasks run: it has not ended and nobody asked to cancel it. */
export function parentAllows({ sql }: Session, parentId: string): boolean {
  const status = sql(`SELECT status FROM tasks WHERE id = ? AND ${noCancelRequested}`).pluck().get(parentId)
  return status !== undefined && !hasEnded(status as TaskStatus)
}
