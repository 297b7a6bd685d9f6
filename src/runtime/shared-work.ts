/** Work that clients wait for. */
export interface SharedWork<T> {
  /**
   * Returns what the work of this key resolves to. Who asks for the key of work that waits or runs shares it. Rejects with what the work
   * rejects with, and with the reason of the signal, which means that the client has left; the work's own signal is aborted once all have.
   */
  join(key: string, work: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T>
}

interface Job<T> {
  readonly result: Promise<T>
  readonly left: AbortController
  clients: number
}

/** Returns a queue of work, of which at most `atOnce` run at a time, the longest waiting first. */
export function createSharedWork<T>(atOnce: number): SharedWork<T> {
  const jobs = new Map<string, Job<T>>()
  const waiting: (() => void)[] = []
  let running = 0

  /** A place that is free goes to the next one that waits, without being given up in between. */
  async function run(work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    if (running < atOnce) running += 1
    else await new Promise<void>(resolve => waiting.push(resolve))
    try {
      signal.throwIfAborted()
      return await work(signal)
    } finally {
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }

  function begin(key: string, work: (signal: AbortSignal) => Promise<T>): Job<T> {
    const left = new AbortController()
    const job = { result: run(work, left.signal), left, clients: 0 }
    jobs.set(key, job)
    const forget = () => {
      if (jobs.get(key) === job) jobs.delete(key)
    }
    left.signal.addEventListener('abort', forget)
    job.result.then(forget, forget)
    return job
  }

  return {
    async join(key, work, signal) {
      signal?.throwIfAborted()
      const job = jobs.get(key) ?? begin(key, work)
      job.clients += 1
      try {
        return await (signal === undefined ? job.result : Promise.race([job.result, abortOf(signal)]))
      } finally {
        job.clients -= 1
        if (job.clients === 0) job.left.abort(signal?.reason)
      }
    },
  }
}

function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
