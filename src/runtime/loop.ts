import type { Clock } from './clock.ts'

/** A step that is repeated: when it is woken, and at the latest after its period. Never two at once. */
export interface Loop {
  /** Runs the step soon; asking many times before it runs is asking once. */
  wake(): void
  /** No further step begins; resolves when the one that runs has ended. */
  stop(): Promise<void>
}

/** Returns loops as one: they are woken and stopped together. */
export function together(loops: readonly Loop[]): Loop {
  return {
    wake() {
      for (const loop of loops) loop.wake()
    },
    async stop() {
      await Promise.all(loops.map(loop => loop.stop()))
    },
  }
}

/** How a loop runs. */
export interface LoopOptions {
  clock: Clock
  /** Milliseconds between steps without a wake-up; a step may name a shorter time for the next one. */
  everyMs: number
  /** Returns the milliseconds until it wants to run again, if sooner than the period; it must not reject. */
  step(): Promise<number | undefined>
}

/** Returns a loop; its first step runs when it is woken or after the period. */
export function startLoop({ clock, everyMs, step }: LoopOptions): Loop {
  let running: Promise<void> | undefined
  let again = false
  let stopped = false
  let cancelTimer = clock.after(everyMs, wake)

  async function run(): Promise<void> {
    let wait: number | undefined
    do {
      again = false
      wait = await step()
    } while (again && !stopped)
    running = undefined
    if (!stopped) cancelTimer = clock.after(Math.min(wait ?? everyMs, everyMs), wake)
  }

  function wake(): void {
    if (stopped) return
    again = true
    if (running !== undefined) return
    cancelTimer()
    running = run()
  }

  return {
    wake,
    async stop() {
      stopped = true
      cancelTimer()
      await running
    },
  }
}
