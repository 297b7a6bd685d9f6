import createClient, { type Middleware } from 'openapi-fetch'
import { shownLanguage } from '../browser/preferences.ts'
import { mayAsk } from './first-requests.ts'
import { ApiError, errorOf } from './problem.ts'
import type { paths } from './schema.ts'
import { currentToken, tokenWasRefused } from './token.ts'

/** Headers that every request carries: who asks, and the language in which errors are explained. */
export function requestHeaders(): Record<string, string> {
  const token = currentToken()
  return {
    'accept-language': shownLanguage(),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  }
}

/** Throws ApiError for what is no success, so that a query or a mutation fails with it. */
const refusals: Middleware = {
  async onRequest({ request }) {
    await mayAsk()
    for (const [name, value] of Object.entries(requestHeaders())) request.headers.set(name, value)
    return request
  },
  async onResponse({ request, response }) {
    if (response.ok) return
    const body: unknown = await response.json().catch(() => undefined)
    if (response.status === 401)
      tokenWasRefused(request.headers.get('authorization')?.replace('Bearer ', '') ?? undefined)
    throw errorOf(response.status, body)
  },
  onError({ error }) {
    // An abort is the caller's own wish, and no news of the connection.
    if (error instanceof DOMException && error.name === 'AbortError') return
    return new ApiError(0, 'OFFLINE', '')
  },
}

const client = createClient<paths>({ baseUrl: window.location.origin })
client.use(refusals)

/** The API. Every call answers the data or throws ApiError. */
export const api = client

/** The data of an answer. Throws for an answer without any, which the API gives only where its types say so. */
export async function dataOf<T>(answer: Promise<{ data?: T }>): Promise<NonNullable<T>> {
  const { data } = await answer
  if (data === undefined || data === null) throw new ApiError(0, 'EMPTY_ANSWER', '')
  return data
}
