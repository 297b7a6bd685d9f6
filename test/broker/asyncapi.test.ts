import { readFileSync } from 'node:fs'
import amqp, { type Channel } from 'amqplib'
import { describe, expect, it, test } from 'vitest'
import type { ControlMessage } from '../../src/broker/broker.ts'
import { controlMessage, deliveryMessage, notificationMessage } from '../../src/broker/messages.ts'
import { type AsyncApi, declareTopology, topologyOf } from '../../src/broker/rabbitmq/index.ts'
import { blocksOf } from '../docs/markdown.ts'
import { describeWithRabbit, freshPrefix } from '../servers/rabbit.ts'
import { documentOf, faultsOf, payloadsOf } from './asyncapi-document.ts'

/** Every value below a key. */
function valuesOf(value: unknown, key: string): unknown[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, part]) => [
    ...(name === key ? [part] : []),
    ...valuesOf(part, key),
  ])
}

/** What a reference within the document leads to. */
function resolved(document: object, reference: string): unknown {
  return reference
    .slice(2)
    .split('/')
    .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], document)
}

describe('the AsyncAPI document', () => {
  test('is as the specification asks', () => {
    expect(faultsOf(documentOf())).toEqual([])
    expect(faultsOf(documentOf('a/strange~prefix.'))).toEqual([])
    expect(faultsOf({ ...documentOf(), channels: { wrong: { adress: 'misspelt' } } })).not.toEqual([])
  })

  test('refers to nothing that is not there', () => {
    for (const document of [documentOf(), documentOf('a/strange~prefix.')])
      for (const reference of valuesOf(document, '$ref'))
        expect(resolved(document, String(reference)), String(reference)).toBeDefined()
  })

  test('describes the example of the documentation', () => {
    const page = readFileSync(new URL('../../docs/events.md', import.meta.url), 'utf8')
    const [example] = blocksOf(page).filter(({ language }) => language === 'json')
    const validate = payloadsOf(documentOf())('event-completed')
    expect(validate(JSON.parse(example?.text ?? '')), JSON.stringify(validate.errors)).toBe(true)
  })

  test('describes every message that processes send each other', () => {
    const payload = payloadsOf(documentOf())
    const task = { taskId: 'a', taskType: 'Write', lane: 'default', attempt: 0 }
    const valid = (message: string, { content }: { content: string }) => {
      const validate = payload(message)
      expect(validate(JSON.parse(content)), JSON.stringify(validate.errors)).toBe(true)
    }
    const headers = { userId: 'ann', priority: 'high', retryCount: 1, delayMs: 5_000 } as const
    valid('delivery', deliveryMessage({ ...task, crashCount: 2, headers }))
    const dead = { ...task, userId: 'ann', retryCount: 4, reason: 'crashes', code: 'LEASE_LOST' } as const
    valid('dead-letter', notificationMessage(dead))
    const told: ControlMessage[] = [
      { kind: 'cancel', taskId: 'a', attempt: 1 },
      { kind: 'lanes' },
      { kind: 'parked', key: 'provider', until: 1 },
    ]
    for (const message of told) valid('control', controlMessage(message, 'id'))
    expect(payload('control')({ kind: 'cancel' })).toBe(false)
    const described = Object.keys(deliveryMessage({ ...task, crashCount: 2, headers }).headers)
    const { headers: schema } = documentOf().components.messages['delivery'] as {
      headers: { properties: object }
    }
    expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(described))
  })
})

type Binding = AsyncApi['channels'][string]['bindings']['amqp']

/** Declares on the broker what a binding says. Rejects where the broker has it otherwise. */
async function declare(channel: Channel, { exchange, queue, ...rest }: Binding): Promise<void> {
  const args = rest['x-arguments'] ?? {}
  if (exchange !== undefined) {
    const { name, type, durable, autoDelete } = exchange as {
      name: string
      type: string
      durable: boolean
      autoDelete: boolean
    }
    await channel.checkExchange(name)
    await channel.assertExchange(name, type, { durable, autoDelete, arguments: args })
  }
  if (queue !== undefined) {
    const { name, durable, exclusive, autoDelete } = queue as {
      name: string
      durable: boolean
      exclusive: boolean
      autoDelete: boolean
    }
    await channel.checkQueue(name)
    await channel.assertQueue(name, { durable, exclusive, autoDelete, arguments: args })
  }
}

describeWithRabbit('the AsyncAPI document and the broker', () => {
  it('agree on every exchange, queue, argument and binding', async () => {
    await using names = freshPrefix(['batch'])
    const connection = await amqp.connect(names.url)
    try {
      const topology = topologyOf({
        prefix: names.prefix,
        lanes: ['default', 'batch'],
        eventsStream: true,
      })
      await declareTopology(connection, topology)
      const bindings = Object.values(documentOf(names.prefix).channels).map(({ bindings }) => bindings.amqp)
      expect(bindings).toHaveLength(topology.exchanges.length + topology.queues.length)
      for (const binding of bindings) {
        await accepted(connection, binding)
        for (const wrong of otherwise(binding)) await expect(accepted(connection, wrong)).rejects.toThrow()
      }
      expect(
        bindings.flatMap(({ queue, 'x-bindings': bound = [] }) =>
          bound.map(({ exchange, key }) => ({ exchange, queue: queue?.name, key })),
        ),
      ).toEqual(
        expect.arrayContaining(
          topology.bindings.map(({ exchange, queue, key }) => ({ exchange, queue, key })),
        ),
      )
    } finally {
      await connection.close()
      await names.deleteAll({ queues: ['tasks.events.stream'] })
    }
  })
})

/** A refused declaration closes its channel. */
async function accepted(connection: amqp.ChannelModel, binding: Binding): Promise<void> {
  const channel = await connection.createChannel()
  channel.on('error', () => undefined)
  try {
    await declare(channel, binding)
  } finally {
    await channel.close().catch(() => undefined)
  }
}

/** The same with each argument another one, or with a name that nobody has: what the broker must refuse. */
function otherwise(binding: Binding): Binding[] {
  const { 'x-arguments': args = {}, exchange, queue } = binding
  const changed = Object.entries(args).map(([name, value]) => ({
    ...binding,
    'x-arguments': { ...args, [name]: typeof value === 'number' ? value + 1 : `${value}x` },
  }))
  const unknown = exchange ?? queue
  return [
    ...changed,
    {
      ...binding,
      ...(exchange === undefined ? { queue: { ...unknown, name: 'nobody' } } : {}),
      ...(queue === undefined ? { exchange: { ...unknown, name: 'nobody' } } : {}),
    },
  ]
}
