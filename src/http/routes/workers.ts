import { z } from 'zod'
import type { Engine } from '../../engine/engine.ts'
import { routesOf } from '../route.ts'
import { named, time } from '../schemas/fields.ts'

const workerSchema = named(
  'Worker',
  z.object({
    nodeId: z.string().describe('Differs at each start of the process'),
    roles: z
      .array(z.string())
      .describe('`worker`, `maintenance`; empty for a process that only submits and reads'),
    lanes: z.record(z.string(), z.int()).describe('Worker slots by lane'),
    types: z
      .record(z.string(), z.int())
      .optional()
      .describe(
        'The newest version of the parameters that it runs, by task type; absent where its build does not say',
      ),
    running: z.int().describe('Attempts that it runs'),
    pid: z.int(),
    host: z.string(),
    startedAt: time.optional(),
    seenAt: time.describe('Its last heartbeat, by the clock of the store'),
  }),
)

/** The processes that share the store; for a store that one process owns, that process. */
export const workerRoutes = [
  routesOf('workers').get('/v1/workers', {
    summary: 'List the processes that share the store and sent a heartbeat within a minute',
    sends: { 200: z.object({ items: z.array(workerSchema) }) },
    refuses: ['STORE_FAILED'],
    handle: async ({ engine }) => ({
      items: (await engine.store.nodes?.list()) ?? [await thisProcess(engine)],
    }),
  }),
]

async function thisProcess({ settings, health, store }: Engine) {
  const { nodeId, roles, lanes } = settings
  return {
    nodeId,
    roles: [...roles],
    // As the heartbeat of a process that shares its store says it.
    lanes: roles.has('worker')
      ? Object.fromEntries([...lanes].map(([lane, { slots }]) => [lane, slots]))
      : {},
    running: (await health()).running,
    pid: process.pid,
    host: nodeId.slice(0, nodeId.lastIndexOf('-')),
    seenAt: store.tasks.now(),
  }
}
