import type { ConfirmChannel } from 'amqplib'
import type { Logger } from '../../runtime/log.ts'
import type { Published } from '../broker.ts'
import type { OutgoingMessage } from '../messages.ts'
import type { ChannelPlan } from './channels.ts'
import { messageOf } from './failures.ts'
import type { Health } from './health.ts'

/** A message and its way. */
export interface Routed {
  exchange: string
  key: string
  message: OutgoingMessage
  /** It must reach a queue: else it is returned. */
  mandatory: boolean
}

/** Publishes with confirms. Nothing is thrown: whatever is not known to be with the broker is `unconfirmed` and stays to be told. */
export interface Publisher {
  readonly plan: ChannelPlan<ConfirmChannel>
  /** Publishes in order and waits for all confirms together. */
  publish(batch: readonly Routed[]): Promise<Published[]>
}

/** What a publisher needs of its surroundings. */
export interface PublisherOptions {
  name: string
  confirmMs: number
  health: Health
  log: Logger
  /** The broker takes no messages for now. */
  isBlocked(): boolean
  /** A message found no queue: something is missing. */
  onReturned(): void
}

/** A publisher on a confirm channel of its own. */
export function createPublisher(options: PublisherOptions): Publisher {
  const { name, confirmMs, health, log, isBlocked, onReturned } = options
  let channel: ConfirmChannel | undefined
  /** Ids of messages that came back, until their confirm: the broker confirms an unroutable message after it returned it. */
  const returned = new Map<string, number>()

  const plan: ChannelPlan<ConfirmChannel> = {
    name,
    open: session => session.publishing.createConfirmChannel(),
    async ready(made) {
      made.on('return', ({ properties, fields }) => {
        const id = String(properties.messageId)
        returned.set(id, (returned.get(id) ?? 0) + 1)
        log.warn(
          { messageId: id, key: fields.routingKey },
          'a message found no queue; bindings are made again',
        )
      })
      channel = made
    },
    lost() {
      channel = undefined
      returned.clear()
    },
  }

  function isReturned(id: string): boolean {
    const times = returned.get(id)
    if (times === undefined) return false
    if (times === 1) returned.delete(id)
    else returned.set(id, times - 1)
    return true
  }

  function sendOne(
    on: ConfirmChannel,
    { exchange, key, message, mandatory }: Routed,
    done: (sent: Published) => void,
  ) {
    const { content, ...properties } = message
    const settings = { ...properties, persistent: true, mandatory }
    try {
      on.publish(exchange, key, Buffer.from(content), settings, (error: unknown) => {
        if (error !== null && error !== undefined) done('unconfirmed')
        else done(isReturned(message.messageId) ? 'returned' : 'confirmed')
      })
    } catch (error) {
      log.warn({ messageId: message.messageId, reason: messageOf(error) }, 'a message could not be sent')
      done('unconfirmed')
    }
  }

  async function send(batch: readonly Routed[]): Promise<Published[]> {
    // What is not answered in time keeps this: without a quorum the broker says nothing at all.
    const answers = batch.map((): Published => 'unconfirmed')
    const on = channel
    if (on === undefined || isBlocked()) return answers
    let left = batch.length
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, confirmMs)
      batch.forEach((routed, index) => {
        sendOne(on, routed, answer => {
          answers[index] = answer
          left -= 1
          if (left > 0) return
          clearTimeout(timer)
          resolve()
        })
      })
    })
    return [...answers]
  }

  function count(answers: readonly Published[]): void {
    for (const answer of answers) if (answer !== 'confirmed') health[answer] += 1
    if (answers.includes('returned')) onReturned()
  }

  return {
    plan,
    async publish(batch) {
      if (batch.length === 0) return []
      const answers = await send(batch)
      count(answers)
      return answers
    },
  }
}
