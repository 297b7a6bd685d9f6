import type { Overdue } from '../store/store.ts'
import { decide, decideOverdue } from '../task/decide.ts'
import type { TaskRecord } from '../task/task.ts'
import type { Applied, Transition } from '../task/transition.ts'
import type { Attempt } from './attempt.ts'
import type { Core } from './core.ts'
import { circumstances } from './settle.ts'
import { tell } from './tell.ts'

/** Records per step; a sweep goes on until a step finds less. */
const perStep = 200

/**
 * Settles what nobody else will: attempts whose lease has expired, through the same decision as any outcome, and waiting tasks
 * whose deadline has passed. The rescuer is fenced too: it moves only the attempt and the lease that it saw. Returns how many moved.
 */
export async function rescue(core: Core): Promise<number> {
  let moved = 0
  for (;;) {
    const found = await core.store.tasks.overdue(perStep)
    const lapsed = found.filter(each => !onlySeemsLapsed(core, each))
    const transitions = lapsed.map(found => transitionOf(core, found))
    const answers = await applyEach(core, transitions)
    let movedNow = 0
    for (const [index, { record, why }] of lapsed.entries()) {
      const transition = transitions[index]
      if (answers[index] !== 'applied' || transition === undefined) continue
      movedNow += 1
      core.counts.rescued[why] += 1
      // Taken from this process although by its own clock there was time.
      ownAttempt(core, record)?.interrupt('lease-lost')
      core.log.warn(
        { taskId: record.id, attempt: record.attempt, why, to: transition.name },
        'a task was rescued',
      )
      tell(core, record, transition)
    }
    moved += movedNow
    if (found.length < perStep || movedNow === 0) return moved
  }
}

/**
 * Where one process owns the store, nobody else can have taken its attempts: a lease that is over by a wall clock that was set, or that went on
 * while the machine slept (on Linux, where the monotonic clock stands still then), is extended by the next heartbeat as long as the
 * attempt itself has time left.
 */
function onlySeemsLapsed(core: Core, { record, why }: Overdue): boolean {
  if (why !== 'lease' || core.store.capabilities.manyProcesses) return false
  const own = ownAttempt(core, record)
  return own !== undefined && own.leaseUntil > core.clock.monotonic()
}

/** Tasks that may fail to be written before any was. */
const mostFailures = 3

/** Together; where that fails, one by one, so that one which cannot be written holds up no other. */
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
      core.log.error({ err: error, taskId: transition.taskId }, 'a task could not be rescued; trying again')
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

/** The attempt of this claim, if this process runs it. */
function ownAttempt(core: Core, record: TaskRecord): Attempt | undefined {
  const own = core.running.get(record.id)
  return own?.token === record.claimToken ? own : undefined
}
