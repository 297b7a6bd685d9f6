import type { Channel } from 'amqplib'
import { type ChannelPlan, type KeptChannel, keepChannel } from './channels.ts'
import { isRefusal, messageOf, unsuitable } from './failures.ts'
import type { Health } from './health.ts'
import { placeOf, type RabbitmqSettings } from './options.ts'
import { openSession, type Session } from './session.ts'

/** A connection that is made again, with all its channels, whenever it is lost. */
export interface Connection {
  /**
   * Connects. Resolves after the first try of every node, also when none answers: then it goes on trying. Throws BROKER_UNSUITABLE when
   * a node answers and what it has, or says, cannot be worked with.
   */
  open(): Promise<void>
  /** Ready to be used. */
  readonly connected: boolean
  /** Why the broker takes no messages for now. */
  readonly blocked: string | undefined
  /** Keeps a channel from now until it is ended. */
  keep<C extends Channel>(plan: ChannelPlan<C>): KeptChannel
  /** Declares again what is missing. Many asks at once are one. Never rejects. */
  repair(): Promise<void>
  close(): Promise<void>
}

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
/** The least time between two repairs: what is broken stays broken for a moment, and many channels may ask. */
const repairEveryMs = 1_000

/** A connection of its own class of trouble: the broker may be away at any time, and nobody is told by an exception. */
export function createConnection(plan: ConnectionPlan): Connection {
  const { settings, health, changed } = plan
  const { log, urls } = settings
  const kept = new Set<KeptChannel>()
  let session: Session | undefined
  let connected = false
  let closed = false
  let wake: (() => void) | undefined
  let running: Promise<void> | undefined
  let repairing: Promise<void> | undefined
  let repairedAt = Number.NEGATIVE_INFINITY

  /** Connects to the first node that answers and is fit for use. */
  async function connectToAny(): Promise<Session> {
    const failures: unknown[] = []
    for (const url of urls) {
      if (closed) break
      try {
        return await connectTo(url)
      } catch (error) {
        failures.push(error)
        log.warn({ broker: placeOf(url), reason: messageOf(error) }, 'no connection to the broker')
      }
    }
    throw new AggregateError(failures)
  }

  async function connectTo(url: string): Promise<Session> {
    const made = await openSession(url, settings, changed)
    try {
      await plan.prepare(made)
      return made
    } catch (error) {
      await made.close()
      throw error
    }
  }

  async function start(made: Session): Promise<void> {
    session = made
    await Promise.all([...kept].map(channel => channel.up(made)))
    connected = true
    health.solved('connection')
    log.info({ broker: made.place }, 'connected to the broker')
    changed()
  }

  async function untilLost(made: Session): Promise<void> {
    const reason = await made.ended
    session = undefined
    connected = false
    for (const channel of kept) channel.down()
    if (!closed) {
      health.reconnects += 1
      health.problem(
        'connection',
        `The connection to the broker was lost (${reason}). It is made again by itself.`,
      )
      changed()
    }
    await made.close()
  }

  async function run(firstTried: (error?: unknown) => void): Promise<void> {
    for (let waitMs = firstWaitMs; !closed; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
      try {
        const made = await connectToAny()
        if (closed) return made.close()
        waitMs = firstWaitMs
        await start(made)
        firstTried()
        await untilLost(made)
      } catch (error) {
        health.problem('connection', unsuitableOf(error)?.message ?? absence(error))
        firstTried(error)
      }
      if (!closed) await wait(waitMs * (0.5 + Math.random() / 2))
    }
  }

  function absence(error: unknown): string {
    const places = urls.map(placeOf).join(', ')
    return `No connection to the broker at ${places} (${messageOf(error)}). Tasks are taken and wait in the store; see that the broker runs.`
  }

  function wait(ms: number): Promise<void> {
    return new Promise(resolve => {
      wake = resolve
      setTimeout(resolve, ms).unref()
    })
  }

  async function repair(): Promise<void> {
    const on = session
    if (on === undefined || performance.now() - repairedAt < repairEveryMs) return
    repairing ??= plan
      .prepare(on)
      .catch(error => log.warn({ reason: messageOf(error) }, 'the topology could not be repaired'))
      .finally(() => {
        repairedAt = performance.now()
        repairing = undefined
      })
    await repairing
  }

  return {
    open: () =>
      new Promise((resolve, reject) => {
        running ??= run(error => {
          const problem = unsuitableOf(error)
          if (problem === undefined) return resolve()
          closed = true
          reject(problem)
        })
      }),
    get connected() {
      return connected
    },
    get blocked() {
      return session?.blocked
    },
    keep(channelPlan) {
      const channel = keepChannel(channelPlan, { log, repair })
      kept.add(channel)
      if (session !== undefined) void channel.up(session)
      return {
        ...channel,
        async end() {
          kept.delete(channel)
          await channel.end()
        },
      }
    },
    repair,
    async close() {
      closed = true
      wake?.()
      await session?.close()
      await running
    },
  }
}

/** The error that stops a start: a node answered, and waiting will not help. */
function unsuitableOf(error: unknown): Error | undefined {
  const failures: readonly unknown[] = error instanceof AggregateError ? error.errors : []
  const refused = failures.find(isRefusal)
  if (refused !== undefined)
    return unsuitable(
      `The broker refuses the connection. Check user, password and vhost. It said: ${messageOf(refused)}`,
      refused,
    )
  return failures.find(isUnsuitable)
}

function isUnsuitable(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === 'BROKER_UNSUITABLE'
}
