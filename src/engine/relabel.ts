/** Changes what a task is found by and where it waits: its tags, and its lane. */
import { withoutControls } from '../task/controls.ts'
import { QuillworkError } from '../task/errors.ts'
import { checkedTags } from '../task/submission.ts'
import type { TaskRecord } from '../task/task.ts'
import { claiming, moved, type Transition, tagged } from '../task/transition.ts'
import type { Core } from './core.ts'
import { changed, readTask, requireVersion } from './read-task.ts'
import { requireLane } from './submit.ts'

/** Which tags a task gets and loses; one that is named in both it has afterwards. */
export interface TagChange {
  add?: readonly string[]
  remove?: readonly string[]
  /** Only if the task still has this version. Throws TASK_CHANGED. */
  ifVersion?: number
}

/** Tries to change a record that changes meanwhile. */
const mostTries = 20

/**
 * Adds tags to a task in whatever status, and takes tags from it. An attempt that runs keeps those that it began with. Returns whether anything
 * changed. Throws TASK_NOT_FOUND, TASK_CHANGED, OPTION_INVALID for more than 20 tags.
 */
export function tagTask(core: Core, taskId: string, change: TagChange): Promise<boolean> {
  return changeTask(core, taskId, change.ifVersion, record => {
    const tags = tagsAfter(record.tags, change)
    return tags === undefined ? undefined : tagged(record, tags)
  })
}

/** Whether a change of tags changes anything of a task. */
export function hasOtherTags(
  { tags }: Pick<TaskRecord, 'tags'>,
  { add = [], remove = [] }: Pick<TagChange, 'add' | 'remove'>,
): boolean {
  return add.some(tag => !tags.includes(tag)) || remove.some(tag => tags.includes(tag) && !add.includes(tag))
}

/** Returns the tags after a change; undefined where it changes none. Throws OPTION_INVALID. */
function tagsAfter(
  tags: readonly string[],
  { add = [], remove = [] }: Pick<TagChange, 'add' | 'remove'>,
): readonly string[] | undefined {
  if (!hasOtherTags({ tags }, { add, remove })) return undefined
  const kept = tags.filter(tag => add.includes(tag) || !remove.includes(tag))
  const added = [...new Set(add)].filter(tag => !kept.includes(tag))
  // Those that are left are taken as they are.
  if (added.length === 0) return kept
  // Tags of earlier versions may have controls.
  return checkedTags([...kept.map(withoutControls), ...added])
}

/** Whether a task waits for an attempt: what runs keeps the lane of the slot that it is in, and what ended has none. */
function waitsForAttempt({ status }: Pick<TaskRecord, 'status'>): boolean {
  return claiming.from.some(each => each === status)
}

/**
 * Has a waiting task wait in another lane, as the last of its user there. One that waits for a time joins that lane when it has come. Returns whether
 * it was in another one. Throws LANE_UNKNOWN, TASK_NOT_FOUND, TASK_NOT_WAITING, TASK_CHANGED.
 */
export async function moveTask(
  core: Core,
  taskId: string,
  lane: string,
  ifVersion?: number,
): Promise<boolean> {
  requireLane(core, lane)
  const isMoved = await changeTask(core, taskId, ifVersion, record => {
    if (!waitsForAttempt(record)) {
      const message = `Task ${taskId} is ${record.status}: only a task that waits for an attempt is moved to another lane.`
      throw new QuillworkError('TASK_NOT_WAITING', message)
    }
    return record.lane === lane ? undefined : moved(record, lane, core.store.tasks.now())
  })
  if (isMoved) core.wakeRelay()
  return isMoved
}

/** Writes what is to change of a task as it is then. Returns whether anything was. */
async function changeTask(
  core: Core,
  taskId: string,
  ifVersion: number | undefined,
  transitionOf: (record: TaskRecord) => Transition | undefined,
): Promise<boolean> {
  for (let tries = 1; ; tries++) {
    const record = await readTask(core, taskId)
    requireVersion(record, ifVersion)
    const transition = transitionOf(record)
    if (transition === undefined) return false
    const [applied] = await core.store.tasks.apply([transition])
    if (applied === 'applied') return true
    if (ifVersion !== undefined || tries === mostTries) throw changed(await readTask(core, taskId))
  }
}
