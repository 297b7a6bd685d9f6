import { retryUntilStored, type StoreRetry } from '../runtime/retry-until-stored.ts'
import { type Circumstances, decide, type Outcome } from '../task/decide.ts'
import { errorCatalogue, isClosed, QuillworkError } from '../task/errors.ts'
import { defaultRetryPolicy, policyOf } from '../task/retry-policy.ts'
import type { TaskRecord } from '../task/task.ts'
import type { Applied, Transition } from '../task/transition.ts'
import type { Attempt } from './attempt.ts'
import type { Core } from './core.ts'
import { notify } from './notify.ts'

/**
 * Ends an attempt: decides, writes, notifies. The write is repeated until the store answers applied or stale, so an outcome survives a
 * store that is away for a while. Calls back when the outcome is durable, or found stale, with whether the write opened a dead letter.
 */
export function settle(
  core: Core,
  record: TaskRecord,
  outcome: Outcome,
  done: (deadLettered: boolean) => void,
): void {
  const decided = () => decide(record, outcome, circumstances(core, record))
  const answered = (transition: Transition, applied: Applied | undefined) => {
    // A signal came that the handler has not seen: it looks again, in its turn.
    if (applied === 'stale' && transition.name === 'waiting')
      write(decide(record, { kind: 'given-back' }, circumstances(core, record)))
    else done(settled(core, record, transition, applied))
  }
  const write = (transition: Transition) =>
    core.writes.apply.add(transition, (failed, applied) => {
      if (failed === undefined) answered(transition, applied)
      else void applyUntilStored(core, transition, failed).then(later => answered(transition, later))
    })
  const transition = decided()
  // A person who asked the task to stop may have taken away what it failed for want of: that is no dead letter.
  const mayBeAsked = core.store.capabilities.manyProcesses && opensDeadLetter(transition)
  if (mayBeAsked) void learnOfCancel(core, record).then(() => write(decided()))
  else write(transition)
}

function opensDeadLetter({ set }: Transition): boolean {
  return set.deadLetter !== undefined && set.deadLetter !== null
}

/** Learns whether the attempt was asked to stop, of which this process may not have heard. Never rejects. */
async function learnOfCancel({ store }: Core, record: TaskRecord): Promise<void> {
  const [present] = await store.queries.get([record.id]).catch(() => [])
  if (present?.cancelRequestedAt !== undefined && present.attempt === record.attempt)
    record.cancelRequestedAt = present.cancelRequestedAt
}

/** Returns what a decision about this record depends on. */
export function circumstances(core: Core, record: TaskRecord): Circumstances {
  return {
    policy: policyOf(core.tasks.get(record.taskType)?.policy ?? defaultRetryPolicy, record),
    now: core.store.tasks.now(),
    random: core.random(),
  }
}

async function applyUntilStored(
  core: Core,
  transition: Transition,
  failed: unknown,
): Promise<Applied | undefined> {
  const { taskId } = transition
  const write = () => core.store.tasks.apply([transition])
  const again = (error: unknown, waitMs: number) => {
    // The lease expires, and the next owner settles the attempt.
    if (isClosed(error)) return false
    core.log.error({ err: error, taskId, waitMs }, 'outcome write failed; will retry')
    return true
  }
  const [applied] = await retryUntilStored(write, { clock: core.clock, failed, again }).catch(() => [
    'stale' as const,
  ])
  return applied
}

/** Notifies what was written. Returns whether a dead letter was opened. */
function settled(
  core: Core,
  record: TaskRecord,
  transition: Transition,
  applied: Applied = 'missing',
): boolean {
  if (applied === 'applied') {
    core.swept.trimAgainAt = 0
    notify(core, record, transition)
    return opensDeadLetter(transition)
  }
  core.counts.fencedWrites += 1
  core.log.warn(
    { taskId: record.id, attempt: record.attempt, transition: transition.name },
    'stale attempt rejected',
  )
  return false
}

/** Interrupts an attempt that no longer holds its task, as a refused write showed: nothing that it does counts any more. */
export function foundStale(core: Core, attempt: Attempt): void {
  core.counts.fencedWrites += 1
  attempt.interrupt('lease-lost')
}

/** Milliseconds for which paid usage is written after its attempt was interrupted: a database may be electing its primary. */
export const paidLateMs = 60_000

/**
 * Returns how what a running attempt has done, and maybe paid for, is written: until the error is final, or the attempt has been
 * interrupted for `lateMs` milliseconds.
 */
export function retryOf({ clock, log }: Core, attempt: Attempt, { lateMs = 0 } = {}): StoreRetry {
  let late: number | undefined
  return {
    clock,
    again(error, waitMs) {
      if (attempt.isOver) late ??= clock.monotonic() + lateMs
      if (isFinal(error) || (late !== undefined && clock.monotonic() >= late)) return false
      log.warn({ err: error, taskId: attempt.record.id, waitMs }, 'attempt write failed; will retry')
      return true
    },
  }
}

/** Whether a write that failed like this would fail again. */
export function isFinal(error: unknown): boolean {
  return isClosed(error) || (error instanceof QuillworkError && !errorCatalogue[error.code].retryable)
}
