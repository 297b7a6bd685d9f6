import createFetchClient, { type Client as FetchClient } from 'openapi-fetch'
import { ApiError, errorOf, retryAfterOf, unreachable } from './errors.ts'
import { type Following, follow } from './follow.ts'
import { pause, retried } from './pause.ts'
import type { Message } from './read-stream.ts'
import type { components, paths } from './schema.ts'

type Schemas = components['schemas']
type QueryOf<P extends keyof paths> = NonNullable<
  paths[P] extends { get: { parameters: { query?: infer Q } } } ? Q : never
>

/** A task, as the API returns it. */
export type Task = Schemas['Task']
/** What a task is submitted with. */
export type TaskSubmission = Schemas['TaskSubmission']
/** The filters and the order of a listing of tasks. */
export type TaskQuery = QueryOf<'/v1/tasks'>
/** The filters of a stream of events. */
export type EventQuery = Omit<QueryOf<'/v1/events'>, 'lastEventId'>

/** A page of a listing. Only the last one has no `nextPageToken`. */
export interface TaskPage {
  items: Task[]
  nextPageToken?: string
}

/** An event of a task; `reset` where events may be missing: then read the tasks again. `id` is where to resume. */
export type TaskEvent =
  | {
      id: string
      event:
        | 'task.created'
        | 'task.updated'
        | 'task.progress'
        | 'task.completed'
        | 'task.failed'
        | 'task.cancelled'
        | 'task.dead-lettered'
      data: Schemas['TaskEvent']
    }
  | { id: string; event: 'reset'; data: Schemas['StreamReset'] }

/** The same as CloudEvents 1.0, in place of `TaskEvent`: what a stream sends that is asked for `format: 'cloudevents'`. */
export type TaskCloudEvent =
  | { id: string; event: Exclude<TaskEvent['event'], 'reset'>; data: CloudEventOfTask }
  | { id: string; event: 'reset'; data: Schemas['CloudEvent.reset'] }

type CloudEventOfTask = Schemas[Exclude<
  Extract<keyof Schemas, `CloudEvent.${string}`>,
  'CloudEvent.reset' | 'CloudEvent.webhookTest'
>]

/** How a stream of events is asked for. */
interface StreamOptions extends CallOptions {
  lastEventId?: string
}
/** For CloudEvents. */
interface AsCloudEvents {
  format: 'cloudevents'
}

/** What the output of a task sends: text; `reset` where a newer attempt begins, whose text takes the place of the one before; the end. */
export type OutputEvent =
  | { id: string; event: 'text'; data: Schemas['OutputText'] }
  | { id: string; event: 'reset'; data: Schemas['OutputReset'] }
  | { id: string; event: 'end'; data: Schemas['OutputEnd'] }

/** How a server is reached. */
export interface ClientOptions {
  /** Such as `http://127.0.0.1:7420`; with a path where a proxy has the API below one. */
  url: string
  /** Sent as `Authorization: Bearer`. Default none. */
  token?: string | undefined
  /** The language of messages for authors, as in Accept-Language. Default: what `fetch` sends. */
  language?: string
  /** Default: the `fetch` of the browser or of Node. */
  fetch?: typeof globalThis.fetch
}

/** What any call takes. */
export interface CallOptions {
  /** Ends the call, which rejects with its reason. */
  signal?: AbortSignal
}

/** A client of a server. Its methods throw ApiError. */
export interface Client {
  /** Every operation of the API, typed by its OpenAPI document: `client.api.GET('/v1/novels/{novelId}', { params: { path: { novelId } } })`. */
  readonly api: FetchClient<paths>
  readonly tasks: TaskCalls
  /** Yields the events of all tasks that the filters find, across connections, until the caller stops. `format: 'cloudevents'`: as CloudEvents. */
  events(query: EventQuery & AsCloudEvents, options?: StreamOptions): AsyncGenerator<TaskCloudEvent, void>
  events(query?: EventQuery & { format?: 'plain' }, options?: StreamOptions): AsyncGenerator<TaskEvent, void>
}

/** What a client does with tasks. */
export interface TaskCalls {
  /**
   * Submits a task. A request without an answer is sent again with the same key, so it makes one task. `idempotencyKey`: default a new one.
   */
  submit(submission: TaskSubmission, options?: CallOptions & { idempotencyKey?: string }): Promise<Task>
  get(taskId: string, options?: CallOptions): Promise<Task>
  list(query?: TaskQuery, options?: CallOptions): Promise<TaskPage>
  /** Cancels a task and everything below it. A running attempt is asked to stop; `waitFor` says when it has. */
  cancel(taskId: string, options?: CallOptions): Promise<Task>
  /**
   * Returns the task once it has ended, however it did: look at its `status`. `timeout`: milliseconds, default as long as it takes; after it throws
   * ApiError with the code `WAIT_TIMEOUT`, and the task goes on.
   */
  waitFor(taskId: string, options?: CallOptions & { timeout?: number }): Promise<Task>
  /** Yields what happens to a task and everything below it, across connections, until all of it has ended. `format: 'cloudevents'`: as CloudEvents. */
  events(taskId: string, options: StreamOptions & AsCloudEvents): AsyncGenerator<TaskCloudEvent, void>
  events(taskId: string, options?: StreamOptions & { format?: 'plain' }): AsyncGenerator<TaskEvent, void>
  /** Yields the text that a task writes as it grows, across connections, until the task has ended. `after`: the `id` to resume after. */
  output(taskId: string, options?: CallOptions & { after?: string }): AsyncGenerator<OutputEvent, void>
}

/** Tries of a request that may be sent again. */
const tries = 4
/** Seconds that one request waits for the end of a task; proxies end those that are silent for a minute or half of one. */
const waitSeconds = 20

/** Returns a client of a server, for browsers and Node. */
export function createClient({ url, token, language, fetch }: ClientOptions): Client {
  const base = url.replace(/\/+$/, '')
  const headers: Record<string, string> = {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(language === undefined ? {} : { 'accept-language': language }),
  }
  const send: typeof globalThis.fetch = fetch ?? ((...request) => globalThis.fetch(...request))
  const api = createFetchClient<paths>({ baseUrl: base, headers, fetch: request => send(request) })
  api.use({
    async onResponse({ response }) {
      if (!response.ok && response.status !== 304) throw await errorOf(response)
    },
    onError: ({ error, request }) =>
      error instanceof ApiError ? error : unreachable(error, base, request.signal),
  })
  const opening = (path: string) => async (lastEventId: string | undefined, signal: AbortSignal) => {
    const resume: Record<string, string> = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
    const all = { ...headers, ...resume, accept: 'text/event-stream' }
    const response = await send(base + path, { headers: all, signal }).catch(cause =>
      Promise.reject(unreachable(cause, base)),
    )
    if (!response.ok) throw await errorOf(response)
    return response.status === 204 ? undefined : response
  }
  return {
    api,
    tasks: tasksOf(api, base, opening),
    events: (query: EventQuery = {}, { lastEventId, signal }: StreamOptions = {}) =>
      events<never>({ open: opening(`/v1/events${queryText(query)}`), lastEventId, signal }),
  }
}

type Opening = (path: string) => Following['open']

function tasksOf(api: FetchClient<paths>, base: string, opening: Opening): TaskCalls {
  const at = (taskId: string) => ({ params: { path: { taskId } } })
  const signalOf = (signal: AbortSignal | undefined) => (signal === undefined ? {} : { signal })
  /** Sends a request that may be sent again, until it is answered. */
  const call = <T>(request: () => Promise<Answer<T>>, signal: AbortSignal | undefined, most = tries) =>
    retried(most, async () => dataOf(await answered(request, base, signal)), signal)
  const get = (taskId: string, signal: AbortSignal | undefined, most = tries) =>
    call(() => api.GET('/v1/tasks/{taskId}', { ...at(taskId), ...signalOf(signal) }), signal, most)
  return {
    submit: (body, { signal, idempotencyKey = newKey() } = {}) => {
      const params = { header: { 'idempotency-key': idempotencyKey } }
      return call(() => api.POST('/v1/tasks', { body, params, ...signalOf(signal) }), signal)
    },
    get: (taskId, { signal } = {}) => get(taskId, signal),
    list: (query = {}, { signal } = {}) =>
      call(() => api.GET('/v1/tasks', { params: { query }, ...signalOf(signal) }), signal),
    cancel: (taskId, { signal } = {}) =>
      call(() => api.POST('/v1/tasks/{taskId}:cancel', { ...at(taskId), ...signalOf(signal) }), signal),
    waitFor: (taskId, options = {}) => waitFor(api, base, { taskId, ...options }),
    events: (taskId: string, { lastEventId, signal, format }: StreamOptions & { format?: string } = {}) =>
      events<never>({
        open: opening(`/v1/tasks/${encodeURIComponent(taskId)}/events${queryText({ format })}`),
        lastEventId,
        signal,
        isOver: async () => (await get(taskId, signal, 1)).done,
        isEnd: ({ data }) => data !== '' && isEndOf(taskId, JSON.parse(data) as object),
      }),
    output: (taskId, { after, signal } = {}) =>
      outputOf({
        open: opening(`/v1/tasks/${encodeURIComponent(taskId)}/output`),
        lastEventId: after,
        signal,
      }),
  }
}

/** Resolves once the task has ended. */
async function waitFor(
  api: FetchClient<paths>,
  base: string,
  { taskId, signal, timeout }: CallOptions & { taskId: string; timeout?: number },
): Promise<Task> {
  const late = timeout === undefined ? undefined : AbortSignal.timeout(timeout)
  const signals = [signal, late].filter(each => each !== undefined)
  const over = AbortSignal.any(signals)
  const ask = () =>
    api.GET('/v1/tasks/{taskId}', {
      params: { path: { taskId }, header: { prefer: `wait=${waitSeconds}` } },
      signal: over,
    })
  try {
    for (;;) {
      const answer = await retried(Number.POSITIVE_INFINITY, () => answered(ask, base, over), over)
      const task = dataOf(answer)
      if (task.done) return task
      const { response } = answer
      // All places for those who wait are taken.
      if (!response.headers.has('preference-applied')) await pause(retryAfterOf(response) ?? 2_000, over)
    }
  } catch (error) {
    if (late?.aborted !== true || signal?.aborted === true) throw error
    const message = `Task ${taskId} did not end within ${timeout} ms; it goes on.`
    throw new ApiError({ status: 0, code: 'WAIT_TIMEOUT', message }, error)
  }
}

/** What openapi-fetch returns. */
interface Answer<T> {
  data?: T
  response: Response
}

/** Returns the answer to a request. Throws SERVER_UNREACHABLE also where it breaks off. */
async function answered<T>(
  request: () => Promise<Answer<T>>,
  base: string,
  signal: AbortSignal | undefined,
): Promise<Answer<T>> {
  try {
    return await request()
  } catch (error) {
    throw error instanceof ApiError ? error : unreachable(error, base, signal)
  }
}

/** Yields the events of a stream, with their data read. */
async function* events<E>(following: Following): AsyncGenerator<E, void> {
  for await (const message of follow(following)) yield eventOf<E>(message)
}

/** Yields the output until its end. */
async function* outputOf(following: Following): AsyncGenerator<OutputEvent, void> {
  for await (const message of follow(following)) {
    const event = eventOf<OutputEvent>(message)
    yield event
    if (event.event === 'end') return
  }
}

function eventOf<E>({ id = '', event, data }: Message): E {
  return { id, event, data: JSON.parse(data) } as E
}

const endedStatuses = new Set(['COMPLETED', 'COMPLETED_WITH_ERRORS', 'FAILED', 'CANCELLED', 'DEAD_LETTER'])

/** The types of the CloudEvents that tell of an end. */
const endedTypes = new Set(
  ['completed', 'failed', 'cancelled', 'deadLettered'].map(name => `dev.quillwork.task.${name}.v1`),
)

/** Returns whether the data of an event, plain or as CloudEvents, tells of the end of a task. */
function isEndOf(
  taskId: string,
  { subject, type = '', ...data }: { taskId?: string; status?: string; subject?: string; type?: string },
): boolean {
  if (subject !== undefined) return subject === taskId && endedTypes.has(type)
  return data.taskId === taskId && endedStatuses.has(data.status ?? '')
}

/** Returns the data of an answer. Throws for one without any, which came from something between client and server. */
function dataOf<T>({ data, response: { status } }: Answer<T>): NonNullable<T> {
  if (data !== undefined && data !== null) return data
  throw new ApiError({ status, code: 'EMPTY_ANSWER', message: `The answer ${status} has no content.` })
}

function queryText(query: object): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    for (const each of [value].flat()) if (each !== undefined) search.append(name, String(each))
  const text = search.toString()
  return text === '' ? '' : `?${text}`
}

/** `crypto.randomUUID` is not there on pages without TLS. */
function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map(byte => byte.toString(16).padStart(2, '0'))
    .join('')
}
