/** JSON Schemas (draft 7) of what `messages.ts` and `cloud-events.ts` write, for the description that others read. */
import type { TaskEventName } from '../task/events.ts'
import { endedStatuses, phases, taskStatuses } from '../task/status.ts'
import { cloudEventType, defaultSource, eventDescriptions } from './cloud-events.ts'

/** A JSON Schema. */
export type Schema = Readonly<Record<string, unknown>>

const text: Schema = { type: 'string' }
const count: Schema = { type: 'integer', minimum: 0 }
const object = (properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema => ({
  type: 'object',
  required: Object.keys(properties).filter(name => !optional.includes(name)),
  properties,
})

const milliseconds: Schema = { ...count, description: 'Milliseconds' }
const epoch: Schema = { type: 'integer', description: 'Epoch milliseconds' }
const phase: Schema = {
  enum: [...phases],
  description: 'The handler that runs next, or the wait for sub-tasks',
}

const errorInfo = object(
  {
    code: { ...text, description: 'A code of the catalogue in docs/errors.md, or one that a handler gave' },
    message: { ...text, description: 'What was wrong and what to do, for people' },
    retryable: { type: 'boolean' },
    errorClass: text,
    name: { ...text, description: 'Class of the error that the handler threw' },
    causes: { type: 'array', items: text, description: 'Messages of its causes, outermost first' },
    since: { ...epoch, description: 'When it was first seen, epoch milliseconds' },
  },
  ['name', 'causes', 'since'],
)

/** What the events of a task name. */
const fields: Readonly<Record<string, Schema>> = {
  taskId: text,
  taskType: text,
  userId: { ...text, description: 'The owner; `local` where nobody was named' },
  lane: text,
  version: { ...count, description: 'Rises with every change of the task' },
  attempt: { ...count, description: 'Number of the attempt; 0 before the first' },
  rootTaskId: { ...text, description: 'The top of the tree; the task itself when it has no parent' },
  parentTaskId: text,
  sequenceFrom: {
    ...count,
    description: 'The first of several events that this one stands for: the broker was away for long',
  },
  status: { enum: [...taskStatuses], description: 'What the task is from now on' },
  phase,
  retryCount: { ...count, description: 'Retries granted after failures, timeouts and crashes in quarantine' },
  ranMs: { ...milliseconds, description: 'How long the attempt ran, in milliseconds' },
  waitedMs: { ...milliseconds, description: 'Since when the task could run, in milliseconds' },
  executionNodeId: { ...text, description: 'The process that runs the attempt' },
  nextAttemptTimestamp: { ...epoch, description: 'Not before this time, epoch milliseconds' },
  errorInfo,
  progress: { description: 'What the handler reported' },
}

/** What every event names. */
const always = ['taskId', 'taskType', 'userId', 'lane', 'version', 'attempt', 'rootTaskId']
/** What any event may name beside that. */
const perhaps = ['parentTaskId', 'sequenceFrom', 'status', 'phase', 'retryCount', 'ranMs']

/** Who reads an event: who binds to the broker, or who follows a stream or has a webhook, for whom it may have no place in the order of its task. */
type Reader = 'broker' | 'elsewhere'

/** The data of an event. */
export function eventDataSchema(name: TaskEventName, reader: Reader = 'broker'): Schema {
  const { names, mayName = [] } = eventDescriptions[name]
  const known = [...new Set([...always, ...names, ...perhaps, ...mayName])]
  const properties: Record<string, Schema> = Object.fromEntries(
    known.map(field => [field, fields[field] ?? {}]),
  )
  if (name === 'completed') properties['status'] = { enum: [...endedStatuses] }
  // A webhook is made from the record, which does not say how long the last attempt ran.
  const needed = reader === 'broker' ? names : names.filter(field => field !== 'ranMs')
  return { type: 'object', required: [...always, ...needed], properties }
}

/** What every event says beside its data. */
const envelopeFields = (type: string) => ({
  specversion: { const: '1.0' },
  id: { ...text, description: 'The same in every delivery of the event' },
  source: { ...text, format: 'uri-reference', examples: [defaultSource] },
  type: { const: type },
  subject: { ...text, description: 'The task' },
  time: { ...text, format: 'date-time' },
  datacontenttype: { const: 'application/json' },
})

/** An event that is not of a task: CloudEvents 1.0, structured mode. `data` is the schema of its data. */
export function unnumberedSchema(type: string, data: Schema): Schema {
  const { subject: _subject, ...fields } = envelopeFields(type)
  const subject = { ...text, description: 'What it is about' }
  return { title: type, ...object({ ...fields, subject, data }, ['subject', 'time']) }
}

/** An event of a task as it is sent: CloudEvents 1.0, structured mode. `data` is the schema of its data. */
export function eventSchema(name: TaskEventName, data: Schema, reader: Reader = 'broker'): Schema {
  const isUnnumbered = name === 'progress' || reader === 'elsewhere'
  const envelope = object(
    {
      ...envelopeFields(cloudEventType(name)),
      sequence: {
        ...text,
        pattern: '^\\d{10,}$',
        description: 'Number of the event within its task, from 1, none left out; sorts as text',
      },
      partitionkey: { ...text, description: 'The root task: events of one tree belong together' },
      traceparent: { ...text, description: 'W3C trace context of the submitter' },
      data,
    },
    isUnnumbered ? ['sequence', 'traceparent'] : ['traceparent'],
  )
  return { title: cloudEventType(name), ...envelope }
}

/** The message that wakes a worker up. */
export const deliverySchema = object({
  taskId: text,
  taskType: text,
  attempt: {
    ...count,
    description: 'Number of the last attempt; a claim of a task that moved on is refused',
  },
  lane: text,
})

const signature: Schema = {
  ...text,
  description: 'HMAC with SHA-256, where the installation has a secret; for its own processes',
}

/** The headers of a control message and of an event. */
export const signedHeaders = object({ 'x-signature': signature }, ['x-signature'])

/** The headers of a delivery and of a notification. */
export const deliveryHeaders = object(
  {
    'x-signature': signature,
    'x-task-id': text,
    'x-task-type': text,
    'x-user-id': text,
    'x-retry-count': count,
    'x-parameters-version': {
      ...count,
      description: 'Version of the parameters; a worker of an older one leaves the task to others',
    },
    'x-delay': { ...milliseconds, description: 'How long the broker holds it, in milliseconds' },
    'x-crash-count': { ...count, description: 'Crashes in a row that the last attempts ended in' },
    traceparent: { ...text, description: 'W3C trace context of the submitter' },
  },
  [
    'x-signature',
    'x-user-id',
    'x-retry-count',
    'x-parameters-version',
    'x-delay',
    'x-crash-count',
    'traceparent',
  ],
)

/** News of a dead letter whose delivery was not there to carry it. */
export const notificationSchema = object({
  taskId: text,
  taskType: text,
  lane: text,
  userId: text,
  attempt: count,
  retryCount: count,
  reason: { enum: ['permanent', 'attempts-exhausted', 'crashes', 'deadline', 'unreadable'] },
  code: text,
})

/** Messages between processes, best effort. */
export const controlSchema: Schema = {
  oneOf: [
    object({ kind: { const: 'cancel' }, taskId: text, attempt: count }),
    object(
      {
        kind: { const: 'lanes' },
        partitions: { type: 'array', items: text, description: 'Partitions in which something became due' },
      },
      ['partitions'],
    ),
    object({ kind: { const: 'parked' }, key: text, until: epoch }),
  ],
}
