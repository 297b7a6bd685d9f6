/** What the processes that share the store can run, as they last said. */
import type { Clock } from '../runtime/clock.ts'
import type { NodeState, Store } from '../store/store.ts'
import type { ResolvedTask } from '../task/definition.ts'

/** Milliseconds for which an answer of the store is used. */
const keptForMs = 2_000

/** The other processes, as far as they can run what this one cannot. */
export interface Peers {
  /**
   * Returns whether a live process runs tasks of a type with parameters of a version, as the store last said. Where the store fails, what it
   * said before. Never rejects.
   */
  canRun(taskType: string, version: number): Promise<boolean>
  /** Returns when such a process was last known to live, by the clock of the store; undefined where none was. */
  lastSeen(taskType: string, version: number): number | undefined
}

/** Returns what each of the task types can run: the newest version of its parameters, by type. */
export function runnableTypes(tasks: ReadonlyMap<string, ResolvedTask>): Record<string, number> {
  return Object.fromEntries([...tasks].map(([type, { parametersVersion }]) => [type, parametersVersion]))
}

/** Returns the peers of a process. They are asked for only when something comes that it cannot run. */
export function createPeers({ nodes, tasks }: Pick<Store, 'nodes' | 'tasks'>, clock: Clock): Peers {
  let readAt = Number.NEGATIVE_INFINITY
  let reading: Promise<void> | undefined
  /** When a live process was last known that runs a type, by the version of its parameters. */
  const seen = new Map<string, Map<number, number>>()
  let live: readonly NodeState[] = []

  async function read(): Promise<void> {
    try {
      live = (await nodes?.list()) ?? []
      const now = tasks.now()
      for (const { types = {} } of live)
        for (const [type, version] of Object.entries(types))
          seen.set(type, (seen.get(type) ?? new Map<number, number>()).set(version, now))
    } catch {
      // What was known stands. The store says by every other way that it is away.
    }
    readAt = clock.monotonic()
    reading = undefined
  }

  return {
    async canRun(taskType, version) {
      if (clock.monotonic() - readAt > keptForMs) {
        reading ??= read()
        await reading
      }
      return live.some(({ types = {} }) => (types[taskType] ?? Number.NEGATIVE_INFINITY) >= version)
    },
    lastSeen(taskType, version) {
      const times = [...(seen.get(taskType) ?? [])].flatMap(([known, at]) => (known >= version ? at : []))
      return times.length === 0 ? undefined : Math.max(...times)
    },
  }
}
