import { defineTask } from 'quillwork'
import { createGate, type Order, scriptedTasks, testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { wasEndedBySubTasks } from '../../src/task/decide.ts'
import type { TaskRecord } from '../../src/task/task.ts'
import { cancelRequested } from '../../src/task/transition.ts'
import { expectInvariants } from './invariants.ts'
import { onSqlite } from './store-kind.ts'

const hang: Order = { do: 'hang' }
const succeed: Order = { do: 'succeed', value: 1 }

describe('cancelling a task', () => {
  it('B6: that waits ends it at once, and tells it once', async () => {
    const { scripted, journal } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const later = await t.submit(scripted, { orders: [succeed] }, { delay: '1h' })
    const retrying = await t.submit(scripted, { orders: [{ do: 'fail' }] })
    await t.drain()
    for (const task of [later, retrying]) {
      await task.cancel()
      await task.cancel()
      expect(await task.state()).toMatchObject({ status: 'CANCELLED', error: { code: 'TASK_CANCELLED' } })
    }
    await t.jump('2h')
    expect(journal).toHaveLength(1)
    expect(t.recorder.storyOf(later.taskId)).toEqual(['submitted', 'cancelled'])
    await expect(later.result()).rejects.toMatchObject({ code: 'TASK_CANCELLED', status: 'CANCELLED' })
    await expectInvariants(t)
  })

  it.each(['waits', 'runs'])('B6: twice at the same moment, while it %s, tells it once', async how => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const task = await t.submit(scripted, { orders: [hang] }, how === 'waits' ? { delay: '1h' } : {})
    await t.drain()
    await Promise.all([task.cancel(), task.cancel(), t.tasks.cancel(task.taskId)])
    await t.drain()
    expect(t.recorder.all('cancelled')).toHaveLength(1)
    await expectInvariants(t)
  })

  it('B3: that runs fires its signal at once; it ends when the handler obeys', async () => {
    const { scripted, journal } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const task = await t.submit(scripted, { orders: [hang] })
    await t.drain()
    await task.cancel()
    await t.drain()
    expect(journal.map(({ did }) => did)).toEqual(['start', 'hang'])
    expect((await task.state()).status).toBe('CANCELLED')
    await expectInvariants(t)
  })

  it('that ignores its signal ends after 10 s without it', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], lanes: { default: { slots: 1 } } })
    const deaf = await t.submit(scripted, { orders: [{ do: 'ignoreSignal' }] })
    const next = await t.submit(scripted, { orders: [succeed] })
    await t.drain()
    await deaf.cancel()
    await t.advance(9_999)
    expect((await deaf.state()).status).toBe('RUNNING')
    await t.advance(1)
    expect((await deaf.state()).status).toBe('CANCELLED')
    expect((await next.state()).status).toBe('COMPLETED')
  })

  it('with thousands of sub-tasks ends all of them, a part at a time', async () => {
    const child = defineTask({
      type: 'Child',
      lane: 'batch',
      parameters: z.null(),
      result: z.null(),
      execute: () => null,
    })
    const items = Array.from({ length: 2_500 }, (_, index) => ({ key: `${index}`, parameters: null }))
    const parent = defineTask({
      type: 'Parent',
      parameters: z.null(),
      result: z.null(),
      async execute(ctx) {
        await ctx.submitSubTasks(child, items)
        return null
      },
    })
    await using t = await testEngine({ tasks: [parent, child] })
    await t.lanes.pause('batch')
    const task = await t.submit(parent, null)
    await t.drain()
    expect((await t.tasks.counts()).QUEUED).toBe(2_500)
    await task.cancel()
    await t.drain()
    const counts = await t.tasks.counts()
    expect(counts.QUEUED + counts.RUNNING).toBe(0)
    await expectInvariants(t)
  })

  it('a result that is returned first wins', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const task = await t.submit(scripted, { orders: [{ do: 'finishLate', value: 'paid for' }] })
    await t.drain()
    await task.cancel()
    await t.drain()
    expect(await task.state()).toMatchObject({ status: 'COMPLETED', result: 'paid for' })
  })

  it('B1: a failure after the cancel does not bring it back', async () => {
    const gate = createGate()
    const late = defineTask({
      type: 'Late',
      parameters: z.null(),
      result: z.null(),
      async execute() {
        await gate.opened
        throw new Error('after the cancel')
      },
    })
    await using t = await testEngine({ tasks: [late] })
    const task = await t.submit(late, null)
    await t.drain()
    await task.cancel()
    gate.open()
    await t.drain()
    expect((await task.state()).status).toBe('CANCELLED')
    await t.advance('1m')
    expect(await t.tasks.get(task.taskId)).toMatchObject({ status: 'CANCELLED', attempt: 1, retryCount: 0 })
  })

  it.each(['one', 'many'])(
    'sub-tasks (%s) that are refused because of it, before the attempt heard of it, make no failure',
    async amount => {
      const { scripted } = scriptedTasks()
      const gate = createGate()
      const parent = defineTask({
        type: 'Parent',
        parameters: z.null(),
        result: z.null(),
        async execute(ctx) {
          await gate.opened
          const parameters = { orders: [] }
          if (amount === 'one') await ctx.submitSubTask(scripted, parameters, { key: 'a' })
          else await ctx.submitSubTasks(scripted, [{ key: 'a', parameters }])
          return null
        },
      })
      await using t = await testEngine({ tasks: [scripted, parent] })
      const { taskId } = await t.submit(parent, null)
      await t.drain()
      const { tasks } = t.engine.store
      // As another process does whose message is late.
      await tasks.apply([cancelRequested(await t.tasks.get(taskId), tasks.now())])
      gate.open()
      await t.drain()
      expect(await t.tasks.get(taskId)).toMatchObject({ status: 'CANCELLED', attempt: 1 })
      await expectInvariants(t)
    },
  )

  it('B5: that has ended is refused', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const task = await t.submit(scripted, { orders: [succeed] })
    await t.drain()
    await expect(task.cancel()).rejects.toMatchObject({ code: 'TASK_ALREADY_ENDED' })
    await expect(t.tasks.cancel('nobody')).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' })
    await expect(t.tasks.cancel(task.taskId, { ifVersion: 1 })).rejects.toMatchObject({
      code: 'TASK_ALREADY_ENDED',
    })
  })

  it('with a version that is not the last one changes nothing', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const task = await t.submit(scripted, { orders: [hang] })
    await t.drain()
    const { version } = await t.tasks.get(task.taskId)
    await expect(t.tasks.cancel(task.taskId, { ifVersion: version - 1 })).rejects.toMatchObject({
      code: 'TASK_CHANGED',
    })
    expect((await task.state()).status).toBe('RUNNING')
    await t.tasks.cancel(task.taskId, { ifVersion: version })
    await t.drain()
    expect((await task.state()).status).toBe('CANCELLED')
  })

  it('an attempt that timed out and one that was asked to stop end CANCELLED, whatever comes first', async () => {
    const slow = defineTask({
      type: 'Slow',
      parameters: z.null(),
      result: z.null(),
      attemptTimeout: '5s',
      execute: () => new Promise<null>(() => undefined),
    })
    await using t = await testEngine({ tasks: [slow] })
    const task = await t.submit(slow, null)
    await t.drain()
    await t.advance('5s')
    await task.cancel()
    await t.advance('10s')
    expect((await task.state()).status).toBe('CANCELLED')
  })
})

describe('cancelling a parent', () => {
  it('B4: ends what waits below it, stops what runs, and keeps the count of what had ended', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], lanes: { default: { slots: 3 } } })
    const task = await t.submit(scripted, {
      orders: [
        {
          do: 'submit',
          subTasks: [
            { key: 'done', orders: [succeed] },
            ...['a', 'b', 'c', 'd', 'e'].map(key => ({ key, orders: [hang] })),
          ],
        },
      ],
    })
    await t.drain()
    expect(await t.tasks.get(task.taskId)).toMatchObject({
      subTaskStatusSummary: { COMPLETED: 1, RUNNING: 3, QUEUED: 2 },
    })
    await task.cancel()
    await t.drain()
    await t.advance('1s')
    expect(await t.tasks.get(task.taskId)).toMatchObject({
      status: 'CANCELLED',
      subTaskStatusSummary: { COMPLETED: 1, CANCELLED: 5 },
    })
    await expectInvariants(t)
  })

  it('goes down a tree of three levels and starts nothing more', async () => {
    const { scripted, journal } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], lanes: { default: { slots: 4 } } })
    const tree: Order = {
      do: 'submitMany',
      count: 3,
      orders: [{ do: 'submitMany', count: 3, orders: [{ do: 'submitMany', count: 3, orders: [hang] }] }],
    }
    const task = await t.submit(scripted, { orders: [tree] })
    await t.drain()
    await task.cancel()
    await t.advance('5s')
    const started = journal.filter(({ did }) => did === 'start').length
    const counts = await t.tasks.counts()
    expect({ ...counts, CANCELLED: 0, COMPLETED: 0 }).toMatchObject({ QUEUED: 0, RUNNING: 0, RETRYING: 0 })
    await t.advance('1m')
    expect(journal.filter(({ did }) => did === 'start')).toHaveLength(started)
    await expectInvariants(t)
  })

  it('works while its sub-tasks end one after the other', async () => {
    // Many writes of the cancel either way; each takes MongoDB longer.
    const many = onSqlite ? 5_000 : 1_500
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], lanes: { default: { slots: 10 } } })
    const task = await t.submit(scripted, { orders: [{ do: 'submitMany', count: many, orders: [succeed] }] })
    await t.recorder.waitFor('waiting', { taskId: task.taskId })
    await t.recorder.waitFor('completed')
    await task.cancel()
    await t.drain()
    await t.advance('1s')
    const { status, subTaskStatusSummary } = await t.tasks.get(task.taskId)
    expect(status).toBe('CANCELLED')
    expect(subTaskStatusSummary?.COMPLETED).toBeLessThan(many)
    expect((subTaskStatusSummary?.COMPLETED ?? 0) + (subTaskStatusSummary?.CANCELLED ?? 0)).toBe(many)
    await expectInvariants(t)
  })

  it('a parent that fails cancels its sub-tasks', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const task = await t.submit(scripted, {
      orders: [{ do: 'submitMany', count: 3, orders: [hang] }, { do: 'failForGood' }],
    })
    await t.drain()
    await t.advance('1s')
    expect(await t.tasks.get(task.taskId)).toMatchObject({
      status: 'FAILED',
      subTaskStatusSummary: { CANCELLED: 3 },
    })
    await expectInvariants(t)
  })

  it('a parent whose deadline passes fails and cancels its sub-tasks', async () => {
    const child = defineTask({
      type: 'Child',
      parameters: z.null(),
      result: z.null(),
      execute: ctx =>
        new Promise<null>((_, reject) =>
          ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)),
        ),
    })
    const parent = defineTask({
      type: 'Parent',
      parameters: z.null(),
      result: z.null(),
      deadline: '1m',
      async execute(ctx) {
        await ctx.submitSubTask(child, null, { key: 'only' })
        return null
      },
    })
    await using t = await testEngine({ tasks: [child, parent] })
    const task = await t.submit(parent, null)
    await t.advance('1m')
    await t.advance('10s')
    expect(await t.tasks.get(task.taskId)).toMatchObject({
      status: 'FAILED',
      errorInfo: { code: 'DEADLINE_PASSED' },
      deadLetter: { reason: 'deadline' },
      subTaskStatusSummary: { CANCELLED: 1 },
    })
    await expectInvariants(t)
    // Also once a person has discarded the dead letter: a sub-task that still ends does not have it run again.
    await t.deadLetters.purge(task.taskId)
    for (const record of await t.store.queries.get([task.taskId]))
      expect([record?.deadLetter, wasEndedBySubTasks(record as TaskRecord)]).toEqual([undefined, false])
  })

  it('one whose last sub-task is cancelled alone ends as its sub-tasks say', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const task = await t.submit(scripted, {
      orders: [
        {
          do: 'submit',
          subTasks: [
            { key: 'a', orders: [succeed] },
            { key: 'b', orders: [hang] },
          ],
        },
      ],
    })
    await t.drain()
    const hanging = (await t.tasks.children(task.taskId, { status: ['RUNNING'] }, { pageSize: 5 })).items[0]
    await t.tasks.cancel(hanging?.id ?? '')
    await t.drain()
    expect(await t.tasks.get(task.taskId)).toMatchObject({
      status: 'COMPLETED_WITH_ERRORS',
      failedSubTasks: [{ key: 'b', status: 'CANCELLED' }],
    })
    await expectInvariants(t)
  })
})
