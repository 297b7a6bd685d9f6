/**
 * Events as others read them: CloudEvents 1.0 in structured mode. They tell what happened to a task, never its parameters or result.
 * Delivered at least once, per task in the order of `sequence`, which leaves no number out.
 */
import { isStorablyDeep, plainOf } from '../task/codec.ts'
import type { SequencedEvent, TaskEventName } from '../task/events.ts'
import { phases, taskStatuses } from '../task/status.ts'
import {
  type IncomingMessage,
  isCount,
  isId,
  isObject,
  type OutgoingMessage,
  type Read,
  readObject,
} from './messages.ts'

/** The media type of an event. */
export const cloudEventsType = 'application/cloudevents+json'
/** The default source of events. */
export const defaultSource = '/quillwork/tasks'

interface EventDescription {
  summary: string
  /** What this event names beside what every event does. */
  names: readonly string[]
  /** What it may name. */
  mayName?: readonly string[]
}

/** Every event in words; the record makes the compiler ask for a new one. */
export const eventDescriptions: Readonly<Record<TaskEventName, EventDescription>> = {
  submitted: { summary: 'A task, or a sub-task, was created', names: [] },
  started: { summary: 'An attempt began', names: ['executionNodeId', 'waitedMs'] },
  progress: {
    summary: 'Progress was recorded; at most four times a second and task, best effort, without a sequence',
    names: ['progress'],
  },
  waiting: { summary: 'A parent waits for its sub-tasks, or its reduce is due', names: ['phase'] },
  retrying: {
    summary: 'The attempt ended; another one follows',
    names: ['retryCount', 'nextAttemptTimestamp', 'ranMs'],
    mayName: ['errorInfo'],
  },
  givenBack: {
    summary:
      'The attempt ended because its process stops, or could not reach the store for longer than its lease; no retry was spent',
    names: [],
  },
  completed: {
    summary: 'The task ended COMPLETED or COMPLETED_WITH_ERRORS',
    names: ['status'],
    mayName: ['errorInfo'],
  },
  failed: { summary: 'The task ended FAILED: trying again cannot help', names: ['errorInfo'] },
  cancelled: { summary: 'The task ended CANCELLED', names: [], mayName: ['errorInfo'] },
  deadLettered: {
    summary: 'The task ended DEAD_LETTER: its attempts are exhausted',
    names: ['errorInfo', 'ranMs'],
  },
  reopened: {
    summary: 'An ended task runs again, because a person or a retried sub-task said so',
    names: [],
    mayName: ['nextAttemptTimestamp'],
  },
}

/** Names of all events. */
export const eventNames = Object.keys(eventDescriptions) as TaskEventName[]

/** The type of an event: reverse DNS with a version, which rises when a consumer would have to change. */
export function cloudEventType(name: TaskEventName): string {
  return `dev.quillwork.task.${name}.v1`
}

/** Bytes; an event may carry progress, which its task chose. */
const largestEvent = 1_048_576
/** Digits of a sequence as text, so that texts sort as numbers do. */
const sequenceDigits = 10

/** What an event says beside its data; what is undefined is left out of it. */
export interface Envelope {
  /** Unique within its source, the same in every delivery. */
  id: string
  type: string
  source?: string
  subject?: string | undefined
  /** Epoch milliseconds. */
  at?: number
  sequence?: string | undefined
  partitionkey?: string
  traceparent?: string | undefined
}

/** Returns a CloudEvents 1.0 event in structured mode: on the broker, in webhooks and on streams alike. */
export function cloudEventText({ id, type, at, ...envelope }: Envelope, data: unknown): string {
  const { source = defaultSource, subject, sequence, partitionkey, traceparent } = envelope
  return JSON.stringify({
    specversion: '1.0',
    ...{ id, source, type, subject },
    time: at === undefined ? undefined : new Date(at).toISOString(),
    datacontenttype: 'application/json',
    ...{ sequence, partitionkey, traceparent, data },
  })
}

/** Returns what an event of a task says beside its data. */
function envelopeOf({ name, at, taskId, rootTaskId, traceparent, sequence }: SequencedEvent) {
  return {
    id: sequence === undefined ? `${taskId}/${name}/${at}` : `${taskId}/${sequence}`,
    type: cloudEventType(name),
    subject: taskId,
    at,
    sequence: sequence === undefined ? undefined : String(sequence).padStart(sequenceDigits, '0'),
    partitionkey: rootTaskId,
    traceparent,
  }
}

/** Returns an event of a task as CloudEvents. */
export function taskEventText(event: SequencedEvent, source = defaultSource): string {
  return cloudEventText({ ...envelopeOf(event), source }, dataOf(event))
}

/** Returns the message of an event. */
export function eventMessage(event: SequencedEvent, source = defaultSource): OutgoingMessage {
  const { id, type, subject: taskId } = envelopeOf(event)
  return {
    content: taskEventText(event, source),
    type,
    contentType: cloudEventsType,
    messageId: id,
    correlationId: taskId,
    headers: {
      'cloudEvents:id': id,
      'cloudEvents:type': type,
      'cloudEvents:source': source,
      'cloudEvents:subject': taskId,
    },
  }
}

/** What the envelope does not say, as plain JSON. A stack is for the operators of the process that has it. */
function dataOf(event: SequencedEvent): Record<string, unknown> {
  const { name: _name, at: _at, traceparent: _trace, sequence: _sequence, isNewest: _newest, ...data } = event
  if ('progress' in data) return { ...data, progress: plainOf(data.progress) }
  if (!('errorInfo' in data) || data.errorInfo === undefined) return data
  const { stack: _stack, ...errorInfo } = data.errorInfo
  return { ...data, errorInfo }
}

/** Reads an event that another process published. */
export function readEvent({ content }: IncomingMessage): Read<SequencedEvent> {
  const read = readObject(content, largestEvent)
  if ('malformed' in read) return read
  const { type, time, data, sequence, traceparent } = read.value
  const name = eventNames.find(known => cloudEventType(known) === type)
  if (name === undefined) return { malformed: 'not an event that this version knows' }
  const at = typeof time === 'string' ? Date.parse(time) : Number.NaN
  if (Number.isNaN(at) || !isObject(data)) return { malformed: 'an event without its time or task' }
  if (sequence !== undefined && !(typeof sequence === 'string' && /^\d{1,15}$/.test(sequence)))
    return { malformed: 'the sequence of an event is no number' }
  const wrong = wrongField(data, eventFields, always)
  if (wrong !== undefined) return { malformed: `the data of an event has no ${wrong}, or a wrong one` }
  const fields = only(data, eventFields)
  if (isObject(data['errorInfo'])) fields['errorInfo'] = only(data['errorInfo'], errorFields)
  const event = {
    ...fields,
    name,
    at,
    ...(typeof sequence === 'string' ? { sequence: Number(sequence) } : {}),
    ...(typeof traceparent === 'string' ? { traceparent } : {}),
  }
  return { value: event as unknown as SequencedEvent }
}

/** What a field must be, by its name. */
type Fields = Readonly<Record<string, (value: unknown) => boolean>>

const isText = (value: unknown) => typeof value === 'string'
const isNumber = (value: unknown) => Number.isFinite(value)

/** The fields of an error that are read. A stack is not among them. */
const errorFields: Fields = {
  code: isText,
  message: isText,
  retryable: value => typeof value === 'boolean',
  errorClass: isText,
  name: isText,
  causes: value => Array.isArray(value) && value.every(isText),
  limit: isText,
  limitCost: isNumber,
  need: value =>
    isObject(value) && isNumber(value['tokens']) && (value['cost'] === undefined || isNumber(value['cost'])),
  since: isNumber,
}
const errorAlways = ['code', 'message', 'retryable', 'errorClass']

/** The fields of the data that are read; all others are left out, for a stranger may have written them. */
const eventFields: Fields = {
  taskId: isId,
  taskType: isId,
  userId: isId,
  lane: isId,
  version: isCount,
  attempt: isCount,
  rootTaskId: isId,
  parentTaskId: isId,
  sequenceFrom: isCount,
  status: value => (taskStatuses as readonly unknown[]).includes(value),
  phase: value => phases.some(phase => phase === value),
  retryCount: isCount,
  ranMs: isNumber,
  waitedMs: isNumber,
  executionNodeId: isText,
  nextAttemptTimestamp: isNumber,
  errorInfo: value => isObject(value) && wrongField(value, errorFields, errorAlways) === undefined,
  progress: isStorablyDeep,
}
/** What every event names. */
const always = ['taskId', 'taskType', 'userId', 'lane', 'version', 'attempt', 'rootTaskId']

/** Returns the name of a field that is missing or not what it must be; undefined where there is none. */
function wrongField(
  value: Record<string, unknown>,
  fields: Fields,
  needed: readonly string[],
): string | undefined {
  return Object.keys(fields).find(name =>
    Object.hasOwn(value, name) ? fields[name]?.(value[name]) !== true : needed.includes(name),
  )
}

/** Returns the known fields of a value. */
function only(value: Record<string, unknown>, fields: Fields): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([name]) => Object.hasOwn(fields, name)))
}
