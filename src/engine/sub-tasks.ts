import { retryUntilStored } from '../runtime/retry-until-stored.ts'
import type { Created } from '../store/store.ts'
import { classifyError } from '../task/classify.ts'
import { withoutControls } from '../task/controls.ts'
import type { Schema, SubTask, SubTaskItem, SubTaskOptions, TaskType } from '../task/definition.ts'
import { durationMs } from '../task/duration.ts'
import { type ErrorInfo, QuillworkError } from '../task/errors.ts'
import { subTaskId } from '../task/id.ts'
import { everyItem } from '../task/page.ts'
import { predecessorsOf, type RefusedSubTask, SubTaskLine } from '../task/predecessors.ts'
import { ownRetry } from '../task/retry-policy.ts'
import { hasEnded } from '../task/status.ts'
import { checkedTags, validate } from '../task/submission.ts'
import { deepest } from '../task/subtasks.ts'
import { isCancelRequested, type NewTask } from '../task/task.ts'
import { isA } from '../task/thrown.ts'
import { traceSubmission } from '../task/tracer.ts'
import type { Attempt } from './attempt.ts'
import type { Core } from './core.ts'
import { subTaskOf } from './handle.ts'
import { notifySubmitted } from './notify.ts'
import { siblingsPerRead } from './read-task.ts'
import { retryOf } from './settle.ts'
import { checkKey } from './steps.ts'
import { checkLane, defaultsOf, encodedParameters, recordOf } from './submit.ts'
import { mostTogether } from './submit-many.ts'

/** Characters of the parameters of the sub-tasks that are created all or none, at most, but for those of one: they are in memory together. */
const mostCharacters = 32_000_000
/** Sub-tasks per page when a parent reads them. */
const perPage = 200

type Item = SubTaskOptions & { parameters: unknown }

/** Resolves when the submissions of the attempt have ended that began before this one. */
type Earlier = () => Promise<unknown>

/** Submits one sub-task, or finds the one with that key. Throws what refuses it. */
export async function submitSubTask<A extends Schema, B extends Schema>(
  core: Core,
  attempt: Attempt,
  type: TaskType<A, B>,
  { item, earlier }: { item: Item; earlier: Earlier },
): Promise<{ subTask: SubTask<A, B>; isNew: boolean }> {
  const task = await newSubTask(core, attempt, type, item)
  if (task.after !== undefined) {
    const line = new SubTaskLine()
    line.add(task)
    const { refused } = await endLine(core, attempt.record.id, line, earlier)
    for (const { error } of refused) throw error
  }
  const [created] = await create(core, attempt, [task])
  const { record, isNew } = accept(core, attempt, task, created)
  return { subTask: subTaskOf(type, record), isNew }
}

/** The outcome of a bulk submission: how many are new, how many existed, whether one of them is live, and which were refused. */
export interface SubTasksWritten {
  created: number
  found: number
  live: boolean
  refused: { key: string; error: ErrorInfo }[]
}

/**
 * Submits many, each behind those that it starts after; one that is refused by itself is reported, the others go on, up to 10,000 at a
 * time, or as many as the store has room for in a transaction: all of those or none. Throws when the parent no longer holds its task.
 */
export async function submitSubTasks<A extends Schema>(
  core: Core,
  attempt: Attempt,
  type: TaskType<A>,
  { items, earlier }: { items: Iterable<SubTaskItem<A>>; earlier: Earlier },
): Promise<SubTasksWritten> {
  const written: SubTasksWritten = { created: 0, found: 0, live: false, refused: [] }
  const refuse = (key: string, error: unknown) => {
    written.refused.push({ key, error: classifyError(error, core.store.tasks.now()).info })
  }
  const line = new SubTaskLine()
  let most = mostTogether
  let part: NewTask[] = []
  let characters = 0
  /** Takes a task into the part; returns whether that is full. */
  const take = (task: NewTask): boolean => {
    part.push(task)
    characters += charactersOf(task)
    return part.length >= most || characters >= mostCharacters
  }
  const write = async () => {
    most = Math.min(most, await writePart(core, attempt, part, written))
    line.dropWritten()
    part = []
    characters = 0
  }
  for (const item of items) {
    let task: NewTask
    try {
      task = await newSubTask(core, attempt, type, item)
    } catch (error) {
      refuse(item.key, error)
      continue
    }
    for (const next of line.add(task)) if (take(next)) await write()
  }
  const rest = await endLine(core, attempt.record.id, line, earlier)
  for (const next of rest.tasks) if (take(next)) await write()
  for (const { key, error } of rest.refused) refuse(key, error)
  if (part.length > 0) await writePart(core, attempt, part, written)
  return written
}

/** No task is added to the line any more. Returns what can be created because its siblings were there before, and what is refused. */
async function endLine(
  { store }: Core,
  parentId: string,
  line: SubTaskLine,
  earlier: Earlier,
): Promise<{ tasks: NewTask[]; refused: RefusedSubTask[] }> {
  const keys = line.unknown()
  const tasks: NewTask[] = []
  if (keys.length > 0) await earlier()
  for (let from = 0; from < keys.length; from += siblingsPerRead) {
    const part = keys.slice(from, from + siblingsPerRead)
    const found = await store.queries.get(part.map(key => subTaskId(parentId, key)))
    for (const [index, key] of part.entries())
      if (found[index] !== undefined) tasks.push(...line.goesAhead(key))
  }
  return { tasks, refused: line.refusals() }
}

function charactersOf({ parameters, after }: NewTask): number {
  if (after === undefined) return parameters.length
  return after.keys.reduce((sum, key) => sum + key.length, parameters.length)
}

/** Writes the sub-tasks in one transaction, or in halves where the store has no room for so many. Returns how many it wrote at once at most. */
async function writePart(
  core: Core,
  attempt: Attempt,
  part: readonly NewTask[],
  written: SubTasksWritten,
): Promise<number> {
  const created = await create(core, attempt, part).catch(error => {
    if (part.length > 1 && isA(error, QuillworkError) && error.code === 'TRANSACTION_TOO_LARGE')
      return undefined
    throw error
  })
  if (created === undefined) {
    const half = Math.ceil(part.length / 2)
    const first = await writePart(core, attempt, part.slice(0, half), written)
    return Math.max(first, await writePart(core, attempt, part.slice(half), written))
  }
  for (const [index, task] of part.entries()) {
    const { record, isNew } = accept(core, attempt, task, created[index])
    written[isNew ? 'created' : 'found'] += 1
    if (!hasEnded(record.status)) written.live = true
  }
  return part.length
}

/** A sub-task whose key exists is left as it is. */
const asItIs = () => true

/** Without limits on waiting tasks: their root was admitted. All are created, or none, also in a store that is away for a while. */
async function create(core: Core, attempt: Attempt, tasks: readonly NewTask[]): Promise<readonly Created[]> {
  const { trace, store } = core
  // Also where the write fails: a part of many may be there, and so may what the store gave no answer to.
  attempt.hasSubTasks = true
  const write = () => store.tasks.create(tasks, {}, { allOrNone: asItIs })
  const created = await traceSubmission(trace, tasks, () => retryUntilStored(write, retryOf(core, attempt)))
  if (created.some(each => each.outcome === 'refused')) {
    // The parent may have been asked to stop, and this process may not have heard of it: such an attempt ends cancelled, and has not failed.
    const [present] = await store.queries.get([attempt.record.id])
    if (present?.claimToken === attempt.token && isCancelRequested(present)) attempt.cancel(store.tasks.now())
  }
  return created
}

/** Returns the record of a sub-task. Throws the refusal, also of a parent that lost its task. */
function accept(core: Core, { record: parent }: Attempt, task: NewTask, created: Created | undefined) {
  if (created?.outcome === 'refused') {
    const { id, attempt } = parent
    core.log.warn({ taskId: id, attempt, code: created.code }, 'sub-task rejected')
  }
  const record = recordOf(task, created)
  const isNew = created?.outcome === 'created'
  if (isNew) notifySubmitted(core, record)
  return { record, isNew }
}

/** Returns the sub-tasks of a type, in the order of submission, page by page. */
export async function* findSubTasks<A extends Schema, B extends Schema>(
  core: Core,
  parentTaskId: string,
  type: TaskType<A, B>,
): AsyncGenerator<SubTask<A, B>, void, undefined> {
  const filter = { taskType: type.type }
  const records = everyItem(perPage, page => core.store.queries.children(parentTaskId, filter, page))
  for await (const record of records) yield subTaskOf(type, record)
}

async function newSubTask(core: Core, attempt: Attempt, type: TaskType, item: Item): Promise<NewTask> {
  const { key, tags, parameters, priority, delay, retry } = item
  checkKey(key, 'sub-task')
  const { record } = attempt
  const depth = record.depth + 1
  if (depth > deepest) {
    const message = `${type.type} would be ${depth} levels below its root; ${deepest} are allowed.`
    throw new QuillworkError('TREE_TOO_DEEP', message)
  }
  const validated = validate(type, parameters)
  if (validated instanceof Promise) await validated
  const defaults = defaultsOf(core, type)
  const { lane = defaults.lane } = item
  checkLane(core, lane, defaults.lane)
  const after = predecessorsOf(item)
  const task: NewTask = {
    id: subTaskId(record.id, key),
    taskType: type.type,
    userId: record.userId,
    lane,
    priority: priority ?? record.priority,
    tags:
      tags === undefined
        ? record.tags
        : checkedTags([...new Set([...record.tags.map(withoutControls), ...tags])]),
    parameters: encodedParameters(core, type.type, parameters),
    parametersVersion: defaults.parametersVersion,
    parent: { taskId: record.id, attempt: record.attempt, rootTaskId: record.rootTaskId, key, depth },
  }
  if (after !== undefined) task.after = after
  if (delay !== undefined) task.delay = durationMs(delay, 'delay')
  if (retry !== undefined) task.retry = ownRetry(retry)
  if (defaults.deadlineMs !== undefined) task.deadlineAfter = defaults.deadlineMs
  const { traceparent } = attempt
  if (traceparent !== undefined) task.traceparent = traceparent
  return task
}
