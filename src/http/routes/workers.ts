import { z } from 'zod'
import { routesOf } from '../route.ts'
import { named, time } from '../schemas/fields.ts'

const attemptSchema = z.object({
  taskId: z.string(),
  taskType: z.string(),
  lane: z.string(),
  attempt: z.int(),
  startedAt: time,
})

const workerSchema = named(
  'Worker',
  z.object({
    nodeId: z.string().describe('Differs at each start of the process'),
    roles: z
      .array(z.string())
      .describe('`worker`, `maintenance`; empty for a process that only submits and reads'),
    version: z.string().optional().describe('Of Quillwork; absent where its build does not say'),
    lanes: z.record(z.string(), z.int()).describe('Worker slots by lane'),
    types: z
      .record(z.string(), z.int())
      .optional()
      .describe(
        'The newest version of the parameters that it runs, by task type; absent where its build does not say',
      ),
    running: z.int().describe('Attempts that it runs'),
    busy: z
      .record(z.string(), z.int())
      .optional()
      .describe('Of these by lane; a lane without any is left out'),
    attempts: z
      .array(attemptSchema)
      .optional()
      .describe(
        'What its slots run, the longest first, at most 200; of other processes by their last heartbeat. Absent where its build does not say',
      ),
    pid: z.int(),
    host: z.string(),
    startedAt: time,
    seenAt: time.describe('Its last heartbeat, by the clock of the store'),
  }),
)

/** The processes that share the store; for a store that one process owns, that process. */
export const workerRoutes = [
  routesOf('workers').get('/v1/workers', {
    summary: 'List the processes that share the store and sent a heartbeat within a minute',
    needs: 'operate',
    config: { showsAll: true },
    sends: { 200: z.object({ items: z.array(workerSchema) }) },
    refuses: ['STORE_FAILED'],
    handle: async ({ engine }) => ({ items: [...(await engine.processes())] }),
  }),
]
