import { defined } from './defined.ts'
import { type Duration, durationMs } from './duration.ts'
import { QuillworkError } from './errors.ts'

/** How often and when a failed attempt is tried again. */
export interface RetryPolicy {
  /** Attempts that may fail, the first included. */
  readonly maxAttempts: number
  /** Milliseconds before the first, second, ... retry; the last value serves all later ones. */
  readonly backoff: readonly number[]
  /** Share of the delay by which it is shortened or lengthened at random, 0 to 1. */
  readonly jitter: number
  /** Policies of lanes that have their own. */
  readonly inLanes?: Readonly<Record<string, RetryPolicy>>
}

/** What a task has of a policy of its own, in place of that of its type. */
export type OwnRetry = Partial<Omit<RetryPolicy, 'inLanes'>>

/** Five attempts; 15 s, 1 min, 5 min, 30 min between them, each up to a tenth shorter or longer. */
export const defaultRetryPolicy: RetryPolicy = {
  maxAttempts: 5,
  backoff: [15_000, 60_000, 300_000, 1_800_000],
  jitter: 0.1,
}

/** The default of a step that is tried again within its attempt: three times, after 1 s and 4 s. */
export const stepRetryPolicy: RetryPolicy = { maxAttempts: 3, backoff: [1_000, 4_000, 15_000], jitter: 0.1 }

/** What a task type may say of its retries. */
export interface RetryOptions {
  /**
   * Attempts that may fail, the first included; default 5. Two attempts that end with their process are not counted, for others ran beside
   * them; with 1 no attempt follows at all.
   */
  maxAttempts?: number
  /** Delays before the first, second, ... retry; the last serves all later ones. Default 15 s, 1 min, 5 min, 30 min. */
  backoff?: readonly Duration[]
  /** Share of a delay by which it varies at random, 0 to 1; default 0.1. */
  jitter?: number
  /** What holds in a lane instead, by its name: where a person waits, the first retries come sooner. What it leaves out is as above. */
  inLanes?: Readonly<Record<string, Omit<RetryOptions, 'inLanes'>>>
}

/** Returns the policy of a task type. Throws OPTION_INVALID for values that make no policy. */
export function retryPolicy(
  options: RetryOptions | undefined,
  base: RetryPolicy = defaultRetryPolicy,
): RetryPolicy {
  if (options === undefined) return base
  const maxAttempts = options.maxAttempts ?? base.maxAttempts
  const jitter = options.jitter ?? base.jitter
  if (!Number.isInteger(maxAttempts) || maxAttempts < 1) {
    const message = `retry.maxAttempts is ${maxAttempts}; give a whole number of at least 1.`
    throw new QuillworkError('OPTION_INVALID', message)
  }
  if (!(jitter >= 0 && jitter <= 1)) {
    throw new QuillworkError('OPTION_INVALID', `retry.jitter is ${jitter}; give a share between 0 and 1.`)
  }
  const backoff =
    options.backoff?.map((delay, index) => durationMs(delay, `retry.backoff[${index}]`)) ?? base.backoff
  if (backoff.length === 0)
    throw new QuillworkError('OPTION_INVALID', 'retry.backoff is empty; give at least one delay.')
  const policy = { maxAttempts, backoff, jitter }
  if (options.inLanes === undefined) return policy
  const own = Object.entries(options.inLanes).map(([lane, other]) => [lane, retryPolicy(other, policy)])
  return { ...policy, inLanes: Object.fromEntries(own) }
}

/** Returns what a task was given of a policy of its own, as it is stored. Throws OPTION_INVALID for values that make no policy. */
export function ownRetry(options: Omit<RetryOptions, 'inLanes'>): OwnRetry {
  const { maxAttempts, backoff, jitter } = retryPolicy(options)
  return defined({
    maxAttempts: options.maxAttempts === undefined ? undefined : maxAttempts,
    backoff: options.backoff === undefined ? undefined : backoff,
    jitter: options.jitter === undefined ? undefined : jitter,
  })
}

/** Returns the policy of a task: that of its type, or of the lane where the type has one for it, but for what the task was given itself. */
export function policyOf(
  policy: RetryPolicy,
  { lane, retry }: { lane: string; retry?: OwnRetry },
): RetryPolicy {
  const inLane = policy.inLanes?.[lane] ?? policy
  return retry === undefined ? inLane : { ...inLane, ...retry }
}

/**
 * Returns the milliseconds to wait before a retry.
 *
 * @param retry Which retry it is, from 1.
 * @param random A number in [0, 1) that spreads the retries of many tasks that failed together.
 */
export function backoffMs(policy: RetryPolicy, retry: number, random: number): number {
  const base = policy.backoff[Math.min(retry, policy.backoff.length) - 1] ?? 0
  return Math.round(base * (1 + policy.jitter * (2 * random - 1)))
}
