/** A look that is worth taking now and then although nothing is known to be there: at most once in `ms`. */
export interface Period {
  /** Whether it is time; the next period begins then. */
  isOver(): boolean
}

/** @param now The store's clock, which tests move; real time counts as well, so that a clock that stands still stops nothing. */
export function createPeriod(ms: number, now: () => number): Period {
  let seen = Number.NEGATIVE_INFINITY
  let told = Number.NEGATIVE_INFINITY
  return {
    isOver() {
      const real = performance.now()
      const store = now()
      if (real - seen < ms && Math.abs(store - told) < ms) return false
      seen = real
      told = store
      return true
    },
  }
}
