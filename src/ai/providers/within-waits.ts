import type { Clock } from '../../runtime/clock.ts'
import type { ModelError } from '../model-error.ts'
import type { ModelTimeouts } from './config.ts'
import { plainError } from './messages.ts'

/** What a call can do with its waits. */
export interface Waits {
  /** Ends the connection. Aborted without a reason: with one, the SDK takes the abort for an error of the connection. */
  readonly stop: AbortSignal
  /** A stretch of the answer arrived. */
  arrived(): void
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
  // A connection may not hear that it is to end; nobody waits for it then.
  const stopped = new Promise<never>((_, reject) => {
    stop.signal.addEventListener('abort', () => reject(stop.signal.reason), { once: true })
  })
  try {
    const result = await Promise.race([run({ stop: stop.signal, arrived: deadlines.arrived }), stopped])
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
  return plainError('MODEL_STALLED', model, ` It had ${ms} ms (timeouts.${wait}).`, { wait, ms })
}

/** The three waits of a call. `missed` is the one that was too long. */
interface Deadlines {
  /** A stretch of the answer arrived. */
  arrived(): void
  end(): void
  readonly missed: keyof ModelTimeouts | undefined
}

/** Watches the waits of one call from now on, and calls back once when one is too long. */
function watchDeadlines(timeouts: ModelTimeouts, clock: Clock, onMissed: () => void): Deadlines {
  let missed: keyof ModelTimeouts | undefined
  let cancelTotal: (() => void) | undefined
  let cancelStretch: (() => void) | undefined
  const end = () => {
    cancelTotal?.()
    cancelStretch?.()
  }
  const wait = (name: keyof ModelTimeouts) =>
    clock.after(timeouts[name], () => {
      missed ??= name
      end()
      onMissed()
    })
  cancelTotal = wait('total')
  cancelStretch = wait('first')
  return {
    arrived() {
      if (missed !== undefined) return
      cancelStretch?.()
      cancelStretch = wait('idle')
    },
    end,
    get missed() {
      return missed
    },
  }
}
