/** Cancels tasks and what is below them, and deletes trees that are not to wait for their retention. */
import { readable } from '../task/codec.ts'
import { cancelError } from '../task/decide.ts'
import type { Erasure, RootTask } from '../task/erasure.ts'
import { QuillworkError } from '../task/errors.ts'
import { everyPage, type PageRequest } from '../task/page.ts'
import { hasEnded, liveStatuses, type TaskStatus } from '../task/status.ts'
import { isCancelRequested, type TaskRecord } from '../task/task.ts'
import { isA } from '../task/thrown.ts'
import { cancelledWaiting, cancelRequested, type Transition } from '../task/transition.ts'
import type { Attempt } from './attempt.ts'
import type { Core } from './core.ts'
import { notify } from './notify.ts'
import { readTask, requireVersion } from './read-task.ts'

/** Tries to cancel a task that changes meanwhile. */
const mostTries = 20
/** Tries after which a parent whose sub-tasks keep changing it is asked to end, instead of being ended here. */
const triesAtRest = 2
/** Sub-tasks cancelled per write. */
const perWrite = 200
/** Such writes per aggregation of a parent: the next one goes on, and other work comes in between. */
const mostWrites = 5

/**
 * Cancels a task and everything below it. A task that no attempt holds ends at once; one that runs is asked to stop, and ends when its
 * handler reacts to the signal (a result returned first wins). Cancelling again changes nothing. Sub-tasks follow by the aggregator.
 * Throws TASK_NOT_FOUND, TASK_ALREADY_ENDED.
 */
export async function cancelTask(core: Core, taskId: string, ifVersion?: number): Promise<void> {
  for (let tries = 0; tries < mostTries; tries++) {
    const record = await readTask(core, taskId)
    if (record.status === 'CANCELLED') return
    if (hasEnded(record.status)) {
      const message = `Task ${taskId} ended ${record.status}, so there is nothing to cancel.`
      throw new QuillworkError('TASK_ALREADY_ENDED', message)
    }
    requireVersion(record, ifVersion)
    if (await cancelAll(core, [record], tries >= triesAtRest)) return
  }
  throw new QuillworkError('TASK_CHANGED', `Task ${taskId} keeps changing; try again.`)
}

/**
 * Cancels a task and, without waiting for the aggregator, what is live below it: each is asked to stop when this resolves. What has ended, or is gone,
 * stays as it is.
 */
export async function cancelTree(core: Core, taskId: string): Promise<void> {
  try {
    await cancelTask(core, taskId)
  } catch (error) {
    const isOver = ['TASK_ALREADY_ENDED', 'TASK_NOT_FOUND']
    if (!isA(error, QuillworkError) || !isOver.includes(error.code)) throw error
  }
  const live = (page: PageRequest) => core.store.queries.children(taskId, { status: liveStatuses }, page)
  for await (const page of everyPage(perWrite, live))
    await Promise.all(page.map(({ id }) => cancelTree(core, id)))
}

/**
 * Cancels live sub-tasks of a parent that ended, waiting ones first: they end at once, and no new attempt begins. Of very many it cancels
 * some, whose ends make the parent pending again.
 */
export async function cancelSubTasks(core: Core, parentId: string): Promise<void> {
  await cancelPages(core, parentId, ['QUEUED', 'RETRYING'], mostWrites)
  await cancelPages(core, parentId, ['RUNNING'], Number.POSITIVE_INFINITY)
}

async function cancelPages(
  core: Core,
  parentId: string,
  status: readonly TaskStatus[],
  most: number,
): Promise<void> {
  let writes = 0
  for await (const page of everyPage(perWrite, at => core.store.queries.children(parentId, { status }, at))) {
    const open = page.filter(record => !isCancelRequested(record))
    if (open.length === 0) continue
    await cancelAll(core, open, true)
    writes += 1
    if (writes >= most) return
  }
}

/**
 * Cancels what each record allows. Returns whether any was applied.
 *
 * @param asks A waiting parent is asked, and the aggregator ends it: a request is not refused because a sub-task ended meanwhile.
 */
async function cancelAll(core: Core, records: readonly TaskRecord[], asks: boolean): Promise<boolean> {
  const now = core.store.tasks.now()
  const transitions = records.map(record => cancelOne(record, now, asks))
  const answers = await core.store.tasks.apply(transitions)
  for (const [index, record] of records.entries()) {
    const transition = transitions[index]
    if (answers[index] !== 'applied' || transition === undefined) continue
    if (transition.name === 'cancel-requested') notifyHolder(core, record)
    else notify(core, record, transition)
  }
  return answers.includes('applied')
}

function cancelOne(record: TaskRecord, now: number, asks: boolean): Transition {
  const isHeld = record.status === 'RUNNING' && (asks || record.phase !== 'awaiting-subtasks')
  return isHeld ? cancelRequested(record, now) : cancelledWaiting(record, cancelError(), now)
}

/** The holder learns of a cancel now, here or by a message; with its next heartbeat where the message is lost. */
function notifyHolder(core: Core, record: TaskRecord): void {
  const attempt = core.running.get(record.id)
  if (attempt === undefined || attempt.record.attempt !== record.attempt) {
    core.broker.remote?.sendControl({ kind: 'cancel', taskId: record.id, attempt: record.attempt })
    return
  }
  attempt.cancel(core.store.tasks.now())
}

/** Records deleted per write: a short one. */
const erasedPerWrite = 500
/** Milliseconds between two tries to delete a tree whose attempts have yet to react to their signals. */
const eraseAgainMs = 250

/** Returns what deletes trees of tasks, on behalf of an attempt. */
export function erasureOf(core: Core, { record, signal }: Pick<Attempt, 'record' | 'signal'>): Erasure {
  const { queries, schedules, tasks } = core.store
  return {
    submittedAt: record.createdAt,
    async roots(filter, page) {
      const asked = { ...filter, rootsOnly: true }
      const { items, ...next } = await queries.list(asked, { ...page, order: 'oldest' })
      return { items: items.filter(({ id }) => id !== record.rootTaskId).map(rootOf), ...next }
    },
    cancel: rootTaskId => cancelTree(core, rootTaskId),
    async erase(rootTaskId) {
      let gone = 0
      for (;;) {
        signal.throwIfAborted()
        await cancelTree(core, rootTaskId)
        for (let deleted = erasedPerWrite; deleted > 0; gone += deleted)
          deleted = await tasks.erase(rootTaskId, erasedPerWrite)
        const [left] = await queries.get([rootTaskId])
        if (left === undefined) return gone
        await new Promise<void>(resolve => core.clock.after(eraseAgainMs, resolve))
      }
    },
    async removeSchedules(userId) {
      for (const kept of await schedules.kept())
        if (kept.userId === userId && kept.createdAt <= record.createdAt) await schedules.removeKept(kept.id)
    },
    scrub: async () => core.store.scrub?.(),
  }
}

function rootOf({ id, taskType, tags, createdAt, parameters }: TaskRecord): RootTask {
  return { id, taskType, tags, createdAt, parameters: readable(parameters) }
}
