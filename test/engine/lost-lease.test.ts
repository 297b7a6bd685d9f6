import { defineTask } from 'quillwork'
import { sqlite } from 'quillwork/sqlite'
import { createGate, createManualClock, type ManualClock, scriptedTasks, testEngine } from 'quillwork/testing'
import { expect, it } from 'vitest'
import { z } from 'zod'
import type { Store } from '../../src/store/store.ts'
import { decide } from '../../src/task/decide.ts'
import type { Duration } from '../../src/task/duration.ts'
import { defaultRetryPolicy } from '../../src/task/retry-policy.ts'
import type { TaskRecord } from '../../src/task/task.ts'

/** A store that makes the first claim, and answers no claim for so many milliseconds; then that one finds itself. */
function lateClaims(now: () => number, lateMs: number): Store {
  const store = sqlite({ file: ':memory:', now })
  const { tasks } = store
  const answerAt = now() + lateMs
  let first: { token: string; claimed: ReturnType<typeof tasks.claim> } | undefined
  const claim: typeof tasks.claim = async claims => {
    const token = claims[0]?.token ?? ''
    first ??= { token, claimed: tasks.claim(claims) }
    await first.claimed
    if (now() < answerAt) throw new Error('away')
    return token === first.token ? first.claimed : tasks.claim(claims)
  }
  return { ...store, tasks: { ...tasks, claim } }
}

it.each([
  { lateMs: 20_000, attempt: 1, crashCount: 0 },
  { lateMs: 60_000, attempt: 2, crashCount: 1 },
])('a claim whose answer comes after $lateMs ms begins with a whole lease, or not at all', async expected => {
  const { scripted, journal } = scriptedTasks()
  await using t = await testEngine({
    tasks: [scripted],
    openStore: now => lateClaims(now, expected.lateMs),
  })
  const { taskId } = await t.submit(scripted, { orders: [{ do: 'hang' }] }, { delay: '1s' })
  await t.advance(expected.lateMs + 9_000)
  const record = await t.tasks.get(taskId)
  if (expected.attempt === 1) expect(record.leaseUntil).toBeGreaterThan(t.clock.now() + 20_000)
  await t.advance('30s')
  expect(journal.filter(({ did }) => did === 'start')).toHaveLength(1)
  expect(await t.tasks.get(taskId)).toMatchObject({
    attempt: expected.attempt,
    crashCount: expected.crashCount,
  })
})

/** A store that other processes may share; what it is asked to claim or to create it does at once, and answers so many milliseconds later. */
function slowAnswers(clock: ManualClock, late: 'claim' | 'create', lateMs: number): Store {
  const store = sharedStore(clock.now, () => false)
  const answer = store.tasks[late] as (...given: unknown[]) => Promise<unknown>
  const slow = async (...given: unknown[]) => {
    const answered = await answer(...given)
    await new Promise<void>(resolve => clock.after(lateMs, resolve))
    return answered
  }
  return { ...store, tasks: { ...store.tasks, [late]: slow } }
}

it.each([
  { late: 'claim', taken: false },
  { late: 'create', taken: false },
  { late: 'claim', taken: true },
  { late: 'create', taken: true },
] as const)(
  'an attempt whose $late was answered after its lease (taken meanwhile: $taken) begins with a whole one, or not at all',
  async expected => {
    const { late, taken } = expected
    const { scripted, journal } = scriptedTasks()
    const clock = createManualClock()
    await using t = await testEngine({
      tasks: [scripted],
      clock,
      roles: ['worker'],
      openStore: () => slowAnswers(clock, late, 31_000),
    })
    const options = late === 'claim' ? { delay: '1s' as const } : {}
    const submitted = t.submit(scripted, { orders: [{ do: 'hang' }] }, options)
    await t.advance('10s')
    if (taken) {
      const { items } = await t.store.queries.list({}, { pageSize: 1 })
      const crash = decide(
        items[0] as TaskRecord,
        { kind: 'lease-lost' },
        { policy: defaultRetryPolicy, now: t.clock.now() + 3_600_000, random: 0 },
      )
      expect(await t.store.tasks.apply([crash])).toEqual(['applied'])
    }
    await t.advance('60s')
    const { taskId } = await submitted
    expect(journal.map(({ did }) => did)).toEqual(taken ? [] : ['start'])
    expect(await t.tasks.get(taskId)).toMatchObject({
      attempt: 1,
      status: taken ? 'RETRYING' : 'RUNNING',
      crashCount: taken ? 1 : 0,
    })
  },
)

it('a store that cannot be asked for longer than a lease takes no attempt away from the one process that owns it', async () => {
  const gate = createGate()
  const patient = defineTask({
    type: 'Patient',
    parameters: z.null(),
    result: z.boolean(),
    async execute(ctx) {
      await gate.opened
      return ctx.signal.aborted
    },
  })
  const openStore = (now: () => number) => {
    const store = sqlite({ file: ':memory:', now })
    const extend = () => Promise.reject(new Error('away'))
    return { ...store, tasks: { ...store.tasks, extend } }
  }
  await using t = await testEngine({ tasks: [patient], openStore })
  const { taskId } = await t.submit(patient, null)
  await t.advance('2m')
  gate.open()
  await t.drain()
  expect(await t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED', attempt: 1, result: 'false' })
})

it('a wall clock that jumps takes no attempt away from the one process that runs it', async () => {
  const { scripted, journal } = scriptedTasks()
  await using t = await testEngine({ tasks: [scripted] })
  const { taskId } = await t.submit(scripted, { orders: [{ do: 'hang' }] })
  await t.drain()
  t.clock.stepWallTime(3_600_000)
  await t.advance('12s')
  const record = await t.tasks.get(taskId)
  expect(record).toMatchObject({ status: 'RUNNING', attempt: 1, crashCount: 0 })
  expect(record.leaseUntil).toBeGreaterThan(t.clock.now())
  expect(journal.filter(({ did }) => did === 'start')).toHaveLength(1)
})

/** A store that other processes may share, in memory; its tasks can be asked for nothing while `isAway` says so. */
function sharedStore(now: () => number, isAway: () => boolean): Store {
  const store = sqlite({ file: ':memory:', now })
  const asked = ['claim', 'apply', 'create', 'extend', 'overdue', 'prune'] as const
  const refusing = Object.fromEntries(
    asked.map(name => {
      const answer = store.tasks[name].bind(store.tasks) as (...given: unknown[]) => Promise<unknown>
      return [
        name,
        async (...given: unknown[]) => (isAway() ? Promise.reject(new Error('away')) : answer(...given)),
      ]
    }),
  )
  const { now: time, close } = store.tasks
  const tasks = { now: time, close: close.bind(store.tasks), ...refusing } as Store['tasks']
  return { ...store, tasks, capabilities: { ...store.capabilities, manyProcesses: true } }
}

it('attempts whose lease expired while the store was away run again beside each other, and spend no retry', async () => {
  const { scripted, journal } = scriptedTasks()
  let isAway = false
  await using t = await testEngine({ tasks: [scripted], openStore: now => sharedStore(now, () => isAway) })
  const orders = [{ do: 'hang', attempts: 2 }] as const
  const submitted = await Promise.all([1, 2, 3].map(() => t.submit(scripted, { orders })))
  await t.drain()
  for (const attempt of [2, 3]) {
    isAway = true
    await t.advance('90s')
    isAway = false
    await t.advance('6s')
    expect(journal.filter(entry => entry.attempt === attempt && entry.did === 'start')).toHaveLength(3)
  }
  for (const { taskId } of submitted)
    expect(await t.tasks.get(taskId)).toMatchObject({
      status: 'COMPLETED',
      attempt: 3,
      retryCount: 0,
      crashCount: 0,
    })
})

it.each([
  { leaseIs: 'still its own', taken: false },
  { leaseIs: 'taken', taken: true },
])('a process that slept asks before it gives up an attempt whose lease is $leaseIs', async ({ taken }) => {
  const { scripted, journal } = scriptedTasks()
  await using t = await testEngine({
    tasks: [scripted],
    roles: ['worker'],
    openStore: now => sharedStore(now, () => false),
  })
  const { taskId } = await t.submit(scripted, { orders: [{ do: 'hang' }] })
  await t.drain()
  const record = await t.tasks.get(taskId)
  if (taken) {
    const crash = decide(
      record,
      { kind: 'lease-lost' },
      { policy: defaultRetryPolicy, now: t.clock.now() + 3_600_000, random: 0 },
    )
    expect(await t.store.tasks.apply([crash])).toEqual(['applied'])
  }
  await t.jump('2m')
  await t.advance('30s')
  expect(journal.filter(({ did }) => did === 'hang')).toHaveLength(taken ? 1 : 0)
  expect(await t.tasks.get(taskId)).toMatchObject({
    attempt: 1,
    status: taken ? 'RETRYING' : 'RUNNING',
    crashCount: taken ? 1 : 0,
  })
})

/** Lets a process that is not there claim tasks. Returns its leases. */
async function claimElsewhere(store: Store, taskIds: readonly string[]) {
  const leases = taskIds.map(taskId => ({ taskId, token: `elsewhere ${taskId}` }))
  const claims = leases.map(lease => ({
    ...lease,
    attempt: 0,
    executionNodeId: 'elsewhere',
    leaseMs: 30_000,
  }))
  for (const claimed of await store.tasks.claim(claims)) expect(claimed).toBeDefined()
  return leases
}

/** A process that rescues and runs no task, and how its store is away for a while. */
async function rescuer() {
  const { scripted } = scriptedTasks()
  let isAway = false
  const openStore = (now: () => number) => sharedStore(now, () => isAway)
  const t = await testEngine({ tasks: [scripted], roles: ['maintenance'], openStore })
  const away = async (duration: Duration) => {
    isAway = true
    await t.advance(duration)
    isAway = false
  }
  return { scripted, t, away }
}

it('when the store comes back, others have half a lease to show that they live; who does not is gone', async () => {
  const { scripted, away, t } = await rescuer()
  await using _ = t
  const submitted = await Promise.all([1, 2].map(() => t.submit(scripted, { orders: [] })))
  const [alive = '', gone = ''] = submitted.map(({ taskId }) => taskId)
  const [lease] = await claimElsewhere(t.store, [alive, gone])
  await t.advance('20s')
  await away('60s')
  await t.advance('10s')
  expect(await t.tasks.get(gone)).toMatchObject({ status: 'RUNNING', attempt: 1 })
  if (lease !== undefined) expect(await t.store.tasks.extend([lease], 30_000)).toMatchObject([{ held: true }])
  await t.advance('12s')
  expect(await t.tasks.get(alive)).toMatchObject({ status: 'RUNNING', attempt: 1 })
  expect(await t.tasks.get(gone)).toMatchObject({ attempt: 1, crashCount: 1 })
})

it('a second outage soon after the first takes nothing from who lives', async () => {
  const { scripted, away, t } = await rescuer()
  await using _ = t
  const { taskId } = await t.submit(scripted, { orders: [] })
  const leases = await claimElsewhere(t.store, [taskId])
  await t.advance('20s')
  for (let outage = 1; outage <= 2; outage++) {
    await away('60s')
    await t.advance('6s')
  }
  expect(await t.store.tasks.extend(leases, 30_000)).toMatchObject([{ held: true }])
  expect(await t.tasks.get(taskId)).toMatchObject({ status: 'RUNNING', attempt: 1, crashCount: 0 })
})

it('an attempt of a type that asks for one at most is not followed by another', async () => {
  let isAway = false
  const once = defineTask({
    type: 'Once',
    parameters: z.null(),
    result: z.null(),
    retry: { maxAttempts: 1 },
    async execute(ctx) {
      await new Promise(resolve => ctx.signal.addEventListener('abort', resolve))
      throw new Error('aborted')
    },
  })
  await using t = await testEngine({ tasks: [once], openStore: now => sharedStore(now, () => isAway) })
  const { taskId } = await t.submit(once, null)
  await t.drain()
  isAway = true
  await t.advance('60s')
  isAway = false
  await t.advance('30s')
  expect(await t.tasks.get(taskId)).toMatchObject({ status: 'DEAD_LETTER', attempt: 1 })
})

it.each([
  { isPaused: true, error: 'LEASE_LOST' },
  { isPaused: false, error: 'TASK_TYPE_UNKNOWN' },
])(
  'nor where a process that does not know the type settled its crash ($error)',
  async ({ isPaused, error }) => {
    let runs = 0
    const once = defineTask({
      type: 'Once',
      parameters: z.null(),
      result: z.null(),
      retry: { maxAttempts: 1 },
      execute: () => {
        runs += 1
        return new Promise<null>(() => undefined)
      },
    })
    await using t = await testEngine({ tasks: [once], persistent: true })
    const { taskId } = await t.submit(once, null)
    await t.drain()
    if (isPaused) await t.lanes.pause('default')
    await t.crash({ tasks: [] })
    await t.drain()
    expect((await t.tasks.get(taskId)).errorInfo).toMatchObject({ code: error })
    await t.restart({ tasks: [once] })
    if (isPaused) await t.lanes.resume('default')
    await t.advance('1m')
    expect(await t.tasks.get(taskId)).toMatchObject({
      status: 'DEAD_LETTER',
      errorInfo: { code: 'LEASE_LOST' },
      deadLetter: { reason: 'crashes' },
    })
    expect(runs).toBe(1)
    await t.tasks.retry(taskId)
    await t.drain()
    expect(runs).toBe(2)
  },
)

it('tasks of a process that is gone are rescued also where every look at the store takes long', async () => {
  const { scripted } = scriptedTasks()
  const clock = createManualClock()
  const openStore = (now: () => number) => {
    const store = sharedStore(now, () => false)
    const overdue: Store['tasks']['overdue'] = async limit => {
      await new Promise<void>(resolve => clock.after(20_000, resolve))
      return store.tasks.overdue(limit)
    }
    return { ...store, tasks: { ...store.tasks, overdue } }
  }
  await using t = await testEngine({ tasks: [scripted], clock, roles: ['maintenance'], openStore })
  const { taskId } = await t.submit(scripted, { orders: [] })
  await claimElsewhere(t.store, [taskId])
  await t.advance('90s')
  expect(await t.tasks.get(taskId)).toMatchObject({ attempt: 1, crashCount: 1 })
})

/** A store that answers no heartbeat any more, and no submission of sub-tasks before the gate opens. */
function awayStore(now: () => number, answers: Promise<void>): Store {
  const store = sharedStore(now, () => false)
  const extend = () => Promise.reject(new Error('away'))
  const create: Store['tasks']['create'] = async (created, limits) => {
    const answer = await store.tasks.create(created, limits)
    if (created[0]?.parent !== undefined) await answers
    return answer
  }
  return { ...store, tasks: { ...store.tasks, extend, create } }
}

it.each(['one', 'many'])(
  'a handler does not go on with sub-tasks (%s) that it learns of when its lease is over',
  async amount => {
    const answers = createGate()
    const outcome = createGate<unknown>()
    const { scripted } = scriptedTasks()
    const parameters = { orders: [] }
    const parent = defineTask({
      type: 'Parent',
      parameters: z.null(),
      result: z.null(),
      async execute(ctx) {
        if (ctx.attempt > 1) return null
        const submitted =
          amount === 'one'
            ? ctx.submitSubTask(scripted, parameters, { key: 'a' })
            : ctx.submitSubTasks(scripted, [{ key: 'a', parameters }])
        await submitted.then(outcome.open, outcome.open)
        return null
      },
    })
    await using t = await testEngine({
      tasks: [parent, scripted],
      openStore: now => awayStore(now, answers.opened),
    })
    await t.submit(parent, null)
    await t.drain()
    await t.advance('40s')
    answers.open()
    expect(await outcome.opened).toMatchObject({ code: 'ATTEMPT_STALE' })
  },
)
