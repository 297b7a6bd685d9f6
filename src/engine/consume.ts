import type { Received } from '../broker/broker.ts'
import type { Claim } from '../store/store.ts'
import type { Outcome } from '../task/decide.ts'
import { eventBase } from '../task/events.ts'
import type { TaskRecord } from '../task/task.ts'
import { Attempt } from './attempt.ts'
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

/**
 * One delivery in one slot. The slot is free when the settling is queued: the next claim then joins its commit. Written with
 * callbacks, for this is the path of every task.
 */
function receive(core: Core, received: Received): Promise<void> {
  return new Promise(free => {
    const { taskId, attempt } = received.delivery
    const { leaseMs, nodeId } = core.settings
    const leaseUntil = core.clock.monotonic() + leaseMs
    const claim: Claim = { taskId, attempt, token: nextToken(nodeId), executionNodeId: nodeId, leaseMs }
    core.writes.claim.add(claim, (error, record) => {
      if (record !== undefined) return run(core, received, new Attempt(record, claim.token, leaseUntil), free)
      if (error !== undefined)
        core.log.error({ err: error, taskId }, 'a claim failed; the store will offer the task again')
      forgetLater(core, taskId)
      received.ack()
      free()
    })
  })
}

/** A claimed task: executed, then settled; acknowledged when the outcome is durable or found stale. */
function run(core: Core, received: Received, attempt: Attempt, free: () => void): void {
  core.running.set(attempt.record.id, attempt)
  tellStarted(core, attempt.record, received)
  const done = () => {
    if (core.running.get(attempt.record.id) === attempt) core.running.delete(attempt.record.id)
    received.ack()
  }
  const end = (outcome: Outcome | undefined) => {
    attempt.settling = true
    if (outcome === undefined) done()
    else settle(core, attempt.record, outcome, done)
    free()
  }
  const outcome = execute(core, attempt)
  if (outcome instanceof Promise) void outcome.then(end)
  else end(outcome)
}

let claims = 0

/** Fresh for each claim: the node id is unique per process start. */
function nextToken(nodeId: string): string {
  claims += 1
  return `${nodeId}/${claims}`
}

/** A task that could not be claimed is not offered again at once: what stands in its way needs a moment. */
function forgetLater(core: Core, taskId: string): void {
  core.clock.after(refusedForMs, () => {
    core.store.outbox.forget([taskId])
    core.wakeRelay()
  })
}

function tellStarted(core: Core, record: TaskRecord, { delivery }: Received): void {
  notifyStarted(core, record)
  if (!core.bus.wants('started')) return
  const at = record.lastAttemptTimestamp ?? record.updatedAt
  const waitedMs = delivery.attempt === 0 ? at - record.createdAt : 0
  core.bus.emit({
    name: 'started',
    ...eventBase(record, at),
    executionNodeId: core.settings.nodeId,
    waitedMs,
  })
}
