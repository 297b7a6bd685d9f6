import type { components } from './schema.ts'

/** What the API answers instead of what was asked for (RFC 9457). */
export type Problem = components['schemas']['Problem']

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

/** The error of an answer. What is no problem document came from something between us and the server. */
export function errorOf(status: number, body: unknown): ApiError {
  if (isProblem(body)) return new ApiError(status, body.code, body.detail, body)
  return new ApiError(status, `HTTP_${status}`, '')
}

function isProblem(body: unknown): body is Problem {
  return typeof body === 'object' && body !== null && 'code' in body && 'detail' in body
}

/** The code of any error: of an answer, or of a program's mistake. */
export function codeOf(error: unknown): string {
  return error instanceof ApiError ? error.code : 'UNEXPECTED'
}
