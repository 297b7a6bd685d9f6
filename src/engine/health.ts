import type { BrokerHealth } from '../broker/broker.ts'
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

/** Asks the parts; a store that does not answer in time is told, not thrown. */
export async function healthOf(core: Core): Promise<EngineHealth> {
  const { store, broker } = core
  const remote = broker.remote?.health()
  return {
    store: { kind: store.kind, ...(await storeProblem(core)) },
    ...(remote === undefined ? {} : { broker: { kind: broker.kind, ...remote } }),
    ...(core.swept.at === 0 ? {} : { sweptAt: core.swept.at, sweepAgeMs: core.clock.now() - core.swept.at }),
    running: core.running.size,
    counts: core.counts,
  }
}

/** Whoever asks wants to know of the other parts too, and waits no longer than this, milliseconds. */
const answerWithinMs = 1_500

async function storeProblem({ store, clock }: Core): Promise<{ problem?: string }> {
  let cancelTimer = () => undefined as void
  const late = new Promise<{ problem: string }>(resolve => {
    const tell = () => resolve({ problem: `The store did not answer within ${answerWithinMs} ms.` })
    cancelTimer = clock.after(answerWithinMs, tell)
  })
  try {
    return await Promise.race([late, askStore(store)])
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) }
  } finally {
    cancelTimer()
  }
}

async function askStore(store: Core['store']): Promise<Record<string, never>> {
  // The smallest question: counting what waits may take long where much does.
  await store.queries.get([''])
  await store.takesWrites?.()
  return {}
}
