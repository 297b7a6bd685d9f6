import type { Channel } from 'amqplib'
import type { Logger } from '../../runtime/log.ts'
import { messageOf } from './failures.ts'
import type { Session } from './session.ts'

/** A channel that is made again whenever it, or the connection, is lost. */
export interface ChannelPlan<C extends Channel> {
  /** For logs. */
  name: string
  open(session: Session): Promise<C>
  /** Prepares the channel; it is in use from here on. */
  ready(channel: C): Promise<void>
  /** The channel is gone; whatever was in flight on it is unknown. */
  lost?(): void
  /** Milliseconds between two tries when it is lost again and again. Default 10,000. */
  longestWaitMs?: number
}

const firstWaitMs = 100
const longestWaitMs = 10_000
/** Milliseconds after which a channel, or a connection, counts as healthy, so that the next loss is repaired at once. */
export const healthyMs = 30_000

/** Keeps a channel. An error of the broker closes one channel, and costs only what is on it. */
export class RecoveringChannel<C extends Channel> {
  readonly #plan: ChannelPlan<C>
  readonly #log: Logger
  readonly #repair: () => Promise<void>
  #session: Session | undefined
  #current: C | undefined
  #openedAt = 0
  #waitMs = firstWaitMs
  #timer: NodeJS.Timeout | undefined

  /** @param repair Declares again what is missing, since its absence may have closed the channel. */
  constructor(plan: ChannelPlan<C>, log: Logger, repair: () => Promise<void>) {
    this.#plan = plan
    this.#log = log
    this.#repair = repair
  }

  /** Makes the channel on a new connection. Never rejects: what fails is tried again. */
  async up(on: Session): Promise<void> {
    this.#session = on
    this.#waitMs = firstWaitMs
    await this.#open(on)
  }

  /** The connection is gone. */
  down(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#session = undefined
    if (this.#current !== undefined) this.#lose()
  }

  /** No longer kept; the channel is closed if it is there. */
  async end(): Promise<void> {
    const channel = this.#current
    this.down()
    if (channel !== undefined) await close(channel)
  }

  async #open(on: Session): Promise<void> {
    try {
      const channel = await this.#plan.open(on)
      this.#watch(channel, on)
      if (this.#session !== on) return close(channel)
      this.#current = channel
      this.#openedAt = performance.now()
      await this.#plan.ready(channel)
    } catch (error) {
      if (this.#session !== on) return
      const fields = { channel: this.#plan.name, reason: messageOf(error) }
      this.#log.warn(fields, 'a channel could not be made ready; trying again')
      if (this.#current === undefined) return this.#openLater(on)
      // Its end leads to the next try.
      await close(this.#current)
    }
  }

  #watch(channel: C, on: Session): void {
    const log = this.#log
    const { name } = this.#plan
    let reason = 'closed'
    channel.on('error', error => {
      reason = messageOf(error)
    })
    channel.on('handler-error', error => log.error({ err: error, channel: name }, 'a listener threw'))
    channel.on('close', () => {
      if (this.#current !== channel) return
      this.#lose()
      // Where the whole connection is gone, that is known in the next turn of the event loop, and logged once.
      setImmediate(() => {
        if (this.#session !== on || this.#current !== undefined) return
        log.warn({ channel: name, reason }, 'the broker closed a channel; it is made again')
        this.#openLater(on)
      })
    })
  }

  #lose(): void {
    this.#current = undefined
    this.#plan.lost?.()
  }

  #openLater(on: Session): void {
    if (this.#timer !== undefined) return
    if (performance.now() - this.#openedAt > healthyMs) this.#waitMs = firstWaitMs
    this.#timer = setTimeout(() => void this.#openAgain(on), this.#waitMs).unref()
    this.#waitMs = Math.min(this.#waitMs * 2, this.#plan.longestWaitMs ?? longestWaitMs)
  }

  async #openAgain(on: Session): Promise<void> {
    await this.#repair()
    if (this.#session !== on) return
    this.#timer = undefined
    await this.#open(on)
  }
}

async function close(channel: Channel): Promise<void> {
  try {
    await channel.close()
  } catch {
    // It is closed already.
  }
}
