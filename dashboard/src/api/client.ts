import createClient, { type Middleware } from 'openapi-fetch'
import { shownLanguage } from '../browser/preferences.ts'
import { dropAnswers, isAnswered, takeAnswer } from './first-answers.ts'
import type { components, paths } from './schema.ts'
import { currentToken, refusesToken, tokenWasAccepted, tokenWasRefused } from './token.ts'

/** Headers that every request carries: who asks, and the language in which errors are explained. */
export function requestHeaders(): Record<string, string> {
  const token = currentToken()
  return {
    'accept-language': shownLanguage(),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  }
}

/** Everybody may read it, whatever token comes along: one that is refused elsewhere would look accepted. So none is sent. */
const openPlace = '/v1/sign-in'

/** Throws ApiError for what is no success, so that a query or a mutation fails with it. */
const refusals: Middleware = {
  async onRequest({ request, schemaPath }) {
    if (isAnswered(request)) hasAsked = true
    else await mayAsk()
    for (const [name, value] of Object.entries(requestHeaders())) request.headers.set(name, value)
    if (schemaPath === openPlace) request.headers.delete('authorization')
    return request
  },
  async onResponse({ request, response }) {
    const token = request.headers.get('authorization')?.replace('Bearer ', '')
    if (response.ok) return tokenWasAccepted(token)
    const body: unknown = await response.json().catch(() => undefined)
    if (refusesToken(response.status, body)) tokenWasRefused(token, body)
    throw errorOf(response.status, body)
  },
  onError({ error }) {
    // The caller aborted it: that says nothing about the connection.
    if (error instanceof DOMException && error.name === 'AbortError') return
    return new ApiError(0, 'OFFLINE', '')
  },
}

const client = createClient<paths>({
  baseUrl: window.location.origin,
  fetch: async request => (await takeAnswer(request)) ?? fetch(request),
})
client.use(refusals)

/** The API. Every call returns the data or throws ApiError. */
export const api = client

/** Returns the data of an answer. Throws for an answer without any, which the API gives only where its types say so. */
export async function dataOf<T>(answer: Promise<{ data?: T }>): Promise<NonNullable<T>> {
  const { data } = await answer
  if (data === undefined || data === null) throw new ApiError(0, 'EMPTY_ANSWER', '')
  return data
}

/** What the API returns instead of what was asked for (RFC 9457). */
type Problem = components['schemas']['Problem']

/** A request that was refused, or that got no answer: then `status` is 0 and `code` is `OFFLINE`. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly problem: Problem | undefined

  constructor(status: number, code: string, message: string, problem?: Problem) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.code = code
    this.problem = problem
  }
}

/** Returns the error of an answer. What is no problem document came from something between us and the server. */
export function errorOf(status: number, body: unknown): ApiError {
  if (isProblem(body)) return new ApiError(status, body.code, body.detail, body)
  return new ApiError(status, `HTTP_${status}`, '')
}

function isProblem(body: unknown): body is Problem {
  return typeof body === 'object' && body !== null && 'code' in body && 'detail' in body
}

/** Returns the code of any error: of an answer, or of a program's mistake. */
export function codeOf(error: unknown): string {
  return error instanceof ApiError ? error.code : 'UNEXPECTED'
}

/**
 * The first requests wait until the stream of events is open: it reports what changes after their answers, and nothing has to be read
 * twice. Where there is no stream they wait only a moment.
 */

/** Milliseconds. */
const longestWaitMs = 250

let hasAsked = false
let isWaiting = false
let release: () => void = () => undefined
const released = new Promise<void>(resolve => {
  release = resolve
})

/** Await it before a request is sent. */
async function mayAsk(): Promise<void> {
  if (!isWaiting) setTimeout(release, longestWaitMs)
  isWaiting = true
  await released
  hasAsked = true
}

/** Lets the first requests go: the stream is open, or refused. Returns whether something was read before, and may have changed unreported. */
export function streamStands(): boolean {
  release()
  dropAnswers()
  return hasAsked
}
