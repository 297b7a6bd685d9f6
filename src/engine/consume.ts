import { randomBytes } from 'node:crypto'
import type { Received } from '../broker/broker.ts'
import type { Claim, Claimed } from '../store/store.ts'
import type { Outcome } from '../task/decide.ts'
import { QuillworkError } from '../task/errors.ts'
import { eventBase } from '../task/events.ts'
import type { TaskRecord } from '../task/task.ts'
import { Attempt, type Start } from './attempt.ts'
import type { Core } from './core.ts'
import { execute } from './execute.ts'
import { notifyStarted } from './hooks.ts'
import { settle } from './settle.ts'

/** Milliseconds until a task whose claim was refused may be offered again, if it still waits; as long may it wait for its turn before. */
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
    // The embedded store hands out one of these at a time; messages of several processes can meet.
    if (!received.delivery.quarantined || core.broker.remote === undefined)
      return claimAndRun(core, received, free)
    core.quarantine.enter(refusedForMs, entered => {
      if (entered) return claimAndRun(core, received, free, () => core.quarantine.leave())
      void passOn(core, received).then(free)
    })
  })
}

/** `left`: told when the attempt is over, or never began. */
function claimAndRun(core: Core, received: Received, free: () => void, left: () => void = nothing): void {
  const { taskId, attempt } = received.delivery
  const wish = nextClaim(core)
  const claim: Claim = { taskId, attempt, ...wish.claim }
  const answered = (record: Claimed, askedAt: number) => {
    core.claims.inFlight -= 1
    if (record === undefined) {
      left()
      if (core.broker.remote !== undefined) return void turnAwayUnknown(core, received).then(free)
      turnAway(core, received)
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
  core.writes.claim.add(claim, (error, record) => {
    if (error === undefined) return answered(record, wish.askedAt)
    void claimAgain(core, claim, error).then(later => {
      if (later !== undefined) return answered(later.record, later.askedAt)
      // The engine stops. The delivery stays with the broker, which gives it to somebody else.
      core.claims.inFlight -= 1
      left()
      free()
    })
  })
}

/** The claim was refused: the task has ended, is held, or is not due. The store offers it again when it is time. */
function turnAway(core: Core, received: Received): void {
  forgetLater(core, received.delivery.taskId)
  received.ack()
}

/** It is not its turn here. The store offers it again in a while, to any process: that is durable first, for this one may be killed. */
async function passOn(core: Core, received: Received): Promise<void> {
  const { taskId } = received.delivery
  const { outbox } = core.store
  try {
    if (outbox.defer === undefined) forgetLater(core, taskId)
    else await outbox.defer([taskId], refusedForMs)
  } catch (error) {
    core.log.warn({ err: error, taskId }, 'a delivery could not be put aside; it is put back in line later')
    forgetLater(core, taskId)
  }
  received.ack()
}

/** As `turnAway`; a message between processes that names no task is put aside, where people see it. */
async function turnAwayUnknown(core: Core, received: Received): Promise<void> {
  const isThere = await core.store.queries.get([received.delivery.taskId]).then(
    ([record]) => record !== undefined,
    () => true,
  )
  if (isThere) turnAway(core, received)
  else received.deadLetter()
}

const firstWaitMs = 100
const longestWaitMs = 5_000

/**
 * The store did not answer a claim. The delivery is held and the claim told again, with the same token so that it finds itself: no
 * other delivery is taken meanwhile, and none is lost. Undefined when the engine stops.
 */
async function claimAgain(
  core: Core,
  claim: Claim,
  firstError: unknown,
): Promise<{ record: Claimed; askedAt: number } | undefined> {
  let error = firstError
  let isLast = false
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
    if (isLast || (error instanceof QuillworkError && error.code === 'STORE_CLOSED')) return undefined
    core.log.error({ err: error, taskId: claim.taskId, waitMs }, 'a claim failed; trying again')
    await new Promise<void>(resolve => core.clock.after(waitMs, resolve))
    // A claim that was executed, and whose answer was lost, is found by one more try, and given back with the others.
    isLast = core.stopping
    try {
      const [record] = await core.store.tasks.claim([claim])
      // The lease of a claim that finds itself began with its first telling, and may be over.
      const askedAt = core.clock.monotonic()
      return { record: (await isHeld(core, claim, record)) ? record : undefined, askedAt }
    } catch (again) {
      error = again
    }
  }
}

/** Makes the lease of a claim begin anew; answers whether it is still there. When the engine stops it is given back as it is. */
async function isHeld(core: Core, claim: Claim, record: TaskRecord | undefined): Promise<boolean> {
  if (record === undefined) return false
  if (core.stopping) return true
  const lease = { taskId: claim.taskId, token: claim.token }
  const [extended] = await core.store.tasks.extend([lease], core.settings.leaseMs)
  return extended?.held === true
}

/** Takes a free slot of the lane for a task that is about to be created; undefined when none is free, or when none runs here. */
export function reserveStart(core: Core, lane: string): Start | undefined {
  const free = core.broker.reserve?.(lane)
  if (free === undefined) return undefined
  const { claim, askedAt } = nextClaim(core)
  const leaseUntil = askedAt + core.settings.leaseMs
  return {
    claim,
    created(record) {
      core.claims.inFlight -= 1
      if (record?.claimToken === claim.token)
        run(core, new Attempt(record, claim.token, leaseUntil), 0, { free, ack: nothing })
      else free()
    },
  }
}

/**
 * A claimed task: executed, then settled; acknowledged when the outcome is durable or found stale. The slot is free when the
 * settling is queued: the next claim then joins its commit. `waitedMs`: for how long the task could have run before.
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
  tellStarted(core, attempt.record, waitedMs)
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

/** From now on, whoever wants to interrupt the attempt finds it. */
function register(core: Core, attempt: Attempt): void {
  const { id, cancelRequestedAt } = attempt.record
  // An earlier attempt of the task that lost its lease may still run here, and would not be seen any more.
  core.running.get(id)?.interrupt('lease-lost')
  core.running.set(id, attempt)
  // The request may have come between the claim and its answer, when nobody here could be told.
  if (cancelRequestedAt !== undefined) attempt.interrupt('cancelled')
}

/** No delivery came with the task. */
const nothing = () => undefined

/** What a claim says of this process, and when it was asked by this process's own clock. It is in flight from now. */
function nextClaim(core: Core): { claim: Start['claim']; askedAt: number } {
  const { leaseMs, nodeId } = core.settings
  core.claims.inFlight += 1
  const claim = { token: nextToken(), executionNodeId: nodeId, leaseMs }
  return { claim, askedAt: core.clock.monotonic() }
}

/** Chance, made anew at each process start: a claim of an earlier process never looks like one of this. */
const thisProcess = randomBytes(6).toString('base64url')
let claims = 0

/** Fresh for each claim. */
function nextToken(): string {
  claims += 1
  return `${thisProcess}/${claims}`
}

/** A task that could not be claimed is not offered again at once: what stands in its way needs a moment. */
function forgetLater(core: Core, taskId: string): void {
  core.clock.after(refusedForMs, () => {
    core.store.outbox.requeue([taskId])
    core.wakeRelay()
  })
}

function tellStarted(core: Core, record: TaskRecord, waitedMs: number): void {
  notifyStarted(core, record)
  if (!core.bus.wants('started')) return
  const at = record.lastAttemptTimestamp ?? record.updatedAt
  core.bus.emit({
    name: 'started',
    ...eventBase(record, at),
    executionNodeId: core.settings.nodeId,
    waitedMs,
  })
}
