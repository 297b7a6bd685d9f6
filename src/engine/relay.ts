import { type Loop, startLoop, together } from '../runtime/loop.ts'
import type { DeadLetterNotification, Delivery, Due, LaneCapacity } from '../store/store.ts'
import { aggregate } from './aggregate.ts'
import type { Core } from './core.ts'

/** Parents that one step of the relay reconciles. */
const parentsPerStep = 100
/** Milliseconds after which the relay runs without a wake-up: a crash left something behind, or a signal got lost. */
const everyMs = 1_000

/**
 * Moves what is due: deliveries to the broker, as many as its lanes have capacity for, and dead-letter notifications to the dead letter
 * exchange; beside them parents to the aggregator. Sending for the first time and sending again after a crash are the same step.
 */
export function startRelay(core: Core): Loop {
  const lanes = [...core.settings.lanes.keys()].map(lane => new ServedLane(core, lane))
  const { clock } = core
  const steps = [() => sendDue(core, lanes), () => aggregatePending(core)]
  return together(steps.map(step => startLoop({ clock, everyMs, step })))
}

async function sendDue(core: Core, lanes: readonly ServedLane[]): Promise<number | undefined> {
  try {
    const isAlone = core.broker.isAlone?.() === true
    if (isAlone) await Promise.all(lanes.map(lane => lane.startWaiting()))
    else for (const lane of lanes) lane.clear()
    const asked = lanes.filter(({ isWaiting }) => !isWaiting)
    if (asked.length === 0) return waitsMs
    const capacities = asked.map(lane => lane.capacity(isAlone))
    const due = await core.store.outbox.due(capacities, { quarantined: mostQuarantined(core), isAlone })
    if (core.broker.remote !== undefined) noteSaturated(core, capacities, due)
    if (isAlone) await Promise.all(asked.map(lane => lane.start(due.deliveries)))
    else if (due.deliveries.length > 0) await send(core, due.deliveries)
    if (due.notifications !== undefined && due.notifications.length > 0)
      await sendNotifications(core, due.notifications)
    const dueInMs = due.nextAt === undefined ? everyMs : Math.max(0, due.nextAt - core.store.tasks.now())
    return lanes.some(({ isWaiting }) => isWaiting) ? Math.min(dueInMs, waitsMs) : dueInMs
  } catch (error) {
    core.log.error({ err: error }, 'due task lookup failed; will retry')
    return undefined
  }
}

/** Milliseconds for which a delivery waits for a slot here while the broker is away: shorter than others leave it to this process. */
const waitsMs = 500
/** Deliveries that wait for each slot then, at most. */
const waitingPerSlot = 2

/**
 * A lane that the relay serves. While the broker is away some deliveries wait beside its slots, as they do in the broker: a look at the store for each
 * freed slot costs more than a short task. They are not published, so the store puts them back in line when it is asked for the lane again, or closed.
 */
class ServedLane {
  readonly #core: Core
  readonly #lane: string
  #waiting: readonly Delivery[] = []
  /** When those have waited for long enough, and when deliveries last began, by the monotonic clock. */
  #until = 0
  #began: readonly number[] = []

  constructor(core: Core, lane: string) {
    this.#core = core
    this.#lane = lane
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0
  }

  /** While the broker is away as many may wait as began in the time for which one does: none where tasks are long. */
  capacity(isAlone: boolean): LaneCapacity {
    const [lane, { broker, clock }] = [this.#lane, this.#core]
    const capacity = broker.capacity(lane)
    const since = clock.monotonic() - waitsMs
    const more = isAlone && capacity > 0 ? this.#began.filter(at => at > since).length : 0
    return {
      lane,
      capacity: capacity + more,
      isEmpty: broker.isEmpty?.(lane) === true,
      takesUrgent: broker.takesUrgent?.(lane) === true,
    }
  }

  /** Starts those of the lane in free slots; the others wait for one. */
  async start(deliveries: readonly Delivery[]): Promise<void> {
    this.#until = this.#core.clock.monotonic() + waitsMs
    await this.#send(deliveries.filter(({ lane }) => lane === this.#lane))
  }

  /** Starts what waits in slots that are free now. */
  async startWaiting(): Promise<void> {
    if (this.#until <= this.#core.clock.monotonic()) this.clear()
    else if (this.isWaiting) await this.#send(this.#waiting)
  }

  /** What waits goes back in line. */
  clear(): void {
    this.#waiting = []
  }

  async #send(deliveries: readonly Delivery[]): Promise<void> {
    const now = this.#core.clock.monotonic()
    const unsent = await send(this.#core, deliveries)
    // The broker was to hold some for a time: they wait in the store.
    this.#waiting = unsent.filter(({ headers }) => headers?.delayMs === undefined)
    const began = Array<number>(deliveries.length - unsent.length).fill(now)
    this.#began = [...this.#began, ...began].slice(
      -Math.max(1, this.#core.slots.of(this.#lane) * waitingPerSlot),
    )
    if (this.isWaiting) this.#core.saturated.add(this.#lane)
  }
}

/**
 * Returns how many quarantined tasks may be sent and not ended. A process runs one at a time, and none beside tasks on probation, which go
 * first: after a crash of the one process that owns the store, not before the first sweep has found them. Between processes the next may be
 * on its way while that one is young; behind one that takes long it would only be deferred again and again.
 */
function mostQuarantined({ broker, quarantine, settings, swept }: Core): number {
  if (quarantine.probationFirst) return 0
  if (broker.remote === undefined) return settings.roles.has('maintenance') && !swept.isRescued ? 0 : 1
  return quarantine.isTaken && !quarantine.isLong ? 2 : 1
}

/** A lane whose capacity was used up may have more waiting: what is submitted meanwhile must not overtake it. */
function noteSaturated(
  core: Core,
  capacities: readonly LaneCapacity[],
  { deliveries, waitingElsewhere }: Due,
): void {
  for (const { lane, capacity } of capacities) {
    const used = deliveries.filter(delivery => delivery.lane === lane).length
    if (used >= capacity || waitingElsewhere?.has(lane)) core.saturated.add(lane)
    else core.saturated.delete(lane)
  }
}

/**
 * Hands deliveries to the broker, and marks in the store which of them it confirmed. The right to send the others expires: they are sent
 * again then, perhaps for the second time. Returns those.
 */
export async function send(core: Core, deliveries: readonly Delivery[]): Promise<readonly Delivery[]> {
  const published = await core.broker.publish(deliveries)
  const confirmed = deliveries.filter((_, index) => published[index] === 'confirmed')
  if (confirmed.length > 0) await core.store.outbox.published(confirmed)
  return deliveries.filter((_, index) => published[index] !== 'confirmed')
}

async function sendNotifications(
  core: Core,
  notifications: readonly DeadLetterNotification[],
): Promise<void> {
  const published = await core.broker.remote?.publishNotifications(notifications)
  const confirmed = notifications.filter((_, index) => published?.[index] === 'confirmed')
  if (confirmed.length > 0) await core.store.outbox.notified?.(confirmed)
}

/** Aggregates all pending parents at once, so that their writes go together. */
async function aggregatePending(core: Core): Promise<undefined> {
  try {
    const parents = await core.store.outbox.pendingParents(parentsPerStep)
    await Promise.all(parents.map(parentId => aggregateQuietly(core, parentId)))
  } catch (error) {
    core.log.error({ err: error }, 'pending parent lookup failed; will retry')
  }
}

/** A parent that cannot be aggregated holds up no other. */
async function aggregateQuietly(core: Core, parentId: string): Promise<void> {
  await aggregate(core, parentId).catch(error => {
    core.log.error({ err: error, taskId: parentId }, 'parent aggregation failed; will retry')
  })
}
