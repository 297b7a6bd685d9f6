import type { BrokerHealth } from '../broker/broker.ts'
import { atMost } from '../runtime/at-most.ts'
import { defined } from '../task/defined.ts'
import type { Core } from './core.ts'
import type { EngineCounts } from './counts.ts'

/** How the parts of an engine are doing. */
export interface EngineHealth {
  /** `problem` says what the store told; absent while it answers. */
  readonly store: { readonly kind: string; readonly problem?: string }
  /** Absent where the broker is in the process: then there is nothing that could be away. */
  readonly broker?: { readonly kind: string } & BrokerHealth
  /** When the last sweep of this process ended, epoch milliseconds; absent before the first, and where another process sweeps. */
  readonly sweptAt?: number
  /** Milliseconds since then, by the clock of this process. */
  readonly sweepAgeMs?: number
  /** Attempts that this process runs. */
  readonly running: number
  readonly counts: Readonly<EngineCounts>
}

/** Returns how the parts are doing; a store that does not answer in time is a problem in the answer, not an error. */
export async function healthOf(core: Core): Promise<EngineHealth> {
  const { store, broker } = core
  const remote = broker.remote?.health()
  return defined({
    store: defined({ kind: store.kind, problem: await storeProblem(core) }),
    broker: remote === undefined ? undefined : { kind: broker.kind, ...remote },
    sweptAt: core.swept.at === 0 ? undefined : core.swept.at,
    sweepAgeMs: core.swept.at === 0 ? undefined : core.clock.now() - core.swept.at,
    running: core.running.size,
    counts: core.counts,
  })
}

/** Milliseconds that the store has to answer: the caller wants to know of the other parts too. */
const answerWithinMs = 1_500

async function storeProblem({ store, clock }: Core): Promise<string | undefined> {
  const late = () => `The store did not answer within ${answerWithinMs} ms.`
  try {
    return await atMost(answerWithinMs, askStore(store), late, clock)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

async function askStore(store: Core['store']): Promise<undefined> {
  // The smallest question: counting what waits may take long where much does.
  await store.queries.get([''])
  await store.takesWrites?.()
}
