import type { ConfirmChannel } from 'amqplib'
import type { Delivery } from '../../store/store.ts'
import type { Published } from '../broker.ts'
import { deliveryMessage, type OutgoingMessage } from '../messages.ts'
import type { ChannelPlan } from './channels.ts'
import type { Connection } from './connection.ts'
import { type Health, messageOf } from './failures.ts'
import type { RabbitmqSettings } from './options.ts'
import type { QueueDepth } from './queue-depth.ts'
import { delayTierFor, type Topology, taskKey } from './topology.ts'

/** A message and its way. */
export interface Routed {
  exchange: string
  key: string
  message: OutgoingMessage
  /** It must reach a queue: else it is returned. */
  mandatory: boolean
}

/** What a publisher needs of its surroundings. */
interface PublisherOptions {
  name: string
  settings: RabbitmqSettings
  health: Health
  connection: Connection
}

const noQuorum = 'its queues may be without a quorum. See that most of its nodes run.'

/** Milliseconds in which returned messages are logged once for each routing key. */
const logEveryMs = 30_000

/**
 * Publishes with confirms, on a channel of its own. Nothing is thrown: whatever is not known to be with the broker is `unconfirmed` and
 * stays pending.
 */
export class Publisher {
  readonly plan: ChannelPlan<ConfirmChannel>
  readonly #options: PublisherOptions
  #channel: ConfirmChannel | undefined
  /** Ids of messages that came back, until their confirm: the broker confirms an unroutable message after it returned it. */
  readonly #returned = new Map<string, number>()
  /** Routing keys whose returned messages were logged since then. */
  readonly #logged = new Set<string>()
  #loggedSince = Number.NEGATIVE_INFINITY

  constructor(options: PublisherOptions) {
    this.#options = options
    this.plan = {
      name: options.name,
      open: session => session.publishing.createConfirmChannel(),
      ready: async channel => this.#ready(channel),
      lost: () => this.#lost(),
    }
  }

  /** Publishes in order and waits for all confirms together. */
  async publish(batch: readonly Routed[]): Promise<Published[]> {
    if (batch.length === 0) return []
    const answers = await this.#send(batch)
    const { health, connection } = this.#options
    for (const answer of answers) if (answer !== 'confirmed') health[answer] += 1
    // One that found no queue: something is missing.
    if (answers.includes('returned')) void connection.repair()
    return answers
  }

  #ready(channel: ConfirmChannel): void {
    channel.on('return', ({ properties, fields }) => {
      const id = String(properties.messageId)
      this.#returned.set(id, (this.#returned.get(id) ?? 0) + 1)
      this.#logReturned(id, fields.routingKey)
    })
    this.#channel = channel
  }

  #logReturned(messageId: string, key: string): void {
    const now = performance.now()
    if (now - this.#loggedSince > logEveryMs) {
      this.#logged.clear()
      this.#loggedSince = now
    }
    if (this.#logged.has(key)) return
    this.#logged.add(key)
    this.#options.settings.log.warn({ messageId, key }, 'a message found no queue; bindings are made again')
  }

  /** The broker has answered nothing of a batch, or has confirmed a message. */
  #noteSilence(isSilent: boolean): void {
    const { health, name } = this.#options
    const key = `unconfirmed ${name}`
    if (!isSilent) health.solved(key)
    else health.problem(key, `The broker is connected and confirms no ${name}: ${noQuorum}`)
  }

  #lost(): void {
    this.#noteSilence(false)
    this.#channel = undefined
    this.#returned.clear()
  }

  async #send(batch: readonly Routed[]): Promise<Published[]> {
    // What is not answered in time keeps this: without a quorum the broker says nothing at all.
    const answers = batch.map((): Published => 'unconfirmed')
    const on = this.#channel
    const { settings, connection } = this.#options
    if (on === undefined || connection.blocked !== undefined) return answers
    let left = batch.length
    await new Promise<void>(resolve => {
      const timer = setTimeout(() => {
        const isOpen = this.#channel === on && connection.blocked === undefined
        if (left === batch.length && isOpen) this.#noteSilence(true)
        resolve()
      }, settings.confirmMs)
      batch.forEach((routed, index) => {
        this.#sendOne(on, routed, answer => {
          answers[index] = answer
          left -= 1
          if (answer === 'confirmed') this.#noteSilence(false)
          if (left > 0) return
          clearTimeout(timer)
          resolve()
        })
      })
    })
    return [...answers]
  }

  #sendOne(on: ConfirmChannel, routed: Routed, done: (answer: Published) => void): void {
    const { exchange, key, mandatory, message } = routed
    const { content, ...properties } = this.#options.settings.keys.sign(message)
    const options = { ...properties, persistent: true, mandatory }
    try {
      on.publish(exchange, key, Buffer.from(content), options, (error: unknown) => {
        if (error !== null && error !== undefined) done('unconfirmed')
        else done(this.#isReturned(message.messageId) ? 'returned' : 'confirmed')
      })
    } catch (error) {
      const fields = { messageId: message.messageId, reason: messageOf(error) }
      this.#options.settings.log.warn(fields, 'a message could not be sent')
      done('unconfirmed')
    }
  }

  #isReturned(id: string): boolean {
    const times = this.#returned.get(id)
    if (times === undefined) return false
    if (times === 1) this.#returned.delete(id)
    else this.#returned.set(id, times - 1)
    return true
  }
}

/** Sends deliveries to their lanes' queues; those with a delay through the wait queue or exchange that holds them. */
export async function deliver(
  deliveries: readonly Delivery[],
  { topology, publisher, depth }: { topology: Topology; publisher: Publisher; depth: QueueDepth },
): Promise<Published[]> {
  const routed = deliveries.map(delivery => route(delivery, topology))
  // What waits elsewhere takes no capacity yet.
  const direct = deliveries.filter((_, index) => routed[index]?.exchange === topology.names.work)
  const sent = countByLane(direct)
  for (const [lane, messages] of sent) depth.sent(lane, messages)
  const published = await publisher.publish(routed)
  const confirmed = new Set(deliveries.filter((_, index) => published[index] === 'confirmed'))
  const arrived = countByLane(direct.filter(delivery => confirmed.has(delivery)))
  for (const [lane, messages] of sent) depth.answered(lane, messages, arrived.get(lane) ?? 0)
  return published
}

function route(delivery: Delivery, { names, delay }: Topology): Routed {
  const message = deliveryMessage(delivery)
  const key = taskKey(delivery.lane, delivery.taskType)
  const delayMs = delivery.headers?.delayMs
  const tier = delayMs === undefined ? undefined : delayTierFor(delayMs)
  if (tier === undefined) return { exchange: names.work, key, message, mandatory: true }
  const delayed = { ...message, headers: { ...message.headers, 'x-delay': tier.ms } }
  // The delayed exchange has no way to say at once whether a queue will be found.
  const mandatory = delay === 'wait-queues'
  return { exchange: names.retry, key: `${tier.name}.${key}`, message: delayed, mandatory }
}

function countByLane(deliveries: readonly Delivery[]): ReadonlyMap<string, number> {
  const byLane = new Map<string, number>()
  for (const { lane } of deliveries) byLane.set(lane, (byLane.get(lane) ?? 0) + 1)
  return byLane
}
