import { describe, expect, it } from 'vitest'
import { eventMessage, readEvent } from '../../src/broker/cloud-events.ts'
import {
  controlMessage,
  deliveryMessage,
  type IncomingMessage,
  MessageKeys,
  notificationMessage,
  type OutgoingMessage,
  readControl,
  readDead,
  readDelivery,
} from '../../src/broker/messages.ts'
import type { Delivery } from '../../src/store/store.ts'
import type { SequencedEvent } from '../../src/task/events.ts'

const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`

const delivery: Delivery = {
  taskId: 'task-1',
  taskType: 'Write',
  lane: 'batch',
  attempt: 2,
  crashCount: 2,
  headers: { userId: 'ann', priority: 'high', retryCount: 1, delayMs: 5_000, traceparent },
}

/** What was sent, as it arrives. */
function arrived({ content, headers, ...properties }: OutgoingMessage): IncomingMessage {
  return { content: Buffer.from(content), headers, properties }
}

function incoming(content: string | Uint8Array, headers: Record<string, unknown> = {}): IncomingMessage {
  return { content: Buffer.from(content), headers, properties: {} }
}

describe('a delivery as a message', () => {
  it('arrives as it was sent', () => {
    expect(readDelivery(arrived(deliveryMessage(delivery)))).toEqual({ value: delivery })
    const { headers: _, ...bare } = delivery
    expect(readDelivery(arrived(deliveryMessage(bare)))).toEqual({ value: bare })
  })

  it('carries ids and no more in its body, and the rest in its headers', () => {
    const message = deliveryMessage(delivery)
    expect(JSON.parse(message.content)).toEqual({
      taskId: 'task-1',
      taskType: 'Write',
      attempt: 2,
      lane: 'batch',
    })
    expect(message).toMatchObject({ messageId: 'task-1/2', correlationId: 'task-1', priority: 5 })
    expect(message.headers).toEqual({
      'x-task-id': 'task-1',
      'x-task-type': 'Write',
      'x-user-id': 'ann',
      'x-retry-count': 1,
      'x-delay': 5_000,
      'x-crash-count': 2,
      traceparent,
    })
  })

  it.each([
    [0, 'normal', 0],
    [0, 'high', 5],
    [1, 'normal', 5],
    [2, 'normal', 5],
  ] as const)('after %i crashes, of priority %s, goes with priority %i', (crashCount, priority, expected) => {
    const headers = { userId: 'ann', priority, retryCount: 0 }
    expect(deliveryMessage({ ...delivery, crashCount, headers })).toMatchObject({ priority: expected })
  })

  const body = JSON.stringify({ taskId: 'task-1', taskType: 'Write', attempt: 0, lane: 'default' })
  it.each([
    ['not JSON', incoming('{'), /not JSON/],
    ['no object', incoming('[1]'), /not a JSON object/],
    ['no id', incoming(body.replace('task-1', '')), /names no task/],
    ['no attempt', incoming(body.replace('"attempt":0', '"attempt":"0"')), /attempt/],
    ['no lane', incoming(body.replace('lane', 'line')), /lane/],
    ['two ids', incoming(body, { 'x-task-id': 'task-2' }), /another task/],
    ['too large', incoming(`${body}${' '.repeat(70_000)}`), /bytes/],
  ])('is refused with the reason: %s', (_name, message, reason) => {
    expect(readDelivery(message)).toEqual({ malformed: expect.stringMatching(reason) })
  })

  it('is read where a person sent it by hand, without headers', () => {
    expect(readDelivery(incoming(body))).toMatchObject({ value: { taskId: 'task-1', crashCount: 0 } })
  })
})

describe('a control message', () => {
  it.each([
    { kind: 'lanes' },
    { kind: 'cancel', taskId: 'task-1', attempt: 1 },
    { kind: 'parked', key: 'k', until: 5 },
  ] as const)('arrives as it was sent: $kind', message => {
    expect(readControl(arrived(controlMessage(message, 'id')))).toEqual({ value: message })
  })

  it('of a newer version is not understood', () => {
    expect(readControl(incoming('{"kind":"dance"}'))).toEqual({
      malformed: expect.stringContaining('version'),
    })
  })
})

describe('a dead message', () => {
  const death = {
    queue: 'tasks.queue',
    reason: 'rejected',
    count: 1,
    time: { '!': 'timestamp', value: 1_700_000_000 },
  }

  it('names its task and the way it came', () => {
    const message = arrived(deliveryMessage(delivery))
    const dead = readDead({ ...message, headers: { ...message.headers, 'x-death': [death] } })
    expect(dead).toMatchObject({ taskId: 'task-1', attempt: 2 })
    expect(dead.story).toBe('tasks.queue: rejected 1 time(s), first at 2023-11-14T22:13:20.000Z')
    expect(dead.malformed).toBeUndefined()
  })

  it('may be the news of one', () => {
    const notice = {
      taskId: 'task-1',
      taskType: 'Write',
      lane: 'batch',
      userId: 'ann',
      attempt: 3,
      retryCount: 2,
    }
    const told = notificationMessage({ ...notice, reason: 'permanent', code: 'HANDLER_FAILED' })
    expect(readDead(arrived(told))).toMatchObject({ taskId: 'task-1', attempt: 3 })
  })

  it('keeps the text of what cannot be read, and bytes that are no text', () => {
    expect(readDead(incoming('{ü'))).toMatchObject({
      content: '{ü',
      malformed: expect.any(String),
      story: '',
    })
    expect(readDead(incoming(Uint8Array.of(0xff, 0x00)))).toMatchObject({ content: 'base64:/wA=' })
  })

  it('never stops its reader, whatever a stranger put into its headers', () => {
    let nested: unknown = 'deep'
    for (let level = 0; level < 50_000; level++) nested = { a: nested }
    const unreadable = [
      { ...death, time: { '!': 'timestamp', value: 9e14 } },
      { ...death, queue: { toString: 'no function' } },
    ]
    for (const strange of unreadable)
      expect(readDead(incoming('x', { 'x-death': [strange] })).story).toBe('story unreadable')
    expect(readDead(incoming('x', { nested })).id).toBe(readDead(incoming('x', { nested })).id)
    expect(readDead(incoming('x', { 'x-death': 'no list' })).story).toBe('')
  })

  it('has the same id when it is delivered again, and another one when it died again', () => {
    const once = readDead(incoming('x', { 'x-death': [death], a: 1 }))
    expect(readDead(incoming('x', { a: 1, 'x-delivery-count': 3, 'x-death': [death] })).id).toBe(once.id)
    expect(readDead(incoming('x', { 'x-death': [{ ...death, count: 2 }], a: 1 })).id).not.toBe(once.id)
    expect(readDead(incoming('y', { 'x-death': [death], a: 1 })).id).not.toBe(once.id)
  })
})

describe('an event as a CloudEvent', () => {
  const event: SequencedEvent = {
    name: 'failed',
    at: 1_700_000_000_123,
    taskId: 'task-1',
    taskType: 'Write',
    userId: 'ann',
    lane: 'default',
    version: 7,
    attempt: 2,
    parentTaskId: 'task-0',
    rootTaskId: 'root',
    traceparent,
    errorInfo: {
      code: 'HANDLER_FAILED',
      message: 'no',
      retryable: false,
      errorClass: 'permanent',
      stack: 'at secret.ts:1',
    },
    ranMs: 12,
    sequence: 42,
    sequenceFrom: 40,
  }

  it('is one of version 1.0, without the stack', () => {
    const message = eventMessage(event)
    expect(message.contentType).toBe('application/cloudevents+json')
    expect(message.content).not.toContain('secret')
    expect(JSON.parse(message.content)).toEqual({
      specversion: '1.0',
      id: 'task-1/42',
      source: '/quillwork/tasks',
      type: 'dev.quillwork.task.failed.v1',
      subject: 'task-1',
      time: '2023-11-14T22:13:20.123Z',
      datacontenttype: 'application/json',
      sequence: '0000000042',
      partitionkey: 'root',
      traceparent,
      data: {
        taskId: 'task-1',
        taskType: 'Write',
        userId: 'ann',
        lane: 'default',
        version: 7,
        attempt: 2,
        parentTaskId: 'task-0',
        rootTaskId: 'root',
        ranMs: 12,
        sequenceFrom: 40,
        errorInfo: { code: 'HANDLER_FAILED', message: 'no', retryable: false, errorClass: 'permanent' },
      },
    })
  })

  it('pollutes nothing with keys that objects have already', () => {
    const { content } = eventMessage(event)
    const own = '"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},'
    for (const text of [content.replace('{', `{${own}`), content.replace('"data":{', `"data":{${own}`)]) {
      const read = readEvent(incoming(text))
      if ('malformed' in read) throw new Error(read.malformed)
      expect(Object.keys(read.value).filter(key => key === '__proto__' || key === 'constructor')).toEqual([])
      expect(Reflect.get(read.value, 'polluted')).toBeUndefined()
      expect(Reflect.get({}, 'polluted')).toBeUndefined()
    }
  })

  it('comes back as it was, without the stack', () => {
    const { stack: _, ...errorInfo } = event.errorInfo
    expect(readEvent(arrived(eventMessage(event)))).toEqual({ value: { ...event, errorInfo } })
  })

  /** What is read of an event whose data somebody else wrote. */
  const readOf = (data: object, name: SequencedEvent['name'] = 'retrying') => {
    const { stack: _, ...errorInfo } = event.errorInfo
    const message = JSON.parse(eventMessage({ ...event, errorInfo, name } as SequencedEvent).content)
    return readEvent(incoming(JSON.stringify({ ...message, data: { ...message.data, ...data } })))
  }

  it.each([
    { errorInfo: null },
    { errorInfo: 'no' },
    { errorInfo: { code: 'X' } },
    { errorInfo: { ...event.errorInfo, causes: [1] } },
    { errorInfo: { ...event.errorInfo, need: null } },
    { parentTaskId: { $gt: '' } },
    { parentTaskId: null },
    { rootTaskId: ['root'] },
    { userId: { toString: 1 } },
    { version: -1 },
    { attempt: 1.5 },
    { sequenceFrom: '1' },
    { status: 'DONE' },
    { phase: { $ne: 1 } },
    { retryCount: 'x' },
    { ranMs: '1' },
    { waitedMs: [] },
    { executionNodeId: 5 },
    { nextAttemptTimestamp: {} },
  ])('is not read where a field is not what it must be: %j', data => {
    expect(readOf({})).toHaveProperty('value')
    expect(readOf(data)).toEqual({ malformed: expect.stringContaining(Object.keys(data)[0] ?? '') })
  })

  it('has its number from the envelope alone, and no field that is not known', () => {
    const strange = { sequence: 'x', name: 'failed', at: 'x', traceparent: 7, constructor: 1, more: {} }
    expect(readOf(strange)).toEqual(readOf({}))
    expect(readOf({ errorInfo: { ...event.errorInfo, more: 1 } })).toEqual(readOf({}))
    const { sequence: _, ...unnumbered } = event
    const { data, ...message } = JSON.parse(eventMessage(unnumbered).content)
    const said = JSON.stringify({ ...message, data: { ...data, sequence: 5 } })
    expect(readEvent(incoming(said))).not.toHaveProperty('value.sequence')
  })

  it('is not read where its progress is nested more deeply than a task could report', () => {
    const nested = (levels: number) => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`)
    expect(readOf({ progress: nested(500) }, 'progress')).toMatchObject({ value: { progress: nested(500) } })
    const deep = eventMessage({ ...event, name: 'progress', progress: 'DEEP' } as SequencedEvent).content
    for (const levels of [501, 100_000])
      expect(readEvent(incoming(deep.replace('"DEEP"', '['.repeat(levels) + ']'.repeat(levels))))).toEqual({
        malformed: expect.stringContaining('progress'),
      })
  })

  it('that this version does not know is not read', () => {
    const newer = eventMessage(event).content.replace('failed.v1', 'failed.v2')
    expect(readEvent(incoming(newer))).toEqual({ malformed: expect.any(String) })
    expect(readEvent(incoming('{}'))).toEqual({ malformed: expect.any(String) })
  })
})

describe('a signature', () => {
  const [old, fresh] = ['a'.repeat(32), 'b'.repeat(32)]
  const keys = new MessageKeys([fresh, old])
  const event = {
    ...{ name: 'submitted', at: 0, taskId: 'task-1', taskType: 'Write', userId: 'ann', lane: 'batch' },
    ...{ version: 1, attempt: 0, rootTaskId: 'task-1', sequence: 1 },
  } as SequencedEvent
  const messages: [string, OutgoingMessage][] = [
    ['delivery', deliveryMessage(delivery)],
    ['bare delivery', deliveryMessage({ ...delivery, headers: undefined } as unknown as Delivery)],
    ['control', controlMessage({ kind: 'cancel', taskId: 'task-1', attempt: 2 }, 'id')],
    ['event', eventMessage(event)],
  ]

  it.each(messages)('of any secret of the installation is accepted with a %s, and no other', (_, message) => {
    expect(keys.accepts(arrived(keys.sign(message)))).toBe(true)
    expect(keys.accepts(arrived(new MessageKeys([old]).sign(message)))).toBe(true)
    expect(new MessageKeys([old]).accepts(arrived(keys.sign(message)))).toBe(false)
    expect(keys.accepts(arrived(message))).toBe(false)
    const without = new MessageKeys([])
    expect(without.sign(message)).toEqual(message)
    for (const each of [message, keys.sign(message)]) expect(without.accepts(arrived(each))).toBe(true)
  })

  it.each(messages)(
    'covers everything that is read of a %s, and nothing that the broker changes',
    (_, message) => {
      const { headers, content, ...rest } = arrived(keys.sign(message))
      const { properties } = rest
      const accepts = (changed: Partial<IncomingMessage>) =>
        keys.accepts({ headers, content, properties, ...changed })
      expect(accepts({ content: Buffer.from(message.content.replace('task-1', 'task-2')) })).toBe(false)
      for (const changed of [{ type: 'x' }, { messageId: 'x' }, { priority: 9 }])
        expect(accepts({ properties: { ...properties, ...changed } })).toBe(false)
      for (const name of ['x-task-id', 'x-crash-count', 'x-user-id', 'x-parameters-version', 'traceparent'])
        expect(accepts({ headers: { ...headers, [name]: 7 } })).toBe(false)
      for (const wrong of ['', 'x', 7, undefined, 'A'.repeat(43)])
        expect(accepts({ headers: { ...headers, 'x-signature': wrong } })).toBe(false)
      expect(accepts({ headers: { ...headers, 'x-delay': -5, 'x-death': [], 'x-delivery-count': 1 } })).toBe(
        true,
      )
    },
  )

  it.each(messages)('is not needed of a %s while processes without the secret are replaced', (_, message) => {
    const lenient = new MessageKeys([fresh, 'unsigned'])
    expect(lenient.accepts(arrived(message))).toBe(true)
    expect(lenient.accepts(arrived(lenient.sign(message)))).toBe(true)
    expect(lenient.accepts(arrived(new MessageKeys([old]).sign(message)))).toBe(false)
    expect(keys.accepts(arrived(lenient.sign(message)))).toBe(true)
  })
})
