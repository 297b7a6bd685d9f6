import type { Received } from '../broker/broker.ts'
import type { Claim } from '../store/store.ts'
import type { Outcome } from '../task/decide.ts'
import { eventBase } from '../task/events.ts'
import type { TaskRecord } from '../task/task.ts'
import { Attempt, type Start } from './attempt.ts'
import type { Core } from './core.ts'
import { execute } from './execute.ts'
import { notifyStarted } from './hooks.ts'
import { settle } from './settle.ts'

/** Milliseconds until a task whose claim was refused may be offered again, if it still waits. */
const refusedForMs = 1_000

/** How the deliveries of this process's lanes are run. */
export interface Consumer {
  /** No new attempt begins. */
  pause(): void
}

/** Starts a consumer for each lane: a delivery is claimed, run and settled, and acknowledged last. */
export function startConsumer(core: Core): Consumer {
  const stops = [...core.settings.lanes].map(([lane, { slots }]) =>
    core.broker.consume({ lane, slots }, received => receive(core, received)),
  )
  return {
    pause() {
      for (const stop of stops) stop()
    },
  }
}

/** One delivery in one slot: claimed, then run. Written with callbacks, for this is the path of every task. */
function receive(core: Core, received: Received): Promise<void> {
  return new Promise(free => {
    const { taskId, attempt } = received.delivery
    const wish = nextClaim(core)
    const claim: Claim = { taskId, attempt, ...wish.claim }
    core.writes.claim.add(claim, (error, record) => {
      core.claims.inFlight -= 1
      if (record !== undefined) {
        return run(core, new Attempt(record, claim.token, wish.leaseUntil), {
          free,
          ack: () => received.ack(),
        })
      }
      if (error !== undefined)
        core.log.error({ err: error, taskId }, 'a claim failed; the store will offer the task again')
      forgetLater(core, taskId)
      received.ack()
      free()
    })
  })
}

/** Takes a free slot of the lane for a task that is about to be created; undefined when none is free, or when none runs here. */
export function reserveStart(core: Core, lane: string): Start | undefined {
  const free = core.broker.reserve?.(lane)
  if (free === undefined) return undefined
  const { claim, leaseUntil } = nextClaim(core)
  return {
    claim,
    created(record) {
      core.claims.inFlight -= 1
      if (record?.claimToken === claim.token)
        run(core, new Attempt(record, claim.token, leaseUntil), { free, ack: () => undefined })
      else free()
    },
  }
}

/**
 * A claimed task: executed, then settled; acknowledged when the outcome is durable or found stale. The slot is free when the
 * settling is queued: the next claim then joins its commit.
 */
function run(core: Core, attempt: Attempt, slot: { free(): void; ack(): void }): void {
  core.running.set(attempt.record.id, attempt)
  tellStarted(core, attempt.record)
  const done = () => {
    if (core.running.get(attempt.record.id) === attempt) core.running.delete(attempt.record.id)
    slot.ack()
  }
  const end = (outcome: Outcome | undefined) => {
    attempt.settling = true
    if (outcome === undefined) done()
    else settle(core, attempt.record, outcome, done)
    slot.free()
  }
  const outcome = execute(core, attempt)
  if (outcome instanceof Promise) void outcome.then(end)
  else end(outcome)
}

/** What a claim says of this process, and when its lease ends by this process's own clock. It is in flight from now. */
function nextClaim(core: Core): { claim: Start['claim']; leaseUntil: number } {
  const { leaseMs, nodeId } = core.settings
  core.claims.inFlight += 1
  const claim = { token: nextToken(nodeId), executionNodeId: nodeId, leaseMs }
  return { claim, leaseUntil: core.clock.monotonic() + leaseMs }
}

let claims = 0

/** Fresh for each claim: the end of the node id is chance, made anew at each process start. */
function nextToken(nodeId: string): string {
  claims += 1
  return `${nodeId.slice(-8)}/${claims}`
}

/** A task that could not be claimed is not offered again at once: what stands in its way needs a moment. */
function forgetLater(core: Core, taskId: string): void {
  core.clock.after(refusedForMs, () => {
    core.store.outbox.forget([taskId])
    core.wakeRelay()
  })
}

function tellStarted(core: Core, record: TaskRecord): void {
  notifyStarted(core, record)
  if (!core.bus.wants('started')) return
  const at = record.lastAttemptTimestamp ?? record.updatedAt
  const waitedMs = record.attempt === 1 ? at - record.createdAt : 0
  core.bus.emit({
    name: 'started',
    ...eventBase(record, at),
    executionNodeId: core.settings.nodeId,
    waitedMs,
  })
}
