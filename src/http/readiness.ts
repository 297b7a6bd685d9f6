import { z } from 'zod'
import type { Engine } from '../engine/engine.ts'
import type { EngineHealth } from '../engine/operate.ts'
import { atMost } from '../runtime/at-most.ts'
import type { NodeState } from '../store/store.ts'
import { QuillworkError } from '../task/errors.ts'

/** What `GET /readyz` answers while tasks are taken. */
export const readinessSchema = z.object({
  status: z.enum(['ready', 'degraded']).describe('`degraded`: tasks are taken, but something needs a look'),
  reasons: z.array(z.string()).describe('What is not as it should be, and what to do'),
  checks: z.object({
    store: z.object({
      kind: z.string(),
      clockOffsetMs: z.int().describe('How far the clock of the store is ahead of this machine’s'),
    }),
    broker: z
      .object({
        kind: z.string(),
        connected: z.boolean(),
        blocked: z.boolean().describe('It takes no messages for now: its memory or disk is low'),
        reconnects: z.int(),
        returned: z.int(),
        unconfirmed: z.int(),
      })
      .optional()
      .describe('Absent where workers are woken within the process'),
    waiting: z.object({
      oldestMs: z.int().describe('How long the task has waited that could run and is next in turn'),
    }),
    outbox: z
      .object({ records: z.int(), lagMs: z.int() })
      .optional()
      .describe(
        'Records with events that others were not told of yet, to 10,000, and since when the oldest waits',
      ),
    sweep: z
      .object({ ageMs: z.int() })
      .optional()
      .describe('Since the last sweep of this process; absent where another one sweeps'),
    processes: z
      .object({ seen: z.int(), workers: z.int(), maintenance: z.int() })
      .optional()
      .describe('Processes that share the store and gave a sign of life within a minute'),
  }),
})

/** How ready a server is. */
export type Readiness = z.output<typeof readinessSchema>

/** Whoever probes gives up after some seconds, and a store that is away may take longer to say so. */
const patienceMs = 3_000

/** Asks the parts of an engine how they are. Throws STORE_FAILED, with the reason, while the store is away. */
export async function readinessOf(engine: Engine): Promise<Readiness> {
  const health = await within(engine.health())
  if (health.store.problem !== undefined) throw away(health.store.problem)
  const { nodes: nodeStore, events } = engine.store
  const [lanes, nodes, backlog] = await within(
    Promise.all([engine.lanes.list(), nodeStore?.list(), events?.backlog()]),
  )
  const { store, broker, sweepAgeMs } = health
  const now = engine.store.tasks.now()
  const oldest = Math.min(...lanes.map(({ oldestWaitingAt }) => oldestWaitingAt ?? now))
  const reasons = [
    ...brokerReasons(broker),
    ...sweepReasons(sweepAgeMs, engine.settings.sweepIntervalMs),
    ...processReasons(nodes),
  ]
  return {
    status: reasons.length === 0 ? 'ready' : 'degraded',
    reasons,
    checks: {
      store: { kind: store.kind, clockOffsetMs: Math.round(now - Date.now()) },
      ...(broker === undefined ? {} : { broker }),
      waiting: { oldestMs: Math.max(0, Math.round(now - oldest)) },
      ...(backlog === undefined
        ? {}
        : {
            outbox: {
              records: backlog.records,
              lagMs: Math.max(0, Math.round(now - (backlog.oldestAt ?? now))),
            },
          }),
      ...(sweepAgeMs === undefined ? {} : { sweep: { ageMs: Math.round(sweepAgeMs) } }),
      ...(nodes === undefined ? {} : { processes: countProcesses(nodes) }),
    },
  }
}

/** Counts the processes that were seen, by what they do. */
function countProcesses(nodes: readonly NodeState[]) {
  const having = (role: string) => nodes.filter(({ roles }) => roles.includes(role)).length
  return { seen: nodes.length, workers: having('worker'), maintenance: having('maintenance') }
}

function brokerReasons(broker: EngineHealth['broker']): string[] {
  if (broker === undefined) return []
  const { connected, blocked, problems } = broker
  return [
    ...(connected ? [] : ['The broker is away: tasks are taken, and start once it is back.']),
    ...(blocked ? ['The broker takes no messages for now: its memory or disk is low.'] : []),
    ...problems,
  ]
}

/** A sweep may take a moment; three that did not come are no moment. */
function sweepReasons(ageMs: number | undefined, sweepMs: number): string[] {
  if (ageMs === undefined || ageMs < 3 * sweepMs + 10_000) return []
  return [`The last sweep of this process was ${Math.round(ageMs / 1_000)} s ago; see its log.`]
}

function processReasons(nodes: readonly NodeState[] | undefined): string[] {
  if (nodes === undefined) return []
  const { workers, maintenance } = countProcesses(nodes)
  return [
    ...(workers > 0 ? [] : ['No process runs tasks: start one with the role worker.']),
    ...(maintenance > 0
      ? []
      : [
          'No process rescues tasks of crashed ones and ticks schedules: start one with the role maintenance.',
        ]),
  ]
}

async function within<T>(answer: Promise<T>): Promise<T> {
  try {
    return await atMost(patienceMs, answer, () => {
      throw away(`no answer within ${patienceMs} ms`)
    })
  } catch (error) {
    throw error instanceof QuillworkError && error.code === 'STORE_FAILED' ? error : away(String(error))
  }
}

function away(why: string): QuillworkError {
  return new QuillworkError('STORE_FAILED', `The store does not answer: ${why}`)
}
