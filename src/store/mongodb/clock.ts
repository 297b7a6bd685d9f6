/** The server's time as this process knows it: learnt now and then, carried on by a clock that only ever grows. */

/** Milliseconds between two looks at the server's clock. */
const learnEveryMs = 30_000

/** The server's time. */
export interface ServerClock {
  /** Epoch milliseconds. The process's own clock may jump; this one does not follow. */
  now(): number
  /** Learns the time, and from then on again and again. Rejects when the server cannot be asked. */
  start(): Promise<void>
  stop(): void
}

/** @param ask Asks the server for its time. */
export function createServerClock(ask: () => Promise<Date>): ServerClock {
  let offset: number | undefined
  let timer: NodeJS.Timeout | undefined

  async function learn(): Promise<void> {
    const asked = performance.now()
    const time = await ask()
    offset = time.getTime() - (asked + performance.now()) / 2
  }

  return {
    now: () => (offset === undefined ? Date.now() : Math.floor(offset + performance.now())),
    async start() {
      await learn()
      clearInterval(timer)
      // A look that fails changes nothing: the last one is still good.
      timer = setInterval(() => void learn().catch(() => undefined), learnEveryMs)
      timer.unref()
    },
    stop: () => clearInterval(timer),
  }
}

/** A clock that somebody else moves. */
export function injectedClock(now: () => number): ServerClock {
  return { now, start: async () => undefined, stop: () => undefined }
}
