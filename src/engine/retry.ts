import { finishedSteps, scopeRepeating, scopeWithout } from '../task/checkpoint-scope.ts'
import { withoutControls } from '../task/controls.ts'
import { isNotAttempted } from '../task/decide.ts'
import { defined } from '../task/defined.ts'
import { currentParameters, type ResolvedTask } from '../task/definition.ts'
import { QuillworkError } from '../task/errors.ts'
import { everyItem } from '../task/page.ts'
import { hasEnded, retryableStatuses, unsuccessfulStatuses } from '../task/status.ts'
import { checkedTags, type SubmitOptions, validate } from '../task/submission.ts'
import { liveOf, totalOf, unsuccessfulOf } from '../task/subtasks.ts'
import { isWaiting, type TaskRecord } from '../task/task.ts'
import { claiming, type Edit, reopened, retried, runNow, type Transition } from '../task/transition.ts'
import type { Core } from './core.ts'
import { notify } from './notify.ts'
import { changed, findBlocker, readTask, requireVersion } from './read-task.ts'
import { ownKeyPrefix } from './steps.ts'
import { encodedParameters, submitAs } from './submit.ts'

/** How a task is retried. */
export interface RetryTaskOptions {
  /** Runs with these instead of the stored parameters, which stay with the closed dead letter. Only for a dead letter without sub-tasks. */
  parameters?: unknown
  /**
   * Of a task that runs with other parameters: which of its finished steps it does not run again, all or those with these keys. Default none: they
   * belong to the parameters that made them.
   */
  keepCheckpoints?: true | readonly string[]
  /**
   * Of a task that runs with its own parameters and has no sub-tasks: which of its finished steps it runs again, by their keys. What a model is paid for
   * in them is paid again. Default none.
   */
  repeatSteps?: readonly string[]
  /** Of a task that runs with other parameters: its tags from then on. Default: those it has. */
  tags?: readonly string[]
  /** Only if the task still has this version. Throws TASK_CHANGED. */
  ifVersion?: number
}

/** How an ended task is run anew. */
export interface RerunOptions extends SubmitOptions {
  /** Default: those of the ended task. */
  parameters?: unknown
}

/** Sub-tasks read per page. */
const perPage = 200
/** Tasks retried per write. */
const perWrite = 1_000

/**
 * Has an ended task run again: its retries start over, its attempt numbers go on. A parent that its sub-tasks ended waits again
 * while those that did not complete run again; its ended ancestors are reopened with it, and so are sub-tasks that were not attempted because it
 * did not complete. One that starts after siblings waits for them again. Returns how many tasks run again.
 * Throws TASK_NOT_FOUND, TASK_NOT_RETRYABLE, TASK_CHANGED, PARAMETERS_INVALID, OPTION_INVALID.
 */
export async function retryTask(core: Core, taskId: string, options: RetryTaskOptions = {}): Promise<number> {
  let seen = await readRetryable(core, taskId, options)
  for (let tries = 1; ; tries++) {
    const retriedTasks = await retryAsSeen(core, seen, options)
    if (retriedTasks !== undefined) return retriedTasks
    const [current] = await core.store.queries.get([taskId])
    // A change that left the status, such as the broker's story of its dead letter, does not refuse the retry.
    const isAsItWas = current !== undefined && current.status === seen.status && tries < mostTries
    if (!isAsItWas || options.ifVersion !== undefined) throw changed(current ?? seen)
    seen = current
  }
}

/** Tries to retry a record that changes meanwhile. */
const mostTries = 5

/**
 * Has a waiting task run now, whatever time it waits for: its start, its next attempt, a limit, a budget, or a sleep of its handler, which is over
 * then. One that then finds no capacity waits again. Changes nothing of one that waits for no time. Throws TASK_NOT_FOUND, TASK_NOT_WAITING, TASK_CHANGED.
 */
export async function runTaskNow(core: Core, taskId: string, ifVersion?: number): Promise<void> {
  for (let tries = 1; ; tries++) {
    const record = await readTask(core, taskId)
    requireVersion(record, ifVersion)
    if (!claiming.from.some(status => status === record.status)) {
      const message = `Task ${taskId} is ${record.status}, so it does not wait.`
      throw new QuillworkError('TASK_NOT_WAITING', message)
    }
    const now = core.store.tasks.now()
    requireTime(record)
    if ((record.nextAttemptTimestamp ?? 0) <= now) return
    const [applied] = await core.store.tasks.apply([runNow(record, now)])
    if (applied === 'applied') return core.wakeRelay()
    if (ifVersion !== undefined || tries === mostTries) throw changed(await readTask(core, taskId))
  }
}

/** Returns whether a waiting task waits for a time alone: for no sub-task, and no signal. */
export function waitsForTime(record: TaskRecord): boolean {
  const sleeps = record.waits?.some(({ signal }) => signal === undefined) === true
  return record.predecessor === undefined && (sleeps || !isWaiting(record))
}

/** Throws TASK_NOT_WAITING where a task waits for something other than a time. */
function requireTime(record: TaskRecord): void {
  if (waitsForTime(record)) return
  const { id, predecessor, waits = [] } = record
  const what =
    predecessor === undefined
      ? `the signal ${JSON.stringify(waits[0]?.signal)}`
      : `the sub-task ${JSON.stringify(predecessor)}`
  throw new QuillworkError('TASK_NOT_WAITING', `Task ${id} waits for ${what}, and not for a time.`)
}

/**
 * Submits an ended task anew, as a task of its own that says which one it runs anew: for the same user, in the same lane, with the same
 * priority, tags, budget and retries, unless the options say otherwise. A sub-task becomes a root. Throws TASK_NOT_FOUND, TASK_NOT_ENDED,
 * TASK_TYPE_UNKNOWN, and what a submission throws.
 */
export async function rerunTask(
  core: Core,
  taskId: string,
  { parameters, ...options }: RerunOptions = {},
): Promise<{ record: TaskRecord; isNew: boolean }> {
  const ended = await readTask(core, taskId)
  if (!hasEnded(ended.status)) {
    const message = `Task ${taskId} is ${ended.status}: only a task that has ended is run anew.`
    throw new QuillworkError('TASK_NOT_ENDED', message)
  }
  const task = typeOfRecord(core, ended)
  const { userId, lane, priority, tags, budget } = ended
  return submitAs(core, task, {
    parameters: parameters === undefined ? currentParameters(task, ended) : parameters,
    // Tags of earlier versions may have controls.
    options: { ...defined({ userId, lane, priority, tags: tags.map(withoutControls), budget }), ...options },
    rerunOf: ended.id,
    ...defined({ retry: ended.retry }),
    as: (record, isNew) => ({ record, isNew }),
  })
}

/** Returns the type of a record. Throws TASK_TYPE_UNKNOWN, also where its parameters are newer than the type that is defined here. */
function typeOfRecord(core: Core, { taskType, parametersVersion: version }: TaskRecord): ResolvedTask {
  const task = core.tasks.get(taskType)
  if (task !== undefined && version <= task.parametersVersion) return task
  const which = task === undefined ? taskType : `${taskType} with parameters of version ${version}`
  const message = `No task of type ${which} is defined here, so its parameters cannot be checked.`
  throw new QuillworkError('TASK_TYPE_UNKNOWN', message)
}

async function readRetryable(
  core: Core,
  taskId: string,
  { ifVersion }: RetryTaskOptions,
): Promise<TaskRecord> {
  const record = await readTask(core, taskId)
  requireVersion(record, ifVersion)
  if (retryableStatuses.some(status => status === record.status)) return record
  const how = hasEnded(record.status) ? 'completed' : 'has not ended'
  const message = `Task ${taskId} is ${record.status}: a task that ${how} cannot be retried.`
  throw new QuillworkError('TASK_NOT_RETRYABLE', message)
}

/** Retries the task as it was read. Returns how many tasks run again; undefined when it, or an ancestor, changed meanwhile. */
async function retryAsSeen(
  core: Core,
  record: TaskRecord,
  options: RetryTaskOptions,
): Promise<number | undefined> {
  const edited = await editedParameters(core, record, options)
  const ancestors = await endedAncestors(core, record)
  const now = core.store.tasks.now()
  const own = retryOne(record, now, edited)
  if (own.transition.name === 'retried') await requirePredecessors(core, record)
  const above = ancestors.map(ancestor => ({ record: ancestor, transition: reopened(ancestor, now) }))
  const steps = [own, ...above, ...(await stepsBelow(core, record))]
  const applied = await applyWithSuccessors(core, steps, 1 + above.length, [record, ...ancestors])
  if (applied[0] !== true) return undefined
  core.wakeRelay()
  return applied.filter(Boolean).length - above.length
}

interface Step {
  record: TaskRecord
  transition: Transition
}

/** Returns the retry of one task: a parent that had come to wait waits again, for its sub-tasks or to be closed; any other runs its handler again. */
function retryOne(record: TaskRecord, now: number, edited?: Edit): Step {
  const waits =
    record.phase === 'awaiting-subtasks' ||
    (record.phase === 'reducing' && hasRetryable(record)) ||
    record.status === 'COMPLETED_WITH_ERRORS'
  return { record, transition: waits ? reopened(record, now) : retried(record, now, edited) }
}

function hasRetryable({ subTaskStatusSummary }: TaskRecord): boolean {
  return unsuccessfulOf(subTaskStatusSummary) + (subTaskStatusSummary?.COMPLETED_WITH_ERRORS ?? 0) > 0
}

/** Returns the retries of what did not complete below a parent, parents before their sub-tasks. Throws TASK_NOT_RETRYABLE. */
async function stepsBelow(core: Core, parent: TaskRecord): Promise<Step[]> {
  if (liveOf(parent.subTaskStatusSummary) > 0) {
    const message = `Sub-tasks of ${parent.id} are still stopping; retry when they have ended.`
    throw new QuillworkError('TASK_NOT_RETRYABLE', message)
  }
  const steps: Step[] = []
  if (!hasRetryable(parent)) return steps
  const filter = { status: retryableStatuses }
  const children = everyItem(perPage, page => core.store.queries.children(parent.id, filter, page))
  for await (const record of children)
    steps.push(retryOne(slim(record), core.store.tasks.now()), ...(await stepsBelow(core, record)))
  return steps
}

/** Throws TASK_NOT_RETRYABLE where a sibling keeps the task from starting and has ended: the task would end again at once. */
async function requirePredecessors(core: Core, record: TaskRecord): Promise<void> {
  const blocker = await findBlocker(core, record)
  if (blocker === undefined || !hasEnded(blocker.status)) return
  const { id, subTaskKey, status } = blocker
  const message = `Task ${record.id} starts after the sub-task ${JSON.stringify(subTaskKey)}, which ended ${status}. Retry that one (${id}): this one then waits for it.`
  throw new QuillworkError('TASK_NOT_RETRYABLE', message, { details: { taskId: id } })
}

/** Keys of sub-tasks of one parent that run again, each once by one call: one that fails again is not retried for ever. */
interface Again {
  parentTaskId: string
  keys: Set<string>
}

/**
 * Writes steps, of which these are the tasks that others may start after, with the retries of the sub-tasks that were not attempted because those did
 * not complete. What was cancelled for them meanwhile, while the retries were on their way, is retried after them.
 */
async function applyWithSuccessors(
  core: Core,
  steps: readonly Step[],
  required: number,
  predecessors: readonly TaskRecord[],
): Promise<boolean[]> {
  const again = predecessors.flatMap(({ parentTaskId, subTaskKey }): Again[] =>
    parentTaskId === undefined || subTaskKey === undefined
      ? []
      : [{ parentTaskId, keys: new Set([subTaskKey]) }],
  )
  const applied = await applyTogether(core, [...steps, ...(await stepsAfter(core, again))], required)
  for (let last = applied; last.includes(true) && (required === 0 || applied[0] === true); ) {
    last = await applyTogether(core, await stepsAfter(core, again), 0)
    applied.push(...last)
  }
  return applied
}

/** Returns the retries of the sub-tasks that were not attempted because one of these, or one that was not attempted for them, did not complete. */
async function stepsAfter(core: Core, predecessors: readonly Again[]): Promise<Step[]> {
  const { queries, tasks } = core.store
  const steps: Step[] = []
  for (const { parentTaskId, keys: again } of predecessors) {
    if (again.size === 1) {
      const directly = { status: ['CANCELLED'], predecessor: [...again].join() } as const
      const { items } = await queries.children(parentTaskId, directly, { pageSize: 1 })
      if (items.length === 0) continue
    }
    // Each stands behind what it starts after, so one pass finds all.
    const cancelled = everyItem(perPage, page =>
      queries.children(parentTaskId, { status: ['CANCELLED'] }, page),
    )
    for await (const record of cancelled) {
      const { predecessor = '', subTaskKey: key = '' } = record
      if (!isNotAttempted(record) || !again.has(predecessor) || again.has(key)) continue
      again.add(key)
      steps.push(retryOne(slim(record), tasks.now()), ...(await stepsBelow(core, record)))
    }
  }
  return steps
}

/** Reopens an ended parent of which a sub-task is live again. */
export async function reopen(core: Core, record: TaskRecord): Promise<void> {
  const own = { record, transition: reopened(record, core.store.tasks.now()) }
  await applyWithSuccessors(core, [own], 1, [record])
}

/** Has what was not attempted for a sibling wait for it again, where that one was retried before this was written. */
export async function followRetry(core: Core, siblingId: string): Promise<void> {
  const [sibling] = await core.store.queries.get([siblingId])
  if (sibling === undefined || unsuccessfulStatuses.some(status => status === sibling.status)) return
  await applyWithSuccessors(core, [], 0, [sibling])
}

/** Returns a record without its large texts, so that a step for each of many sub-tasks takes little memory. */
function slim({ progress: _progress, result: _result, ...record }: TaskRecord): TaskRecord {
  return { ...record, parameters: '' }
}

/**
 * Writes a task, its ended ancestors (these are required: none of them is retried without the others) and the first of those below it
 * together: no parent is closed, and no sub-task cancelled, between two of them. The rest of a large tree follows at once.
 */
async function applyTogether(core: Core, steps: readonly Step[], required: number): Promise<boolean[]> {
  const applied: boolean[] = []
  for (let from = 0; from < steps.length; from += perWrite) {
    const part = steps.slice(from, from + perWrite)
    const transitions = part.map(step => step.transition)
    const answers = await core.store.tasks.apply(transitions, from === 0 ? { required } : undefined)
    for (const [index, { record, transition }] of part.entries()) {
      applied.push(answers[index] === 'applied')
      if (answers[index] === 'applied') notify(core, record, transition)
    }
    if (required > 0 && applied[0] !== true) return applied
  }
  return applied
}

/**
 * Returns the ended tasks above, nearest first. Throws when one of them did not end as its sub-tasks ended (it was cancelled, or its own
 * handler failed before it came to wait): then the tree is retried from there.
 */
async function endedAncestors(core: Core, record: TaskRecord): Promise<TaskRecord[]> {
  const ancestors: TaskRecord[] = []
  for (let id = record.parentTaskId; id !== undefined; ) {
    const [parent] = await core.store.queries.get([id])
    if (parent === undefined || !hasEnded(parent.status)) break
    if (parent.status === 'CANCELLED' || parent.phase === 'executing') {
      const message = `The parent ${parent.id} ended ${parent.status} by itself; retry the parent instead.`
      throw new QuillworkError('TASK_NOT_RETRYABLE', message)
    }
    ancestors.push(parent)
    id = parent.parentTaskId
  }
  return ancestors
}

async function editedParameters(
  core: Core,
  record: TaskRecord,
  { parameters, keepCheckpoints, repeatSteps, tags }: RetryTaskOptions,
): Promise<Edit | undefined> {
  if (parameters === undefined) {
    if (keepCheckpoints === undefined && tags === undefined) return repeated(core, record, repeatSteps)
    const message =
      'keepCheckpoints and tags go with other parameters; a task that runs with its own keeps all of both.'
    throw new QuillworkError('OPTION_INVALID', message)
  }
  if (repeatSteps !== undefined) {
    const message =
      'repeatSteps goes without other parameters; with those every step runs again that keepCheckpoints does not name.'
    throw new QuillworkError('OPTION_INVALID', message)
  }
  if (record.deadLetter === undefined || totalOf(record.subTaskStatusSummary) > 0) {
    const message = `Only a dead letter without sub-tasks runs with other parameters; submit a new task instead of changing ${record.id}.`
    throw new QuillworkError('OPTION_INVALID', message)
  }
  const task = typeOfRecord(core, record)
  await validate(task, parameters)
  const text = encodedParameters(core, record.taskType, parameters)
  const edited = {
    ...{ parameters: text, parametersVersion: task.parametersVersion },
    ...(tags !== undefined && { tags: checkedTags(tags) }),
  }
  const isSame =
    edited.parameters === record.parameters && edited.parametersVersion === record.parametersVersion
  if (keepCheckpoints === true || (isSame && keepCheckpoints === undefined)) return edited
  return { ...edited, checkpointScope: scopeWithout(record, keepCheckpoints ?? []) }
}

/** Stored keys of the checkpoints of a task that are read at most; each has at most some 200 characters. */
const mostKeys = 100_000

/** Returns the names of the finished steps of a task. */
export async function stepsOf({ store }: Core, record: TaskRecord): Promise<string[]> {
  return finishedSteps(record, await store.queries.steps(record.id, mostKeys))
}

/** Returns what has a task run finished steps again. Throws OPTION_INVALID for one that is not finished, or that is a wait. */
async function repeated(
  core: Core,
  record: TaskRecord,
  steps: readonly string[] = [],
): Promise<Edit | undefined> {
  if (steps.length === 0) return undefined
  if (totalOf(record.subTaskStatusSummary) > 0) {
    const message = `Only a task without sub-tasks runs finished steps again; ${record.id} has some, which its steps submitted.`
    throw new QuillworkError('OPTION_INVALID', message)
  }
  const finished = new Set(await stepsOf(core, record))
  const other = steps.find(step => !finished.has(step) || step.startsWith(ownKeyPrefix))
  if (other === undefined) return { checkpointScope: scopeRepeating(record, [...new Set(steps)]) }
  const message = finished.has(other)
    ? `${JSON.stringify(other)} is a wait, and a wait that is over stays over. Name steps in repeatSteps.`
    : `Task ${record.id} has no finished step ${JSON.stringify(other)}. Name in repeatSteps the steps that its trace names.`
  throw new QuillworkError('OPTION_INVALID', message)
}
