import { Socket } from 'node:net'
import { type Channel, type ChannelModel, connect } from 'amqplib'
import { atMost } from '../../runtime/at-most.ts'
import { unreachable } from './failures.ts'
import { placeOf, type RabbitmqSettings } from './options.ts'

/**
 * What lasts as long as the connections to one node do. There are two, not counting what is set apart: while its memory or disk is low,
 * the broker stops reading from connections that publish, and acknowledgements on the same one would wait behind.
 */
export interface Session {
  readonly publishing: ChannelModel
  readonly consuming: ChannelModel
  /** Where it is, without secrets. */
  readonly place: string
  /** Resolves with the reason when either connection is gone. */
  readonly ended: Promise<string>
  /** Why the broker takes no messages for now; undefined while it does. */
  readonly blocked: string | undefined
  /** A channel on a further connection, which ends with the channel or the session. Its loss costs neither of the others. */
  openApart(purpose: string): Promise<Channel>
  /** Ends all in order; what does not answer in time is torn down. */
  close(): Promise<void>
}

/** Milliseconds for a connection to be made. */
const connectMs = 5_000
/** Milliseconds for a connection to be ended in order. */
const closeMs = 2_000

/** Connects to one node. `onBlocked` is called when the broker stops or resumes taking messages. Rejects with the driver's error. */
export async function openSession(
  url: string,
  { heartbeatS }: RabbitmqSettings,
  onBlocked: () => void,
): Promise<Session> {
  const { publishing, consuming, ended } = await openBoth(url, heartbeatS)
  let blocked: string | undefined
  const setBlocked = (reason?: string) => {
    blocked = reason
    onBlocked()
  }
  publishing.on('blocked', setBlocked)
  publishing.on('unblocked', () => setBlocked())
  const apart = new Set<ChannelModel>()
  let closing: Promise<unknown> | undefined
  return {
    publishing,
    consuming,
    place: placeOf(url),
    ended,
    get blocked() {
      return blocked
    },
    async openApart(purpose) {
      const model = await open(url, heartbeatS, purpose)
      apart.add(model)
      if (closing !== undefined) await end(model)
      return channelOf(model, () => apart.delete(model))
    },
    async close() {
      closing ??= Promise.all([publishing, consuming, ...apart].map(end))
      await closing
    },
  }
}

async function openBoth(url: string, heartbeatS: number) {
  const publishing = await open(url, heartbeatS, 'publishing')
  // Listening begins at once: an end that nobody heard would be waited for indefinitely.
  const publishingEnded = endOf(publishing)
  const consuming = await open(url, heartbeatS, 'consuming').catch(async error => {
    await end(publishing)
    throw error
  })
  return { publishing, consuming, ended: Promise.race([publishingEnded, endOf(consuming)]) }
}

/** The only channel of a connection, which ends with it. */
async function channelOf(model: ChannelModel, ended: () => void): Promise<Channel> {
  const endModel = () => {
    ended()
    void end(model)
  }
  try {
    const channel = await model.createChannel()
    // Not before the driver is done with the end of the connection, where that is what ended the channel.
    channel.once('close', () => setImmediate(endModel))
    return channel
  } catch (error) {
    endModel()
    throw error
  }
}

async function open(url: string, heartbeatS: number, purpose: string): Promise<ChannelModel> {
  const address = new URL(url)
  address.searchParams.set('heartbeat', `${heartbeatS}`)
  const model = await connect(address.href, {
    // Without it an idle delivery waits for the system to gather more: 29 ms instead of 0.6.
    noDelay: true,
    timeout: connectMs,
    clientProperties: { connection_name: `quillwork ${purpose} (process ${process.pid})` },
  })
  // The driver throws where nobody listens. `close` carries the reason again.
  model.on('error', () => undefined)
  return model
}

function endOf(model: ChannelModel): Promise<string> {
  return new Promise(resolve => model.once('close', error => resolve(error?.message ?? 'closed')))
}

/** Ends a connection in order, if its other side answers. The socket is let go in any case: a dead peer never closes it. */
async function end(model: ChannelModel): Promise<void> {
  const isClosed = model.close().catch(() => undefined)
  // A connection that breaks while it is ended leaves the driver's promise open.
  const late = await atMost(
    closeMs,
    Promise.race([isClosed, endOf(model)]).then(() => undefined),
    () => unreachable('The broker did not answer the end of the connection.'),
  )
  // Only an error makes the driver clear its timers.
  socketOf(model)?.destroy(late)
}

/** The driver has no other way to let go of a connection that does not answer. */
function socketOf({ connection }: ChannelModel): Socket | undefined {
  return 'stream' in connection && connection.stream instanceof Socket ? connection.stream : undefined
}
