import { randomUUID } from 'node:crypto'
import type { Channel, ChannelModel, ConfirmChannel } from 'amqplib'
import { atMost } from '../../runtime/at-most.ts'
import { messageTypes } from '../messages.ts'
import { declareExchange, declareQueue, howToReplace, inThrowAwayChannel } from './declare.ts'
import { codeOf, isDifferent, isRefusal, messageOf, notFound } from './failures.ts'
import type { Binding, Topology } from './topology.ts'

/** How one part of the topology is on the broker. */
export interface Finding {
  kind: 'exchange' | 'queue' | 'binding'
  /** Name; of a binding `exchange -> queue (key)`. */
  name: string
  /** `unknown`: it could not be looked at. */
  state: 'ok' | 'missing' | 'differs' | 'unknown'
  /** What was found and what to do; absent when all is well. */
  detail?: string
  /** Of an unknown binding: a message to try it with would be kept or read by others, so nobody can tell. */
  cannotBeTried?: true
}

/** Milliseconds until a try of the bindings counts as unanswered. */
const probeMs = 5_000

/**
 * Compares the broker with the topology and changes nothing. Bindings cannot be listed over AMQP, so each is tried with a message: one
 * that finds no way is returned. What finds one is acknowledged unread by whoever receives it, at the latest by the dead letter consumer.
 */
export async function checkTopology(connection: ChannelModel, topology: Topology): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const exchange of topology.exchanges) {
    const { name } = exchange
    const exists = (channel: Channel) => channel.checkExchange(name)
    const isAsItShould = (channel: Channel) => declareExchange(channel, exchange)
    findings.push({ kind: 'exchange', name, ...(await look(connection, exists, isAsItShould)) })
  }
  for (const queue of topology.queues) {
    const { name } = queue
    const exists = (channel: Channel) => channel.checkQueue(name)
    const isAsItShould = (channel: Channel) => declareQueue(channel, queue)
    findings.push({ kind: 'queue', name, ...(await look(connection, exists, isAsItShould)) })
  }
  return [...findings, ...(await tryBindings(connection, topology, findings))]
}

type State = Pick<Finding, 'state' | 'detail'>

/** The declaration would make what is missing, so it follows the look that makes nothing. */
async function look(
  connection: ChannelModel,
  exists: (channel: Channel) => Promise<unknown>,
  isAsItShould: (channel: Channel) => Promise<void>,
): Promise<State> {
  try {
    await inThrowAwayChannel(connection, exists)
    await inThrowAwayChannel(connection, isAsItShould)
    return { state: 'ok' }
  } catch (error) {
    if (codeOf(error) === notFound) return { state: 'missing', detail: 'Apply the topology to make it.' }
    if (isDifferent(error)) return { state: 'differs', detail: `${messageOf(error)}. ${howToReplace}` }
    return { state: 'unknown', detail: `${messageOf(error)}. ${howToSee(error)}` }
  }
}

function howToSee(error: unknown): string {
  return isRefusal(error)
    ? 'Give the user that permission, or look as one that has it.'
    : 'Look again once the broker answers.'
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
  const outcome = await probe(connection, tried)
  return named.map(({ binding, name, isThere }): Finding => {
    const part = { kind: 'binding', name } as const
    if (!isThere) return { ...part, state: 'missing', detail: 'Its exchange or queue is missing.' }
    if (binding.probeKey === undefined) return { ...part, ...untriable }
    return { ...part, ...('unseen' in outcome ? outcome.unseen : foundOf(outcome.returned.has(binding))) }
  })
}

const untriable = {
  state: 'unknown',
  detail: 'It cannot be tried; applying makes it.',
  cannotBeTried: true,
} as const

function foundOf(isReturned: boolean): State {
  return isReturned ? { state: 'missing', detail: 'Apply to make it.' } : { state: 'ok' }
}

/** Sends a message through each binding; answers those whose message came back, or why that cannot be told. */
async function probe(
  connection: ChannelModel,
  bindings: readonly Binding[],
): Promise<{ returned: ReadonlySet<Binding> } | { unseen: State }> {
  const channel = await connection.createConfirmChannel()
  let failure: unknown = 'The broker did not answer in time'
  channel.on('error', error => {
    failure = error
  })
  const unseen = (): { unseen: State } => ({
    unseen: { state: 'unknown', detail: `${messageOf(failure)}. ${howToSee(failure)}` },
  })
  const byId = new Map<string, Binding>(bindings.map(binding => [randomUUID(), binding]))
  const returned = new Set<Binding>()
  channel.on('return', ({ properties }) => {
    const binding = byId.get(String(properties.messageId))
    if (binding !== undefined) returned.add(binding)
  })
  try {
    for (const [messageId, binding] of byId) publishProbe(channel, binding, messageId)
    return await atMost(
      probeMs,
      channel.waitForConfirms().then(() => ({ returned })),
      unseen,
    )
  } catch {
    return unseen()
  } finally {
    await channel.close().catch(() => undefined)
  }
}

/** It expires at once: a wait queue hands it on without waiting, and no queue keeps it where nobody consumes. */
function publishProbe(channel: ConfirmChannel, { exchange, probeKey }: Binding, messageId: string): void {
  const options = { messageId, type: messageTypes.probe, mandatory: true, expiration: '0' }
  channel.publish(exchange, probeKey ?? '', Buffer.from('{}'), options)
}
