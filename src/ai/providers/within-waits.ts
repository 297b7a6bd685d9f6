import type { Clock } from '../../runtime/clock.ts'
import { ModelError } from '../model-error.ts'
import type { ModelTimeouts } from './config.ts'
import { watchDeadlines } from './deadlines.ts'
import { messageFor } from './messages.ts'

/** What a call can do with its waits. */
export interface Waits {
  /** Ends the connection. Aborted without a reason: with one, the SDK takes the abort for an error of the connection. */
  readonly stop: AbortSignal
  /** A stretch of the answer arrived. */
  heard(): void
}

/** How long a call may take, and who may end it. */
export interface WaitOptions {
  /** Id of the model. */
  readonly model: string
  readonly timeouts: ModelTimeouts
  readonly clock: Clock
  readonly signal: AbortSignal | undefined
}

/**
 * Runs one call and closes its connection at its end, however it ends. Rejects with the reason of the signal where that was aborted and
 * with `MODEL_STALLED` where a wait was too long, before all that either may have led to.
 */
export async function withinWaits<T>(options: WaitOptions, run: (waits: Waits) => Promise<T>): Promise<T> {
  const { model, timeouts, clock, signal } = options
  signal?.throwIfAborted()
  const stop = new AbortController()
  const close = () => stop.abort()
  const deadlines = watchDeadlines(timeouts, clock, close)
  const check = () => {
    signal?.throwIfAborted()
    if (deadlines.missed !== undefined) throw stalled(model, timeouts, deadlines.missed)
  }
  signal?.addEventListener('abort', close, { once: true })
  try {
    const result = await run({ stop: stop.signal, heard: deadlines.heard })
    check()
    return result
  } catch (error) {
    check()
    throw error
  } finally {
    deadlines.end()
    signal?.removeEventListener('abort', close)
    close()
  }
}

function stalled(model: string, timeouts: ModelTimeouts, wait: keyof ModelTimeouts): ModelError {
  const ms = timeouts[wait]
  return new ModelError(
    'MODEL_STALLED',
    `${messageFor('MODEL_STALLED', { model })} It had ${ms} ms (timeouts.${wait}).`,
    { details: { model, wait, ms } },
  )
}
