import { z } from 'zod'
import type { Engine } from '../../engine/engine.ts'
import type { NodeState } from '../../store/store.ts'
import type { ApiContext, App } from '../context.ts'
import { named, time, timeText } from '../schemas/fields.ts'
import { problems } from '../schemas/problem.ts'

const workerSchema = named(
  'Worker',
  z.object({
    nodeId: z.string().describe('Differs at each start of the process'),
    roles: z
      .array(z.string())
      .describe('`worker`, `maintenance`; empty for a process that only submits and reads'),
    lanes: z.record(z.string(), z.int()).describe('Worker slots by lane'),
    running: z.int().describe('Attempts that it runs'),
    pid: z.int(),
    host: z.string(),
    startedAt: time.optional(),
    seenAt: time.describe('Its last heartbeat, by the clock of the store'),
  }),
)

const listSchema = {
  tags: ['workers'],
  summary: 'List the processes that share the store and sent a heartbeat within a minute',
  response: { 200: z.object({ items: z.array(workerSchema) }), ...problems('STORE_FAILED') },
}

/** Adds the processes that share the store; for a store that one process owns, that process. */
export function addWorkerRoutes(app: App, { engine }: ApiContext): void {
  app.get('/v1/workers', { schema: listSchema }, async () => ({ items: await workersOf(engine) }))
}

async function workersOf(engine: Engine): Promise<z.input<typeof workerSchema>[]> {
  const nodes = await engine.store.nodes?.list()
  return nodes === undefined ? [await thisProcess(engine)] : nodes.map(presentNode)
}

function presentNode({ startedAt, seenAt, roles, lanes, ...node }: NodeState) {
  return {
    ...node,
    roles: [...roles],
    lanes: { ...lanes },
    startedAt: timeText(startedAt),
    seenAt: timeText(seenAt),
  }
}

async function thisProcess({ settings, health, store }: Engine) {
  const { nodeId, roles, lanes } = settings
  return {
    nodeId,
    roles: [...roles],
    lanes: Object.fromEntries([...lanes].map(([lane, { slots }]) => [lane, slots])),
    running: (await health()).running,
    pid: process.pid,
    host: nodeId.slice(0, nodeId.lastIndexOf('-')),
    seenAt: timeText(store.tasks.now()),
  }
}
