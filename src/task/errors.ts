import type { ErrorCode } from './error-catalogue.ts'

export { type ErrorCode, errorCatalogue } from './error-catalogue.ts'

/** How the engine treats an error that ends an attempt; `design`: retryable is the default for an error without a class. */
export type ErrorClass = 'retryable' | 'rate-limited' | 'permanent' | 'timeout' | 'cancelled' | 'lease-lost'

/** What a record keeps of an error: plain data, never the object, so that no secret or manuscript rides along. */
export interface ErrorInfo {
  /** A code of the catalogue, or the code that a handler gave its own error. */
  code: string
  /** What was wrong and what to do, for a person. At most 2,000 characters. */
  message: string
  /** Whether trying again can help. */
  retryable: boolean
  errorClass: ErrorClass
  /** Class name of the error that the handler threw. */
  name?: string
  /** First lines of the stack; for operators only. */
  stack?: string
  /** Messages of the chain of causes, outermost first, at most five. */
  causes?: readonly string[]
  /** The limit that the task waits for; its place there is kept until the task comes back or ends, or its lane is paused. */
  limit?: string
  /** The units of cost that it asked for there. */
  limitCost?: number
  /** What the next call needs under the budget of the tree, which the task waits for. */
  need?: { tokens: number; cost?: number }
  /** When it was first seen, epoch milliseconds; of an error that several attempts in a row wait out. */
  since?: number
}

/** Returns an error without its stack, which is for operators alone. */
export function withoutStack({ stack: _, ...info }: ErrorInfo): Omit<ErrorInfo, 'stack'> {
  return info
}

/** Returns what a record keeps of an error by itself, without a stack or causes. */
export function plainError(code: string, message: string, errorClass: ErrorClass): ErrorInfo {
  const retryable = errorClass !== 'permanent' && errorClass !== 'cancelled'
  return { code, message, retryable, errorClass }
}

/** The base of every error of the product: a code, a message that says what to do, optional details as plain data. */
export class QuillworkError extends Error {
  readonly code: ErrorCode
  readonly details: Readonly<Record<string, unknown>> | undefined

  constructor(
    code: ErrorCode,
    message: string,
    options?: { cause?: unknown; details?: Record<string, unknown> },
  ) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.code = code
    this.details = options?.details
  }
}

/** Thrown by a handler: trying again cannot help. The task ends FAILED with an open dead letter. */
export class PermanentError extends Error {
  readonly code: string

  constructor(message: string, options?: { code?: string; cause?: unknown }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'PermanentError'
    this.code = options?.code ?? 'HANDLER_FAILED'
  }
}

type BudgetWait = Required<Pick<ErrorInfo, 'need' | 'since'>>

/** Thrown by a handler: end this attempt, run again at `until` (epoch milliseconds), spend no retry. */
export class SnoozeError extends Error {
  readonly until: number
  readonly code: 'RATE_LIMITED' | 'BUDGET_EXHAUSTED'
  /** The limit that is waited for, if it is one. */
  readonly limit: string | undefined
  /** The units of cost that it asked for there. */
  readonly limitCost: number | undefined
  /** What is waited for under the budget of the tree, and since when (epoch milliseconds), if it is that. */
  readonly budget: BudgetWait | undefined

  constructor(
    until: number,
    message: string,
    options?: { limit?: string; limitCost?: number; budget?: BudgetWait },
  ) {
    super(message)
    this.name = 'SnoozeError'
    this.until = until
    this.limit = options?.limit
    this.limitCost = options?.limitCost
    this.budget = options?.budget
    this.code = this.budget === undefined ? 'RATE_LIMITED' : 'BUDGET_EXHAUSTED'
  }
}

/** Rejection of `handle.result()`: the task ended without a result, or was cancelled. */
export class TaskFailedError extends QuillworkError {
  readonly taskId: string
  readonly status: 'FAILED' | 'DEAD_LETTER' | 'CANCELLED'
  readonly errorInfo: ErrorInfo

  constructor(taskId: string, status: 'FAILED' | 'DEAD_LETTER' | 'CANCELLED', errorInfo: ErrorInfo) {
    const code = status === 'CANCELLED' ? 'TASK_CANCELLED' : 'TASK_FAILED'
    super(code, `Task ${taskId} ended ${status}: ${errorInfo.message}`)
    this.taskId = taskId
    this.status = status
    this.errorInfo = errorInfo
  }
}

/** Whether the store was closed, or lost what it took, and takes nothing any more. */
export function isClosed(error: unknown): boolean {
  return error instanceof QuillworkError && ['STORE_CLOSED', 'STORE_DAMAGED'].includes(error.code)
}
