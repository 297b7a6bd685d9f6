/** The processes that share a store, as an operator sees them: what each of them is, and what its slots run. */
import { version } from '../runtime/version.ts'
import type { NodeState, RunningAttempt } from '../store/store.ts'
import type { ResolvedTask } from '../task/definition.ts'
import type { Core } from './core.ts'

const startedAt = Date.now()

/** Attempts of a process that are named, the longest first. The others are counted. */
const mostNamed = 200

/** Returns what this process tells of itself. */
export function describeProcess(core: Core): Omit<NodeState, 'seenAt'> {
  const { nodeId, roles } = core.settings
  const isWorker = roles.has('worker')
  return {
    nodeId,
    roles: [...roles],
    lanes: isWorker ? Object.fromEntries(core.slots.all().map(({ lane, slots }) => [lane, slots])) : {},
    types: isWorker && core.started && !core.stopping ? runnableTypes(core.tasks) : {},
    running: core.running.size,
    busy: runningByLane(core),
    attempts: attemptsOf(core),
    startedAt,
    version,
    pid: process.pid,
    host: nodeId.slice(0, nodeId.lastIndexOf('-')),
  }
}

/** Returns the processes that sent a heartbeat within a minute. This one is shown as it is now, the others as of their last heartbeat. */
export async function processesOf(core: Core): Promise<readonly NodeState[]> {
  const found = (await core.store.nodes?.list()) ?? []
  const own = { ...describeProcess(core), seenAt: core.store.tasks.now() }
  const others = found.filter(({ nodeId }) => nodeId !== own.nodeId)
  return [...others, own].sort((one, other) => (one.nodeId < other.nodeId ? -1 : 1))
}

function attemptsOf({ running }: Pick<Core, 'running'>): RunningAttempt[] {
  return [...running.values()]
    .map(({ record }) => ({
      taskId: record.id,
      taskType: record.taskType,
      lane: record.lane,
      attempt: record.attempt,
      startedAt: record.lastAttemptTimestamp ?? record.updatedAt,
    }))
    .sort((one, other) => one.startedAt - other.startedAt)
    .slice(0, mostNamed)
}

/** Returns how many attempts this process runs, by lane; a lane without any is left out. */
export function runningByLane({ running }: Pick<Core, 'running'>): Record<string, number> {
  const lanes: Record<string, number> = {}
  for (const { record } of running.values()) lanes[record.lane] = (lanes[record.lane] ?? 0) + 1
  return lanes
}

/** Returns what each of the task types can run: the newest version of its parameters, by type. */
function runnableTypes(tasks: ReadonlyMap<string, ResolvedTask>): Record<string, number> {
  return Object.fromEntries([...tasks].map(([type, { parametersVersion }]) => [type, parametersVersion]))
}
