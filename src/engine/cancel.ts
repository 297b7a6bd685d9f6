import { cancelError } from '../task/decide.ts'
import { QuillworkError } from '../task/errors.ts'
import { hasEnded, type TaskStatus } from '../task/status.ts'
import type { TaskRecord } from '../task/task.ts'
import { cancelledWaiting, cancelRequested, type Transition } from '../task/transition.ts'
import type { Core } from './core.ts'
import { tell } from './tell.ts'

/** A task that moves while it is being cancelled is looked at again, this often. */
const mostLooks = 20
/** Looks after which a parent whose sub-tasks keep moving it is asked to end, instead of being ended here. */
const looksAtRest = 2
/** Sub-tasks cancelled per write. */
const perWrite = 200
/** Such writes per look at a parent: the next look goes on, and what else is to be done comes in between. */
const mostWrites = 5

/**
 * Cancels a task and everything below it. A task that no attempt holds ends at once; one that runs is asked to stop, and ends when
 * its handler obeys (a result returned first wins). Cancelling again changes nothing. Sub-tasks follow by the aggregator.
 * Throws TASK_NOT_FOUND, TASK_ALREADY_ENDED.
 */
export async function cancelTask(core: Core, taskId: string, ifVersion?: number): Promise<void> {
  for (let looks = 0; looks < mostLooks; looks++) {
    const [record] = await core.store.queries.get([taskId])
    if (record === undefined) throw new QuillworkError('TASK_NOT_FOUND', `There is no task ${taskId}.`)
    if (record.status === 'CANCELLED') return
    if (hasEnded(record.status)) {
      throw new QuillworkError(
        'TASK_ALREADY_ENDED',
        `Task ${taskId} ended ${record.status}, so there is nothing to cancel.`,
      )
    }
    if (ifVersion !== undefined && record.version !== ifVersion) throw changed(record)
    if ((await cancelAll(core, [record], looks >= looksAtRest)) > 0) return
  }
  throw new QuillworkError('TASK_CHANGED', `Task ${taskId} keeps changing; try again.`)
}

/** The error for a record that is no longer what the caller saw. */
export function changed(record: TaskRecord): QuillworkError {
  return new QuillworkError(
    'TASK_CHANGED',
    `Task ${record.id} is now at version ${record.version}; look at it again.`,
    {
      details: { version: record.version },
    },
  )
}

/**
 * Cancels live sub-tasks of a parent that ended, waiting ones first: they end at once, and no new attempt begins. Of very many it cancels
 * some, whose ends call for the next look.
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
  let pageToken: string | undefined
  let writes = 0
  do {
    const page = await core.store.queries.children(
      parentId,
      { status },
      pageToken === undefined ? { pageSize: perWrite } : { pageSize: perWrite, pageToken },
    )
    const open = page.items.filter(record => record.cancelRequestedAt === undefined)
    if (open.length > 0) {
      await cancelAll(core, open, true)
      writes += 1
    }
    pageToken = page.nextPageToken
  } while (pageToken !== undefined && writes < most)
}

/**
 * Cancels what each record allows. Returns how many were applied.
 *
 * @param asks A waiting parent is asked, and the aggregator ends it: a request is not refused because a sub-task ended meanwhile.
 */
async function cancelAll(core: Core, records: readonly TaskRecord[], asks: boolean): Promise<number> {
  const now = core.store.tasks.now()
  const transitions = records.map(record => cancelOne(record, now, asks))
  const answers = await core.store.tasks.apply(transitions)
  let applied = 0
  for (const [index, record] of records.entries()) {
    const transition = transitions[index]
    if (answers[index] !== 'applied' || transition === undefined) continue
    applied += 1
    if (transition.name === 'cancel-requested') tellHolder(core, record)
    else tell(core, record, transition)
  }
  return applied
}

function cancelOne(record: TaskRecord, now: number, asks: boolean): Transition {
  const isHeld = record.status === 'RUNNING' && (asks || record.phase !== 'awaiting-subtasks')
  return isHeld ? cancelRequested(record, now) : cancelledWaiting(record, cancelError(), now)
}

/** The holder learns of a cancel now, here or by a message; with its next heartbeat where that is lost. */
function tellHolder(core: Core, record: TaskRecord): void {
  const attempt = core.running.get(record.id)
  if (attempt === undefined || attempt.record.attempt !== record.attempt) {
    core.broker.remote?.sendControl({ kind: 'cancel', taskId: record.id, attempt: record.attempt })
    return
  }
  attempt.record.cancelRequestedAt = core.store.tasks.now()
  attempt.interrupt('cancelled')
}
