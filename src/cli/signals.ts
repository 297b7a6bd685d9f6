/** Ctrl-C and SIGTERM while a command runs that has something to end in order. */
export interface Signals extends Disposable {
  /** Fires at the first signal. */
  readonly asked: AbortSignal
  /** Resolves at the first signal. */
  readonly first: Promise<void>
  /** Resolves at the second signal. The third ends the process at once. */
  readonly second: Promise<void>
  /** 130 or 143, by the first signal. */
  readonly exitCode: number
}

const numbers = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const
type SignalName = keyof typeof numbers

/** Runners such as npm pass on a signal that the terminal has sent already. Within this time it counts as the same one, milliseconds. */
const sameMs = 100

/** Handles the signals of the process until it is disposed. */
export function listenForSignals(): Signals {
  const asking = new AbortController()
  const first = withResolvers()
  const second = withResolvers()
  let count = 0
  let lastAt = Number.NEGATIVE_INFINITY
  let exitCode = 0

  function onSignal(name: SignalName): void {
    const at = performance.now()
    if (at - lastAt < sameMs) return
    lastAt = at
    count += 1
    if (count === 1) {
      exitCode = 128 + numbers[name]
      asking.abort()
      first.resolve()
    } else if (count === 2) second.resolve()
    else process.exit(128 + numbers[name])
  }

  const names = Object.keys(numbers) as SignalName[]
  for (const name of names) process.on(name, onSignal)
  return {
    asked: asking.signal,
    first: first.promise,
    second: second.promise,
    get exitCode() {
      return exitCode
    },
    [Symbol.dispose]() {
      for (const name of names) process.off(name, onSignal)
    },
  }
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined
  const promise = new Promise<void>(done => {
    resolve = done
  })
  return { promise, resolve }
}
