import type { Attempt } from './attempt.ts'
import type { Core } from './core.ts'

/** The store refused a write: the attempt no longer holds its task. It gets its signal, for nothing that it does counts any more. */
export function foundStale(core: Core, attempt: Attempt): void {
  core.counts.fencedWrites += 1
  attempt.interrupt('lease-lost')
}
