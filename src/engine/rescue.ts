import type { Overdue } from '../store/store.ts'
import { decide, decideOverdue } from '../task/decide.ts'
import type { TaskRecord } from '../task/task.ts'
import type { Applied, Transition } from '../task/transition.ts'
import type { Attempt } from './attempt.ts'
import type { Core } from './core.ts'
import { notify } from './notify.ts'
import { circumstances } from './settle.ts'

/** Records per step; a rescue goes on until a step finds less. */
const perStep = 200

/**
 * Settles attempts whose lease has expired, through the same decision as any outcome, and waiting tasks whose deadline has passed. The
 * rescuer is fenced too: it moves only the attempt and the lease that it saw.
 */
export async function rescue(core: Core): Promise<void> {
  for (;;) {
    const found = await core.store.tasks.overdue(perStep)
    const overdue = found.filter(each => !isHeldHere(core, each))
    const transitions = overdue.map(each => transitionOf(core, each))
    const answers = await applyEach(core, transitions)
    let moved = 0
    for (const [index, { record, why }] of overdue.entries()) {
      const transition = transitions[index]
      if (answers[index] !== 'applied' || transition === undefined) continue
      moved += 1
      core.counts.rescued[why] += 1
      // Taken from this process although by its own clock there was time.
      ownAttempt(core, record)?.interrupt('lease-lost')
      core.log.warn({ taskId: record.id, attempt: record.attempt, why, to: transition.name }, 'task rescued')
      notify(core, record, transition)
    }
    if (found.length < perStep || moved === 0) break
  }
  if (core.swept.isRescued) return
  core.swept.isRescued = true
  core.wakeRelay()
}

/**
 * Whether a lease only seems to have expired. Where one process owns the store, no other can have taken its attempts: a lease that ended
 * while the process was paused or the store was away, or by a wall clock that was set, is extended by the next heartbeat.
 */
function isHeldHere(core: Core, { record, why }: Overdue): boolean {
  return why === 'lease' && !core.store.capabilities.manyProcesses && ownAttempt(core, record) !== undefined
}

/** Tasks that may fail to be written before any was. */
const mostFailures = 3

/** Writes all at once; where that fails, one by one, so that a task which cannot be written holds up no other. */
async function applyEach(
  core: Core,
  transitions: readonly Transition[],
): Promise<readonly (Applied | undefined)[]> {
  if (transitions.length === 0) return []
  try {
    return await core.store.tasks.apply(transitions)
  } catch (error) {
    if (transitions.length === 1) throw error
  }
  const answers: (Applied | undefined)[] = []
  for (const transition of transitions) {
    try {
      answers.push((await core.store.tasks.apply([transition]))[0])
    } catch (error) {
      // Then it is the store, and not the task.
      if (answers.length === mostFailures && answers.every(answer => answer === undefined)) throw error
      core.log.error({ err: error, taskId: transition.taskId }, 'task rescue failed; will retry')
      answers.push(undefined)
    }
  }
  return answers
}

function transitionOf(core: Core, { record, why }: Overdue): Transition {
  if (why === 'deadline') return decideOverdue(record, core.store.tasks.now())
  const own = ownAttempt(core, record)
  if (own !== undefined && own.leaseUntil <= core.clock.monotonic()) own.interrupt('lease-lost')
  const transition = decide(record, { kind: 'lease-lost' }, circumstances(core, record))
  return record.leaseUntil === undefined
    ? transition
    : { ...transition, fence: { attempt: record.attempt, leaseUntil: record.leaseUntil } }
}

/** Returns the attempt of this claim, if this process runs it. */
function ownAttempt(core: Core, record: TaskRecord): Attempt | undefined {
  const own = core.running.get(record.id)
  return own?.token === record.claimToken ? own : undefined
}
