import { z } from 'zod'
import type { Engine } from '../../engine/engine.ts'
import type { EngineHealth } from '../../engine/operate.ts'
import { atMost } from '../../runtime/at-most.ts'
import type { NodeState } from '../../store/store.ts'
import { QuillworkError } from '../../task/errors.ts'
import { routesOf } from '../route.ts'

/** The response of `GET /readyz` while tasks are accepted. */
export const readinessSchema = z.object({
  status: z
    .enum(['ready', 'degraded'])
    .describe('`degraded`: tasks are accepted, but something needs attention'),
  reasons: z.array(z.string()).describe('What is wrong, and what to do'),
  checks: z.object({
    store: z.object({
      kind: z.string(),
      clockOffsetMs: z.int().describe('How far the clock of the store is ahead of that of this machine'),
    }),
    broker: z
      .object({
        kind: z.string(),
        connected: z.boolean(),
        blocked: z.boolean().describe('It accepts no messages for now, because its memory or disk is low'),
        reconnects: z.int(),
        returned: z.int(),
        unconfirmed: z.int(),
      })
      .optional()
      .describe('Absent where workers are woken within the process'),
    waiting: z.object({
      oldestMs: z.int().describe('How long the next task that could run has waited'),
    }),
    outbox: z
      .object({ records: z.int(), lagMs: z.int() })
      .optional()
      .describe(
        'Records with events that are not published yet, counted up to 10,000, and the age of the oldest',
      ),
    sweep: z
      .object({ ageMs: z.int() })
      .optional()
      .describe('Time since the last sweep of this process; absent where another one sweeps'),
    processes: z
      .object({ seen: z.int(), workers: z.int(), maintenance: z.int() })
      .optional()
      .describe('Processes that share the store and sent a heartbeat within a minute'),
  }),
})

/** The readiness of a server. */
export type Readiness = z.output<typeof readinessSchema>

/** Longest time for a check, milliseconds. A probe gives up after some seconds, and an unreachable store may take longer to fail. */
const checkTimeoutMs = 3_000

/** How long an answer holds, milliseconds: anybody may ask, and each answer reads the store. */
const readinessMs = 1_000

const answers = new WeakMap<Engine, { readonly askedAt: number; readonly readiness: Promise<Readiness> }>()

/** Returns the readiness of an engine, at most a second old. Throws as `readinessOf`. */
function recentReadiness(engine: Engine): Promise<Readiness> {
  const last = answers.get(engine)
  const askedAt = performance.now()
  if (last !== undefined && askedAt - last.askedAt < readinessMs) return last.readiness
  const readiness = readinessOf(engine)
  answers.set(engine, { askedAt, readiness })
  return readiness
}

/** Returns the readiness of an engine. Throws STORE_FAILED, with the reason, while the store is unreachable. */
async function readinessOf(engine: Engine): Promise<Readiness> {
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
      broker,
      waiting: { oldestMs: Math.max(0, Math.round(now - oldest)) },
      outbox: backlog && {
        records: backlog.records,
        lagMs: Math.max(0, Math.round(now - (backlog.oldestAt ?? now))),
      },
      sweep: sweepAgeMs === undefined ? undefined : { ageMs: Math.round(sweepAgeMs) },
      processes: nodes && countProcesses(nodes),
    },
  }
}

/** Returns the number of processes, by role. */
function countProcesses(nodes: readonly NodeState[]) {
  const having = (role: string) => nodes.filter(({ roles }) => roles.includes(role)).length
  return { seen: nodes.length, workers: having('worker'), maintenance: having('maintenance') }
}

function brokerReasons(broker: EngineHealth['broker']): string[] {
  if (broker === undefined) return []
  const { connected, blocked, problems } = broker
  return [
    ...(connected ? [] : ['The broker is unreachable: tasks are accepted, and start once it is back.']),
    ...(blocked ? ['The broker accepts no messages for now, because its memory or disk is low.'] : []),
    ...problems,
  ]
}

/** Returns a reason where three sweeps are missing. */
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
          'No process rescues the tasks of crashed processes and runs schedules: start one with the role maintenance.',
        ]),
  ]
}

async function within<T>(answer: Promise<T>): Promise<T> {
  try {
    return await atMost(checkTimeoutMs, answer, () => {
      throw away(`no answer within ${checkTimeoutMs} ms`)
    })
  } catch (error) {
    throw error instanceof QuillworkError && error.code === 'STORE_FAILED' ? error : away(String(error))
  }
}

function away(why: string): QuillworkError {
  return new QuillworkError('STORE_FAILED', `The store does not answer: ${why}`)
}

const { get } = routesOf('server')
const open = { config: { open: true } }

/** Health, metrics and the description of the API. */
export const healthRoutes = [
  get('/healthz', {
    ...open,
    summary: 'Whether the process answers',
    sends: { 200: z.object({ status: z.literal('ok') }) },
    handle: async () => ({ status: 'ok' as const }),
  }),
  get('/readyz', {
    ...open,
    summary: 'Whether tasks are accepted, and what needs attention: store, broker, sweep, processes',
    description: 'An answer holds for a second.',
    sends: { 200: readinessSchema },
    refuses: ['STORE_FAILED'],
    handle: ({ engine }) => recentReadiness(engine),
  }),
  get('/v1/proof', {
    ...open,
    summary: 'Prove to a command on this machine that this is the server of its data directory',
    description:
      'The proof is the HMAC-SHA-256 of `quillwork server proof`, the address of the server and the nonce, each on a line, with the token in ' +
      'the data directory as the key. A command checks it on each connection, before it sends anything else.',
    querystring: z.strictObject({
      nonce: z.string().regex(/^[\w-]{22,128}$/, 'Give 22 to 128 letters, digits, - or _, at random.'),
    }),
    sends: { 200: z.object({ proof: z.string() }) },
    refuses: ['ROUTE_NOT_FOUND'],
    handle: async ({ prove }, { query }) => {
      const proof = prove?.(query.nonce)
      if (proof !== undefined) return { proof }
      throw new QuillworkError('ROUTE_NOT_FOUND', 'This server has no data directory.')
    },
  }),
  get('/metrics', {
    summary: 'Metrics in the text format of Prometheus',
    needs: 'operate',
    config: { showsAll: true },
    sends: { 200: { description: 'Metrics', content: { 'text/plain': { schema: z.string() } } } },
    handle: async ({ metrics }, _request, reply) => {
      reply.type(metrics.contentType)
      return metrics.text()
    },
  }),
  get('/v1/openapi.json', {
    summary: 'This description of the API',
    sends: { 200: z.record(z.string(), z.unknown()) },
    handle: (_context, { server }) => server.describe(),
  }),
  get('/v1/asyncapi.json', {
    summary: 'The messages of the broker that other services may read, as AsyncAPI',
    sends: { 200: z.record(z.string(), z.unknown()) },
    refuses: ['ROUTE_NOT_FOUND'],
    handle: async ({ asyncApi }) => {
      if (asyncApi !== undefined) return asyncApi as Record<string, unknown>
      throw new QuillworkError(
        'ROUTE_NOT_FOUND',
        'This server has no broker: its tasks stay within the process.',
      )
    },
  }),
]
