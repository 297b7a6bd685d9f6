/**
 * The leases of attempts. The heartbeat extends those of this process; the rescue, a step of the sweep, settles attempts whose lease has expired, and
 * waiting tasks whose deadline has passed.
 */
import { type Loop, startLoop, together } from '../runtime/loop.ts'
import type { Overdue } from '../store/store.ts'
import { decide, decideOverdue } from '../task/decide.ts'
import type { TaskRecord } from '../task/task.ts'
import type { Applied, Transition } from '../task/transition.ts'
import type { Attempt } from './attempt.ts'
import type { Core } from './core.ts'
import { notify } from './notify.ts'
import { circumstances } from './settle.ts'

/** A lease is extended this many times within its length. */
const beatsPerLease = 3
/** Expired leases are looked for this many times within the length of one. */
const checksPerLease = 6

/**
 * Extends, in one write, the leases of the attempts that this process runs (by id and token), and learns which are lost or asked to
 * stop. Where processes share the store, interrupts an attempt whose lease could not be extended in time, by this process's own monotonic
 * clock; after a pause it asks first, for nobody may have taken the task. Where one process owns the store nobody else can: no pause ends an
 * attempt.
 */
export function startHeartbeat(core: Core): Loop {
  const { leaseMs } = core.settings
  const checkMs = leaseMs / checksPerLease
  let checkedAt = core.clock.monotonic()
  let wokeAt = Number.NEGATIVE_INFINITY

  async function beat(): Promise<undefined> {
    if (core.running.size === 0) return
    await extendLeases(core, [...core.running.values()])
    await check()
  }

  async function check(): Promise<undefined> {
    const now = core.clock.monotonic()
    if (now - checkedAt > 2 * checkMs) {
      wokeAt = now
      beating.wake()
    }
    checkedAt = now
    if (now - wokeAt >= checkMs) interruptExpired(core, now)
  }

  const beating = startLoop({ clock: core.clock, everyMs: leaseMs / beatsPerLease, step: beat })
  // On its own: a store that does not answer must not keep an attempt from learning that its time is over.
  const checking = startLoop({ clock: core.clock, everyMs: checkMs, step: check })
  return together([beating, checking])
}

/** Extends the leases of attempts that run here in one write, and learns which are lost or asked to stop. Never rejects. */
export async function extendLeases(core: Core, running: readonly Attempt[]): Promise<void> {
  const attempts = running.filter(attempt => attempt.interruption !== 'lease-lost')
  if (attempts.length === 0) return
  const { leaseMs } = core.settings
  const askedAt = core.clock.monotonic()
  try {
    const leases = attempts.map(({ record, token }) => ({ taskId: record.id, token }))
    const answers = await core.store.tasks.extend(leases, leaseMs)
    for (const [index, attempt] of attempts.entries()) {
      const answer = answers[index]
      if (answer !== undefined) learn(core, attempt, answer, askedAt + leaseMs)
    }
  } catch (error) {
    core.log.error({ err: error }, 'lease extension failed; will retry')
  }
}

function interruptExpired(core: Core, now: number): void {
  if (!core.store.capabilities.manyProcesses) return
  for (const attempt of core.running.values()) {
    if (attempt.settling || attempt.isOver || attempt.leaseUntil > now) continue
    const { id, attempt: number } = attempt.record
    core.log.warn({ taskId: id, attempt: number }, 'lease not extended in time; attempt given back')
    attempt.interrupt('lease-expired')
  }
}

function learn(
  core: Core,
  attempt: Attempt,
  answer: { held: boolean; cancelRequested: boolean },
  leaseUntil: number,
): void {
  // An attempt that was settled while the heartbeat was on its way is no longer held, and that is right.
  if (core.running.get(attempt.record.id) !== attempt) return
  if (!answer.held) {
    if (!attempt.settling) attempt.interrupt('lease-lost')
    return
  }
  attempt.leaseUntil = leaseUntil
  if (answer.cancelRequested) attempt.cancel(core.store.tasks.now())
}

/** Records per step; a rescue goes on until a step finds less. */
const perStep = 200

/**
 * Settles attempts whose lease has expired, through the same decision as any outcome, and waiting tasks whose deadline has passed. The
 * rescuer is fenced too: it moves only the attempt and the lease that it saw.
 */
export async function rescue(core: Core): Promise<void> {
  for (;;) {
    const found = await findOverdue(core)
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

async function findOverdue({ store, swept }: Core): Promise<Overdue[]> {
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
