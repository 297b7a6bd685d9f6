import { defineTask } from 'quillwork'
import { sqlite } from 'quillwork/sqlite'
import { createGate, scriptedTasks, testEngine } from 'quillwork/testing'
import { expect, it } from 'vitest'
import { z } from 'zod'
import type { Store } from '../../src/store/store.ts'

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

/** A store that answers no heartbeat any more, and no submission of sub-tasks before the gate opens. */
function awayStore(now: () => number, answers: Promise<void>): Store {
  const store = sqlite({ file: ':memory:', now })
  const { tasks } = store
  const away: Store['tasks'] = {
    now: () => tasks.now(),
    claim: claims => tasks.claim(claims),
    apply: (transitions, options) => tasks.apply(transitions, options),
    overdue: limit => tasks.overdue(limit),
    prune: (retention, limit) => tasks.prune(retention, limit),
    close: () => tasks.close(),
    extend: () => Promise.reject(new Error('away')),
    async create(created, limits) {
      const answer = await tasks.create(created, limits)
      if (created[0]?.parent !== undefined) await answers
      return answer
    },
  }
  // As where other processes may take what this one does not extend.
  return { ...store, tasks: away, capabilities: { ...store.capabilities, manyProcesses: true } }
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
