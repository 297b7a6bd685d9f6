import { QuillworkError } from '../../task/errors.ts'

/**
 * What the broker should have, as one value: from it are made the declaration, the check and the diagram. A new task type changes
 * nothing here; a new lane adds a queue.
 */

/** An exchange and why it is there. */
export interface Exchange {
  name: string
  type: 'topic' | 'fanout' | 'x-delayed-message'
  arguments?: Readonly<Record<string, string>>
  why: string
}

/** A durable queue. Its arguments are frozen: the broker refuses to declare it with others. */
export interface Queue {
  name: string
  arguments: Readonly<Record<string, string | number>>
  why: string
}

/** What reaches a queue. */
export interface Binding {
  exchange: string
  queue: string
  /** Pattern of the routing keys: `*` is one word, `#` any number. */
  key: string
  /** A routing key with which the binding can be tried; absent where a message to try with would be kept or read by others. */
  probeKey?: string
}

/** A queue that each process makes for itself: exclusive, and gone with its connection. */
export interface ProcessQueue {
  exchange: string
  key: string
  why: string
}

/** The names that messages are published to and consumed from. */
export interface TopologyNames {
  work: string
  retry: string
  requeue: string
  dlx: string
  events: string
  control: string
  deadLetters: string
  laneQueue(lane: string): string
}

/** Everything that the broker should have. */
export interface Topology {
  /** Who holds a delivery until its time. */
  delay: Delay
  names: TopologyNames
  exchanges: readonly Exchange[]
  queues: readonly Queue[]
  bindings: readonly Binding[]
  processQueues: readonly ProcessQueue[]
}

/** Plain queues, or the exchange type of the delayed-message plugin. */
export type Delay = 'wait-queues' | 'delayed-exchange'

/** What a topology is made from. */
export interface TopologyOptions {
  /** Stands before every name; default none. */
  prefix?: string
  lanes: readonly string[]
  /** Default `wait-queues`. */
  delay?: Delay
  /** Keep events in a stream, for consumers that read them again. Default false. */
  eventsStream?: boolean
}

/** Deliveries after which the broker gives up on a message. The store counts attempts; this is for what crashes before its claim. */
const deliveryLimit = 20
/** How long the stream keeps events, in the broker's own notation. */
const keepEvents = '7D'

/** The topology of an installation. Throws OPTION_INVALID for a lane whose queue would have the name of another one. */
export function topologyOf(options: TopologyOptions): Topology {
  const { prefix = '', delay = 'wait-queues' } = options
  const names = namesOf(prefix, delay)
  const delays = delay === 'wait-queues' ? waitQueues(names, prefix) : delayedExchange(names)
  const lanes = options.lanes.map(lane => laneOf(names, lane, delay))
  refuseTaken(options.lanes, names, prefix)
  const stream = options.eventsStream === true ? [eventsStreamOf(names, prefix)] : []
  return {
    delay,
    names,
    exchanges: [...coreExchanges(names), ...delays.exchanges],
    queues: [
      ...lanes.map(({ queue }) => queue),
      ...delays.queues,
      deadLetterQueue(names),
      ...stream.map(({ queue }) => queue),
    ],
    bindings: [
      ...lanes.flatMap(({ bindings }) => bindings),
      ...delays.bindings(options.lanes[0] ?? 'default'),
      { exchange: names.dlx, queue: names.deadLetters, key: '#', probeKey: 'probe' },
      ...stream.map(({ binding }) => binding),
    ],
    processQueues: [
      { exchange: names.control, key: '', why: 'cancel, pause and parked keys, sent to every process' },
      {
        exchange: names.events,
        key: eventKey('#'),
        why: 'live events of every process, for those who watch',
      },
    ],
  }
}

function refuseTaken(lanes: readonly string[], names: TopologyNames, prefix: string): void {
  const others = [deadLetterQueue(names), ...waitQueues(names, prefix).queues]
  const taken = new Set(others.map(({ name }) => name))
  for (const lane of lanes) {
    const name = names.laneQueue(lane)
    if (!taken.has(name)) continue
    const message = `A lane cannot be called ${lane}: the queue ${name} has another purpose. Give it another name.`
    throw new QuillworkError('OPTION_INVALID', message)
  }
}

/** The routing key of a task. */
export function taskKey(lane: string, taskType: string): string {
  return `task.${lane}.${taskType}`
}

/** The routing key of an event. */
export function eventKey(name: string): string {
  return `task.event.${name}`
}

function namesOf(prefix: string, delay: Delay): TopologyNames {
  return {
    work: `${prefix}tasks.exchange`,
    // Another name, since the type of an exchange cannot be changed.
    retry: `${prefix}tasks.${delay === 'wait-queues' ? 'retry' : 'delayed'}.exchange`,
    requeue: `${prefix}tasks.requeue.exchange`,
    dlx: `${prefix}tasks.dlx.exchange`,
    events: `${prefix}tasks.events.exchange`,
    control: `${prefix}tasks.control.exchange`,
    deadLetters: `${prefix}tasks.dlq.queue`,
    laneQueue: lane => (lane === 'default' ? `${prefix}tasks.queue` : `${prefix}tasks.${lane}.queue`),
  }
}

function coreExchanges({ work, dlx, events, control }: TopologyNames): Exchange[] {
  const type = 'topic'
  return [
    { name: work, type, why: 'tasks that may run, by lane and type' },
    { name: dlx, type, why: 'messages that no worker takes any more, and notifications of dead letters' },
    { name: events, type, why: 'what happened to tasks, as CloudEvents, for anyone who binds' },
    { name: control, type: 'fanout', why: 'what every process should hear at once' },
  ]
}

/** A lane's queue, fed by new tasks and by those that have waited. */
function laneOf(names: TopologyNames, lane: string, delay: Delay) {
  const name = names.laneQueue(lane)
  const queue: Queue = {
    name,
    arguments: deadLettersAtLeastOnce(names.dlx, { 'x-delivery-limit': deliveryLimit }),
    why: `tasks of the lane ${lane} that may run`,
  }
  const back = delay === 'wait-queues' ? names.requeue : names.retry
  const bindings: Binding[] = [
    { exchange: names.work, queue: name, key: taskKey(lane, '#'), probeKey: taskKey(lane, 'probe') },
    // Neither exchange returns a message without a queue, so there is nothing to try it with.
    { exchange: back, queue: name, key: `*.${taskKey(lane, '#')}` },
  ]
  return { queue, bindings }
}

/**
 * Arguments of a queue in which what is dead-lettered stays until the other queue has confirmed it. This needs `reject-publish`, which
 * never rejects anything in a queue without a length limit.
 */
function deadLettersAtLeastOnce(exchange: string, others: Queue['arguments']) {
  return {
    'x-queue-type': 'quorum',
    ...others,
    'x-dead-letter-exchange': exchange,
    'x-dead-letter-strategy': 'at-least-once',
    'x-overflow': 'reject-publish',
  }
}

function waitQueues(names: TopologyNames, prefix: string) {
  const named = delayTiers.map(tier => ({ ...tier, queue: `${prefix}tasks.wait_${tier.name}.queue` }))
  const exchanges: Exchange[] = [
    { name: names.retry, type: 'topic', why: 'tasks that may run after a delay' },
    {
      name: names.requeue,
      type: 'topic',
      // A wait queue keeps what nobody takes from it, and hands on nothing behind 32 of these: those of a lane without a queue go on.
      arguments: { 'alternate-exchange': names.dlx },
      why: 'tasks whose delay is over; those without a queue are dead letters',
    },
  ]
  const why = 'holds each message for its time, then hands it on'
  const queues = named.map(
    ({ ms, queue }): Queue => ({
      name: queue,
      arguments: deadLettersAtLeastOnce(names.requeue, { 'x-message-ttl': ms }),
      why,
    }),
  )
  const bindings = (lane: string) =>
    named.map(
      ({ name, queue }): Binding => ({
        exchange: names.retry,
        queue,
        key: `${name}.#`,
        probeKey: `${name}.${taskKey(lane, 'probe')}`,
      }),
    )
  return { exchanges, queues, bindings }
}

function delayedExchange({ retry }: TopologyNames) {
  const why = 'tasks that may run after a delay; the exchange holds them'
  const args = { 'x-delayed-type': 'topic' }
  const exchange: Exchange = { name: retry, type: 'x-delayed-message', arguments: args, why }
  return { exchanges: [exchange], queues: [], bindings: (): Binding[] => [] }
}

function deadLetterQueue(names: TopologyNames): Queue {
  return {
    name: names.deadLetters,
    // Without a limit: a message is filed in the end, however often its consumer is interrupted.
    arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': -1 },
    why: 'dead letters, until they are filed in the store',
  }
}

function eventsStreamOf(names: TopologyNames, prefix: string) {
  const name = `${prefix}tasks.events.stream`
  const queue: Queue = {
    name,
    arguments: { 'x-queue-type': 'stream', 'x-max-age': keepEvents },
    why: 'events of the last days, for consumers that read them again',
  }
  const binding: Binding = { exchange: names.events, queue: name, key: eventKey('#') }
  return { queue, binding }
}

/** A time that the broker can hold a delivery for: it names a wait queue and begins the routing key. */
export interface DelayTier {
  name: string
  ms: number
}

/** Ascending. A per-message time expires only at the head of a queue, hence one queue per time. */
export const delayTiers: readonly DelayTier[] = [
  { name: '1s', ms: 1_000 },
  { name: '5s', ms: 5_000 },
  { name: '15s', ms: 15_000 },
  { name: '1m', ms: 60_000 },
  { name: '5m', ms: 300_000 },
  { name: '30m', ms: 1_800_000 },
]

/** The longest tier that is not above the delay; undefined below the shortest: such a delivery need not wait at the broker. */
export function delayTierFor(delayMs: number): DelayTier | undefined {
  return delayTiers.findLast(({ ms }) => ms <= delayMs)
}
