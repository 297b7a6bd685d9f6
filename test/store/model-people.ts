/** What sweeps, the aggregator and people do: rescue, close, cancel, retry, discard, pause, prune, restart; and time passes. */
import fc from 'fast-check'
import { expect } from 'vitest'
import type { Overdue } from '../../src/store/store.ts'
import {
  cancelError,
  decide,
  decideOverdue,
  decideParent,
  wasEndedBySubTasks,
} from '../../src/task/decide.ts'
import { hasEnded } from '../../src/task/status.ts'
import { liveOf } from '../../src/task/subtasks.ts'
import { isWaiting, type TaskRecord } from '../../src/task/task.ts'
import {
  cancelledWaiting,
  cancelRequested,
  discarded,
  reopened,
  type Transition,
} from '../../src/task/transition.ts'
import { applyOne, command, pick, picked, policy } from './model-command.ts'
import { lanes, saw, type World, word } from './model-world.ts'

export const advance = fc
  .oneof(fc.integer({ min: 1, max: 1_500 }), fc.integer({ min: 5_000, max: 70_000 }))
  .map(ms =>
    command(`advance(${ms})`, async world => {
      world.now += ms
    }),
  )

function rescued(world: World, { record, why }: Overdue): Transition {
  if (why === 'deadline') return decideOverdue(record, world.now)
  const transition = decide(record, { kind: 'lease-lost' }, { policy, now: world.now, random: 0.5 })
  return { ...transition, fence: { attempt: record.attempt, leaseUntil: record.leaseUntil ?? -1 } }
}

/** A sweep that acts at once, or only looks, and acts later. */
export const sweep = fc.boolean().map(acts =>
  command(`sweep(${acts})`, async world => {
    const lapsed = await world.store.tasks.overdue(10)
    if (!acts) world.sights.push(...lapsed)
    else for (const found of lapsed) await applyOne(world, rescued(world, found))
    for (const { record, why } of lapsed) {
      expect(why === 'lease' ? (record.leaseUntil ?? Number.NaN) : record.deadline).toBeLessThanOrEqual(
        world.now,
      )
    }
  }),
)

export const sweepLate = pick.map(index =>
  command(`sweepLate(${index})`, world => applyOne(world, rescued(world, picked(world.sights, index))), {
    needs: 'sights',
  }),
)

/** The aggregator's step, for every parent that the store names. */
export async function aggregateAll(world: World): Promise<number> {
  const parents = await world.store.outbox.pendingParents(10)
  let moved = 0
  for (const id of parents) {
    const [record] = await world.store.queries.get([id])
    if (record === undefined) continue
    for (const transition of await aggregated(world, record)) {
      const [answer] = await world.store.tasks.apply([transition])
      if (answer === 'applied') moved += 1
    }
  }
  return moved
}

async function aggregated(world: World, record: TaskRecord): Promise<Transition[]> {
  const { now, store } = world
  if (!hasEnded(record.status)) {
    const transition = decideParent(record, [], now)
    return transition === undefined ? [] : [transition]
  }
  if (liveOf(record.subTaskStatusSummary) === 0) return []
  if (wasEndedBySubTasks(record)) return [reopened(record, now)]
  const page = { pageSize: 1_000 }
  const children = await store.queries.children(
    record.id,
    { status: ['QUEUED', 'RETRYING', 'RUNNING'] },
    page,
  )
  return children.items
    .filter(child => child.cancelRequestedAt === undefined)
    .map(child => cancelOne(child, now))
}

function cancelOne(record: TaskRecord, now: number): Transition {
  const isHeld = record.status === 'RUNNING' && record.phase !== 'awaiting-subtasks'
  return isHeld ? cancelRequested(record, now) : cancelledWaiting(record, cancelError(), now)
}

/** One step of the aggregator; it may reopen a parent that ended as its sub-tasks ended. */
export const aggregate = fc.constant(
  command('aggregate()', world => aggregateAll(world), { allows: { retry: true } }),
)

/** A person who looked a while ago, or just now, and cancels what was seen. */
export const cancelSeen = pick.map(index =>
  command(
    `cancelSeen(${index})`,
    world => applyOne(world, cancelOne(picked(world.reads, index), world.now)),
    {
      needs: 'reads',
    },
  ),
)

export const look = pick.map(index =>
  command(
    `look(${index})`,
    async world => {
      const record = world.present(picked(world.ids(), index))
      if (record !== undefined && !hasEnded(record.status)) world.reads.push(record)
    },
    { needs: 'tasks' },
  ),
)

/** What the verbs of the engine may answer instead of doing it. */
const refusals = ['SIGNALS_FULL', 'TASK_ALREADY_ENDED', 'TASK_NOT_RETRYABLE', 'TASK_CHANGED']

async function person(act: Promise<unknown>): Promise<void> {
  await act.catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : error
    expect(refusals).toContain(code)
  })
}

export const cancel = pick.map(index =>
  command(`cancel(${index})`, world => person(world.engine.tasks.cancel(picked(world.ids(), index))), {
    needs: 'tasks',
  }),
)

export const signal = pick.map(index =>
  command(
    `signal(${index})`,
    async world => {
      const id = picked(world.ids(), index)
      const before = world.present(id)
      await person(world.engine.signal(id, word, 1))
      if (before === undefined || hasEnded(before.status)) return
      const [after] = await world.store.queries.get([id])
      expect(after?.signalCount).toBe((before.signalCount ?? 0) + 1)
      if (isWaiting(before)) saw('signal awaited')
    },
    { needs: 'tasks' },
  ),
)

export const retry = pick.map(index =>
  command(
    `retry(${index})`,
    async world => {
      const id = picked(world.ids(), index)
      const before = world.present(id)
      await person(world.engine.tasks.retry(id))
      const [after] = await world.store.queries.get([id])
      if (before?.status === 'COMPLETED') expect(after).toEqual(before)
    },
    { needs: 'tasks', allows: { retry: true } },
  ),
)

export const retryFailed = fc.constant(
  command('retryFailed()', world => person(world.engine.deadLetters.retryAll({})), {
    allows: { retry: true },
  }),
)

export const discard = pick.map(index =>
  command(
    `discard(${index})`,
    async world => {
      const dead = [...world.last.values()].filter(({ deadLetter }) => deadLetter !== undefined)
      if (dead.length > 0) await applyOne(world, discarded(picked(dead, index), world.now))
    },
    { needs: 'tasks', allows: { discard: true } },
  ),
)

export const pause = fc.tuple(fc.constantFrom(...lanes), fc.boolean()).map(([lane, paused]) =>
  command(`pause(${lane}, ${paused})`, async world => {
    await world.store.lanes.setPaused(lane, paused)
    if (paused) world.paused.add(lane)
    else world.paused.delete(lane)
    const due = await world.store.outbox.due([{ lane, capacity: 5 }], { quarantined: 1 })
    if (paused) expect(due.deliveries).toEqual([])
  }),
)

export const prune = fc.constantFrom(0, 10_000).map(age =>
  command(
    `prune(${age})`,
    async world => {
      const gone = await world.store.tasks.prune({ COMPLETED: age, FAILED: age, CANCELLED: age }, 10_000)
      expect(gone).toBe(expectedGone(world, age))
      if (gone > 0) saw(gone > 1 ? 'tree pruned' : 'task pruned')
    },
    { allows: { prune: true } },
  ),
)

/** The trees whose root ended longer ago than `age`, in which no task is live. */
function expectedGone(world: World, age: number): number {
  const records = [...world.last.values()]
  const live = new Set(records.filter(({ status }) => !hasEnded(status)).map(({ rootTaskId }) => rootTaskId))
  const old = records.filter(
    ({ id, rootTaskId, status, completedAt }) =>
      id === rootTaskId &&
      ['COMPLETED', 'FAILED', 'CANCELLED'].includes(status) &&
      (completedAt ?? Number.POSITIVE_INFINITY) < world.now - age &&
      !live.has(id),
  )
  const roots = new Set(old.map(({ id }) => id))
  return records.filter(({ rootTaskId }) => roots.has(rootTaskId)).length
}

export const reopen = fc.constant(command('reopen()', world => world.reopen()))
