import type { Engine, TaskRecord } from 'quillwork'
import { defineTask } from 'quillwork'
import { createGate, scriptedTasks, type TestEngine, testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { budgetKey } from '../../src/store/store.ts'
import { onSqlite } from './store-kind.ts'

const call = (tokens: number, spent = tokens) => ({ do: 'reserve', tokens, spent }) as const

/** A parent whose sub-tasks make one call each, of an estimate and of what it really costs; it notes every moment. */
function writing(estimate: number, real: number) {
  const seen = { running: 0, most: 0, counted: 0, mostCounted: 0, calls: 0 }
  const scene = defineTask({
    type: 'Scene',
    parameters: z.number(),
    result: z.number(),
    async execute(ctx) {
      const hold = await ctx.reserve({ tokens: estimate })
      seen.calls += 1
      seen.running += 1
      seen.counted += estimate
      seen.most = Math.max(seen.most, seen.running)
      seen.mostCounted = Math.max(seen.mostCounted, seen.counted)
      for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve))
      seen.running -= 1
      seen.counted += real - estimate
      await hold.commit({ tokens: real })
      return ctx.parameters
    },
  })
  const book = defineTask({
    type: 'Book',
    parameters: z.number(),
    result: z.unknown(),
    async execute(ctx) {
      const items = Array.from({ length: ctx.parameters }, (_, index) => ({
        key: `${index}`,
        parameters: index,
      }))
      await ctx.submitSubTasks(scene, items)
    },
  })
  return { scene, book, seen }
}

async function childrenOf({ tasks }: Pick<Engine, 'tasks'>, taskId: string): Promise<TaskRecord[]> {
  const records: TaskRecord[] = []
  let pageToken: string | undefined
  do {
    const page = await tasks.children(
      taskId,
      {},
      { pageSize: 200, ...(pageToken === undefined ? {} : { pageToken }) },
    )
    records.push(...page.items)
    pageToken = page.nextPageToken
  } while (pageToken !== undefined)
  return records
}

const waits = { status: 'RETRYING', errorInfo: { code: 'BUDGET_EXHAUSTED' } }

/** Lets time pass, a second at most, until it is so. */
async function within1s(t: TestEngine, isSo: () => Promise<boolean>): Promise<void> {
  for (let ms = 0; ms <= 1_000; ms += 50) {
    if (await isSo()) return
    await t.advance(50)
  }
  expect.fail('it was not so within a second')
}

describe('a task under a budget', () => {
  it('makes its calls while they fit, then waits with numbers, no retry spent and no slot held', async () => {
    const { scripted, journal } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], lanes: { default: { slots: 1 } } })
    const orders = [call(40, 30), call(50), call(30), { do: 'succeed', value: 'done' } as const]
    const task = await t.submit(scripted, { orders }, { budget: { tokens: 100 } })
    await t.drain()
    const record = await t.tasks.get(task.taskId)
    expect(record).toMatchObject({ ...waits, retryCount: 0, budget: { tokens: 100 } })
    expect(record.deadLetter).toBeUndefined()
    expect(record.errorInfo).toMatchObject({ retryable: true, need: { tokens: 30 }, since: t.clock.now() })
    expect(record.errorInfo?.message).toBe(
      `The tree ${task.taskId} waits for its budget: the budget is 100 tokens, of which 80 tokens are spent and 0 tokens reserved for calls that run; the next call needs 30 tokens. Raise it, and the task goes on: quillwork budget ${task.taskId} --tokens 110.`,
    )
    expect(await t.budgets.get(task.taskId)).toEqual({
      rootTaskId: task.taskId,
      budget: { tokens: 100 },
      spent: { tokens: 80, cost: 0 },
      reserved: { tokens: 0, cost: 0 },
      waiting: 1,
    })
    const other = await t.submit(scripted, { orders: [{ do: 'succeed', value: 1 }] })
    await t.drain()
    expect((await other.state()).status).toBe('COMPLETED')
    await t.advance('30s')
    expect(journal.filter(({ did }) => did === 'start')).toHaveLength(2)
  })

  it('goes on within a second after the budget was raised, and not when it was raised too little', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const orders = [
      { do: 'checkpoint', key: 'x' } as const,
      call(60),
      { do: 'succeed', value: 'done' } as const,
    ]
    const task = await t.submit(scripted, { orders }, { budget: { tokens: 10 } })
    await t.drain()
    expect((await t.tasks.get(task.taskId)).errorInfo?.message).toMatch(
      /more than the whole budget.*--tokens 60/,
    )
    expect((await t.budgets.set(task.taskId, { tokens: 59 })).waiting).toBe(1)
    await t.advance('2s')
    expect(await t.tasks.get(task.taskId)).toMatchObject({ ...waits, attempt: 1 })
    expect((await t.budgets.set(task.taskId, { tokens: 60 })).waiting).toBe(0)
    await within1s(t, async () => (await task.state()).done)
    expect(await t.tasks.get(task.taskId)).toMatchObject({ status: 'COMPLETED', attempt: 2, retryCount: 0 })
  })

  it('counts money, and waits where a price is not known', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const orders = [
      { do: 'reserve', tokens: 5, cost: 0.3 } as const,
      { do: 'reserve', tokens: 5, cost: 0.3 } as const,
      { do: 'succeed', value: 1 } as const,
    ]
    const paid = await t.submit(scripted, { orders }, { budget: { cost: 0.5, tokens: 1_000 } })
    const unpriced = await t.submit(
      scripted,
      { orders: [call(5), { do: 'succeed' }] },
      { budget: { cost: 0.5 } },
    )
    await t.drain()
    expect((await t.tasks.get(paid.taskId)).errorInfo?.message).toMatch(
      /the budget is 0\.5, of which 0\.3 are spent.*the next call needs 0\.3\. .*--tokens 1000 --cost 0\.6/,
    )
    expect((await t.tasks.get(unpriced.taskId)).errorInfo?.message).toMatch(
      /price of the next call is not known/,
    )
    await t.budgets.set(unpriced.taskId, { tokens: 5 })
    // Its next attempt makes the first call again.
    await t.budgets.set(paid.taskId, { cost: 0.9 })
    await within1s(t, async () => (await unpriced.state()).done && (await paid.state()).done)
    expect((await t.budgets.get(paid.taskId)).spent).toEqual({ tokens: 15, cost: 0.9 })
  })

  it('refuses an estimate that is no number, for good', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const task = await t.submit(scripted, { orders: [call(-1)] })
    await t.drain()
    expect(await t.tasks.get(task.taskId)).toMatchObject({
      status: 'FAILED',
      errorInfo: { code: 'OPTION_INVALID' },
    })
  })

  it('waits until its deadline, not only as long as it was told to', async () => {
    const { scripted } = scriptedTasks()
    const task = defineTask({
      type: 'Hurried',
      parameters: z.number(),
      result: z.void(),
      deadline: '20s',
      async execute(ctx) {
        await (await ctx.reserve({ tokens: ctx.parameters })).commit()
      },
    })
    await using t = await testEngine({ tasks: [scripted, task] })
    const [late, raised] = [
      await t.submit(task, 5, { budget: { tokens: 1 } }),
      await t.submit(task, 5, { budget: { tokens: 1 } }),
    ]
    await t.advance('15s')
    expect(await t.tasks.get(late.taskId)).toMatchObject(waits)
    await t.budgets.set(raised.taskId, { tokens: 5 })
    await t.advance('10s')
    expect((await raised.state()).status).toBe('COMPLETED')
    expect(await t.tasks.get(late.taskId)).toMatchObject({
      status: 'FAILED',
      errorInfo: { code: 'DEADLINE_PASSED' },
    })
  })
})

describe('a tree under a budget', () => {
  it('with 100 sub-tasks at once never counts more than the budget, and goes on when it is raised', async () => {
    const { scene, book, seen } = writing(10, 10)
    await using t = await testEngine({ tasks: [scene, book], lanes: { default: { slots: 20 } } })
    const root = await t.submit(book, 100, { budget: { tokens: 305 } })
    await t.advance('3s')
    expect(seen).toMatchObject({ calls: 30, counted: 300 })
    expect(seen.most).toBeGreaterThan(1)
    expect(seen.mostCounted).toBeLessThanOrEqual(305)
    expect(await t.budgets.get(root.taskId)).toMatchObject({ spent: { tokens: 300 }, waiting: 70 })
    const before = await childrenOf(t, root.taskId)
    expect(before.filter(({ status }) => status === 'COMPLETED')).toHaveLength(30)
    // Raised for 40 more: as many are woken, the first submitted first, and nobody in vain.
    expect((await t.budgets.set(root.taskId, { tokens: 700 })).waiting).toBe(30)
    await within1s(t, async () => seen.calls === 70)
    const later = await childrenOf(t, root.taskId)
    expect(later.filter(({ attempt }) => attempt > 1)).toHaveLength(40)
    const waiting = later.filter(({ status }) => status === 'RETRYING').map(({ id }) => id)
    const asSubmitted = before.filter(({ status }) => status === 'RETRYING').map(({ id }) => id)
    expect(waiting).toEqual(asSubmitted.slice(40))
    await t.budgets.remove(root.taskId)
    await within1s(t, async () => (await root.state()).done)
    expect(seen).toMatchObject({ calls: 100, counted: 1_000 })
    expect(await t.budgets.get(root.taskId)).toMatchObject({ budget: undefined, spent: { tokens: 1_000 } })
    expect((await childrenOf(t, root.taskId)).every(({ retryCount }) => retryCount === 0)).toBe(true)
  })

  it('is overrun by no more than the error of the estimates, and room that was not used is given to others', async () => {
    const { scene, book, seen } = writing(10, 4)
    await using t = await testEngine({ tasks: [scene, book], lanes: { default: { slots: 20 } } })
    const root = await t.submit(book, 100, { budget: { tokens: 103 } })
    await t.advance('5s')
    // A call is allowed as long as its estimate fits: 24 times 4 were spent, and 7 are left.
    expect(seen.calls).toBe(24)
    expect(seen.mostCounted).toBeLessThanOrEqual(103)
    expect(await t.budgets.get(root.taskId)).toMatchObject({ spent: { tokens: 96 }, waiting: 76 })
    await root.cancel()
    await t.advance('1s')
    expect(await t.budgets.get(root.taskId)).toMatchObject({ waiting: 0 })
  })

  it('costs little while it waits, and nobody is woken by time alone', async () => {
    const { scene, book } = writing(10, 10)
    const count = onSqlite ? 1_000 : 60
    await using t = await testEngine({ tasks: [scene, book], lanes: { default: { slots: 20 } } })
    const root = await t.submit(book, count, { budget: { tokens: 5 } })
    await t.advance('10s')
    expect((await t.budgets.get(root.taskId)).waiting).toBe(count)
    await t.advance('20s')
    const attempts = (await childrenOf(t, root.taskId)).map(({ attempt }) => attempt)
    expect(attempts.reduce((sum, attempt) => sum + attempt, 0)).toBe(count)
  })
})

describe('a budget that is set while a tree runs', () => {
  it('counts what was used, and the calls that run when they end; it is seen within a second', async () => {
    const { scripted } = scriptedTasks()
    const gate = createGate()
    const slow = defineTask({
      type: 'Slow',
      parameters: z.number(),
      result: z.void(),
      async execute(ctx) {
        const hold = await ctx.reserve({ tokens: 50 })
        await gate.opened
        await hold.commit({ tokens: 60 })
      },
    })
    const root = defineTask({
      type: 'Root',
      parameters: z.number(),
      result: z.unknown(),
      async execute(ctx) {
        await ctx.addUsage({ model: 'm', inputTokens: 100, outputTokens: 20, cost: 0.5 })
        await ctx.submitSubTask(slow, 1, { key: 'slow' })
        await ctx.submitSubTask(
          scripted,
          { orders: [call(1), { do: 'snooze', until: ctx.parameters, attempts: 1 }, call(30)] },
          { key: 'next' },
        )
      },
    })
    await using t = await testEngine({ tasks: [scripted, slow, root] })
    const tree = await t.submit(root, t.clock.now() + 2_000)
    await t.drain()
    expect(await t.budgets.get(tree.taskId)).toMatchObject({
      budget: undefined,
      spent: { tokens: 120, cost: 0.5 },
    })
    expect(await t.budgets.set(tree.taskId, { tokens: 200 })).toMatchObject({
      spent: { tokens: 120, cost: 0.5 },
    })
    await t.advance('1s')
    gate.open()
    await t.drain()
    expect(await t.budgets.get(tree.taskId)).toMatchObject({ spent: { tokens: 180 } })
    await t.advance('2s')
    // One token fitted, thirty do not; each attempt makes the call of one token again.
    expect(await t.budgets.get(tree.taskId)).toMatchObject({ spent: { tokens: 181 }, waiting: 1 })
    await t.budgets.set(tree.taskId, { tokens: 212 })
    await within1s(t, async () => (await tree.state()).done)
  })

  it('is refused for what is no root, is not there, or limits nothing', async () => {
    const { scene, book } = writing(1, 1)
    await using t = await testEngine({ tasks: [scene, book] })
    const root = await t.submit(book, 1)
    await t.drain()
    const [child] = await childrenOf(t, root.taskId)
    const id = child?.id ?? ''
    for (const ask of [() => t.budgets.get(id), () => t.budgets.set(id, { tokens: 1 })])
      await expect(ask()).rejects.toMatchObject({
        code: 'OPTION_INVALID',
        message: expect.stringContaining(root.taskId),
      })
    await expect(t.budgets.get('nobody')).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' })
    await expect(t.budgets.set(root.taskId, {})).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await expect(t.budgets.set(root.taskId, { cost: -1 })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await expect(t.submit(book, 1, { budget: { tokens: Number.NaN } })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
    })
    expect(await t.budgets.remove(root.taskId)).toMatchObject({ budget: undefined })
    expect((await t.store.states.load([budgetKey(root.taskId)]))[0]?.version).toBe(0)
  })
})

describe('the budget of a submission', () => {
  it('belongs to the task that was created, and leaves nothing where none was', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], start: false, admission: { waitingPerUser: 1 } })
    const options = { idempotencyKey: 'once', userId: 'ann' }
    const orders = { orders: [call(5)] }
    const first = await t.submit(scripted, orders, { ...options, budget: { tokens: 10 } })
    const again = await t.submit(scripted, orders, { ...options, budget: { tokens: 10 } })
    expect(again.taskId).toBe(first.taskId)
    const other = t.submit(scripted, orders, { ...options, budget: { tokens: 99 } })
    await expect(other).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
    const refused = t.submit(scripted, orders, { userId: 'ann', budget: { tokens: 7 } })
    await expect(refused).rejects.toMatchObject({ code: 'USER_QUEUE_FULL' })
    expect(await t.budgets.get(first.taskId)).toMatchObject({ budget: { tokens: 10 }, spent: { tokens: 0 } })
    expect((await t.tasks.list({}, { pageSize: 9 })).items).toHaveLength(1)
  })
})

describe('calls that nobody settles', () => {
  it('count at their estimate when the attempt ends', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const left = { ...call(30), keep: true }
    const orders = [left, { do: 'fail', attempts: 1 } as const, { do: 'succeed', value: 1 } as const]
    const task = await t.submit(scripted, { orders }, { budget: { tokens: 100 } })
    await t.advance('1m')
    expect((await task.state()).status).toBe('COMPLETED')
    expect(await t.budgets.get(task.taskId)).toMatchObject({ spent: { tokens: 60 }, reserved: { tokens: 0 } })
  })

  it('count at their estimate when the task is cancelled while they run', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const orders = [{ ...call(30), keep: true }, { do: 'hang' } as const]
    const task = await t.submit(scripted, { orders }, { budget: { tokens: 100 } })
    await t.drain()
    expect(await t.budgets.get(task.taskId)).toMatchObject({ spent: { tokens: 0 }, reserved: { tokens: 30 } })
    await task.cancel()
    await t.drain()
    expect((await task.state()).status).toBe('CANCELLED')
    expect(await t.budgets.get(task.taskId)).toMatchObject({ spent: { tokens: 30 }, reserved: { tokens: 0 } })
  })

  it('are reserved after a crash, never free, and count as spent when their lease has ended', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], persistent: true })
    const orders = [
      { ...call(30), keep: true },
      { do: 'hang', attempts: 1 } as const,
      { do: 'succeed' } as const,
    ]
    const task = await t.submit(scripted, { orders }, { budget: { tokens: 50 } })
    await t.drain()
    await t.crash()
    await t.advance('1m')
    const record = await t.tasks.get(task.taskId)
    expect(record).toMatchObject(waits)
    expect(record.errorInfo?.message).toMatch(/0 tokens are spent and 30 tokens reserved/)
    expect(await t.budgets.get(task.taskId)).toMatchObject({ spent: { tokens: 0 }, reserved: { tokens: 30 } })
    await t.jump('10m')
    expect(await t.budgets.get(task.taskId)).toMatchObject({ spent: { tokens: 30 }, reserved: { tokens: 0 } })
    await t.budgets.set(task.taskId, { tokens: 60 })
    await within1s(t, async () => (await t.tasks.get(task.taskId)).status === 'COMPLETED')
    expect(await t.budgets.get(task.taskId)).toMatchObject({ spent: { tokens: 60 } })
  })

  it('a handler that goes on after its time is over gets no more', async () => {
    const errors: unknown[] = []
    const gate = createGate()
    const stubborn = defineTask({
      type: 'Stubborn',
      parameters: z.number(),
      result: z.void(),
      async execute(ctx) {
        await gate.opened
        await ctx.reserve({ tokens: 1 }).catch(error => errors.push(error))
      },
    })
    await using t = await testEngine({ tasks: [stubborn] })
    const task = await t.submit(stubborn, 1, { budget: { tokens: 100 } })
    await t.drain()
    await task.cancel()
    gate.open()
    await t.drain()
    expect(errors).toEqual([expect.objectContaining({ code: 'ATTEMPT_STALE' })])
    expect(await t.budgets.get(task.taskId)).toMatchObject({ spent: { tokens: 0 }, reserved: { tokens: 0 } })
  })
})

describe('a tree that nobody woke', () => {
  it('is none whose last call gave room back while the engine stopped', async () => {
    const { scripted } = scriptedTasks()
    const gate = createGate()
    const first = defineTask({
      type: 'First',
      parameters: z.number(),
      result: z.void(),
      async execute(ctx) {
        const hold = await ctx.reserve({ tokens: 100 })
        await gate.opened
        await hold.commit({ tokens: 10 })
      },
    })
    const root = defineTask({
      type: 'Root',
      parameters: z.number(),
      result: z.unknown(),
      async execute(ctx) {
        await ctx.submitSubTask(first, 1, { key: 'first' })
        await ctx.submitSubTask(scripted, { orders: [call(50)] }, { key: 'second' })
      },
    })
    await using t = await testEngine({ tasks: [scripted, first, root], persistent: true })
    const { taskId } = await t.submit(root, 1, { budget: { tokens: 100 } })
    await t.advance('1s')
    expect(await t.budgets.get(taskId)).toMatchObject({ reserved: { tokens: 100 }, waiting: 1 })
    gate.open()
    await t.restart({ grace: '5s' })
    await within1s(t, async () => (await t.tasks.get(taskId)).status === 'COMPLETED')
    expect(await t.budgets.get(taskId)).toMatchObject({ waiting: 0 })
  })

  it('looks by itself, and the first that finds room wakes the others', async () => {
    const { scene, book, seen } = writing(10, 10)
    await using t = await testEngine({
      tasks: [scene, book],
      lanes: { default: { slots: 20 } },
      random: () => 0,
    })
    const root = await t.submit(book, 20, { budget: { tokens: 5 } })
    await t.advance('1s')
    // As by a process that raised the budget and died.
    const [kept] = await t.store.states.load([budgetKey(root.taskId)])
    if (kept === undefined) throw new Error('There is no account.')
    const state = JSON.stringify({ ...JSON.parse(kept.state), limit: { tokens: 1_000 } })
    expect(await t.store.states.save({ ...kept, state })).toBe(true)
    await t.advance('10s')
    expect(seen.calls).toBe(0)
    await t.advance('40s')
    expect(seen.calls).toBe(20)
    expect((await root.state()).status).toBe('COMPLETED')
  })
})
