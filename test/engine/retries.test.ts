import { scriptedTasks, testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'

describe('retries', () => {
  it('A1, A2: a failing task is run again after 15 s, 1 min, 5 min and 30 min, once each', async () => {
    const { scripted, journal } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const task = await t.submit(scripted, { orders: [{ do: 'fail' }] })
    for (const [retries, wait] of [15_000, 60_000, 300_000, 1_800_000].entries()) {
      await t.drain()
      expect(journal).toHaveLength(retries + 1)
      const record = await t.tasks.get(task.taskId)
      expect(record).toMatchObject({
        status: 'RETRYING',
        attempt: retries + 1,
        retryCount: retries + 1,
        nextAttemptTimestamp: t.clock.now() + wait,
      })
      await t.advance(wait - 1)
      expect(journal).toHaveLength(retries + 1)
      await t.advance(1)
      expect(journal).toHaveLength(retries + 2)
    }
    expect(await t.tasks.get(task.taskId)).toMatchObject({ status: 'DEAD_LETTER', attempt: 5, retryCount: 4 })
  })
})
