/** Time as a parameter: the engine asks this, never the system, so that tests move it by hand. */
export interface Clock {
  /** Wall time, epoch milliseconds. It may jump. */
  now(): number
  /** Milliseconds that only ever grow; for durations and leases. */
  monotonic(): number
  /** Calls back after `ms`. Returns a function that cancels the timer. A timer never keeps the process alive by itself. */
  after(ms: number, callback: () => void): () => void
  /** Keeps the process alive. Returns a function that lets it end. */
  stayAlive(): () => void
}

/** Longer waits are made of several: Node's timers overflow beyond 24.8 days. */
const longestTimer = 2_000_000_000

/** The clock of the system. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    let timer: NodeJS.Timeout
    const wait = (left: number) => {
      const part = Math.min(Math.max(0, left), longestTimer)
      timer = setTimeout(() => (left > part ? wait(left - part) : callback()), part)
      timer.unref()
    }
    wait(ms)
    return () => clearTimeout(timer)
  },
  stayAlive() {
    const timer = setInterval(() => undefined, longestTimer)
    return () => clearInterval(timer)
  },
}
