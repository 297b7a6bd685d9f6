/** How the OpenAPI document describes CloudEvents: those of streams, and those that webhooks are sent. */
import { cloudEventsType, eventDescriptions, eventNames } from '../broker/cloud-events.ts'
import { eventDataSchema, eventSchema, type Schema, unnumberedSchema } from '../broker/message-schemas.ts'
import type { TaskEventName } from '../task/events.ts'
import { testType, webhookEventNames } from '../webhooks/event.ts'
import type { Json } from './openapi-document.ts'
import { resetType, streamed } from './streams/sse.ts'

const componentOf = (name: string) => `CloudEvent.${name}`
const refTo = (name: string): Schema => ({ $ref: `#/components/schemas/${componentOf(name)}` })
const text: Schema = { type: 'string' }

const reset = unnumberedSchema(resetType, {
  type: 'object',
  required: ['reason'],
  properties: { reason: { ...text, description: 'Events may be missing: read the tasks again' } },
})
const test = unnumberedSchema(testType, {
  type: 'object',
  required: ['webhookId'],
  properties: { webhookId: text },
})

/** Returns the schemas of the events, by their names in the document. */
export function cloudEventComponents(): Json {
  const ofTasks = eventNames.map(name => [
    name,
    eventSchema(name, eventDataSchema(name, 'elsewhere'), 'elsewhere'),
  ])
  const all: [string, unknown][] = [...ofTasks, ['reset', reset], ['webhookTest', test]] as never
  return Object.fromEntries(all.map(([name, schema]) => [componentOf(name), schema]))
}

/** Returns the schemas of the data of streams whose events are CloudEvents, by the names of the events of the stream. */
export function streamCloudEvents(): Json {
  const ofStream = (event: string) => eventNames.filter(name => streamed[name].name === event).map(refTo)
  const events = [...new Set(eventNames.map(name => streamed[name].name))]
  const refs = events.map(event => {
    const [first, ...others] = ofStream(event)
    return [event, others.length === 0 ? first : { oneOf: [first, ...others] }]
  })
  return { ...Object.fromEntries(refs), reset: refTo('reset') }
}

const header = (name: string, description: string, schema: Schema = text) => ({
  ...{ in: 'header', name, required: true, description, schema },
})

/** The headers of a delivery. */
const headers = [
  header(
    'webhook-id',
    'The id of the event: the same at every attempt, and another one for each end of a task',
  ),
  header('webhook-timestamp', 'When this attempt was made, seconds since 1970', {
    ...{ type: 'string', pattern: '^\\d+$' },
  }),
  header(
    'webhook-signature',
    'One or two signatures, a space between: `v1,` and the HMAC-SHA256 of `webhook-id.webhook-timestamp.body` with the secret, in Base64',
    { ...{ type: 'string', pattern: '^v1,[A-Za-z0-9+/]+=*( v1,[A-Za-z0-9+/]+=*)*$' } },
  ),
]

/** What the answers of a receiver bring about. */
const answers = {
  '2XX': { description: 'The event was taken' },
  '3XX': { description: 'Not taken: redirects are not followed. It is sent again later' },
  '410': { description: 'The receiver is gone: its webhook is disabled' },
  '429': { description: 'Not taken: too busy. It is sent again, at the time that Retry-After asks for' },
  '4XX': { description: 'Not taken. It is sent again later' },
  '5XX': {
    description:
      'Not taken. It is sent again later; of 502, 503 and 504 at the time that Retry-After asks for. No answer within 20 seconds counts as one',
  },
}

/** Returns the `webhooks` of the document: what receivers are sent. */
export function webhooksSection(): Json {
  const ends = Object.entries(webhookEventNames).map(([name, event]) =>
    delivery(event, name, eventDescriptions[name as TaskEventName].summary),
  )
  return Object.fromEntries([...ends, delivery('webhook.test', 'webhookTest', 'Somebody sent a test')])
}

function delivery(event: string, name: string, summary: string): [string, Json] {
  const content = { [cloudEventsType]: { schema: refTo(name) } }
  const operationId = `receive${name.charAt(0).toUpperCase()}${name.slice(1)}`
  const post = { operationId, tags: ['webhooks'], summary, security: [], parameters: headers }
  return [event, { post: { ...post, requestBody: { required: true, content }, responses: answers } }]
}
