import { defineTask } from 'quillwork'
import { createGate, scriptedTasks, type TestEngine, testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { onSqlite } from './store-kind.ts'

/** A task whose attempts each wait until the test lets one more of them end. */
function stepping() {
  const started: string[] = []
  const open: (() => void)[] = []
  const task = defineTask({
    type: 'Step',
    parameters: z.string(),
    result: z.null(),
    async execute(ctx) {
      started.push(ctx.parameters)
      const gate = createGate()
      open.push(() => gate.open())
      await gate.opened
      return null
    },
  })
  return { task, started, finishOne: () => open.shift()?.() }
}

/** Pauses the lane while no look-up is under way: one that did not see the pause would send a task that is refused, and comes back last. */
async function pauseQuietly(t: Pick<TestEngine, 'drain' | 'lanes'>): Promise<void> {
  await t.lanes.pause('default')
  await t.drain()
}

describe('a lane', () => {
  it('that a task names has a name that no other lane could be mistaken for', async () => {
    for (const lane of ['mail.fast', '#', 'x'.repeat(61)]) {
      const define = () =>
        defineTask({
          type: 'Odd',
          lane,
          parameters: z.null(),
          result: z.null(),
          execute: () => null,
        })
      expect(define).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
      const lanes = { [lane]: { slots: 1 } }
      await expect(testEngine({ tasks: [], lanes })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    }
  })

  it('runs as many tasks at once as it has slots', async () => {
    const { task, started, finishOne } = stepping()
    await using t = await testEngine({ tasks: [task], lanes: { default: { slots: 3 } } })
    await t.submitMany(
      task,
      Array.from({ length: 10 }, (_, index) => ({ parameters: `${index}` })),
    )
    await t.drain()
    expect(started).toHaveLength(3)
    finishOne()
    await t.drain()
    expect(started).toHaveLength(4)
    expect(await t.lanes.list()).toMatchObject([
      { lane: 'default', slots: 3, running: 3, waiting: 6, paused: false },
    ])
  })

  it('has the slots that an operator sets while it runs, over a restart, until they are taken away', async () => {
    const { task, started, finishOne } = stepping()
    await using t = await testEngine({ tasks: [task], lanes: { default: { slots: 2 } }, persistent: true })
    const slots = () => t.lanes.slots().find(({ lane }) => lane === 'default')?.slots
    for (let each = 0; each < 6; each++) await t.submit(task, `task ${each}`)
    await t.drain()
    expect(started).toHaveLength(2)
    await t.lanes.setSlots('default', 4)
    await t.drain()
    expect([started.length, slots()]).toEqual([4, 4])
    await t.lanes.setSlots('default', 1)
    for (let ended = 0; ended < 3; ended++) finishOne()
    await t.drain()
    expect(await t.lanes.list(), 'none was interrupted, and none began').toMatchObject([
      { lane: 'default', slots: 1, setSlots: 1, running: 1, waiting: 2 },
    ])
    finishOne()
    await t.drain()
    expect(started).toHaveLength(5)
    finishOne()
    await t.drain()
    finishOne()
    await t.drain()
    await t.restart()
    await t.drain()
    expect(slots()).toBe(1)
    await t.lanes.setSlots('default', undefined)
    expect(slots()).toBe(2)
    for (const wrong of [0, -1, 1.5, 1_001, Number.NaN])
      await expect(t.lanes.setSlots('default', wrong)).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await expect(t.lanes.setSlots('nowhere', 3)).rejects.toMatchObject({ code: 'LANE_UNKNOWN' })
  })

  it('has no slots in a process without the role worker', async () => {
    const { task } = stepping()
    await using t = await testEngine({ tasks: [task], roles: ['maintenance'] })
    expect(await t.lanes.list()).toMatchObject([{ lane: 'default', slots: 0, running: 0 }])
  })

  it('a full batch lane never blocks the default one', async () => {
    const { task, started } = stepping()
    await using t = await testEngine({ tasks: [task], lanes: { default: { slots: 1 }, batch: { slots: 2 } } })
    await t.submitMany(
      task,
      Array.from({ length: 100 }, () => ({ parameters: 'batch', lane: 'batch' })),
    )
    await t.drain()
    await t.submit(task, 'interactive')
    await t.drain()
    expect(started).toEqual(['batch', 'batch', 'interactive'])
  })

  it('that is paused starts nothing, lets what runs end, and stays paused over a restart', async () => {
    const { scripted, journal } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], persistent: true })
    await t.lanes.pause('default')
    const task = await t.submit(scripted, { orders: [{ do: 'succeed' }] })
    await t.advance('10s')
    await t.restart()
    await t.advance('10s')
    expect(journal).toHaveLength(0)
    expect((await t.lanes.list())[0]).toMatchObject({ paused: true, waiting: 1 })
    await t.lanes.resume('default')
    await t.drain()
    expect((await t.tasks.get(task.taskId)).status).toBe('COMPLETED')
    await expect(t.lanes.pause('nowhere')).rejects.toMatchObject({ code: 'LANE_UNKNOWN' })
  })

  it('that is paused starts nothing of what has left it for a worker already', async () => {
    const { task, started, finishOne } = stepping()
    await using t = await testEngine({ tasks: [task], lanes: { default: { slots: 1 } } })
    const tasks = await t.submitMany(
      task,
      ['a', 'b', 'c'].map(parameters => ({ parameters })),
    )
    await t.drain()
    await t.lanes.pause('default')
    finishOne()
    await t.advance('10s')
    expect(started).toEqual(['a'])
    await t.lanes.resume('default')
    for (const _ of ['b', 'c']) {
      await t.advance('2s')
      finishOne()
    }
    await t.drain()
    expect(started).toEqual(['a', 'b', 'c'])
    const records = await Promise.all(tasks.map(({ taskId }) => t.tasks.get(taskId)))
    expect(records.map(({ status, attempt }) => [status, attempt])).toEqual(tasks.map(() => ['COMPLETED', 1]))
  })

  it('tasks of high priority leave it first', async () => {
    const { task, started, finishOne } = stepping()
    await using t = await testEngine({ tasks: [task], lanes: { default: { slots: 1 } } })
    await pauseQuietly(t)
    for (const [parameters, priority] of [
      ['a', 'normal'],
      ['b', 'high'],
      ['c', 'normal'],
      ['d', 'high'],
    ] as const)
      await t.submit(task, parameters, { priority })
    await t.lanes.resume('default')
    for (let index = 0; index < 4; index++) {
      await t.drain()
      finishOne()
    }
    expect(started).toEqual(['b', 'd', 'a', 'c'])
  })
})

describe('fairness', () => {
  it('C15: 500 tasks of one user delay another’s one by a few task lengths', async () => {
    const { task, started, finishOne } = stepping()
    await using t = await testEngine({ tasks: [task], lanes: { default: { slots: 4 } } })
    await t.submitMany(
      task,
      Array.from({ length: 500 }, () => ({ parameters: 'many', userId: 'ann' })),
    )
    await t.drain()
    await t.submit(task, 'one', { userId: 'bob' })
    let lengths = 0
    while (!started.includes('one') && lengths < 20) {
      for (let slot = 0; slot < 4; slot++) finishOne()
      await t.drain()
      lengths += 1
    }
    expect(lengths).toBeLessThanOrEqual(3)
  })

  it('users with backlogs take turns, whoever came first', async () => {
    const { task, started, finishOne } = stepping()
    await using t = await testEngine({ tasks: [task], lanes: { default: { slots: 1 } } })
    await pauseQuietly(t)
    for (const userId of ['ann', 'bob', 'cy'])
      await t.submitMany(
        task,
        Array.from({ length: 20 }, () => ({ parameters: userId, userId })),
      )
    await t.lanes.resume('default')
    for (let index = 0; index < 30; index++) {
      await t.drain()
      finishOne()
    }
    for (const userId of ['ann', 'bob', 'cy'])
      expect(started.slice(0, 30).filter(user => user === userId)).toHaveLength(10)
  })

  it('what had high priority does not put those who come later behind those who came before it', async () => {
    const { task, started, finishOne } = stepping()
    await using t = await testEngine({ tasks: [task], lanes: { default: { slots: 1 } } })
    const many = (userId: string) => Array.from({ length: 20 }, () => ({ parameters: userId, userId }))
    await pauseQuietly(t)
    await t.submitMany(task, many('ann'))
    await t.submitMany(
      task,
      many('cy').map(one => ({ ...one, priority: 'high' as const })),
    )
    await t.lanes.resume('default')
    for (let index = 0; index < 22; index++) {
      await t.drain()
      finishOne()
    }
    await t.submitMany(task, many('bob'))
    for (let index = 0; index < 10; index++) {
      await t.drain()
      finishOne()
    }
    const later = started.slice(22, 32)
    expect(later.filter(user => user === 'bob').length).toBeGreaterThanOrEqual(4)
  })

  it('tasks that wait for their time are in nobody’s way, and take turns when it has come', async () => {
    const { task, started, finishOne } = stepping()
    await using t = await testEngine({ tasks: [task], lanes: { default: { slots: 1 } } })
    const many = (userId: string, parameters: string) =>
      Array.from({ length: 20 }, () => ({ parameters, userId }))
    await pauseQuietly(t)
    await t.submitMany(
      task,
      many('ann', 'later').map(one => ({ ...one, delay: 60_000 })),
    )
    await t.submitMany(task, many('bob', 'bob'))
    await t.submit(task, 'now', { userId: 'ann' })
    await t.lanes.resume('default')
    for (let index = 0; index < 4; index++) {
      await t.drain()
      finishOne()
    }
    expect(started.slice(0, 3)).toContain('now')
    await t.advance('1m')
    const before = started.length
    for (let index = 0; index < 10; index++) {
      await t.drain()
      finishOne()
    }
    expect(started.slice(before).filter(what => what === 'bob').length).toBeGreaterThanOrEqual(4)
  })

  it('a parent’s many sub-tasks are its user’s: another user’s task passes them', async () => {
    const { task, started, finishOne } = stepping()
    const parent = defineTask({
      type: 'Parent',
      parameters: z.number(),
      result: z.null(),
      async execute(ctx) {
        const items = Array.from({ length: ctx.parameters }, (_, index) => ({
          key: `${index}`,
          parameters: 'child',
        }))
        await ctx.submitSubTasks(task, items)
        return null
      },
    })
    await using t = await testEngine({ tasks: [task, parent], lanes: { default: { slots: 2 } } })
    await t.submit(parent, 300, { userId: 'ann' })
    await t.drain()
    await t.submit(task, 'other', { userId: 'bob' })
    for (let length = 0; length < 6; length++) {
      finishOne()
      await t.drain()
    }
    expect(started).toContain('other')
  })
})

describe('tasks whose last attempt crashed', () => {
  it.runIf(onSqlite)(
    'once go before a quarantined one that waits, also where the process has just begun',
    async () => {
      const { task, started, finishOne } = stepping()
      await using t = await testEngine({ tasks: [task], persistent: true, lanes: { default: { slots: 5 } } })
      const submit = async (name: string) => {
        await t.submit(task, name)
        await t.drain()
      }
      await submit('one')
      await submit('two')
      const crash = async () => {
        await t.crash()
        for (let index = 0; index < 5; index++) finishOne()
        started.length = 0
      }
      await crash()
      await t.drain()
      await crash()
      // One of the two runs, and the other one stands in line behind it.
      await t.advance('20s')
      expect(started).toHaveLength(1)
      await submit('a')
      await submit('b')
      await crash()
      await t.advance('5s')
      expect(started.sort()).toEqual(['a', 'b'])
      for (let index = 0; index < 2; index++) finishOne()
      await t.advance('5s')
      expect(started).toHaveLength(3)
      finishOne()
      await t.drain()
    },
  )

  it.runIf(onSqlite)(
    'run beside each other after one crash, and one at a time in a process, over all its lanes, after two',
    async () => {
      const { task, started, finishOne } = stepping()
      await using t = await testEngine({
        tasks: [task],
        persistent: true,
        lanes: { default: { slots: 5 }, batch: { slots: 5 } },
      })
      await t.submitMany(
        task,
        [0, 1, 2].map(index => ({ parameters: `default ${index}` })),
      )
      await t.submitMany(
        task,
        [0, 1].map(index => ({ parameters: `batch ${index}`, lane: 'batch' })),
      )
      await t.drain()
      expect(started).toHaveLength(5)
      const crash = async () => {
        await t.crash()
        for (let index = 0; index < 5; index++) finishOne()
        started.length = 0
      }
      await crash()
      await t.advance('2s')
      expect(started).toHaveLength(5)
      await crash()
      await t.advance('20s')
      for (let ended = 0; ended < 5; ended++) {
        await t.advance('2s')
        expect(started).toHaveLength(ended + 1)
        finishOne()
      }
      await t.drain()
      for (const { retryCount } of (await t.tasks.list({}, { pageSize: 9 })).items) expect(retryCount).toBe(0)
      expect((await t.tasks.counts()).COMPLETED).toBe(5)
    },
  )
})
