import type { components } from './schema.ts'

/** What the API returns instead of what was asked for: problem details (RFC 9457). */
export type Problem = components['schemas']['Problem']

/** A request that was refused, or got no answer. */
export class ApiError extends Error {
  /** The HTTP status; 0 where there was no answer. */
  readonly status: number
  /** A code of the list of errors, such as `TASK_NOT_FOUND`; `SERVER_UNREACHABLE` where there was no answer, `WAIT_TIMEOUT` where a wait was too long. */
  readonly code: string
  /** What the server sent. */
  readonly problem: Problem | undefined
  /** When to ask again, milliseconds from now, where the server said so. */
  readonly retryAfterMs: number | undefined

  constructor(
    said: { status: number; code: string; message: string; problem?: Problem; retryAfterMs?: number },
    cause?: unknown,
  ) {
    super(said.message, cause === undefined ? undefined : { cause })
    this.name = 'ApiError'
    this.status = said.status
    this.code = said.code
    this.problem = said.problem
    this.retryAfterMs = said.retryAfterMs
  }

  /** Whether the same request may succeed later. */
  get isRetryable(): boolean {
    return this.problem?.retryable ?? (this.status === 0 || this.status >= 502)
  }
}

/** Returns the error of an answer that is no success. What is no problem document came from something between client and server. */
export async function errorOf(response: Response): Promise<ApiError> {
  const { status } = response
  const retryAfterMs = retryAfterOf(response)
  const after = retryAfterMs === undefined ? {} : { retryAfterMs }
  const body: unknown = await response.json().catch(() => undefined)
  if (isProblem(body))
    return new ApiError({ status, code: body.code, message: body.detail, problem: body, ...after })
  return new ApiError({ status, code: `HTTP_${status}`, message: `The server answered ${status}.`, ...after })
}

/** Returns the time of a Retry-After header, milliseconds; undefined without one. */
export function retryAfterOf({ headers }: Response): number | undefined {
  const seconds = headers.get('retry-after')
  return seconds !== null && /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1_000 : undefined
}

function isProblem(body: unknown): body is Problem {
  return typeof body === 'object' && body !== null && 'code' in body && 'detail' in body
}

/** Returns the error of a request that got no answer. Throws the reason of the signal where that ended the request. */
export function unreachable(cause: unknown, url: string, signal?: AbortSignal | null): ApiError {
  signal?.throwIfAborted()
  const message = `The server at ${url} does not answer.`
  return new ApiError({ status: 0, code: 'SERVER_UNREACHABLE', message }, cause)
}
