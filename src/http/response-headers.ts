/** The headers of responses, as the OpenAPI document names them. */
import { componentOf, type Json, type Operation, type Response } from './openapi-document.ts'

/** The headers that responses of the API carry, by the name in the document. */
const responseHeaders = {
  Location: 'The address of what the request made',
  ETag: 'The version of what is sent, in quotes, for `If-Match` and `If-None-Match`',
  'Retry-After': 'Seconds after which to ask again',
  RateLimit:
    'Requests that are left, `r`, and seconds until all are again, `t`, where the server limits them',
  'RateLimit-Policy': 'The limit: `q` requests in `w` seconds, where the server has one',
  Link: 'The address of the events of the task, with `rel="monitor"`, until it has ended',
  'Idempotency-Replayed': '`true` where an earlier request with the same key made the task',
  'Preference-Applied': 'The `wait` of `Prefer` that was applied, such as `wait=20`',
  'Content-Disposition': 'The name of the file',
  'Content-Range': 'Which part of the file is sent, or how long it is',
  'Accept-Ranges': '`bytes`: parts of the file can be asked for',
  'WWW-Authenticate': 'How to authenticate',
  traceparent: 'W3C trace context of the request: its trace, and its span as the parent',
} as const

type HeaderName = keyof typeof responseHeaders

/** Returns the headers as components of the document. */
export function headerComponents(): Json {
  return Object.fromEntries(
    Object.entries(responseHeaders).map(([name, description]) => [
      name,
      { description, schema: { type: 'string' } },
    ]),
  )
}

/** Adds the headers that each response of an operation may carry. `place`: its method and path. */
export function describeHeaders(document: Json, operation: Operation, place: string): void {
  for (const [status, response] of Object.entries(operation.responses)) {
    const names = headersOf(document, { operation, place, status, response })
    response.headers = Object.fromEntries(names.map(name => [name, { $ref: `#/components/headers/${name}` }]))
  }
}

interface Answer {
  operation: Operation
  /** Method and path. */
  place: string
  status: string
  response: Response
}

function headersOf(document: Json, answer: Answer): HeaderName[] {
  const { operation, place, status } = answer
  // What is not modified has the headers of what it would be.
  const response = status === '304' ? operation.responses['200'] : answer.response
  const schema = response?.content?.['application/json']?.schema
  const sent = /^[23]/.test(status) ? namesOf(document, schema) : undefined
  const isTask = sent?.has('subTaskStatusSummary') === true
  const waits = isTask && takes(operation, 'prefer')
  const isAccepted = status === '202' && !/:(cancel|signal|runNow|purge)$/.test(place)
  const makesTask = isAccepted || (waits && place.startsWith('POST '))
  const isFile = place.endsWith('/file')
  const wanted: [HeaderName, boolean][] = [
    ['Location', status === '201' || makesTask],
    ['ETag', sent?.has('version') === true || (isFile && (status === '200' || status === '206'))],
    ['Retry-After', isTask || status === '429' || status === '503'],
    ['RateLimit', status === '429'],
    ['RateLimit-Policy', status === '429'],
    ['Link', isTask],
    ['Idempotency-Replayed', makesTask],
    ['Preference-Applied', waits],
    ['Content-Disposition', isFile && status.startsWith('2')],
    ['Content-Range', status === '206' || status === '416'],
    ['Accept-Ranges', isFile && status.startsWith('2')],
    ['WWW-Authenticate', status === '401'],
    ['traceparent', place.includes(' /v1/')],
  ]
  return wanted.flatMap(([name, isSent]) => (isSent ? [name] : []))
}

function takes({ parameters = [] }: Operation, header: string): boolean {
  return parameters.some(({ in: place, name }) => place === 'header' && name === header)
}

/** Returns the names of the fields of what is sent, with those of a `task` within it. */
function namesOf(document: Json, schema: Json | undefined): Set<string> {
  const { properties = {}, anyOf = [] } = componentOf(document, schema)
  const task = componentOf(document, properties['task'])
  const others = anyOf.flatMap(each => [...namesOf(document, each)])
  return new Set([...Object.keys(properties), ...Object.keys(task.properties ?? {}), ...others])
}
