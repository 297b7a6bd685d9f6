import { checkTopology, type Finding } from './check.ts'
import { declareTopology, offersDelayedExchange } from './declare.ts'
import { isRefusal, messageOf, unreachable, unsuitable } from './failures.ts'
import { placeOf, type RabbitmqOptions, type RabbitmqSettings, settingsOf } from './options.ts'
import { openSession, type Session } from './session.ts'
import { type Topology, topologyOf } from './topology.ts'

/** A broker that somebody looks at for a moment. */
export interface Inspection extends AsyncDisposable {
  /** Where it is, without secrets. */
  readonly place: string
  /** What it should have. */
  readonly topology: Topology
  /** Compares, and changes nothing. */
  check(): Promise<readonly Finding[]>
  /** Declares what is missing. Throws BROKER_UNSUITABLE where something is there with other arguments, or the user may not declare it. */
  apply(): Promise<void>
}

/**
 * Connects to the broker, to be looked at. Throws OPTION_INVALID, BROKER_UNREACHABLE when no node answers, BROKER_UNSUITABLE when it
 * refuses the login.
 */
export async function inspectBroker(options: RabbitmqOptions, lanes: readonly string[]): Promise<Inspection> {
  const settings = settingsOf(options)
  const session = await connectToAny(settings)
  try {
    const delay = await delayOf(session, settings)
    const topology = topologyOf({ ...settings, lanes, delay })
    return {
      place: session.place,
      topology,
      check: () => checkTopology(session.consuming, topology),
      apply: () => declareTopology(session.consuming, topology),
      [Symbol.asyncDispose]: () => session.close(),
    }
  } catch (error) {
    await session.close()
    throw error
  }
}

async function connectToAny(settings: RabbitmqSettings): Promise<Session> {
  const failures: string[] = []
  for (const url of settings.urls) {
    try {
      return await openSession(url, settings, () => undefined)
    } catch (error) {
      if (isRefusal(error))
        throw unsuitable(`The broker at ${placeOf(url)} refuses the connection: ${messageOf(error)}.`, error)
      failures.push(`${placeOf(url)}: ${messageOf(error)}`)
    }
  }
  throw unreachable(`The broker does not answer (${failures.join('; ')}).`)
}

async function delayOf({ consuming }: Session, { delay, prefix }: RabbitmqSettings) {
  if (delay !== 'auto') return delay
  return (await offersDelayedExchange(consuming, prefix)) ? 'delayed-exchange' : 'wait-queues'
}
