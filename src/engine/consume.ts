import { randomBytes } from 'node:crypto'
import type { Received } from '../broker/broker.ts'
import { retryUntilStored } from '../runtime/retry-until-stored.ts'
import type { Claim, Claimed, Delivery, Lease } from '../store/store.ts'
import type { Outcome } from '../task/decide.ts'
import { isClosed } from '../task/errors.ts'
import type { TaskRecord } from '../task/task.ts'
import { Attempt, type Start } from './attempt.ts'
import type { Core } from './core.ts'
import { execute } from './execute.ts'
import { notifyStarted } from './notify.ts'
import { settle } from './settle.ts'

/** Milliseconds until a task whose claim was refused may be delivered again, if it still waits; as long may one that crashed wait for its turn. */
const refusedForMs = 1_000

/** Milliseconds for which a slot keeps a delivery that it leaves to others. */
const leftForMs = 100
/** Times that a task is left to others before it steps back from the head of its lane, and for how many milliseconds. */
const mostLeaves = 5
const leftLongMs = 5_000

/**
 * Consumes the deliveries of each lane: one is claimed, run and settled, and acknowledged last. A lane whose slots change while it runs has the new ones from
 * then on. Returns a function that takes no more.
 */
export function startConsumers(core: Core): () => void {
  const { broker, slots } = core
  const consume = (lane: string, count: number) =>
    broker.consume({ lane, slots: count }, received => receive(core, received))
  const stops = new Map(slots.all().map(each => [each.lane, consume(each.lane, each.slots)]))
  const unsubscribe = slots.onChange((lane, count) => {
    stops.set(lane, consume(lane, count))
    core.wakeRelay()
  })
  return () => {
    unsubscribe()
    for (const stop of stops.values()) stop()
  }
}

/** Runs one delivery in one slot. Written with callbacks, for this is the path of every task. */
function receive(core: Core, received: Received): Promise<void> {
  return new Promise(free => {
    if (!canRun(core, received.delivery)) return void leaveToOthers(core, received, free)
    const { crashCount } = received.delivery
    if (crashCount === 0) return claimAndRun(core, received, free)
    const left = () => {
      core.quarantine.leave(crashCount)
      core.wakeRelay()
    }
    core.quarantine.enter(crashCount, refusedForMs, entered => {
      if (entered && !core.stopping) return claimAndRun(core, received, free, left)
      if (entered) {
        // No new attempt begins. The delivery stays with the broker, which gives it to another process.
        left()
        return free()
      }
      void defer(core, received).then(free)
    })
  })
}

/** Whether this process can run what a delivery names, as far as the delivery says. */
function canRun({ tasks }: Core, { taskType, headers }: Delivery): boolean {
  const task = tasks.get(taskType)
  return task !== undefined && (headers?.parametersVersion ?? 0) <= task.parametersVersion
}

/**
 * A process that can run the delivery takes it, unclaimed, as soon as the broker gives it to one. This slot keeps it for a moment: it must not
 * outrun theirs. Where no live process can, the claim ends in a wait for one (`execute.ts`).
 */
async function leaveToOthers(core: Core, received: Received, free: () => void): Promise<void> {
  const { taskId, taskType, lane, headers } = received.delivery
  const canOthers = await core.peers.canRun({ taskType, lane, version: headers?.parametersVersion ?? 0 })
  // It stays with the broker, which gives it to another process.
  if (core.stopping) return free()
  if (!canOthers) return claimAndRun(core, received, free)
  // They are busy: what waits behind it in the lane must get its turn.
  if (core.peers.leave(taskId) > mostLeaves) return void defer(core, received, leftLongMs).then(free)
  core.clock.after(leftForMs, () => {
    requeue(core, taskId)
    received.ack()
    free()
  })
}

/** `left` is called when the attempt is over, or never began. */
function claimAndRun(core: Core, received: Received, free: () => void, left: () => void = nothing): void {
  const { taskId, attempt, lane } = received.delivery
  const request = nextClaim(core)
  const claim: Claim = { taskId, attempt, lane, ...request.claim }
  const answered = ({ record, askedAt }: Held<Claimed>) => {
    core.claims.inFlight -= 1
    if (record === undefined) {
      left()
      if (core.broker.remote !== undefined) return void refuseMessage(core, received).then(free)
      refuse(core, received)
      return free()
    }
    const leaseUntil = askedAt + core.settings.leaseMs
    run(core, new Attempt(record, claim.token, leaseUntil), record.waitedMs, {
      free,
      ack(deadLettered) {
        left()
        if (deadLettered) received.deadLetter()
        else received.ack()
      },
    })
  }
  core.writes.claim.add(claim, (failed, record) => {
    const { askedAt } = request
    if (failed === undefined && (record === undefined || hasLeaseLeft(core, askedAt)))
      return answered({ record, askedAt })
    const later =
      failed === undefined
        ? untilStored(core, claim, () => restartLease(core, claim, record))
        : claimUntilStored(core, claim, failed)
    later.then(answered, () => {
      // The engine stops. The delivery stays with the broker, which gives it to another process.
      core.claims.inFlight -= 1
      left()
      free()
    })
  })
}

/** The claim was refused: the task has ended, is held, is not due, or waits in another lane. The store delivers it again when it is time. */
function refuse(core: Core, received: Received): void {
  requeueLater(core, received.delivery.taskId)
  received.ack()
}

/** As `refuse`; a message between processes that names no task is dead-lettered, where people see it. */
async function refuseMessage(core: Core, received: Received): Promise<void> {
  const isThere = await core.store.queries.get([received.delivery.taskId]).then(
    ([record]) => record !== undefined,
    () => true,
  )
  if (isThere) refuse(core, received)
  else received.deadLetter()
}

/** A task runs here that it must not run beside. The store delivers this one again in a while, to any process: durably, before the message is acknowledged. */
async function defer(core: Core, received: Received, ms = refusedForMs): Promise<void> {
  const { taskId } = received.delivery
  const { outbox } = core.store
  try {
    if (outbox.defer === undefined) requeueLater(core, taskId)
    else await outbox.defer([taskId], ms)
  } catch (error) {
    core.log.warn({ err: error, taskId }, 'delivery deferral failed; will requeue')
    requeueLater(core, taskId)
  }
  received.ack()
}

/** A task that could not be claimed is not delivered again at once: what stands in its way needs a moment. */
function requeueLater(core: Core, taskId: string): void {
  core.clock.after(refusedForMs, () => requeue(core, taskId))
}

/** The store delivers what still waits again. */
function requeue(core: Core, taskId: string): void {
  core.store.outbox.requeue([taskId])
  core.wakeRelay()
}

/** The record of a claim that stands, and when its lease was asked for; no record where the claim was refused, or stands no more. */
interface Held<R> {
  record: R | undefined
  askedAt: number
}

/**
 * The store did not answer a claim. The delivery is kept and the claim repeated, with the same token so that it finds itself: no other
 * delivery is taken meanwhile, and none is lost. Rejects when the engine stops.
 */
function claimUntilStored(core: Core, claim: Claim, failed: unknown): Promise<Held<Claimed>> {
  const write = async () => {
    const [record] = await core.store.tasks.claim([claim])
    // The lease of a claim that finds itself began with its first try, and may be over.
    return restartLease(core, claim, record)
  }
  return untilStored(core, claim, write, failed)
}

/** Writes until the store answers. Rejects when the engine stops. `failed`: what the store threw at a first try. */
function untilStored<T>(
  core: Core,
  { taskId }: Lease,
  write: () => Promise<T>,
  failed?: unknown,
): Promise<T> {
  let isLast = false
  const tryOnce = () => {
    // A claim that was executed, and whose answer was lost, is found by one more try, and given back with the others.
    isLast = core.stopping
    return write()
  }
  const again = (error: unknown, waitMs: number) => {
    if (isLast || isClosed(error)) return false
    core.log.error({ err: error, taskId, waitMs }, 'task claim failed; will retry')
    return true
  }
  return retryUntilStored(tryOnce, { clock: core.clock, failed, again })
}

/** Whether enough is left of a lease for an attempt to begin: with less, it would be given back before the heartbeat comes to extend it. */
function hasLeaseLeft(core: Core, askedAt: number): boolean {
  return core.clock.monotonic() - askedAt <= core.settings.leaseMs / 2
}

/** Restarts the lease of a claim, again where that took long itself. When the engine stops the claim is given back as it is. */
async function restartLease<R>(
  core: Core,
  { taskId, token }: Lease,
  record: R | undefined,
): Promise<Held<R>> {
  for (;;) {
    const askedAt = core.clock.monotonic()
    if (record === undefined || core.stopping) return { record, askedAt }
    const [extended] = await core.store.tasks.extend([{ taskId, token }], core.settings.leaseMs)
    if (extended?.held !== true) return { record: undefined, askedAt }
    if (hasLeaseLeft(core, askedAt)) return { record, askedAt }
  }
}

/** Takes a free slot of the lane for a task that is about to be created; undefined when none is free, or when none runs here. */
export function reserveStart(core: Core, lane: string): Start | undefined {
  const free = core.broker.reserve?.(lane)
  if (free === undefined) return undefined
  const { claim, askedAt } = nextClaim(core)
  const answered = ({ record, askedAt: heldSince }: Held<TaskRecord>) => {
    core.claims.inFlight -= 1
    if (record === undefined) return free()
    const leaseUntil = heldSince + core.settings.leaseMs
    run(core, new Attempt(record, claim.token, leaseUntil), 0, { free, ack: nothing })
  }
  return {
    claim,
    created(created) {
      const record = created?.claimToken === claim.token ? created : undefined
      if (record === undefined || hasLeaseLeft(core, askedAt)) return answered({ record, askedAt })
      const lease = { taskId: record.id, token: claim.token }
      untilStored(core, lease, () => restartLease(core, lease, record)).then(answered, () =>
        answered({ record: undefined, askedAt }),
      )
    },
  }
}

/**
 * Executes and settles a claimed task; acknowledges it when the outcome is durable or found stale. The slot is free when the write of
 * the outcome is queued: the next claim then joins its commit. `waitedMs`: for how long the task could have run before.
 */
function run(
  core: Core,
  attempt: Attempt,
  waitedMs: number,
  slot: { free(): void; ack(deadLettered: boolean): void },
): void {
  const { id } = attempt.record
  register(core, attempt)
  const trace = core.trace?.attempt(attempt.record)
  attempt.trace = trace
  notifyStarted(core, attempt.record, waitedMs)
  const done = (deadLettered: boolean) => {
    trace?.settled()
    if (core.running.get(id) === attempt) core.running.delete(id)
    slot.ack(deadLettered)
  }
  const end = (outcome: Outcome | undefined) => {
    attempt.settling = true
    trace?.settling(outcome)
    if (outcome === undefined) done(false)
    else settle(core, attempt.record, outcome, done)
    slot.free()
  }
  const outcome = trace === undefined ? execute(core, attempt) : trace.run(() => execute(core, attempt))
  if (outcome instanceof Promise) void outcome.then(end)
  else end(outcome)
}

/** From now on a cancel, the heartbeat and the stop of the engine find the attempt. */
function register(core: Core, attempt: Attempt): void {
  const { id } = attempt.record
  // An earlier attempt of the task that lost its lease may still run here, and would not be seen any more.
  core.running.get(id)?.interrupt('lease-lost')
  core.running.set(id, attempt)
}

/** No delivery came with the task. */
const nothing = () => undefined

/** Returns what a claim says of this process, and when it was made by this process's own clock. It is in flight from now. */
function nextClaim(core: Core): { claim: Start['claim']; askedAt: number } {
  const { leaseMs, nodeId } = core.settings
  core.claims.inFlight += 1
  const claim = { token: nextToken(), executionNodeId: nodeId, leaseMs }
  return { claim, askedAt: core.clock.monotonic() }
}

/** Random at each process start: a claim of an earlier process never looks like one of this. */
const thisProcess = randomBytes(6).toString('base64url')
let claims = 0

/** Returns a token that no other claim has. */
function nextToken(): string {
  claims += 1
  return `${thisProcess}/${claims}`
}
