/** Work that must not see each other: any number of reads at once, or one write. */
export interface Turns {
  read<T>(work: () => Promise<T>): Promise<T>
  write<T>(work: () => Promise<T>): Promise<T>
}

/** Returns turns in the order of the calls: a write waits for the reads before it, and a read for the writes before it. */
export function createTurns(): Turns {
  let reads: Promise<unknown> = Promise.resolve()
  let writes: Promise<unknown> = Promise.resolve()
  return {
    read(work) {
      const done = writes.then(work)
      // What was read is not kept.
      reads = Promise.allSettled([reads, done]).then(() => undefined)
      return done
    },
    write(work) {
      const done = Promise.all([reads, writes]).then(work)
      writes = done.catch(() => undefined)
      return done
    },
  }
}
