import { scriptedTasks, testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { expectNoCrash } from './invariants.ts'
import { onSqlite } from './store-kind.ts'

describe('a process that ends and comes back', () => {
  it.runIf(onSqlite)('A22: goes on with what was QUEUED, RETRYING and RUNNING', async () => {
    const { scripted, journal } = scriptedTasks()
    await using t = await testEngine({
      tasks: [scripted],
      persistent: true,
      lanes: { default: { slots: 2 } },
    })
    const retrying = await t.submit(scripted, {
      orders: [
        { do: 'fail', attempts: 1 },
        { do: 'succeed', value: 'r' },
      ],
    })
    await t.drain()
    const running = await t.submitMany(
      scripted,
      [0, 1].map(() => ({
        parameters: {
          orders: [
            { do: 'hang', attempts: 1 },
            { do: 'succeed', value: 'h' },
          ],
        },
      })),
    )
    await t.drain()
    const queued = await t.submit(scripted, { orders: [{ do: 'succeed', value: 'q' }] })
    await t.drain()
    expect(await t.tasks.counts()).toMatchObject({ RETRYING: 1, RUNNING: 2, QUEUED: 1 })

    await t.crash()
    await t.drain()
    expect((await t.find(scripted, queued.taskId)) && (await t.tasks.get(queued.taskId)).status).toBe(
      'COMPLETED',
    )
    await t.advance('1m')
    for (const { taskId } of [retrying, queued, ...running]) {
      expect((await t.tasks.get(taskId)).status).toBe('COMPLETED')
    }
    for (const { taskId } of running) {
      expect(await t.tasks.get(taskId)).toMatchObject({ attempt: 2, retryCount: 0, crashCount: 0 })
    }
    expect(journal.filter(entry => entry.taskId === queued.taskId)).toHaveLength(1)
  })

  it('A16: a stop in order gives running attempts back and spends no retry', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], persistent: true })
    const task = await t.submit(scripted, { orders: [{ do: 'hang', attempts: 1 }, { do: 'succeed' }] })
    await t.drain()
    await t.restart()
    await t.drain()
    expect(await t.tasks.get(task.taskId)).toMatchObject({ status: 'COMPLETED', attempt: 2, retryCount: 0 })
    await expectNoCrash(t)
  })
})
