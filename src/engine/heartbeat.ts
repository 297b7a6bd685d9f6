import { type Loop, startLoop, together } from '../runtime/loop.ts'
import type { Attempt } from './attempt.ts'
import type { Core } from './core.ts'

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
