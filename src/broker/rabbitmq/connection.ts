import type { Channel } from 'amqplib'
import { atMost } from '../../runtime/at-most.ts'
import { type ChannelPlan, healthyMs, RecoveringChannel } from './channels.ts'
import { type Health, isRefusal, isUnsuitable, messageOf, unreachable, unsuitable } from './failures.ts'
import { placeOf, type RabbitmqSettings } from './options.ts'
import { openSession, type Session } from './session.ts'

/** What a connection is for. */
export interface ConnectionPlan {
  settings: RabbitmqSettings
  health: Health
  /** Makes a new connection fit for use; its channels are made after it. Throws BROKER_UNSUITABLE. */
  prepare(session: Session): Promise<void>
  /** It was made, lost, blocked or released. */
  changed(): void
}

const firstWaitMs = 100
const longestWaitMs = 10_000
/**
 * The longest wait after connections that were lost soon after they were made. Short: a delivery that the driver cannot read ends each
 * connection that it comes on, until the broker has delivered it often enough and makes it a dead letter.
 */
const longestAfterLossMs = 2_000
/** Milliseconds that a broker may take for the declarations, or for the channels. */
const answerMs = 10_000
/** Milliseconds that the end waits for a try to connect. */
const closeMs = 1_000
/** The least time between two repairs: what is broken stays broken for a moment, and many channels may ask. */
const repairEveryMs = 1_000

/**
 * A connection that is made again, with all its channels, whenever it is lost. The broker may be away at any time: no caller sees it
 * by an exception, but by `connected`, by answers that say `unconfirmed`, and by the health.
 */
export class Connection {
  readonly #plan: ConnectionPlan
  readonly #kept = new Set<Pick<RecoveringChannel<Channel>, 'up' | 'down'>>()
  #session: Session | undefined
  #connected = false
  #closed = false
  #stopWaiting: (() => void) | undefined
  #running: Promise<void> | undefined
  #repairing: Promise<void> | undefined
  #repairedAt = Number.NEGATIVE_INFINITY

  constructor(plan: ConnectionPlan) {
    this.#plan = plan
  }

  /** Ready to be used. */
  get connected(): boolean {
    return this.#connected
  }

  /** Why the broker takes no messages for now; undefined while it does. */
  get blocked(): string | undefined {
    return this.#session?.blocked
  }

  /**
   * Connects. Resolves after the first try of every node, also when none answers: then it goes on trying. Rejects with
   * BROKER_UNSUITABLE when a node answers and what it has, or says, cannot be worked with.
   */
  async open(): Promise<void> {
    const problem = await new Promise<Error | undefined>(resolve => {
      // Later tries resolve nothing any more: what worked once is waited for, whatever the broker says meanwhile.
      this.#running = this.#run(resolve)
    })
    if (problem === undefined) return
    this.#closed = true
    throw problem
  }

  /** Keeps a channel from now on. Returns a function that ends it. */
  recover<C extends Channel>(plan: ChannelPlan<C>): () => void {
    const channel = new RecoveringChannel(plan, this.#plan.settings.log, () => this.repair())
    this.#kept.add(channel)
    if (this.#session !== undefined) void channel.up(this.#session)
    return () => {
      this.#kept.delete(channel)
      void channel.end()
    }
  }

  /** Declares again what is missing. Many asks at once are one. Never rejects. */
  async repair(): Promise<void> {
    const on = this.#session
    if (on === undefined || performance.now() - this.#repairedAt < repairEveryMs) return
    this.#repairing ??= this.#prepare(on)
      .catch(error =>
        this.#plan.settings.log.warn({ reason: messageOf(error) }, 'the topology could not be repaired'),
      )
      .finally(() => {
        this.#repairedAt = performance.now()
        this.#repairing = undefined
      })
    await this.#repairing
  }

  /** Ends the connection, and every try to make one. */
  async close(): Promise<void> {
    this.#closed = true
    this.#stopWaiting?.()
    await this.#session?.close()
    // A try that is under way may take longer; it ends by itself.
    if (this.#running !== undefined) await atMost(closeMs, this.#running, () => undefined)
  }

  /** @param tried Called after each try with its outcome: with the problem where only a person can help. */
  async #run(tried: (problem: Error | undefined) => void): Promise<void> {
    let afterLossMs = firstWaitMs
    for (let waitMs = firstWaitMs; !this.#closed; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
      const failures: unknown[] = []
      const made = await this.#connectToAny(failures)
      if (made === undefined) tried(this.#noteFailures(failures))
      else {
        const madeAt = performance.now()
        await this.#use(made)
        tried(undefined)
        await this.#untilLost(made)
        if (performance.now() - madeAt > healthyMs) afterLossMs = firstWaitMs
        waitMs = afterLossMs
        afterLossMs = Math.min(afterLossMs * 2, longestAfterLossMs)
      }
      if (!this.#closed) await this.#wait(waitMs * (0.5 + Math.random() / 2))
    }
  }

  /** Connects to the first node that answers and is fit for use; else adds what each of them said to `failures`. */
  async #connectToAny(failures: unknown[]): Promise<Session | undefined> {
    const { urls, log } = this.#plan.settings
    for (const url of urls) {
      if (this.#closed) return undefined
      try {
        return await this.#connectTo(url)
      } catch (error) {
        failures.push(error)
        log.warn({ broker: placeOf(url), reason: messageOf(error) }, 'no connection to the broker')
      }
    }
    return undefined
  }

  async #connectTo(url: string): Promise<Session> {
    const made = await openSession(url, this.#plan.settings, () => this.#plan.changed())
    try {
      await this.#prepare(made)
      return made
    } catch (error) {
      await made.close()
      throw error
    }
  }

  async #prepare(on: Session): Promise<void> {
    await atMost(answerMs, this.#plan.prepare(on), () => {
      throw unreachable(
        `The broker at ${on.place} did not answer a declaration: its queues may be without a quorum.`,
      )
    })
  }

  async #use(made: Session): Promise<void> {
    const { health, settings, changed } = this.#plan
    this.#session = made
    // One that the broker does not answer must not keep the others from their work.
    await atMost(answerMs, Promise.all([...this.#kept].map(channel => channel.up(made))), () => undefined)
    this.#connected = true
    health.solved('connection')
    settings.log.info({ broker: made.place }, 'connected to the broker')
    changed()
    // Asked to close meanwhile: there was no session yet that could have been closed.
    if (this.#closed) await made.close()
  }

  async #untilLost(made: Session): Promise<void> {
    const { health, changed } = this.#plan
    const reason = await made.ended
    this.#session = undefined
    this.#connected = false
    for (const channel of this.#kept) channel.down()
    if (!this.#closed) {
      health.reconnects += 1
      const text = `The connection to the broker was lost (${reason}). It is made again by itself.`
      health.problem('connection', text)
      changed()
    }
    await made.close()
  }

  /** Notes why there is no connection. Returns the problem where only a person can help. */
  #noteFailures(failures: readonly unknown[]): Error | undefined {
    const problem = unsuitableOf(failures)
    const places = this.#plan.settings.urls.map(placeOf).join(', ')
    const absence =
      `No connection to the broker at ${places} (${failures.map(messageOf).join('; ')}). ` +
      'Each process starts tasks in its own free slots meanwhile; see that the broker runs.'
    if (!this.#closed) this.#plan.health.problem('connection', problem?.message ?? absence)
    return problem
  }

  #wait(ms: number): Promise<void> {
    return new Promise(resolve => {
      this.#stopWaiting = resolve
      setTimeout(resolve, ms).unref()
    })
  }
}

/** The error that stops a start: a node answered, and waiting will not help. */
function unsuitableOf(failures: readonly unknown[]): Error | undefined {
  // It says what was refused, and may quote the broker's refusal.
  const explained = failures.find(isUnsuitable)
  if (explained !== undefined) return explained
  const refused = failures.find(isRefusal)
  if (refused === undefined) return undefined
  const said = messageOf(refused)
  return unsuitable(
    `The broker refuses the connection. Check user, password and vhost. It said: ${said}`,
    refused,
  )
}
