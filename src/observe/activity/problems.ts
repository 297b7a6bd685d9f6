/** What is wrong right now, the worst first, as an operator would want to know it at three in the morning. */
import type { EngineHealth, EngineSettings, LaneDetails } from '../../index.ts'
import type { NodeState } from '../../store/store.ts'
import { defined } from '../../task/defined.ts'

/** Every kind of problem, the worst first. */
export const problemKinds = [
  'store-away',
  'broker-away',
  'broker-blocked',
  'broker-problem',
  'no-maintenance',
  'sweep-late',
  'lane-paused',
  'lane-without-worker',
  'lane-waits-long',
  'dead-letters',
  'loop-late',
] as const

/** One thing that is wrong. */
export interface Problem {
  kind: (typeof problemKinds)[number]
  /** The lane that it is about. */
  lane?: string
  /** Tasks that wait, or dead letters that are new. */
  count?: number
  /** How long: the wait of the task that is next, the time since the last sweep, how late the event loop was. */
  ms?: number
  /** What a part reports, in English. */
  text?: string
}

/** A task that waits for longer, although its lane is open, is a problem. Milliseconds. */
export const waitsLongMs = 600_000
/** An event loop that is later is a problem: streams and heartbeats are then late too. Milliseconds. */
const loopLateMs = 250

/** What is looked at. Parts that did not answer are undefined. */
export interface Looked {
  now: number
  settings: Pick<EngineSettings, 'sweepIntervalMs' | 'roles'>
  health: EngineHealth | undefined
  lanes: readonly LaneDetails[] | undefined
  /** The processes, where several share the store. */
  nodes: readonly NodeState[] | undefined
  /** Dead letters that were opened within the last hour. */
  deadLetters: number
  loopDelayMs: number
}

/** Returns what is wrong, the worst first. */
export function problemsOf(looked: Looked): Problem[] {
  const found: Problem[] = [
    ...storeProblems(looked),
    ...brokerProblems(looked.health?.broker),
    ...upkeepProblems(looked),
    ...(looked.lanes ?? []).flatMap(lane => laneProblems(lane, looked.now)),
    ...(looked.deadLetters > 0 ? [{ kind: 'dead-letters', count: looked.deadLetters } as const] : []),
    ...(looked.loopDelayMs > loopLateMs ? [{ kind: 'loop-late', ms: looked.loopDelayMs } as const] : []),
  ]
  const rank = ({ kind }: Problem) => problemKinds.indexOf(kind)
  return found.sort((one, other) => rank(one) - rank(other))
}

function storeProblems({ health }: Looked): Problem[] {
  if (health === undefined) return [{ kind: 'store-away' }]
  const { problem } = health.store
  return problem === undefined ? [] : [{ kind: 'store-away', text: problem }]
}

function brokerProblems(broker: EngineHealth['broker']): Problem[] {
  if (broker === undefined) return []
  if (!broker.connected) return [{ kind: 'broker-away' }]
  return [
    ...(broker.blocked ? [{ kind: 'broker-blocked' } as const] : []),
    ...broker.problems.map(text => ({ kind: 'broker-problem', text }) as const),
  ]
}

/** Sweeps that may be missing before it is a problem, and milliseconds beside them: as for `GET /readyz`. */
const sweepsMissed = 3
const sweepSpareMs = 10_000

function upkeepProblems({ settings, health, nodes }: Looked): Problem[] {
  const isKept =
    nodes?.some(({ roles }) => roles.includes('maintenance')) ?? settings.roles.has('maintenance')
  const ageMs = health?.sweepAgeMs ?? 0
  return [
    ...(isKept ? [] : [{ kind: 'no-maintenance' } as const]),
    ...(ageMs > sweepsMissed * settings.sweepIntervalMs + sweepSpareMs
      ? [{ kind: 'sweep-late', ms: Math.round(ageMs) } as const]
      : []),
  ]
}

/** One problem of a lane at most: the one that has to be solved first. */
function laneProblems({ lane, waiting, waitsFor, oldestWaitingAt }: LaneDetails, now: number): Problem[] {
  if (waiting === 0) return []
  const ms = oldestWaitingAt === undefined ? undefined : Math.max(0, Math.round(now - oldestWaitingAt))
  const about = defined({ lane, count: waiting, ms })
  if (waitsFor === 'paused') return [{ kind: 'lane-paused', ...about }]
  if (waitsFor === 'no-worker') return [{ kind: 'lane-without-worker', ...about }]
  return ms !== undefined && ms > waitsLongMs ? [{ kind: 'lane-waits-long', ...about }] : []
}
