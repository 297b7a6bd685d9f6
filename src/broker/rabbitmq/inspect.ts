import { randomUUID } from 'node:crypto'
import type { Channel, ChannelModel, ConfirmChannel } from 'amqplib'
import { atMost } from '../../runtime/at-most.ts'
import { messageTypes } from '../messages.ts'
import {
  declareExchange,
  declareQueue,
  declareTopology,
  howToReplace,
  inThrowAwayChannel,
  offersDelayedExchange,
} from './declare.ts'
import { codeOf, isDifferent, isRefusal, messageOf, notFound, unreachable, unsuitable } from './failures.ts'
import { placeOf, type RabbitmqOptions, type RabbitmqSettings, settingsOf } from './options.ts'
import { openSession, type Session } from './session.ts'
import { type Binding, type Topology, topologyOf } from './topology.ts'

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
 * Connects to the broker in order to inspect it. Throws OPTION_INVALID, BROKER_UNREACHABLE when no node answers, BROKER_UNSUITABLE when it
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

/** How one part of the topology is on the broker. */
export interface Finding {
  kind: 'exchange' | 'queue' | 'binding'
  /** Name; of a binding `exchange -> queue (key)`. */
  name: string
  /** `unknown`: it could not be checked. */
  state: 'ok' | 'missing' | 'differs' | 'unknown'
  /** What was found and what to do; absent when all is well. */
  detail?: string
  /** Of an unknown binding: a message to try it with would be kept or read by others, so it stays unknown. */
  cannotBeTried?: true
}

/** Milliseconds until a try of the bindings counts as unanswered. */
const probeMs = 5_000

/**
 * Compares the broker with the topology and changes nothing. Bindings cannot be listed over AMQP, so each is tried with a message: one
 * that finds no way is returned. What finds one is acknowledged unread by its receiver, at the latest by the dead letter consumer.
 */
export async function checkTopology(connection: ChannelModel, topology: Topology): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const exchange of topology.exchanges) {
    const { name } = exchange
    const state = await look(connection, on => on.checkExchange(name), declareExchange(exchange))
    findings.push({ kind: 'exchange', name, ...state })
  }
  for (const queue of topology.queues) {
    const { name } = queue
    const state = await look(connection, on => on.checkQueue(name), declareQueue(queue))
    findings.push({ kind: 'queue', name, ...state })
  }
  return [...findings, ...(await tryBindings(connection, topology, findings))]
}

type State = Pick<Finding, 'state' | 'detail'>

/** The declaration would make what is missing, so it follows the look that makes nothing. */
async function look(
  connection: ChannelModel,
  exists: (channel: Channel) => Promise<unknown>,
  isAsItShould: (channel: Channel) => Promise<unknown>,
): Promise<State> {
  try {
    await inThrowAwayChannel(connection, exists)
    await inThrowAwayChannel(connection, isAsItShould)
    return { state: 'ok' }
  } catch (error) {
    if (codeOf(error) === notFound) return { state: 'missing', detail: 'Apply the topology to make it.' }
    if (isDifferent(error)) return { state: 'differs', detail: `${messageOf(error)}. ${howToReplace}` }
    return unknownBecause(error)
  }
}

function unknownBecause(error: unknown): State {
  const howToSee = isRefusal(error)
    ? 'Give the user that permission, or look as one that has it.'
    : 'Look again once the broker answers.'
  return { state: 'unknown', detail: `${messageOf(error)}. ${howToSee}` }
}

async function tryBindings(
  connection: ChannelModel,
  { bindings }: Topology,
  found: readonly Finding[],
): Promise<Finding[]> {
  const there = new Set(found.filter(({ state }) => state !== 'missing').map(({ name }) => name))
  const named = bindings.map(binding => ({
    binding,
    name: `${binding.exchange} -> ${binding.queue} (${binding.key})`,
    isThere: there.has(binding.exchange) && there.has(binding.queue),
  }))
  const tried = named.flatMap(({ binding, isThere }) =>
    isThere && binding.probeKey !== undefined ? [binding] : [],
  )
  const stateOf = await probe(connection, tried)
  return named.map(({ binding, name, isThere }): Finding => {
    const part = { kind: 'binding', name } as const
    if (!isThere) return { ...part, state: 'missing', detail: 'Its exchange or queue is missing.' }
    if (binding.probeKey === undefined) return { ...part, ...untriable }
    return { ...part, ...stateOf(binding) }
  })
}

const untriable = {
  state: 'unknown',
  detail: 'It cannot be tried; applying makes it.',
  cannotBeTried: true,
} as const

/** Sends a message through each binding. Returns what is known of each then: whether its message came back. */
async function probe(
  connection: ChannelModel,
  bindings: readonly Binding[],
): Promise<(binding: Binding) => State> {
  const channel = await connection.createConfirmChannel()
  let failure: unknown = 'The broker did not answer in time'
  channel.on('error', error => {
    failure = error
  })
  const byId = new Map<string, Binding>(bindings.map(binding => [randomUUID(), binding]))
  const returned = new Set<Binding>()
  channel.on('return', ({ properties }) => {
    const binding = byId.get(String(properties.messageId))
    if (binding !== undefined) returned.add(binding)
  })
  try {
    for (const [messageId, binding] of byId) publishProbe(channel, binding, messageId)
    const isLate = await atMost(probeMs, channel.waitForConfirms(), () => true)
    if (isLate !== true)
      return binding =>
        returned.has(binding) ? { state: 'missing', detail: 'Apply to make it.' } : { state: 'ok' }
  } catch {
    // The channel is closed, and told why.
  } finally {
    await channel.close().catch(() => undefined)
  }
  return () => unknownBecause(failure)
}

/** It expires at once: a wait queue hands it on without waiting, and no queue keeps it where nobody consumes. */
function publishProbe(channel: ConfirmChannel, { exchange, probeKey }: Binding, messageId: string): void {
  const options = { messageId, type: messageTypes.probe, mandatory: true, expiration: '0' }
  channel.publish(exchange, probeKey ?? '', Buffer.from('{}'), options)
}
