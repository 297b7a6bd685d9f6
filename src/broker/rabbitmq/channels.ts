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
}

/** A channel that is kept. */
export interface KeptChannel {
  /** Makes the channel on a new connection. Never rejects: what fails is tried again. */
  up(session: Session): Promise<void>
  /** The connection is gone. */
  down(): void
  /** No longer kept; the channel is closed if it is there. */
  end(): Promise<void>
}

/** What a kept channel needs of its surroundings. */
export interface KeeperOptions {
  log: Logger
  /** Declares again what is missing, since its absence may have closed the channel. */
  repair(): Promise<void>
}

const firstWaitMs = 100
const longestWaitMs = 10_000
/** Milliseconds after which a channel counts as healthy, so that the next loss is repaired at once. */
const healthyMs = 30_000

/** Keeps a channel. An error of the broker closes one channel, and costs only what is on it. */
export function keepChannel<C extends Channel>(plan: ChannelPlan<C>, options: KeeperOptions): KeptChannel {
  const { log, repair } = options
  let session: Session | undefined
  let current: C | undefined
  let openedAt = 0
  let waitMs = firstWaitMs
  let timer: NodeJS.Timeout | undefined

  async function open(on: Session): Promise<void> {
    try {
      const channel = await plan.open(on)
      watch(channel, on)
      if (session !== on) return close(channel)
      current = channel
      openedAt = performance.now()
      await plan.ready(channel)
    } catch (error) {
      if (session !== on) return
      log.warn(
        { channel: plan.name, reason: messageOf(error) },
        'a channel could not be made ready; trying again',
      )
      if (current === undefined) return openLater(on)
      // Its end leads to the next try.
      await close(current)
    }
  }

  function watch(channel: C, on: Session): void {
    let reason = 'closed'
    channel.on('error', error => {
      reason = messageOf(error)
    })
    channel.on('handler-error', error => log.error({ err: error, channel: plan.name }, 'a listener threw'))
    channel.on('close', () => {
      if (current !== channel) return
      current = undefined
      plan.lost?.()
      // Where the whole connection is gone, that is known by the next turn, and told once.
      setImmediate(() => {
        if (session !== on || current !== undefined) return
        log.warn({ channel: plan.name, reason }, 'the broker closed a channel; it is made again')
        openLater(on)
      })
    })
  }

  function openLater(on: Session): void {
    if (timer !== undefined) return
    if (performance.now() - openedAt > healthyMs) waitMs = firstWaitMs
    timer = setTimeout(() => {
      void repair().then(() => {
        timer = undefined
        return session === on ? open(on) : undefined
      })
    }, waitMs)
    timer.unref()
    waitMs = Math.min(waitMs * 2, longestWaitMs)
  }

  function down(): void {
    clearTimeout(timer)
    timer = undefined
    session = undefined
    if (current === undefined) return
    current = undefined
    plan.lost?.()
  }

  return {
    async up(on) {
      session = on
      waitMs = firstWaitMs
      await open(on)
    },
    down,
    async end() {
      const channel = current
      down()
      if (channel !== undefined) await close(channel)
    },
  }
}

async function close(channel: Channel): Promise<void> {
  try {
    await channel.close()
  } catch {
    // It is closed already.
  }
}
