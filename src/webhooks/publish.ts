/**
 * Makes deliveries of ends. An end that this process sees becomes a task at once. What no process saw, because one died between the end and the task, is
 * found by a sweep over the tasks that ended since the last one. The idempotency key names the end and the webhook, so both make one task.
 */
import { randomUUID } from 'node:crypto'
import type { Clock, Engine, Logger, TaskRecord } from '../index.ts'
import { startLoop, together } from '../runtime/loop.ts'
import type { EndedTask } from '../store/store.ts'
import { endNames } from '../task/events.ts'
import { hasEnded } from '../task/status.ts'
import { deliverWebhook, testEvent } from './deliver.ts'
import { eventIdOf, webhookEventOf } from './event.ts'
import type { WebhookRecord } from './kinds.ts'
import { type Webhooks, wants } from './webhooks.ts'

type Submits = Pick<Engine, 'store' | 'submit' | 'events'>

/** How ends are published. */
export interface PublishOptions {
  engine: Submits
  webhooks: Webhooks
  log: Logger
  clock: Clock
  /** Whether this process sweeps; one of those that share a store must. */
  sweeps: boolean
  /** Milliseconds between sweeps, default 30,000; 5,000 between looks at the webhooks. */
  everyMs?: number
}

/** Milliseconds between two reads of the webhooks, which another process may change. */
const readEveryMs = 5_000
/** Ends that wait to be read; those beyond are left to the sweep. */
const mostSeen = 10_000
const perRead = 100
const perPage = 500
/** Deliveries submitted at a time: a page of ends may be for fifty webhooks. */
const mostSubmitted = 200
/** Milliseconds before the last sweep that are swept again: an end has the time of its write's beginning. */
const overlapMs = 60_000
/** Deliveries that are remembered, so that what is swept again is not submitted again. */
const mostMade = 50_000
const sweptEveryMs = 30_000

/** The publishing of ends. */
export interface Publishing {
  /** Sweeps now; resolves when it is done. Rejects with what the store threw. */
  sweep(): Promise<void>
  /** Reads the webhooks, and makes the deliveries of what was seen; resolves when they are made. */
  settle(): Promise<void>
  stop(): Promise<void>
}

/** Begins to publish the ends of tasks. */
export function publishEnds(options: PublishOptions): Publishing {
  const { engine, webhooks, log, clock, sweeps, everyMs = sweptEveryMs } = options
  const deliveries = createDeliveries(engine)
  const seen = new Set<string>()
  let active: readonly WebhookRecord[] = []

  const stopListening = [...new Set(Object.values(endNames))].map(name =>
    engine.events.on(name, ({ taskId, taskType, parentTaskId }) => {
      if (active.length === 0 || parentTaskId !== undefined || taskType === deliverWebhook.type) return
      if (seen.size >= mostSeen) return
      seen.add(taskId)
      seeing.wake()
    }),
  )

  async function settle(): Promise<void> {
    active = await webhooks.active()
    while (seen.size > 0) {
      const ids = [...seen].slice(0, perRead)
      for (const id of ids) seen.delete(id)
      if (active.length === 0) continue
      try {
        await deliveries.make(endedOf(await engine.store.queries.get(ids)), active)
      } catch (error) {
        // Tried again by the next step: an end that was written late has a time that no sweep goes back to.
        for (const id of ids) seen.add(id)
        throw error
      }
    }
  }

  const tried = (work: () => Promise<void>, failed: string) => async (): Promise<undefined> => {
    await work().catch(error => log.warn({ err: error }, failed))
  }
  const later = 'deliveries of webhooks not submitted; the sweep will retry'
  const seeing = startLoop({ clock, everyMs: readEveryMs, step: tried(settle, later) })
  const sweep = () => sweepEnds({ engine, webhooks, deliveries })
  const sweeping = startLoop({
    clock,
    everyMs,
    step: sweeps ? tried(sweep, 'sweep of webhooks failed; will retry') : async () => undefined,
  })
  const stopWatching = webhooks.onChange(() => seeing.wake())
  const loops = together([seeing, sweeping])
  loops.wake()
  return {
    sweep,
    settle,
    async stop() {
      for (const stop of [...stopListening, stopWatching]) stop()
      await loops.stop()
    },
  }
}

function endedOf(records: readonly (TaskRecord | undefined)[]): EndedTask[] {
  return records.flatMap(record => {
    if (record === undefined || !hasEnded(record.status) || record.completedAt === undefined) return []
    const { id: taskId, status, completedAt: endedAt, taskType, userId, lane } = record
    return [{ taskId, status, endedAt, taskType, userId, lane }]
  })
}

/** Makes the deliveries of ends, each once. */
function createDeliveries(engine: Pick<Engine, 'submit'>) {
  const made = new Set<string>()

  async function makeOne(task: EndedTask, { id: webhookId }: WebhookRecord): Promise<void> {
    const { taskId, endedAt } = task
    const eventId = eventIdOf(task)
    const idempotencyKey = `webhook:${webhookId}:${eventId}`
    if (made.has(idempotencyKey)) return
    const parameters = { webhookId, eventId, event: webhookEventOf(task.status), taskId, endedAt }
    await engine.submit(deliverWebhook, parameters, {
      ...sentFor(webhookId),
      idempotencyKey,
    })
    if (made.size >= mostMade) made.clear()
    made.add(idempotencyKey)
  }

  return {
    /** Rejects with what a submission was refused for, once all were tried. */
    async make(ended: readonly EndedTask[], active: readonly WebhookRecord[]): Promise<void> {
      const wanted = ended
        // A delivery tells of no delivery.
        .filter(({ taskType }) => taskType !== deliverWebhook.type)
        .flatMap(task =>
          active
            .filter(webhook => wants(webhook, webhookEventOf(task.status), task))
            .map(webhook => ({ task, webhook })),
        )
      const failures: unknown[] = []
      for (let from = 0; from < wanted.length; from += mostSubmitted) {
        const some = wanted.slice(from, from + mostSubmitted)
        const made = await Promise.allSettled(some.map(({ task, webhook }) => makeOne(task, webhook)))
        failures.push(...made.flatMap(each => (each.status === 'rejected' ? [each.reason] : [])))
      }
      if (failures.length > 0) throw failures[0]
    },
  }
}

/** Makes the deliveries of all ends since the last sweep began. Without webhooks nothing is read, and nothing written. */
async function sweepEnds({
  engine: { store },
  webhooks,
  deliveries,
}: Pick<PublishOptions, 'engine' | 'webhooks'> & {
  deliveries: ReturnType<typeof createDeliveries>
}): Promise<void> {
  const began = store.tasks.now()
  const active = await webhooks.active()
  if (active.length === 0) return
  const from = Math.max(
    (await webhooks.sweptUntil()) - overlapMs,
    Math.min(...active.map(({ since }) => since)),
  )
  let pageToken: string | undefined
  do {
    const page = await store.ended.since(from, { pageSize: perPage, ...(pageToken && { pageToken }) })
    await deliveries.make(page.items, active)
    pageToken = page.nextPageToken
  } while (pageToken !== undefined)
  // Where another process swept meanwhile, its time is as good.
  await webhooks.noteSwept(began)
}

/** Returns whose the deliveries to a webhook are, and their tag. Each has its own user, so that a receiver that is away holds up no other. */
function sentFor(webhookId: string) {
  const name = `webhook:${webhookId}`
  return { userId: name, tags: [name] }
}

/** Submits the delivery of a test event, and returns the id of its task. */
export async function submitTest(engine: Pick<Engine, 'submit'>, webhookId: string): Promise<string> {
  const eventId = `test/${randomUUID()}`
  const parameters = { webhookId, eventId, event: testEvent } as const
  const task = await engine.submit(deliverWebhook, parameters, sentFor(webhookId))
  return task.taskId
}
