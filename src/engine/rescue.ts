import type { Overdue } from '../store/store.ts'
import { decide, decideOverdue } from '../task/decide.ts'
import type { TaskRecord } from '../task/task.ts'
import type { Applied, Transition } from '../task/transition.ts'
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
    const found = await lookFor(core)
    const spares = sparesLeases(core)
    const overdue = found.filter(
      ({ record, why }) => why !== 'lease' || !(spares || isHeldHere(core, record)),
    )
    await endTransactions(core, overdue)
    const transitions = overdue.map(each => transitionOf(core, each))
    const answers = await applyEach(core, transitions)
    let moved = 0
    for (const [index, { record, why }] of overdue.entries()) {
      const transition = transitions[index]
      if (answers[index] !== 'applied' || transition === undefined) continue
      moved += 1
      core.counts.rescued[why] += 1
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
 * Whether expired leases are left alone for a while: the store was away, or this computer slept, and maybe the others could not extend theirs
 * either. Whoever lives does so now, or gives its attempts back; what is still expired half a lease later belongs to a process that is gone.
 */
function sparesLeases({ swept, settings, store }: Core): boolean {
  const now = store.tasks.now()
  const sinceMs = now - (swept.leasesSeenAt ?? now)
  swept.leasesSeenAt = now
  // A process extends its leases when a third of them is over. Not twice in a row without a failure: sweeps that take long are late, too.
  const isLate = sinceMs > settings.sweepIntervalMs + settings.leaseMs / 3
  if (isLate && (swept.hasFailed || swept.spareUntil === undefined))
    swept.spareUntil = now + settings.leaseMs / 2
  swept.hasFailed = false
  if (swept.spareUntil !== undefined && now >= swept.spareUntil) swept.spareUntil = undefined
  return swept.spareUntil !== undefined
}

/** A process that is gone may have left a transaction open, for which the next attempt of its task would wait. Where that fails it ends by itself. */
async function endTransactions({ store, log }: Core, overdue: readonly Overdue[]): Promise<void> {
  const lost = overdue.flatMap(({ why, record }) => (why === 'lease' ? (record.executionNodeId ?? []) : []))
  if (lost.length === 0) return
  await store.nodes
    ?.endTransactions([...new Set(lost)])
    .catch(error => log.warn({ err: error }, 'transactions of lost processes not ended'))
}

async function lookFor({ store, swept }: Core): Promise<Overdue[]> {
  try {
    return await store.tasks.overdue(perStep)
  } catch (error) {
    swept.hasFailed = true
    throw error
  }
}

/** Whether this process runs the attempt: then its heartbeat extends the lease, or has the attempt given back. */
function isHeldHere({ running }: Core, { id, claimToken }: TaskRecord): boolean {
  const own = running.get(id)
  return own !== undefined && own.token === claimToken
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
  const transition = decide(record, { kind: 'lease-lost' }, circumstances(core, record))
  return record.leaseUntil === undefined
    ? transition
    : { ...transition, fence: { attempt: record.attempt, leaseUntil: record.leaseUntil } }
}
