import { randomUUID } from 'node:crypto'
import type { Received } from '../broker/broker.ts'
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

/** One delivery in one slot. The slot is free when the settling is queued: the next claim then joins its commit. */
async function receive(core: Core, received: Received): Promise<void> {
  const attempt = await claim(core, received)
  if (attempt === undefined) return received.ack()
  tellStarted(core, attempt.record, received)
  const outcome = await execute(core, attempt)
  attempt.settling = true
  const settled = outcome === undefined ? Promise.resolve() : settle(core, attempt.record, outcome)
  void settled.then(() => {
    if (core.running.get(attempt.record.id) === attempt) core.running.delete(attempt.record.id)
    received.ack()
  })
}

/** Wins the task, or learns that there is nothing to run: it ended, is held, is not due, or its parent ended. */
async function claim(core: Core, { delivery }: Received): Promise<Attempt | undefined> {
  const token = randomUUID()
  const { leaseMs, nodeId } = core.settings
  const leaseUntil = core.clock.monotonic() + leaseMs
  try {
    const wish = {
      taskId: delivery.taskId,
      attempt: delivery.attempt,
      token,
      executionNodeId: nodeId,
      leaseMs,
    }
    const [record] = await core.store.tasks.claim([wish])
    if (record === undefined) {
      forgetLater(core, delivery.taskId)
      return undefined
    }
    const attempt = new Attempt(record, token, leaseUntil)
    core.running.set(record.id, attempt)
    return attempt
  } catch (error) {
    core.log.error(
      { err: error, taskId: delivery.taskId },
      'a claim failed; the store will offer the task again',
    )
    core.store.outbox.forget([delivery.taskId])
    return undefined
  }
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
