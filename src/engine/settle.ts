import { type Circumstances, decide, type Outcome } from '../task/decide.ts'
import { QuillworkError } from '../task/errors.ts'
import { defaultRetryPolicy } from '../task/retry-policy.ts'
import type { TaskRecord } from '../task/task.ts'
import type { Applied, Transition } from '../task/transition.ts'
import type { Core } from './core.ts'
import { tell } from './tell.ts'

const firstWaitMs = 100
const longestWaitMs = 5_000

/**
 * Ends an attempt: decides, writes, and tells. The write is repeated until the store says applied or stale; an outcome is not
 * given up because the store was away for a while. Calls back when the outcome is durable, or found stale; it tells whether the write
 * opened a dead letter.
 */
export function settle(
  core: Core,
  record: TaskRecord,
  outcome: Outcome,
  done: (deadLettered: boolean) => void,
): void {
  const transition = decide(record, outcome, circumstances(core, record))
  core.writes.apply.add(transition, (error, applied) => {
    if (error === undefined) done(settled(core, record, transition, applied))
    else {
      void applyAgain(core, transition, error)
        .then(later => settled(core, record, transition, later))
        .then(done)
    }
  })
}

/** Tells what was written. Returns whether a dead letter was opened. */
function settled(
  core: Core,
  record: TaskRecord,
  transition: Transition,
  applied: Applied = 'missing',
): boolean {
  if (applied === 'applied') {
    tell(core, record, transition)
    return transition.set.deadLetter !== undefined && transition.set.deadLetter !== null
  }
  core.counts.fencedWrites += 1
  core.log.warn(
    { taskId: record.id, attempt: record.attempt, transition: transition.name },
    'a stale attempt was refused',
  )
  return false
}

/** What a decision about this record depends on. */
export function circumstances(core: Core, record: TaskRecord): Circumstances {
  return {
    policy: core.tasks.get(record.taskType)?.policy ?? defaultRetryPolicy,
    now: core.store.tasks.now(),
    random: core.random(),
  }
}

async function applyAgain(core: Core, transition: Transition, firstError: unknown): Promise<Applied> {
  let error = firstError
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
    // A closed store takes nothing any more: the lease runs out, and the next owner settles the attempt.
    if (error instanceof QuillworkError && error.code === 'STORE_CLOSED') return 'stale'
    core.log.error(
      { err: error, taskId: transition.taskId, waitMs },
      'the store could not record an outcome; trying again',
    )
    await new Promise<void>(resolve => core.clock.after(waitMs, resolve))
    try {
      const [applied] = await core.store.tasks.apply([transition])
      return applied ?? 'missing'
    } catch (again) {
      error = again
    }
  }
}
