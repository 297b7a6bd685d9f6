/** What clients, the relay and workers do: submit, hand out, claim, report, settle. */
import fc from 'fast-check'
import { expect } from 'vitest'
import { decide, type Outcome } from '../../src/task/decide.ts'
import { subTaskId } from '../../src/task/id.ts'
import { hasEnded } from '../../src/task/status.ts'
import type { NewTask, TaskRecord } from '../../src/task/task.ts'
import { claimOf, newTask, problem } from '../../src/testing/store-case.ts'
import { anAttempt, applyOne, at, attemptOf, command, pick, picked, policy, seldom } from './model-command.ts'
import { lanes, saw, users, type World, word } from './model-world.ts'

export const submit = fc
  .record({
    user: fc.constantFrom(...users),
    lane: fc.constantFrom(...lanes),
    priority: fc.constantFrom<NewTask['priority'][]>('high', 'normal'),
    delay: seldom(5, fc.integer({ min: 0, max: 3_000 })),
    deadlineAfter: seldom(6, fc.integer({ min: 500, max: 60_000 })),
    key: seldom(6, fc.nat(2)),
    fails: fc.nat(9).map(number => number === 0),
  })
  .map(({ user, lane, priority, delay, deadlineAfter, key, fails }) => {
    const task = () => ({
      ...newTask({ userId: user, lane, priority }),
      ...(delay === undefined ? {} : { delay }),
      ...(deadlineAfter === undefined ? {} : { deadlineAfter }),
      ...(key === undefined ? {} : { idempotencyKey: `key-${key}` }),
    })
    return command(
      `submit(${user}, ${lane}, ${priority}, ${delay}, ${deadlineAfter}, ${key}, ${fails})`,
      async world => {
        // Both the first try and the one job by job.
        if (fails) world.failingCommits = 2
        const created = world.store.tasks.create([task()], {})
        if (fails) await expect(created).rejects.toThrow('disk I/O error')
        else expect((await created)[0]?.outcome).not.toBe('refused')
        world.failingCommits = 0
      },
    )
  })

/** Adds sub-tasks for an attempt and holds the answers against the guard, said once more. */
async function addSubTasks(
  world: World,
  parent: TaskRecord,
  { count, lane }: { count: number; lane: string },
): Promise<void> {
  if (parent.depth > 2) return
  const { id: taskId, attempt, rootTaskId, userId } = parent
  const tasks = Array.from({ length: count }, (_, index) => {
    const key = `${index}`
    const family = { taskId, attempt, rootTaskId, key, depth: parent.depth + 1 }
    return newTask({ id: subTaskId(taskId, key), userId, lane, parent: family })
  })
  const present = world.present(taskId)
  const mayAdd =
    present?.leaseUntil !== undefined &&
    present.attempt === attempt &&
    present.cancelRequestedAt === undefined
  const answers = await world.store.tasks.create(tasks, {})
  const expected = tasks.map(({ id }) =>
    world.present(id) !== undefined ? 'existing' : mayAdd ? 'created' : 'refused',
  )
  expect(answers.map(({ outcome }) => outcome)).toEqual(expected)
  for (const outcome of expected) saw(`sub-task ${outcome}`)
}

export const submitSubTasks = fc
  .record({ which: anAttempt, count: fc.integer({ min: 1, max: 3 }), lane: fc.constantFrom(...lanes) })
  .map(({ which, count, lane }) =>
    command(
      `submitSubTasks(${JSON.stringify(which)}, ${count}, ${lane})`,
      async world => {
        await addSubTasks(world, attemptOf(world, which), { count, lane })
      },
      { needs: 'attempts' },
    ),
  )

/** The relay: what is due goes to the broker. */
export const relay = fc
  .record({ room: fc.integer({ min: 1, max: 6 }), fails: fc.nat(9).map(number => number === 0) })
  .map(({ room, fails }) =>
    command(
      `relay(${room}, ${fails})`,
      async world => {
        if (fails) world.failingCommits = 2
        const due = world.store.outbox.due(
          lanes.map(lane => ({ lane, capacity: room })),
          { quarantined: 1 },
        )
        const { deliveries } = await due.catch(() => ({ deliveries: [] }))
        world.failingCommits = 0
        for (const { taskId, attempt } of deliveries) expect(world.present(taskId)?.attempt).toBe(attempt)
        await world.store.outbox.published(deliveries)
        world.deliveries.push(...deliveries)
        expect(new Set(deliveries.map(({ taskId }) => taskId)).size).toBe(deliveries.length)
      },
      {},
    ),
  )

/** Whether a claim must be granted: the guard of the claim, said once more. */
function mayClaim(world: World, taskId: string, attempt: number): boolean {
  const record = world.present(taskId)
  if (record === undefined || record.attempt !== attempt) return false
  if (record.cancelRequestedAt !== undefined) return false
  if (record.status !== 'QUEUED' && record.status !== 'RETRYING') return false
  const parent = record.parentTaskId === undefined ? undefined : world.present(record.parentTaskId)
  return parent === undefined || (!hasEnded(parent.status) && parent.cancelRequestedAt === undefined)
}

/** Another process may not know yet that the lane is paused, so there a claim may be granted or refused. */
function isPaused(world: World, taskId: string): boolean {
  const record = world.present(taskId)
  return record !== undefined && world.paused.has(record.lane)
}

async function claim(world: World, taskId: string, attempt: number, isDelivered: boolean): Promise<void> {
  const may = mayClaim(world, taskId, attempt)
  const [claimed] = await world.store.tasks.claim([claimOf({ id: taskId, attempt }, { leaseMs: 10_000 })])
  saw(
    claimed === undefined
      ? 'claim refused'
      : claimed.crashCount > 1
        ? 'quarantined claimed'
        : 'claim granted',
  )
  if (claimed !== undefined) {
    expect(may, 'a claim that must be refused was granted').toBe(true)
    const { waitedMs, ...record } = claimed
    expect(waitedMs).toBeGreaterThanOrEqual(0)
    world.attempts.push(record)
    expect((await world.store.queries.get([taskId]))[0]).toEqual(record)
  } else if (isDelivered && !isPaused(world, taskId))
    expect(may, 'a delivery that must be granted was refused').toBe(false)
}

export const claimDelivery = pick.map(index =>
  command(
    `claimDelivery(${index})`,
    async world => {
      const delivery = picked(world.deliveries, index)
      world.deliveries.splice(world.deliveries.indexOf(delivery), 1)
      await claim(world, delivery.taskId, delivery.attempt, true)
      world.store.outbox.requeue([delivery.taskId])
    },
    { needs: 'deliveries', allows: { claim: true } },
  ),
)

/** A worker that takes what is due at once. */
export const work = fc.integer({ min: 1, max: 3 }).map(room =>
  command(
    `work(${room})`,
    async world => {
      const rooms = lanes.map(lane => ({ lane, capacity: room }))
      const { deliveries } = await world.store.outbox.due(rooms, { quarantined: 1 })
      await world.store.outbox.published(deliveries)
      for (const { taskId, attempt } of deliveries) {
        await claim(world, taskId, attempt, true)
        world.store.outbox.requeue([taskId])
      }
    },
    { allows: { claim: true } },
  ),
)

export const claimAny = fc.tuple(pick, fc.constantFrom(0, 0, 0, -1, 1)).map(([index, off]) =>
  command(
    `claimAny(${index}, ${off})`,
    async world => {
      const id = picked(world.ids(), index)
      await claim(world, id, (world.present(id)?.attempt ?? 0) + off, false)
    },
    { needs: 'tasks', allows: { claim: true } },
  ),
)

export const loseDelivery = pick.map(index =>
  command(
    `loseDelivery(${index})`,
    async world => {
      const delivery = picked(world.deliveries, index)
      world.deliveries.splice(world.deliveries.indexOf(delivery), 1)
      world.store.outbox.requeue([delivery.taskId])
    },
    { needs: 'deliveries' },
  ),
)

const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.constant<Outcome>({ kind: 'completed', result: '"done"' }),
  fc.boolean().map(
    (reduces): Outcome => ({
      kind: 'awaiting-subtasks',
      reduces,
      ...(reduces ? {} : { result: '"kept"' }),
    }),
  ),
  fc.constantFrom('retryable', 'permanent', 'timeout').map(
    (errorClass): Outcome => ({
      kind: 'failed',
      error: { errorClass, info: { ...problem(), errorClass } },
    }),
  ),
  fc.constantFrom<Outcome[]>({ kind: 'cancelled' }, { kind: 'given-back' }),
  fc.constant<Outcome>({ kind: 'lease-lost' }),
  fc.constant<Outcome>({ kind: 'waiting', waits: [{ key: 'step', signal: word }] }),
)

/** A handler that waits for a signal has seen those that had come when its attempt was claimed. */
function seenBy({ signals = [], signalCount = 0 }: TaskRecord, outcome: Outcome): Outcome {
  return outcome.kind === 'waiting' ? { ...outcome, seen: { signals, signalCount } } : outcome
}

/** What earlier attempts left of failures and crashes: rows of them are rare among random commands. */
const pasts = [{}, { retryCount: 1 }, { crashCount: 1 }, { crashCount: 1 }, { crashCount: 2 }] as const

/** What an attempt, present or lost, makes of its task; `learned` = it heard of a request to cancel. */
export const settle = fc
  .record({
    which: anAttempt,
    past: fc.constantFrom(...pasts),
    outcome,
    learned: fc.boolean(),
    snoozes: fc.nat(7).map(n => n === 0),
    times: fc.constantFrom(1, 1, 1, 2),
  })
  .map(({ which, past, outcome, learned, snoozes, times }) =>
    command(
      `settle(${JSON.stringify(which)}, ${JSON.stringify(past)}, ${JSON.stringify(outcome)}, ${learned}, ${snoozes}, ${times})`,
      async world => {
        const attempt = attemptOf(world, which)
        const record = { ...attempt, ...past }
        const heard = world.present(record.id)?.cancelRequestedAt
        if (learned && heard !== undefined) record.cancelRequestedAt = heard
        const { now } = world
        const limited = { errorClass: 'rate-limited', info: problem(), notBefore: now + 2_000 } as const
        const ends = snoozes ? ({ kind: 'failed', error: limited } as const) : seenBy(record, outcome)
        const transition = decide(record, ends, { policy, now, random: 0.5 })
        await applyOne(world, transition)
        if (times === 1) return
        const [once] = await world.store.queries.get([record.id])
        await world.store.tasks.apply([transition])
        expect((await world.store.queries.get([record.id]))[0]).toEqual(once)
      },
      { needs: 'attempts' },
    ),
  )

/** A parent that does what parents do: it submits its sub-tasks and awaits them. */
export const fanOut = fc
  .record({ which: anAttempt, reduces: fc.boolean(), lane: fc.constantFrom(...lanes) })
  .map(({ which, reduces, lane }) =>
    command(
      `fanOut(${JSON.stringify(which)}, ${reduces}, ${lane})`,
      async world => {
        const parent = attemptOf(world, which)
        await addSubTasks(world, parent, { count: 2, lane })
        const result = reduces ? {} : { result: '"kept"' }
        const outcome: Outcome = { kind: 'awaiting-subtasks', reduces, ...result }
        await applyOne(world, decide(parent, outcome, { policy, now: world.now, random: 0.5 }))
      },
      { needs: 'attempts' },
    ),
  )

/** Every worker comes to its end at once, in one write. */
export const finishAll = fc.array(outcome, { minLength: 1, maxLength: 4 }).map(outcomes =>
  command(
    `finishAll(${JSON.stringify(outcomes)})`,
    async world => {
      const circumstances = { policy, now: world.now, random: 0.5 }
      const ends = world.attempts
        .filter(({ id, attempt }) => world.present(id)?.attempt === attempt)
        .map((record, index) => decide(record, seenBy(record, at(outcomes, index)), circumstances))
      const answers = await world.store.tasks.apply(ends)
      for (const [index, answer] of answers.entries()) saw(`${ends[index]?.name} ${answer}`)
    },
    { needs: 'attempts' },
  ),
)

export const report = fc
  .record({ which: anAttempt, kind: fc.constantFrom('progress', 'checkpoint', 'extend') })
  .map(({ which, kind }) =>
    command(
      `report(${JSON.stringify(which)}, ${kind})`,
      async world => {
        const { id: taskId, attempt, claimToken = '' } = attemptOf(world, which)
        const present = world.present(taskId)
        const holds = present?.attempt === attempt && present.leaseUntil !== undefined
        const { attempts, tasks } = world.store
        const answer = holds ? 'applied' : present === undefined ? 'missing' : 'stale'
        if (kind === 'progress')
          expect(await attempts.progress([{ taskId, attempt, progress: `"${world.now}"` }])).toEqual([answer])
        if (kind === 'checkpoint')
          expect(await attempts.checkpoint([{ taskId, attempt, key: 'step', value: '1' }])).toEqual([answer])
        if (kind === 'extend') {
          const cancelRequested = holds && present.cancelRequestedAt !== undefined
          expect(await tasks.extend([{ taskId, token: claimToken }], 10_000)).toEqual([
            { held: holds, cancelRequested },
          ])
        }
      },
      { needs: 'attempts' },
    ),
  )
