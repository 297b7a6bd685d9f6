import { defineTask, type SubTaskOptions, type TaskRecord } from 'quillwork'
import {
  createGate,
  type Gate,
  type Order,
  type ScriptedTask,
  scriptedTasks,
  type TestEngine,
  testEngine,
} from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Core } from '../../src/engine/core.ts'
import { followRetry } from '../../src/engine/retry.ts'
import type { Transition } from '../../src/task/transition.ts'
import { expectInvariants } from './invariants.ts'
import { onSqlite } from './store-kind.ts'

const succeed: Order = { do: 'succeed', value: 1 }
const failForGood: Order = { do: 'failForGood', message: 'no' }
const failOnce: Order = { do: 'failForGood', attempts: 1, message: 'no' }

type Sub = SubTaskOptions & { orders?: readonly Order[] }

const ordersOf = (subTasks: readonly Sub[]): Order => ({
  do: 'submit',
  subTasks: subTasks.map(subTask => ({ orders: [succeed], ...subTask })),
})

/** Submits a parent with these sub-tasks, which succeed unless they say otherwise. */
async function family(t: TestEngine, task: ScriptedTask, subTasks: readonly Sub[]) {
  const parent = await t.submit(task, { orders: [ordersOf(subTasks)] })
  await t.drain()
  return parent
}

async function children(t: TestEngine, taskId: string): Promise<Record<string, TaskRecord>> {
  const { items } = await t.tasks.children(taskId, {}, { pageSize: 200 })
  return Object.fromEntries(items.map(record => [record.subTaskKey, record]))
}

async function child(t: TestEngine, taskId: string, key: string): Promise<TaskRecord> {
  const record = (await children(t, taskId))[key]
  if (record === undefined) throw new Error(`there is no ${key}`)
  return record
}

/** Returns the status of each sub-task, by its key, and that of the parent. */
async function statuses(t: TestEngine, taskId: string) {
  const found = Object.entries(await children(t, taskId)).map(([key, { status }]) => [key, status])
  return { parent: (await t.tasks.get(taskId)).status, ...Object.fromEntries(found) }
}

/** A task that waits for the gate of its key, and a parent of some. */
function gated(keys: readonly string[]) {
  const gates = new Map<string, Gate>(keys.map(key => [key, createGate()]))
  const started: string[] = []
  const part = defineTask({
    type: 'Part',
    parameters: z.string(),
    result: z.null(),
    async execute({ parameters: key }) {
      started.push(key)
      await gates.get(key)?.opened
      return null
    },
  })
  const whole = defineTask({
    type: 'Whole',
    parameters: z.array(z.custom<SubTaskOptions>()),
    result: z.null(),
    async execute(ctx) {
      await ctx.submitSubTasks(
        part,
        ctx.parameters.map(options => ({ ...options, parameters: options.key })),
      )
      return null
    },
  })
  return { part, whole, started, open: (key: string) => gates.get(key)?.open() }
}

describe('sub-tasks that start after others', () => {
  it('run one after the other in a chain of five, in whatever order they are submitted', async () => {
    const { scripted, journal } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const keys = ['a', 'b', 'c', 'd', 'e']
    const chain = keys.map((key, at): Sub => (at === 0 ? { key } : { key, after: [keys[at - 1] ?? ''] }))
    const { taskId } = await family(t, scripted, chain.toReversed())
    const records = await children(t, taskId)
    expect(Object.keys(records)).toEqual(keys)
    const ran = journal.map(entry => keys.find(key => records[key]?.id === entry.taskId) ?? '')
    expect(ran.filter(key => key !== '')).toEqual(keys)
    expect(await t.tasks.get(taskId)).toMatchObject({
      status: 'COMPLETED',
      subTaskStatusSummary: { COMPLETED: 5 },
    })
    await expectInvariants(t)
  })

  it('start each when its own have completed: nothing else holds it up, and it holds no slot', async () => {
    const { part, whole, started, open } = gated(['b', 'c', 'slow'])
    await using t = await testEngine({ tasks: [part, whole], lanes: { default: { slots: 3 } } })
    const { taskId } = await t.submit(whole, [
      { key: 'slow' },
      { key: 'd', after: ['b', 'c'] },
      { key: 'a' },
      { key: 'b', after: ['a'] },
      { key: 'c', after: ['a'] },
      { key: 'e', after: ['d', 'a'] },
    ])
    await t.drain()
    expect(started.toSorted()).toEqual(['a', 'b', 'c', 'slow'])
    expect(await child(t, taskId, 'd')).toMatchObject({ status: 'QUEUED', predecessor: 'c' })
    open('c')
    await t.drain()
    expect(await child(t, taskId, 'd')).toMatchObject({
      status: 'QUEUED',
      predecessor: 'b',
      after: { keys: ['b', 'c'], startWhen: 'completed' },
    })
    await expectInvariants(t)
    open('b')
    await t.drain()
    expect(await statuses(t, taskId)).toMatchObject({ parent: 'RUNNING', d: 'COMPLETED', e: 'COMPLETED' })
    expect(await child(t, taskId, 'd')).not.toHaveProperty('predecessor')
    open('slow')
    await t.drain()
    expect((await statuses(t, taskId)).parent).toBe('COMPLETED')
    await expectInvariants(t)
  })

  it('end without an attempt when one before them did not complete, unless its end is enough', async () => {
    const { scripted, parent, journal } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted, parent] })
    const { taskId } = await family(t, parent, [
      { key: 'a', orders: [failForGood] },
      { key: 'b', after: ['a'] },
      { key: 'c', after: ['b'] },
      { key: 'always', after: ['a', 'b'], startWhen: 'ended' },
      { key: 'last', after: ['always'] },
    ])
    expect(await statuses(t, taskId)).toEqual({
      parent: 'COMPLETED_WITH_ERRORS',
      a: 'FAILED',
      b: 'CANCELLED',
      c: 'CANCELLED',
      always: 'COMPLETED',
      last: 'COMPLETED',
    })
    const [b, c] = [await child(t, taskId, 'b'), await child(t, taskId, 'c')]
    expect(b).toMatchObject({
      attempt: 0,
      predecessor: 'a',
      errorInfo: { code: 'PREDECESSOR_NOT_COMPLETED' },
    })
    expect(b.errorInfo?.message).toMatch(/not attempted.*"a".*FAILED/)
    expect(c.errorInfo?.message).toMatch(/"b".*CANCELLED/)
    expect(t.recorder.storyOf(c.id)).toEqual(['submitted', 'cancelled'])
    expect(journal.filter(entry => entry.taskId === b.id || entry.taskId === c.id)).toEqual([])
    await expectInvariants(t)
  })

  it('start after one that completed with errors', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const { taskId } = await family(t, scripted, [
      { key: 'b', after: ['a'] },
      { key: 'a', orders: [ordersOf([{ key: '1' }, { key: '2', orders: [failForGood] }])] },
    ])
    expect(await statuses(t, taskId)).toMatchObject({ a: 'COMPLETED_WITH_ERRORS', b: 'COMPLETED' })
  })

  it('start after those of an earlier call and of an earlier attempt, which finds them all again', async () => {
    const { scripted, journal } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const subTasks: Sub[] = [{ key: 'b', after: ['a'] }, { key: 'a' }]
    const { taskId } = await t.submit(scripted, {
      orders: [
        ordersOf(subTasks),
        { do: 'fail', attempts: 1 },
        ordersOf([
          { key: 'd', after: ['c', 'b'] },
          { key: 'c', after: ['a'] },
        ]),
      ],
    })
    await t.drain()
    expect(await statuses(t, taskId)).toEqual({ parent: 'RETRYING', a: 'COMPLETED', b: 'COMPLETED' })
    await t.advance('15s')
    const all = { a: 'COMPLETED', b: 'COMPLETED', c: 'COMPLETED', d: 'COMPLETED' }
    expect(await statuses(t, taskId)).toEqual({ parent: 'COMPLETED', ...all })
    expect(journal.filter(({ did, taskId: id }) => did === 'start' && id !== taskId)).toHaveLength(4)
    await expectInvariants(t)
  })

  it('start after those of a submission that began before, and has not ended', async () => {
    const { scripted } = scriptedTasks()
    const whole = defineTask({
      type: 'Whole',
      parameters: z.null(),
      result: z.null(),
      async execute(ctx) {
        const parameters = { orders: [] }
        await Promise.all([
          ctx.submitSubTask(scripted, parameters, { key: 'a' }),
          ctx.submitSubTask(scripted, parameters, { key: 'b', after: ['a'] }),
          ctx.submitSubTasks(scripted, [{ key: 'c', after: ['a', 'b'], parameters }]),
        ])
        return null
      },
    })
    await using t = await testEngine({ tasks: [scripted, whole] })
    const { taskId } = await t.submit(whole, null)
    await t.drain()
    const all = { a: 'COMPLETED', b: 'COMPLETED', c: 'COMPLETED' }
    expect(await statuses(t, taskId)).toEqual({ parent: 'COMPLETED', ...all })
    await expectInvariants(t)
  })

  it('are refused with their keys where they wait for each other, or for what is not there; the others are created', async () => {
    const { scripted } = scriptedTasks()
    const refusals: Record<string, string> = {}
    const whole = defineTask({
      type: 'Whole',
      parameters: z.null(),
      result: z.null(),
      async execute(ctx) {
        const items = [
          { key: 'fine' },
          { key: 'x', after: ['y'] },
          { key: 'y', after: ['z', 'fine'] },
          { key: 'z', after: ['x'] },
          { key: 'behind', after: ['x'] },
          { key: 'self', after: ['self'] },
          { key: 'lost', after: ['fine', 'nowhere'] },
          { key: 'lost too', after: ['lost'] },
          { key: 'far', after: Array.from({ length: 10_001 }, (_, at) => `${at}`) },
          { key: 'odd', after: ['fine'], startWhen: 'failed' as 'ended' },
          { key: 'elsewhere', lane: 'nowhere' },
        ]
        const parameters = { orders: [] }
        const all = items.map(item => ({ ...item, parameters }))
        const { submitted, refused } = await ctx.submitSubTasks(scripted, all)
        expect(submitted).toBe(1)
        for (const { key, error } of refused) refusals[key] = `${error.code}: ${error.message}`
        const alone = { key: 'alone', after: ['nowhere'] }
        await ctx.submitSubTask(scripted, parameters, alone).catch(error => {
          refusals['alone'] = error.code
        })
        await ctx.submitSubTask(scripted, parameters, { key: 'later', after: ['fine'] })
        return null
      },
    })
    await using t = await testEngine({ tasks: [scripted, whole] })
    const { taskId } = await t.submit(whole, null)
    await t.drain()
    expect(await statuses(t, taskId)).toEqual({ parent: 'COMPLETED', fine: 'COMPLETED', later: 'COMPLETED' })
    const cycle = '"x" after "y" after "z" after "x"'
    expect(refusals).toEqual({
      x: expect.stringMatching(`SUBTASK_CYCLE.*"x" could never start.*${cycle}`),
      y: expect.stringMatching(`SUBTASK_CYCLE.*"y".*${cycle}`),
      z: expect.stringMatching(`SUBTASK_CYCLE.*"z".*${cycle}`),
      behind: expect.stringMatching(`SUBTASK_CYCLE.*"behind".*${cycle}`),
      self: expect.stringMatching('SUBTASK_CYCLE.*"self" after "self"'),
      lost: expect.stringMatching('SUBTASK_UNKNOWN.*"lost".*"nowhere"'),
      'lost too': expect.stringMatching('SUBTASK_UNKNOWN.*"lost too".*"lost"'),
      far: expect.stringMatching('OPTION_INVALID.*10001'),
      odd: expect.stringMatching('OPTION_INVALID.*startWhen'),
      elsewhere: expect.stringMatching('LANE_UNKNOWN'),
      alone: 'SUBTASK_UNKNOWN',
    })
  })
})

describe('a retry', () => {
  it('of one that failed has those after it run, and the result of the parent made again', async () => {
    const { scripted, parent, journal } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted, parent] })
    const { taskId } = await family(t, parent, [
      { key: 'a', orders: [failOnce, succeed] },
      { key: 'other', orders: [failForGood] },
      { key: 'b', after: ['a'] },
      { key: 'c', after: ['b', 'a'] },
      { key: 'd', after: ['other'] },
    ])
    const before = { other: 'FAILED', d: 'CANCELLED' }
    const ended = { parent: 'FAILED', a: 'FAILED', b: 'CANCELLED', c: 'CANCELLED' }
    expect(await statuses(t, taskId)).toMatchObject({ ...before, ...ended, parent: expect.any(String) })
    expect(await t.tasks.retry((await child(t, taskId, 'a')).id)).toBe(3)
    await t.drain()
    const again = { a: 'COMPLETED', b: 'COMPLETED', c: 'COMPLETED' }
    expect(await statuses(t, taskId)).toEqual({ parent: 'COMPLETED_WITH_ERRORS', ...before, ...again })
    expect(await t.tasks.get(taskId)).toMatchObject({
      round: 1,
      result: expect.stringContaining('"COMPLETED":3'),
    })
    expect(journal.filter(({ did }) => did === 'reduce').map(({ detail }) => detail)).toEqual([0, 1])
    await expectInvariants(t)
  })

  it('of the parent retries each after those before it', async () => {
    const { scripted, parent } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted, parent] })
    const { taskId } = await family(t, parent, [
      { key: 'd', after: ['b', 'c'] },
      { key: 'c', after: ['b'], orders: [failOnce, succeed] },
      { key: 'b', after: ['a'] },
      { key: 'a', orders: [failOnce, succeed] },
    ])
    await t.tasks.retry(taskId)
    await t.drain()
    const first = {
      parent: 'COMPLETED_WITH_ERRORS',
      a: 'COMPLETED',
      b: 'COMPLETED',
      c: 'FAILED',
      d: 'CANCELLED',
    }
    expect(await statuses(t, taskId)).toEqual(first)
    await t.tasks.retry(taskId)
    await t.drain()
    expect(await statuses(t, taskId)).toEqual({
      ...first,
      parent: 'COMPLETED',
      c: 'COMPLETED',
      d: 'COMPLETED',
    })
    await expectInvariants(t)
  })

  it('below one that its sub-tasks ended has those after it run as well', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const { taskId } = await family(t, scripted, [
      { key: 'a', orders: [ordersOf([{ key: 'leaf', orders: [failOnce, succeed] }])] },
      { key: 'b', after: ['a'] },
    ])
    expect(await statuses(t, taskId)).toEqual({ parent: 'FAILED', a: 'FAILED', b: 'CANCELLED' })
    const a = await child(t, taskId, 'a')
    await t.tasks.retry((await child(t, a.id, 'leaf')).id)
    await t.drain()
    expect(await statuses(t, taskId)).toEqual({ parent: 'COMPLETED', a: 'COMPLETED', b: 'COMPLETED' })
    await expectInvariants(t)
  })

  it('of one that was not attempted is refused while the one before it has failed, and waits for it once it is live', async () => {
    const { part, whole, open } = gated(['a'])
    await using t = await testEngine({ tasks: [part, whole] })
    const { taskId } = await t.submit(whole, [
      { key: 'a' },
      { key: 'b', after: ['a'] },
      { key: 'c', after: ['b'] },
    ])
    await t.drain()
    const [a, b, c] = await Promise.all(['a', 'b', 'c'].map(key => child(t, taskId, key)))
    await expect(t.tasks.runNow(b?.id ?? '')).rejects.toMatchObject({ code: 'TASK_NOT_WAITING' })
    await t.tasks.cancel(b?.id ?? '')
    await t.drain()
    expect(await statuses(t, taskId)).toEqual({
      parent: 'RUNNING',
      a: 'RUNNING',
      b: 'CANCELLED',
      c: 'CANCELLED',
    })
    await expect(t.tasks.retry(c?.id ?? '')).rejects.toMatchObject({
      code: 'TASK_NOT_RETRYABLE',
      message: expect.stringContaining('"b"'),
      details: { taskId: b?.id },
    })
    expect(await t.tasks.retry(b?.id ?? '')).toBe(2)
    await t.drain()
    expect(await statuses(t, taskId)).toEqual({ parent: 'RUNNING', a: 'RUNNING', b: 'QUEUED', c: 'QUEUED' })
    expect((await t.tasks.get(a?.id ?? '')).attempt).toBe(1)
    open('a')
    await t.drain()
    expect(await statuses(t, taskId)).toEqual({
      parent: 'COMPLETED',
      a: 'COMPLETED',
      b: 'COMPLETED',
      c: 'COMPLETED',
    })
    await expectInvariants(t)
  })
})

describe('a retry while those after it are being cancelled', () => {
  /** A chain of which the first has failed and the second is cancelled; the cancellation of the third waits for a gate. */
  async function cascade(t: TestEngine, scripted: ScriptedTask) {
    const { apply } = t.store.tasks
    const [cancels, retries] = [createGate(), createGate()]
    Object.assign(t.store.tasks, {
      apply: async (transitions: readonly Transition[], ...rest: [never]) => {
        if (transitions.some(({ name, set }) => name === 'not-attempted' && set.predecessor === 'b'))
          await cancels.opened
        if (transitions.some(({ name }) => name === 'retried')) await retries.opened
        return apply(transitions, ...rest)
      },
    })
    const { taskId } = await family(t, scripted, [
      { key: 'a', orders: [failOnce, succeed] },
      { key: 'b', after: ['a'] },
      { key: 'c', after: ['b'] },
      { key: 'd', after: ['c'] },
    ])
    const before = { parent: 'RUNNING', a: 'FAILED', b: 'CANCELLED', c: 'QUEUED', d: 'QUEUED' }
    expect(await statuses(t, taskId)).toEqual(before)
    return { taskId, cancels, retries, a: (await child(t, taskId, 'a')).id }
  }

  async function expectCompleted(t: TestEngine, taskId: string) {
    // A claim below a parent that has ended, and is about to be reopened, is refused for a while.
    await t.advance('5s')
    const all = { a: 'COMPLETED', b: 'COMPLETED', c: 'COMPLETED', d: 'COMPLETED' }
    expect(await statuses(t, taskId)).toEqual({ parent: 'COMPLETED', ...all })
    await expectInvariants(t)
  }

  it('has one wait again that is cancelled after the retry looked for it', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const { taskId, cancels, retries, a } = await cascade(t, scripted)
    retries.open()
    expect(await t.tasks.retry(a)).toBe(2)
    cancels.open()
    await expectCompleted(t, taskId)
  })

  it('has one wait again that is cancelled before the retry is written', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const { taskId, cancels, retries, a } = await cascade(t, scripted)
    const retrying = t.tasks.retry(a)
    await t.drain()
    cancels.open()
    await t.drain()
    retries.open()
    expect(await retrying).toBe(4)
    await expectCompleted(t, taskId)
  })
})

describe('a sub-task that waits for another one', () => {
  it('is cancelled with its parent', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const parent = await family(t, scripted, [
      { key: 'a', orders: [{ do: 'hang' }] },
      { key: 'b', after: ['a'] },
    ])
    await parent.cancel()
    await t.drain()
    expect(await statuses(t, parent.taskId)).toEqual({ parent: 'CANCELLED', a: 'CANCELLED', b: 'CANCELLED' })
    await expectInvariants(t)
  })

  it('fails at the deadline of its type, and those after it are not attempted', async () => {
    const { part, whole } = gated(['a'])
    const hasty = { ...part, deadline: '1m' as const }
    const late = defineTask({
      type: 'Late',
      parameters: z.null(),
      result: z.null(),
      async execute(ctx) {
        await ctx.submitSubTask(part, 'a', { key: 'a' })
        await ctx.submitSubTask(brief, null, { key: 'b', after: ['a'] })
        await ctx.submitSubTask(part, 'c', { key: 'c', after: ['b'] })
        return null
      },
    })
    const brief = defineTask({
      type: 'Brief',
      parameters: z.null(),
      result: z.null(),
      deadline: '1m',
      execute: () => null,
    })
    expect(hasty.type).toBe(part.type)
    await using t = await testEngine({ tasks: [part, whole, brief, late] })
    const { taskId } = await t.submit(late, null)
    await t.advance('2m')
    expect(await statuses(t, taskId)).toEqual({
      parent: 'RUNNING',
      a: 'RUNNING',
      b: 'FAILED',
      c: 'CANCELLED',
    })
    expect(await child(t, taskId, 'b')).toMatchObject({ errorInfo: { code: 'DEADLINE_PASSED' } })
    await expectInvariants(t)
  })

  it('is found again when the process ends between the end of the other one and its start', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], persistent: true })
    // Nothing is reconciled until the process has ended.
    Object.assign(t.store.outbox, { pendingParents: async () => [] })
    const { taskId } = await family(t, scripted, [
      { key: 'a' },
      { key: 'bad', orders: [failForGood] },
      { key: 'b', after: ['a'] },
      { key: 'c', after: ['b'] },
      { key: 'd', after: ['bad'] },
    ])
    const before = { a: 'COMPLETED', bad: 'FAILED' }
    expect(await statuses(t, taskId)).toEqual({
      parent: 'RUNNING',
      ...before,
      b: 'QUEUED',
      c: 'QUEUED',
      d: 'QUEUED',
    })
    await t.crash()
    await t.advance('2s')
    expect(await statuses(t, taskId)).toEqual({
      parent: 'COMPLETED_WITH_ERRORS',
      ...before,
      b: 'COMPLETED',
      c: 'COMPLETED',
      d: 'CANCELLED',
    })
    await expectInvariants(t)
  })

  it('waits on for its start time when the other one has ended before it', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const { taskId } = await family(t, scripted, [{ key: 'a' }, { key: 'b', after: ['a'], delay: '10s' }])
    expect(await child(t, taskId, 'b')).toMatchObject({ status: 'QUEUED' })
    expect(await child(t, taskId, 'b')).not.toHaveProperty('predecessor')
    await t.advance('9s')
    expect(await child(t, taskId, 'b')).toMatchObject({ status: 'QUEUED' })
    await t.advance('2s')
    expect(await statuses(t, taskId)).toMatchObject({ parent: 'COMPLETED', b: 'COMPLETED' })
  })
})

describe('a sub-task', () => {
  it('has a lane, a priority, a delay and retries of its own', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({
      tasks: [scripted],
      lanes: { default: { slots: 2 }, batch: { slots: 1 } },
    })
    const { taskId } = await family(t, scripted, [
      { key: 'lane', lane: 'batch', priority: 'high' },
      { key: 'late', delay: '5s' },
      { key: 'once', retry: { maxAttempts: 1 }, orders: [{ do: 'fail' }] },
      { key: 'hasty', retry: { backoff: ['1s'], jitter: 0 }, orders: [{ do: 'fail', attempts: 3 }, succeed] },
      { key: 'plain', orders: [{ do: 'fail', attempts: 1 }, succeed] },
    ])
    expect(await statuses(t, taskId)).toEqual({
      parent: 'RUNNING',
      lane: 'COMPLETED',
      late: 'QUEUED',
      once: 'DEAD_LETTER',
      hasty: 'RETRYING',
      plain: 'RETRYING',
    })
    expect(await child(t, taskId, 'lane')).toMatchObject({ lane: 'batch', priority: 'high' })
    expect(await child(t, taskId, 'plain')).toMatchObject({ lane: 'default', priority: 'normal' })
    expect((await child(t, taskId, 'hasty')).retry).toEqual({ backoff: [1_000], jitter: 0 })
    await t.advance('6s')
    expect(await statuses(t, taskId)).toMatchObject({
      late: 'COMPLETED',
      hasty: 'COMPLETED',
      plain: 'RETRYING',
    })
    await t.advance('15s')
    expect(await statuses(t, taskId)).toMatchObject({ parent: 'COMPLETED_WITH_ERRORS', plain: 'COMPLETED' })
    await expectInvariants(t)
  })
})

describe('the cost of waiting for siblings', () => {
  const count = onSqlite ? 1_000 : 200

  /** Counts the siblings that the engine reads while a parent and its sub-tasks run. */
  async function readsOf(subTasks: readonly Sub[]): Promise<number> {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], lanes: { default: { slots: 10 } } })
    const { get } = t.store.queries
    let reads = 0
    Object.assign(t.store.queries, {
      get: (ids: readonly string[], ...rest: [never]) => {
        reads += ids.length
        return get(ids, ...rest)
      },
    })
    const { taskId } = await family(t, scripted, subTasks)
    expect(await t.tasks.get(taskId)).toMatchObject({
      status: 'COMPLETED',
      subTaskStatusSummary: { COMPLETED: subTasks.length },
    })
    return reads
  }

  it('grows with their number, and not with its square: one that waits for all, and all that wait for one', async () => {
    const others = Array.from({ length: count }, (_, at) => `${at}`)
    const reads = await readsOf([
      { key: 'first' },
      ...others.map(key => ({ key, after: ['first'] })),
      { key: 'last', after: others },
    ])
    expect(reads).toBeLessThan(count * 10)
  })

  it('grows with their number, and not with its square: a chain', async () => {
    const length = count / 4
    const chain = Array.from(
      { length },
      (_, at): Sub => (at === 0 ? { key: '0' } : { key: `${at}`, after: [`${at - 1}`] }),
    )
    expect(await readsOf(chain)).toBeLessThan(length * 10)
  })
})

it('what was not attempted is retried to its end, also where the first of a thousand moved meanwhile', async () => {
  const notAttempted = Array.from({ length: 1_001 }, (_, at) => ({
    id: `${at}`,
    parentTaskId: 'parent',
    subTaskKey: `${at}`,
    predecessor: 'plan',
    after: { keys: ['plan'], startWhen: 'completed' },
    status: 'CANCELLED',
    phase: 'executing',
    errorInfo: { code: 'PREDECESSOR_NOT_COMPLETED' },
  }))
  const plan = { id: 'plan', parentTaskId: 'parent', subTaskKey: 'plan', status: 'QUEUED' }
  const writes: number[] = []
  const store = {
    queries: { get: async () => [plan], children: async () => ({ items: notAttempted }) },
    tasks: {
      now: () => 0,
      apply: async (steps: readonly Transition[]) => {
        writes.push(steps.length)
        return steps.map(() => 'stale')
      },
    },
  }
  await followRetry({ store } as unknown as Core, 'plan')
  expect(writes).toEqual([1_000, 1])
})
