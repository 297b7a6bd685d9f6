/** The server's time as this process knows it: learnt now and then, carried on by a clock that only ever grows. */

/** Milliseconds between two looks at the server's clock. */
const learnEveryMs = 30_000
/** An answer that took longer than this many milliseconds tells too little of when it was true: the last one is kept. */
const slowMs = 1_000

/** The server's time. */
export interface ServerClock {
  /** Epoch milliseconds. The process's own clock may jump; this one does not follow. */
  now(): number
  /** Learns the time, and from then on again and again. Rejects when the server cannot be asked. */
  start(): Promise<void>
  stop(): void
}

/** What the server told, and when it was asked and answered, as the process measures time. */
interface Reading {
  time: Date
  askedAt: number
  answeredAt: number
}

/**
 * @param ask Asks the server for its time.
 * @param send Runs a question, again when its answer was lost. What it takes beyond the question itself is not measured.
 */
export function createServerClock(
  ask: () => Promise<Date>,
  send: (question: () => Promise<Reading>) => Promise<Reading>,
): ServerClock {
  let offset: number | undefined
  let timer: NodeJS.Timeout | undefined

  async function read(): Promise<Reading> {
    const askedAt = performance.now()
    const time = await ask()
    return { time, askedAt, answeredAt: performance.now() }
  }

  async function learn(): Promise<void> {
    const { time, askedAt, answeredAt } = await send(read)
    const tookMs = answeredAt - askedAt
    if (tookMs <= slowMs) offset = time.getTime() - (answeredAt - tookMs / 2)
    // Nobody knows on which way it was slow. Taken as told a moment ago, it is never ahead of the server.
    else offset ??= time.getTime() - answeredAt
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
