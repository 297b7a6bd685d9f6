/** One of many that it could not be done to. */
export interface Failure<T> {
  readonly item: T
  readonly error: unknown
}

/** How far a run over many is. */
export interface RunProgress<T> {
  readonly total: number
  readonly done: number
  readonly failures: readonly Failure<T>[]
}

/** Requests at a time: quick enough for hundreds, and never in the way of what the page itself asks for. */
const atATime = 4

/**
 * Does something to each of many, a few at a time. One that fails does not keep the others. When the signal fires no more are begun.
 * Resolves with what became of them.
 */
export async function runForEach<T>(
  items: readonly T[],
  act: (item: T) => Promise<unknown>,
  options: { signal: AbortSignal; onProgress: (progress: RunProgress<T>) => void },
): Promise<RunProgress<T>> {
  const failures: Failure<T>[] = []
  let done = 0
  const progress = (): RunProgress<T> => ({ total: items.length, done, failures: [...failures] })
  const left = items.values()
  const work = async () => {
    for (const item of left) {
      if (options.signal.aborted) return
      try {
        await act(item)
        done += 1
      } catch (error) {
        failures.push({ item, error })
      }
      options.onProgress(progress())
    }
  }
  await Promise.all(Array.from({ length: atATime }, work))
  return progress()
}
