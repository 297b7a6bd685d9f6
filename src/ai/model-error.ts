import { type ErrorCode, QuillworkError } from '../task/errors.ts'

/** Codes of what can go wrong with a call of a model. */
export type ModelErrorCode = Extract<ErrorCode, `MODEL_${string}`>

/**
 * A call of a model that gave no whole answer. Holds neither the prompt nor the answer, and no key. `PaidCallOptions.onPartialUsage`
 * receives what the call used until then, of an aborted call too.
 */
export class ModelError extends QuillworkError {
  declare readonly code: ModelErrorCode
  /** When to ask again at the earliest, in milliseconds from now, where the provider said so. */
  readonly retryAfterMs?: number

  constructor(
    code: ModelErrorCode,
    message: string,
    { retryAfterMs, details }: { retryAfterMs?: number; details?: Record<string, unknown> } = {},
  ) {
    super(code, message, details === undefined ? undefined : { details })
    if (retryAfterMs !== undefined) this.retryAfterMs = retryAfterMs
  }
}
