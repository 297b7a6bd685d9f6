/**
 * The messages that processes send each other through a broker: what is in them, and how what arrives is read. Pure: no driver.
 * A message carries ids, never parameters or results.
 */
import { createHash, createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import type { DeadLetterNotification, Delivery, DeliveryHeaders } from '../store/store.ts'
import { defined } from '../task/defined.ts'
import type { ControlMessage, DeadMessage } from './broker.ts'

/** What a message is, in its property `type`. */
export const messageTypes = {
  delivery: 'quillwork.delivery',
  notification: 'quillwork.dead-letter',
  control: 'quillwork.control',
  /** Tries a binding; its receiver acknowledges it and does nothing. */
  probe: 'quillwork.probe',
} as const

/** A message to send, in the words of AMQP. */
export interface OutgoingMessage {
  content: string
  type: string
  contentType: string
  messageId: string
  correlationId?: string
  /** 5 and above is served before the others. */
  priority?: number
  headers: Readonly<Record<string, string | number | boolean>>
}

/** A message as it arrived; a stranger may have sent it. */
export interface IncomingMessage {
  content: Uint8Array
  headers: Readonly<Record<string, unknown>>
  /** The other properties, by their names in AMQP. */
  properties: Readonly<Record<string, unknown>>
}

/** What a stranger's message is read as: what it says, or why it cannot be read. */
export type Read<T> = { value: T } | { malformed: string }

/** Ours have a few hundred bytes. */
const largestBody = 64 * 1_024
const longestId = 200
/** From here on a message is served before the others. */
const highPriority = 5

/** The message that carries a delivery. */
export function deliveryMessage(delivery: Delivery): OutgoingMessage {
  const { taskId, taskType, attempt, lane, headers } = delivery
  return {
    content: JSON.stringify({ taskId, taskType, attempt, lane }),
    type: messageTypes.delivery,
    contentType: 'application/json',
    messageId: `${taskId}/${attempt}`,
    correlationId: taskId,
    // What crashed has waited once already.
    priority: headers?.priority === 'high' || delivery.crashCount > 0 ? highPriority : 0,
    headers: defined({
      'x-task-id': taskId,
      'x-task-type': taskType,
      'x-crash-count': delivery.crashCount || undefined,
      'x-user-id': headers?.userId,
      'x-retry-count': headers?.retryCount,
      'x-delay': headers?.delayMs,
      'x-parameters-version': headers?.parametersVersion,
      traceparent: headers?.traceparent,
    }),
  }
}

/** Reads a delivery strictly: a message that names two tasks, or none, is nobody's. */
export function readDelivery(message: IncomingMessage): Read<Delivery> {
  const read = readObject(message.content)
  if ('malformed' in read) return read
  const { taskId, taskType, attempt, lane } = read.value
  if (!isId(taskId)) return { malformed: 'the body names no task: taskId is missing' }
  if (!isId(taskType) || !isId(lane)) return { malformed: 'taskType or lane is missing in the body' }
  if (!isCount(attempt)) return { malformed: 'attempt is not a whole number in the body' }
  const { headers } = message
  if (headers['x-task-id'] !== undefined && headers['x-task-id'] !== taskId)
    return { malformed: 'the header x-task-id names another task than the body' }
  const crashCount = isCount(headers['x-crash-count']) ? headers['x-crash-count'] : 0
  return { value: defined({ taskId, taskType, lane, attempt, crashCount, headers: readHeaders(message) }) }
}

function readHeaders({ headers, properties }: IncomingMessage): DeliveryHeaders | undefined {
  const { 'x-user-id': userId, 'x-retry-count': retryCount, 'x-delay': delayMs, traceparent } = headers
  const parametersVersion = headers['x-parameters-version']
  if (typeof userId !== 'string') return undefined
  const { priority } = properties
  return {
    userId,
    priority: typeof priority === 'number' && priority >= highPriority ? 'high' : 'normal',
    retryCount: isCount(retryCount) ? retryCount : 0,
    ...(isCount(delayMs) ? { delayMs } : {}),
    ...(isCount(parametersVersion) ? { parametersVersion } : {}),
    ...(typeof traceparent === 'string' ? { traceparent } : {}),
  }
}

/** Returns the notification of a dead letter whose delivery was not there to be nacked. */
export function notificationMessage(notification: DeadLetterNotification): OutgoingMessage {
  const { taskId, taskType, attempt, userId, retryCount } = notification
  return {
    content: JSON.stringify(notification),
    type: messageTypes.notification,
    contentType: 'application/json',
    messageId: `${taskId}/${attempt}/dead-letter`,
    correlationId: taskId,
    headers: {
      'x-task-id': taskId,
      'x-task-type': taskType,
      'x-user-id': userId,
      'x-retry-count': retryCount,
    },
  }
}

/** Returns the message that carries a control message to every process. */
export function controlMessage(message: ControlMessage, id: string): OutgoingMessage {
  return {
    content: JSON.stringify(message),
    type: messageTypes.control,
    contentType: 'application/json',
    messageId: id,
    headers: {},
  }
}

/** Reads a control message. */
export function readControl({ content }: IncomingMessage): Read<ControlMessage> {
  const read = readObject(content)
  if ('malformed' in read) return read
  const { kind, taskId, attempt, key, until, partitions } = read.value
  if (kind === 'lanes') return { value: isTexts(partitions) ? { kind, partitions } : { kind } }
  if (kind === 'cancel' && isId(taskId) && isCount(attempt)) return { value: { kind, taskId, attempt } }
  if (kind === 'parked' && typeof key === 'string' && typeof until === 'number')
    return { value: { kind, key, until } }
  return { malformed: 'not a control message that this version knows' }
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(each => typeof each === 'string')
}

/** Reads a message of the dead letter queue: a delivery or a notification, which name their task alike. At worst it is malformed. Never throws. */
export function readDead(message: IncomingMessage): DeadMessage {
  const [id, content, story] = [hashOf(message), textOf(message.content), storyOf(message.headers['x-death'])]
  const read = readDelivery(message)
  if ('malformed' in read) return { id, content, story, malformed: read.malformed }
  const { taskId, attempt } = read.value
  return { id, content, story, taskId, attempt }
}

/** In a list of secrets: messages without a signature are accepted too, while processes without the secret are still there. */
export const unsigned = 'unsigned'

const signatureHeader = 'x-signature'
/** Headers that a signature covers. The broker changes others, and adds some. */
const signedHeaders = [
  'x-task-id',
  'x-task-type',
  'x-crash-count',
  'x-user-id',
  'x-retry-count',
  'x-parameters-version',
  'traceparent',
] as const

/** The keys of an installation: messages are signed with the first (HMAC with SHA-256), and accepted where any of them signed. */
export class MessageKeys {
  readonly #keys: readonly KeyObject[]
  readonly #acceptsUnsigned: boolean

  /** @param secrets Without any, nothing is signed and everything accepted. */
  constructor(secrets: readonly string[]) {
    this.#keys = secrets.filter(secret => secret !== unsigned).map(secret => createSecretKey(secret, 'utf8'))
    this.#acceptsUnsigned = this.#keys.length === 0 || secrets.includes(unsigned)
  }

  /** Returns the message with its signature. */
  sign(message: OutgoingMessage): OutgoingMessage {
    const [key] = this.#keys
    if (key === undefined) return message
    const signature = signatureOf(key, message, message.headers, Buffer.from(message.content))
    return { ...message, headers: { ...message.headers, [signatureHeader]: signature.toString('base64url') } }
  }

  /** Returns whether a message is of this installation, as far as its keys tell. */
  accepts({ content, headers, properties }: IncomingMessage): boolean {
    const given = headers[signatureHeader]
    if (this.#keys.length === 0 || given === undefined) return this.#acceptsUnsigned
    if (typeof given !== 'string') return false
    const signature = Buffer.from(given, 'base64url')
    return this.#keys.some(key => {
      const expected = signatureOf(key, properties, headers, content)
      return signature.length === expected.length && timingSafeEqual(signature, expected)
    })
  }
}

/** The type keeps a message of one kind from being taken for another; the rest is all that a receiver reads. */
function signatureOf(
  key: KeyObject,
  { type, messageId, priority }: { type?: unknown; messageId?: unknown; priority?: unknown },
  headers: Readonly<Record<string, unknown>>,
  content: Uint8Array,
): Buffer {
  const covered = [type, messageId, priority, ...signedHeaders.map(name => headers[name])]
  const line = JSON.stringify(covered.map(value => value ?? null))
  return createHmac('sha256', key).update(`${line}\n`).update(content).digest()
}

/** What a redelivery changes is left out, so that the same message has the same hash. */
const changesOnRedelivery = new Set(['x-delivery-count', 'x-acquired-count'])

function hashOf({ content, headers, properties }: IncomingMessage): string {
  const kept = Object.entries(headers).filter(([name]) => !changesOnRedelivery.has(name))
  const { headers: _, ...others } = properties
  const hash = createHash('sha256').update(content)
  try {
    hash.update(sortedJson([others, Object.fromEntries(kept)]))
  } catch {
    // Nested more deeply than can be followed: the body alone has to do.
  }
  return hash.digest('hex')
}

/** JSON with the fields of every object in order. */
function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    isObject(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part,
  )
}

/** Text as it is; other bytes as base64. */
function textOf(content: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content)
  } catch {
    return `base64:${Buffer.from(content).toString('base64')}`
  }
}

/** The broker's own record of a message's way, a line per queue and reason, newest first. */
function storyOf(deaths: unknown): string {
  if (!Array.isArray(deaths)) return ''
  try {
    return deaths.filter(isObject).map(storyLine).join('\n')
  } catch {
    // A stranger may have written it, with a time that is none.
    return 'story unreadable'
  }
}

function storyLine({ queue, reason, count, time }: Record<string, unknown>): string {
  const seconds = isObject(time) ? time['value'] : undefined
  const first = typeof seconds === 'number' ? `, first at ${new Date(seconds * 1_000).toISOString()}` : ''
  return `${String(queue)}: ${String(reason)} ${String(count)} time(s)${first}`
}

/** A JSON object of a size (bytes) that one of ours could have. */
export function readObject(content: Uint8Array, largest = largestBody): Read<Record<string, unknown>> {
  if (content.length > largest)
    return { malformed: `the body has ${content.length} bytes, more than ${largest}` }
  try {
    const value: unknown = JSON.parse(Buffer.from(content).toString())
    return isObject(value) ? { value } : { malformed: 'the body is not a JSON object' }
  } catch {
    return { malformed: 'the body is not JSON' }
  }
}

/** Returns whether a value is an object with fields. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Returns whether a value can be the id or the name of something of ours. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= longestId
}

/** Returns whether a value is a whole number from 0 on. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}
