/**
 * The topology and its messages as an AsyncAPI 3 document (https://www.asyncapi.com/docs/reference/specification/v3.1.0): what others
 * may rely on are the events; the rest describes what the broker carries between processes of the same version.
 */
import { cloudEventsType, cloudEventType, eventDescriptions, eventNames } from '../cloud-events.ts'
import {
  controlSchema,
  deliveryHeaders,
  deliverySchema,
  eventDataSchema,
  eventSchema,
  notificationSchema,
  type Schema,
  signedHeaders,
} from '../message-schemas.ts'
import { messageTypes } from '../messages.ts'
import { delayTiers, type Exchange, type Queue, type Topology } from './topology.ts'

/** An AsyncAPI document. */
export interface AsyncApi {
  asyncapi: '3.1.0'
  info: Schema
  defaultContentType: string
  servers: Readonly<Record<string, Schema>>
  channels: Readonly<Record<string, Channel>>
  operations: Readonly<Record<string, Schema>>
  components: { messages: Readonly<Record<string, Schema>>; schemas: Readonly<Record<string, Schema>> }
}

/** An exchange or a queue. */
export interface Channel {
  address: string | null
  description: string
  parameters?: Readonly<Record<string, Schema>>
  messages: Readonly<Record<string, Schema>>
  bindings: { amqp: ChannelBinding }
}

/** The AMQP 0-9-1 binding of a channel. What the binding has no words for has the prefix `x-`. */
export interface ChannelBinding {
  is: 'routingKey' | 'queue'
  exchange?: Schema & { name: string }
  queue?: Schema & { name: string }
  /** The arguments with which the broker accepts a declaration. */
  'x-arguments'?: Readonly<Record<string, string | number>>
  /** What reaches the queue. */
  'x-bindings'?: readonly { exchange: string; key: string }[]
  bindingVersion: '0.3.0'
}

/** What a document says beside the topology. */
export interface AsyncApiOptions {
  /** Version of the package. */
  version: string
  /** Host, and port if it is not the usual one, of the broker; default that of this machine. */
  host?: string
  /** Whether the broker is reached over TLS; default false. */
  tls?: boolean
}

/** The document of a topology. */
export function asyncApiOf(topology: Topology, { version, host, tls = false }: AsyncApiOptions): AsyncApi {
  return {
    asyncapi: '3.1.0',
    info: {
      title: 'Quillwork',
      version,
      description:
        'What the processes of Quillwork publish to each other and to other services through RabbitMQ. Other services rely on the events; ' +
        'the other messages are commands between processes of the same version.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    servers: {
      broker: {
        host: host ?? 'localhost:5672',
        protocol: tls ? 'amqps' : 'amqp',
        protocolVersion: '0-9-1',
        description: 'RabbitMQ 4',
      },
    },
    channels: channelsOf(topology),
    operations: operationsOf(topology),
    components: { messages: messages(), schemas: eventData() },
  }
}

const messageRef = (name: string) => ({ $ref: `#/components/messages/${name}` })
const channelRef = (name: string) => ({ $ref: `#/channels/${pointer(name)}` })
/** A name as a part of a JSON Pointer. */
const pointer = (name: string) => name.replaceAll('~', '~0').replaceAll('/', '~1')
const eventKeyOf = (name: string) => `event-${name}`

const eventMessages = eventNames.map(eventKeyOf)

/** What goes through an exchange, or waits in a queue. */
function messagesIn({ names }: Topology, name: string): readonly string[] {
  if (name === names.events || name.endsWith('events.stream')) return eventMessages
  if (name === names.control) return ['control']
  return name === names.dlx || name === names.deadLetters ? ['delivery', 'dead-letter'] : ['delivery']
}

function channelsOf(topology: Topology): Record<string, Channel> {
  const { exchanges, queues } = topology
  const channel = ({ name, why }: Exchange | Queue) => ({
    description: why,
    messages: Object.fromEntries(messagesIn(topology, name).map(message => [message, messageRef(message)])),
  })
  return Object.fromEntries([
    ...exchanges.map((exchange): [string, Channel] => [
      exchange.name,
      { ...channel(exchange), ...keysOf(topology, exchange), bindings: { amqp: exchangeBinding(exchange) } },
    ]),
    ...queues.map((queue): [string, Channel] => [
      queue.name,
      { ...channel(queue), address: queue.name, bindings: { amqp: queueBinding(topology, queue) } },
    ]),
  ])
}

/** The routing keys of an exchange, as an address with parameters. */
function keysOf({ names }: Topology, { name }: Exchange): Pick<Channel, 'address' | 'parameters'> {
  if (name === names.control) return { address: null }
  if (name === names.events)
    return { address: 'task.event.{event}', parameters: { event: { enum: [...eventNames] } } }
  const task = { lane: { description: 'Name of the lane' }, taskType: { description: 'Type of the task' } }
  if (name !== names.retry && name !== names.requeue)
    return { address: 'task.{lane}.{taskType}', parameters: task }
  const delay = { description: 'How long the broker holds it', enum: delayTiers.map(tier => tier.name) }
  return { address: '{delay}.task.{lane}.{taskType}', parameters: { delay, ...task } }
}

function exchangeBinding({ name, type, arguments: args }: Exchange): ChannelBinding {
  const known = type === 'x-delayed-message' ? { type: 'topic', 'x-type': type } : { type }
  return {
    is: 'routingKey',
    exchange: { name, ...known, durable: true, autoDelete: false },
    ...(args === undefined ? {} : { 'x-arguments': args }),
    bindingVersion: '0.3.0',
  }
}

function queueBinding({ bindings }: Topology, { name, arguments: args }: Queue): ChannelBinding {
  return {
    is: 'queue',
    queue: { name, durable: true, exclusive: false, autoDelete: false },
    'x-arguments': args,
    'x-bindings': bindings
      .filter(({ queue }) => queue === name)
      .map(({ exchange, key }) => ({ exchange, key })),
    bindingVersion: '0.3.0',
  }
}

function operationsOf(topology: Topology): Record<string, Schema> {
  const { names, queues } = topology
  const operation = (action: 'send' | 'receive', channel: string, summary: string, binding: Schema) => ({
    action,
    channel: channelRef(channel),
    summary,
    messages: messagesIn(topology, channel).map(message => ({
      $ref: `#/channels/${pointer(channel)}/messages/${message}`,
    })),
    bindings: { amqp: { ...binding, bindingVersion: '0.3.0' } },
  })
  const sent = { deliveryMode: 2, mandatory: true }
  const toAnybody = { deliveryMode: 2, mandatory: false }
  const bestEffort = { deliveryMode: 1, mandatory: false }
  const [acked, unacked] = [{ ack: true }, { ack: false }]
  const listens = 'Each process listens, by a queue of its own'
  const isLane = ({ name }: Queue) =>
    topology.bindings.some(({ exchange, queue }) => exchange === names.work && queue === name)
  const fromLane = ({ name, why }: Queue) => operation('receive', name, `A worker takes ${why}`, acked)
  return {
    sendTask: operation('send', names.work, 'Tasks that may run', sent),
    sendDelayedTask: operation('send', names.retry, 'Tasks that may run after a delay', sent),
    sendDeadLetter: operation('send', names.dlx, 'Dead letters, and notifications of them', sent),
    sendEvent: operation('send', names.events, 'What happened to tasks, for anybody', toAnybody),
    sendControl: operation('send', names.control, 'What every process should hear at once', bestEffort),
    ...Object.fromEntries(queues.filter(isLane).map(queue => [`receiveFrom-${queue.name}`, fromLane(queue)])),
    receiveDeadLetter: operation('receive', names.deadLetters, 'Dead letters are filed in the store', acked),
    receiveEvent: operation('receive', names.events, listens, unacked),
    receiveControl: operation('receive', names.control, listens, unacked),
  }
}

function messages(): Record<string, Schema> {
  const amqp = (messageType: string) => ({ amqp: { messageType, bindingVersion: '0.3.0' } })
  return {
    delivery: {
      summary: 'Wakes a worker up. The store decides whether there is anything to do',
      contentType: 'application/json',
      headers: deliveryHeaders,
      payload: deliverySchema,
      bindings: amqp(messageTypes.delivery),
    },
    'dead-letter': {
      summary: 'A task ended with a dead letter, and no delivery was there to carry the notifications',
      contentType: 'application/json',
      headers: deliveryHeaders,
      payload: notificationSchema,
      bindings: amqp(messageTypes.notification),
    },
    control: {
      summary: 'Asks every process to stop an attempt, to look at its lanes, or to leave a provider alone',
      contentType: 'application/json',
      headers: signedHeaders,
      payload: controlSchema,
      bindings: amqp(messageTypes.control),
    },
    ...Object.fromEntries(
      eventNames.map(name => [
        eventKeyOf(name),
        {
          name: cloudEventType(name),
          summary: eventDescriptions[name].summary,
          contentType: cloudEventsType,
          headers: signedHeaders,
          payload: eventSchema(name, { $ref: `#/components/schemas/${name}` }),
          bindings: amqp(cloudEventType(name)),
        },
      ]),
    ),
  }
}

function eventData(): Record<string, Schema> {
  return Object.fromEntries(eventNames.map(name => [name, eventDataSchema(name)]))
}
