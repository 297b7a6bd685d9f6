/**
 * A broker between processes for an engine on a manual clock: the broker itself runs on the system's time, so the clock stands still
 * while a message is on its way. What has to wait for a time waits in the store, for a wait queue would not notice that the clock was moved.
 */
import type { Broker, LaneSlots, Receiver, RemoteBroker } from '../../src/broker/broker.ts'

/** Deliveries that a lane's queue holds for each of its consumers: the default of the broker. */
const window = 2

/** A lane that this process consumes. */
interface Lane {
  readonly slots: number
  /** Receivers that have not resolved. */
  running: number
  /** No slot takes a further delivery. */
  isStopped: boolean
}

/** Wraps a broker that one process uses alone. `isBusy`: it has something to say to the process that no time has to pass for. */
export function countedBroker(inner: Broker): { broker: Broker; isBusy(): boolean } {
  const lanes = new Map<string, Lane>()
  /** By lane: deliveries that the broker took, less those that came. */
  const queued = new Map<string, number>()
  let sending = 0
  const count = (lane: string, by: number) => queued.set(lane, (queued.get(lane) ?? 0) + by)

  async function counted<T>(send: Promise<T>): Promise<T> {
    sending += 1
    try {
      return await send
    } finally {
      sending -= 1
    }
  }

  function consume(lane: LaneSlots, receiver: Receiver): () => void {
    const held: Lane = { slots: lane.slots, running: 0, isStopped: false }
    lanes.set(lane.lane, held)
    const stop = inner.consume(lane, async received => {
      count(lane.lane, -1)
      held.running += 1
      await receiver(received)
      held.running -= 1
    })
    return () => {
      held.isStopped = true
      stop()
    }
  }

  /** A slot is free for what is queued, or the queue has more room than the broker knows yet. */
  function isLaneBusy(name: string, { slots, running, isStopped }: Lane): boolean {
    if (isStopped) return false
    // A message that came twice is counted once.
    const waiting = Math.max(0, queued.get(name) ?? 0)
    return (waiting > 0 && running < slots) || inner.capacity(name) < window * slots - waiting
  }

  const said = inner.remote
  const remote: RemoteBroker | undefined = said && {
    ...said,
    delays: [],
    publishNotifications: notices => counted(said.publishNotifications(notices)),
    publishEvents: events => counted(said.publishEvents(events)),
  }
  const broker: Broker = {
    ...inner,
    consume,
    async publish(deliveries) {
      const published = await counted(inner.publish(deliveries))
      deliveries.forEach(({ lane }, index) => {
        if (published[index] === 'confirmed') count(lane, 1)
      })
      return published
    },
    ...(remote === undefined ? {} : { remote }),
  }
  return { broker, isBusy: () => sending > 0 || [...lanes].some(([name, lane]) => isLaneBusy(name, lane)) }
}
