import type { Clock } from '../../runtime/clock.ts'
import type { ModelTimeouts } from './config.ts'

/** The three waits of a call. `missed` is the one that was too long. */
export interface Deadlines {
  /** A stretch of the answer arrived. */
  heard(): void
  end(): void
  readonly missed: keyof ModelTimeouts | undefined
}

/** Watches the waits of one call from now on, and calls back once when one is too long. */
export function watchDeadlines(timeouts: ModelTimeouts, clock: Clock, onMissed: () => void): Deadlines {
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
    heard() {
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
