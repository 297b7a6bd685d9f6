/** The end of a run: with workers that do their work, every task comes to an end, whatever happened before. */
import { expect } from 'vitest'
import { decide, decideOverdue, type Outcome } from '../../src/task/decide.ts'
import { hasEnded } from '../../src/task/status.ts'
import { totalOf } from '../../src/task/subtasks.ts'
import { isWaiting, type TaskRecord } from '../../src/task/task.ts'
import { claimOf } from '../../src/testing/store-case.ts'
import { policy } from './model-command.ts'
import { aggregateAll } from './model-people.ts'
import { lanes, type Model, type World, word } from './model-world.ts'

const mostRounds = 60

/** Runs workers, sweeps and the aggregator until nothing is live. */
export async function drain(world: World, model: Model): Promise<void> {
  for (const lane of lanes) await world.store.lanes.setPaused(lane, false)
  world.paused.clear()
  world.store.outbox.requeue(world.deliveries.map(({ taskId }) => taskId))
  world.deliveries.length = 0
  for (let round = 0; round < mostRounds; round++) {
    world.now += 3_600_000
    await sweep(world)
    await answer(world)
    await work(world)
    await aggregateAll(world)
    const counts = await world.store.queries.counts()
    if (counts.QUEUED + counts.RUNNING + counts.RETRYING === 0) break
  }
  await world.observe(model, { many: true })
  const live = [...world.last.values()].filter(({ status }) => !hasEnded(status))
  expect(live, 'tasks that never ended').toEqual([])
  expect(await world.store.outbox.pendingParents(10), 'parents that are looked at for ever').toEqual([])
}

async function sweep(world: World): Promise<void> {
  await world.rest()
  const circumstances = { policy, now: world.now, random: 0 }
  const lapsed = await world.store.tasks.overdue(1_000)
  const answers = await world.store.tasks.apply(
    lapsed.map(({ record, why }) =>
      why === 'deadline'
        ? decideOverdue(record, world.now)
        : decide(record, { kind: 'lease-lost' }, circumstances),
    ),
  )
  expect(answers.every(answer => answer === 'applied')).toBe(true)
}

/** Somebody answers those that wait. */
async function answer(world: World): Promise<void> {
  const { items } = await world.store.queries.list({ status: ['RETRYING'] }, { pageSize: 1_000 })
  for (const record of items) if (isWaiting(record)) await world.engine.signal(record.id, word, 1)
}

async function work(world: World): Promise<void> {
  const rooms = lanes.map(lane => ({ lane, capacity: 100 }))
  const { deliveries } = await world.store.outbox.due(rooms, { quarantined: 1 })
  await world.store.outbox.published(deliveries)
  for (const delivery of deliveries) {
    const [record] = await world.store.tasks.claim([claimOf({ ...delivery, id: delivery.taskId })])
    if (record !== undefined) await finish(world, record)
    else world.store.outbox.requeue([delivery.taskId])
  }
}

async function finish(world: World, record: TaskRecord): Promise<void> {
  const outcome: Outcome =
    record.phase === 'executing' && totalOf(record.subTaskStatusSummary) > 0
      ? { kind: 'awaiting-subtasks', reduces: false, result: '"kept"' }
      : { kind: 'completed', result: '"done"' }
  const transition = decide(record, outcome, { policy, now: world.now, random: 0 })
  expect(await world.store.tasks.apply([transition])).toEqual(['applied'])
}
