import { encode } from '../task/codec.ts'
import { QuillworkError } from '../task/errors.ts'
import { hasEnded, type TaskStatus } from '../task/status.ts'
import { unsuccessfulOf } from '../task/subtasks.ts'
import type { TaskRecord } from '../task/task.ts'
import { reopened, retried, type Transition } from '../task/transition.ts'
import { changed } from './cancel.ts'
import type { Core } from './core.ts'
import { validate } from './submit.ts'
import { tell } from './tell.ts'

/** How a task is retried. */
export interface RetryTaskOptions {
  /** Runs with these instead of the stored parameters; the original stays with the closed dead letter. Not for parents. */
  parameters?: unknown
  /** Only if the task still has this version. Throws TASK_CHANGED. */
  ifVersion?: number
}

/** Sub-tasks read and retried per write. */
const perWrite = 200
const unsuccessful: readonly TaskStatus[] = ['FAILED', 'DEAD_LETTER', 'CANCELLED']
const retryable: readonly TaskStatus[] = [...unsuccessful, 'COMPLETED_WITH_ERRORS']

/**
 * Has an ended task run again: its retries start anew, its attempt numbers go on. A parent that its sub-tasks ended waits again
 * while those that did not complete run again; its ended ancestors are reopened with it. Answers how many tasks run again.
 * Throws TASK_NOT_FOUND, TASK_NOT_RETRYABLE, TASK_CHANGED, PARAMETERS_INVALID.
 */
export async function retryTask(core: Core, taskId: string, options: RetryTaskOptions = {}): Promise<number> {
  const [record] = await core.store.queries.get([taskId])
  if (record === undefined) throw new QuillworkError('TASK_NOT_FOUND', `There is no task ${taskId}.`)
  if (options.ifVersion !== undefined && record.version !== options.ifVersion) throw changed(record)
  if (!retryable.includes(record.status)) {
    const how = hasEnded(record.status) ? 'completed' : 'has not ended'
    throw new QuillworkError(
      'TASK_NOT_RETRYABLE',
      `Task ${taskId} is ${record.status}: a task that ${how} cannot be retried.`,
    )
  }
  const edited = await editedParameters(core, record, options.parameters)
  const ancestors = await endedAncestors(core, record)
  const own = retryOne(core, record, edited)
  const above = ancestors.map(ancestor => ({
    record: ancestor,
    transition: reopened(ancestor, core.store.tasks.now()),
  }))
  const [applied] = await applyTogether(core, [own, ...above])
  if (applied !== true) throw changed((await core.store.queries.get([taskId]))[0] ?? record)
  const below = await retryBelow(core, record)
  core.wakeRelay()
  return 1 + below
}

interface Step {
  record: TaskRecord
  transition: Transition
}

/** A parent that ended with its sub-tasks waits again; anything else runs its handler again. */
function retryOne(
  core: Core,
  record: TaskRecord,
  edited?: { parameters: string; parametersVersion: number },
): Step {
  const now = core.store.tasks.now()
  const waits = record.phase !== 'executing' && unsuccessfulOf(record.subTaskStatusSummary) > 0
  return {
    record,
    transition:
      waits || record.status === 'COMPLETED_WITH_ERRORS'
        ? reopened(record, now)
        : retried(record, now, edited),
  }
}

/** Retries what did not complete below a parent, parents before their sub-tasks. */
async function retryBelow(core: Core, parent: TaskRecord): Promise<number> {
  if (
    unsuccessfulOf(parent.subTaskStatusSummary) +
      (parent.subTaskStatusSummary?.COMPLETED_WITH_ERRORS ?? 0) ===
    0
  )
    return 0
  let count = 0
  let pageToken: string | undefined
  do {
    const page = await core.store.queries.children(
      parent.id,
      { status: retryable },
      pageToken === undefined ? { pageSize: perWrite } : { pageSize: perWrite, pageToken },
    )
    const steps = page.items.map(record => retryOne(core, record))
    const applied = await applyTogether(core, steps)
    for (const [index, record] of page.items.entries()) {
      if (applied[index] === true) count += 1 + (await retryBelow(core, record))
    }
    pageToken = page.nextPageToken
  } while (pageToken !== undefined)
  return count
}

/** One write for all: no parent is closed, and no sub-task cancelled, between two of them. */
async function applyTogether(core: Core, steps: readonly Step[]): Promise<boolean[]> {
  if (steps.length === 0) return []
  const answers = await core.store.tasks.apply(steps.map(step => step.transition))
  return steps.map(({ record, transition }, index) => {
    if (answers[index] !== 'applied') return false
    tell(core, record, transition)
    return true
  })
}

/** The ended tasks above, nearest first. Throws when one of them was cancelled: then the tree is retried from there. */
async function endedAncestors(core: Core, record: TaskRecord): Promise<TaskRecord[]> {
  const ancestors: TaskRecord[] = []
  for (let id = record.parentTaskId; id !== undefined; ) {
    const [parent] = await core.store.queries.get([id])
    if (parent === undefined || !hasEnded(parent.status)) break
    if (parent.status === 'CANCELLED') {
      throw new QuillworkError(
        'TASK_NOT_RETRYABLE',
        `The parent ${parent.id} was cancelled; retry the parent instead.`,
      )
    }
    ancestors.push(parent)
    id = parent.parentTaskId
  }
  return ancestors
}

async function editedParameters(core: Core, record: TaskRecord, parameters: unknown) {
  if (parameters === undefined) return undefined
  const task = core.tasks.get(record.taskType)
  if (task === undefined) {
    throw new QuillworkError(
      'TASK_TYPE_UNKNOWN',
      `No task of type ${record.taskType} is defined here, so its parameters cannot be checked.`,
    )
  }
  const validated = validate(task, parameters)
  if (validated instanceof Promise) await validated
  return { parameters: encode(parameters), parametersVersion: task.parametersVersion }
}
