import { defineTask } from 'quillwork'
import { createGate, type Order, scriptedTasks, type TestEngine, testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { hasty } from './hasty.ts'

const succeed: Order = { do: 'succeed' }
const hang: Order = { do: 'hang' }

/** The events of a task that are told of its moves, each with how long the attempt ran that ended with it. */
function endsOf(t: TestEngine, taskId: string) {
  return t.recorder.events
    .filter(event => event.taskId === taskId && event.name !== 'submitted' && event.name !== 'started')
    .map(event => [event.name, 'ranMs' in event ? event.ranMs : undefined])
}

/** How long each attempt of a task was waited for. */
function waitsOf(t: TestEngine, taskId: string): number[] {
  return t.recorder.all('started', { taskId }).map(({ waitedMs }) => waitedMs)
}

describe('how long an attempt ran', () => {
  it('is told by the events that end one: a wait for sub-tasks, a failure, a snooze, an end', async () => {
    const { scripted, parent } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted, parent] })
    const until = t.fromNow('1m').getTime()
    const failing = await t.submit(scripted, { orders: [{ do: 'fail', attempts: 1 }, succeed] })
    const snoozing = await t.submit(scripted, { orders: [{ do: 'snooze', until, attempts: 1 }, succeed] })
    const hopeless = await t.submit(scripted, { orders: [{ do: 'failForGood' }] })
    const reducing = await t.submit(parent, {
      orders: [{ do: 'submitMany', count: 1, orders: [succeed] }],
    })
    const hanging = await t.submit(scripted, { orders: [hang] })
    await t.advance('2m')
    await hanging.cancel()
    await t.drain()
    for (const { taskId } of [failing, snoozing])
      expect(endsOf(t, taskId)).toEqual([
        ['retrying', 0],
        ['completed', 0],
      ])
    expect(endsOf(t, hopeless.taskId)).toEqual([['failed', 0]])
    expect(endsOf(t, hanging.taskId)).toEqual([['cancelled', 120_000]])
    expect(endsOf(t, reducing.taskId)).toEqual([
      ['waiting', 0],
      ['waiting', undefined],
      ['completed', 0],
    ])
  })

  it('is not told of a parent that its sub-tasks end, or that is cancelled while it waits for them', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const submit = (order: Order) =>
      t.submit(scripted, { orders: [{ do: 'submitMany', count: 1, orders: [order] }] })
    const done = await submit(succeed)
    const dead = await submit({ do: 'failForGood' })
    const cancelled = await submit(hang)
    await t.advance('5s')
    await cancelled.cancel()
    await t.drain()
    expect(endsOf(t, done.taskId)).toEqual([
      ['waiting', 0],
      ['completed', undefined],
    ])
    expect(endsOf(t, dead.taskId)).toEqual([
      ['waiting', 0],
      ['failed', undefined],
    ])
    expect(endsOf(t, cancelled.taskId)).toEqual([
      ['waiting', 0],
      ['cancelled', undefined],
    ])
  })

  it('is not told of a task that is cancelled, or whose deadline passes, while it waits, nor of one that runs again', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted, hasty] })
    const later = await t.submit(scripted, { orders: [succeed] }, { delay: '1h' })
    const retrying = await t.submit(scripted, { orders: [{ do: 'fail' }] })
    const late = await t.submit(hasty, {}, { delay: '50m' })
    await t.drain()
    await later.cancel()
    await retrying.cancel()
    await t.jump('45m')
    await t.advance('1m')
    await t.tasks.retry(later.taskId)
    await t.drain()
    expect(endsOf(t, later.taskId)).toEqual([
      ['cancelled', undefined],
      ['reopened', undefined],
      ['completed', 0],
    ])
    expect(endsOf(t, retrying.taskId)).toEqual([
      ['retrying', 0],
      ['cancelled', undefined],
    ])
    expect(endsOf(t, late.taskId)).toEqual([['failed', undefined]])
  })
})

describe('how long a task could have run before its attempt', () => {
  it('counts from its creation, or from its start time', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const orders = [succeed]
    const first = await t.submit(scripted, { orders })
    const later = await t.submit(scripted, { orders }, { delay: '1m' })
    await t.advance('2m')
    await t.lanes.pause('default')
    const paused = await t.submit(scripted, { orders })
    const both = await t.submit(scripted, { orders }, { delay: '10s' })
    await t.advance('30s')
    await t.lanes.resume('default')
    await t.drain()
    expect(waitsOf(t, first.taskId)).toEqual([0])
    expect(waitsOf(t, later.taskId)).toEqual([0])
    expect(waitsOf(t, paused.taskId)).toEqual([30_000])
    expect(waitsOf(t, both.taskId)).toEqual([20_000])
  })

  it('counts anew from the time of a retry or a snooze, and from when a person has it run again', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const until = t.fromNow('1m').getTime()
    const failing = await t.submit(scripted, { orders: [{ do: 'fail', attempts: 1 }, succeed] })
    const snoozing = await t.submit(scripted, { orders: [{ do: 'snooze', until, attempts: 1 }, succeed] })
    const hopeless = await t.submit(scripted, { orders: [{ do: 'failForGood', attempts: 1 }, succeed] })
    await t.drain()
    await t.lanes.pause('default')
    const { nextAttemptTimestamp = 0 } = await t.tasks.get(failing.taskId)
    await t.advance('90s')
    await t.tasks.retry(hopeless.taskId)
    await t.advance('10s')
    await t.lanes.resume('default')
    await t.drain()
    expect(waitsOf(t, failing.taskId)).toEqual([0, t.clock.now() - nextAttemptTimestamp])
    expect(waitsOf(t, snoozing.taskId)).toEqual([0, 40_000])
    expect(waitsOf(t, hopeless.taskId)).toEqual([0, 10_000])
  })

  it('counts from when the sub-tasks ended for the hook of a parent', async () => {
    const gate = createGate()
    const child = defineTask({
      type: 'Child',
      lane: 'batch',
      parameters: z.null(),
      result: z.null(),
      execute: () => gate.opened.then(() => null),
    })
    const parent = defineTask({
      type: 'Parent',
      parameters: z.null(),
      result: z.null(),
      async execute(ctx) {
        await ctx.submitSubTasks(child, [{ key: 'only', parameters: null }])
      },
      onSubTasksSettled: async () => null,
    })
    await using t = await testEngine({ tasks: [parent, child] })
    const task = await t.submit(parent, null)
    await t.advance('1m')
    await t.lanes.pause('default')
    gate.open()
    await t.advance('20s')
    await t.lanes.resume('default')
    await t.drain()
    expect(waitsOf(t, task.taskId)).toEqual([0, 20_000])
  })
})
