import { defineTask } from 'quillwork'
import { type Order, scriptedTasks, testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { allTasks, expectInvariants } from './invariants.ts'
import { onSqlite } from './store-kind.ts'

/** Fails for good with the message that it is given, until it is healed. */
function failing() {
  const state = { healed: false }
  const task = defineTask({
    type: 'Failing',
    parameters: z.string(),
    result: z.string(),
    retry: { maxAttempts: 1 },
    execute(ctx) {
      if (!state.healed) throw new Error(ctx.parameters)
      return ctx.parameters
    },
  })
  return { task, state }
}

describe('dead letters', () => {
  it('A4: a task that exhausted its attempts has one, with its id, reason and error', async () => {
    const { task } = failing()
    await using t = await testEngine({ tasks: [task] })
    const { taskId } = await t.submit(task, 'no model', { userId: 'ann' })
    await t.drain()
    const { items } = await t.deadLetters.list({}, { pageSize: 10 })
    expect(items).toHaveLength(1)
    expect(items[0]).toMatchObject({
      id: taskId,
      deadLetter: {
        reason: 'attempts-exhausted',
        attempt: 1,
        openedAt: t.clock.now(),
        error: { message: 'no model' },
      },
    })
    expect(await t.deadLetters.get(taskId)).toEqual(items[0])
    await expect(t.deadLetters.get('nobody')).rejects.toMatchObject({ code: 'DEAD_LETTER_NOT_FOUND' })
  })

  it('equal failures are one line, whatever ids and numbers they name', async () => {
    const { task } = failing()
    await using t = await testEngine({ tasks: [task] })
    for (let index = 0; index < 5; index++) await t.submit(task, `scene ${index} is gone`)
    await t.submit(task, 'something else')
    await t.drain()
    const groups = await t.deadLetters.groups({})
    expect(groups.map(({ count }) => count)).toEqual([5, 1])
    const [first] = groups
    expect(first).toMatchObject({ taskType: 'Failing', code: 'HANDLER_FAILED' })
    const { items } = await t.deadLetters.list({ fingerprint: first?.fingerprint ?? '' }, { pageSize: 10 })
    expect(items).toHaveLength(5)
  })

  it('A17: listing them a thousand times, page by page, loses and reorders nothing', async () => {
    const { task } = failing()
    await using t = await testEngine({ tasks: [task] })
    await t.submitMany(
      task,
      Array.from({ length: 45 }, (_, index) => ({ parameters: `${index}` })),
    )
    await t.drain()
    const seen = new Set<string>()
    for (let round = 0; round < 100; round++) {
      const ids: string[] = []
      let pageToken: string | undefined
      do {
        const page = await t.deadLetters.list(
          {},
          pageToken === undefined ? { pageSize: 10 } : { pageSize: 10, pageToken },
        )
        ids.push(...page.items.map(({ id }) => id))
        pageToken = page.nextPageToken
      } while (pageToken !== undefined)
      seen.add(ids.join())
      expect(new Set(ids).size).toBe(45)
    }
    expect(seen.size).toBe(1)
  })

  it('all that match a filter are retried, the others are left', async () => {
    const { task, state } = failing()
    await using t = await testEngine({ tasks: [task] })
    await t.submitMany(
      task,
      Array.from({ length: 250 }, () => ({ parameters: 'x', userId: 'ann' })),
    )
    const other = await t.submit(task, 'x', { userId: 'bob' })
    await t.drain()
    state.healed = true
    expect(await t.deadLetters.retryAll({ userId: 'ann' })).toEqual({ done: 250, failed: [] })
    await t.drain()
    expect(await t.tasks.counts()).toMatchObject({ COMPLETED: 250, DEAD_LETTER: 1 })
    expect((await other.state()).status).toBe('DEAD_LETTER')
    await expectInvariants(t)
  })

  it('an empty list of task types means none of them, not all', async () => {
    const { task } = failing()
    await using t = await testEngine({ tasks: [task] })
    await t.submit(task, 'x')
    await t.drain()
    for (const act of ['retryAll', 'purgeAll'] as const)
      expect(await t.deadLetters[act]({ taskType: [] })).toEqual({ done: 0, failed: [] })
    expect((await t.deadLetters.list({}, { pageSize: 10 })).items).toHaveLength(1)
  })

  it('those that fail again while all are retried are tried once', async () => {
    // More than two pages of what is retried; on MongoDB, where each takes longer, more than one.
    const many = onSqlite ? 450 : 250
    const { task } = failing()
    await using t = await testEngine({ tasks: [task] })
    await t.submitMany(
      task,
      Array.from({ length: many }, () => ({ parameters: 'x' })),
    )
    await t.drain()
    expect((await t.deadLetters.retryAll({})).done).toBe(many)
    await t.drain()
    expect(new Set((await allTasks(t)).map(({ attempt }) => attempt))).toEqual(new Set([2]))
    await expectInvariants(t)
  })

  it('a parent that the retry of its sub-tasks reopened is no failure, and no sub-task runs twice', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const fail: Order = { do: 'failForGood', message: 'no' }
    const parent = await t.submit(scripted, {
      orders: [
        { do: 'submitMany', count: 3, orders: [fail] },
        { do: 'succeed', value: 1 },
      ],
    })
    await t.drain()
    expect((await t.tasks.get(parent.taskId)).status).toBe('FAILED')
    await t.lanes.pause('default')
    expect(await t.deadLetters.retryAll({})).toEqual({ done: 3, failed: [] })
    await t.lanes.resume('default')
    await t.drain()
    const failed = await t.deadLetters.list({}, { pageSize: 10 })
    expect(failed.items.map(({ attempt }) => attempt)).toEqual([2, 2, 2, 1])
    await expectInvariants(t)
  })

  it('a parent that failed anew before its turn came is left as it failed', async () => {
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted] })
    const fail: Order = { do: 'failForGood', message: 'no' }
    const orders: Order[] = [
      { do: 'submitMany', count: 1, orders: [fail] },
      { do: 'succeed', value: 1 },
    ]
    const parent = await t.submit(scripted, { orders })
    await t.drain()
    const { queries } = t.store
    const { deadLetters } = queries
    // Between the read of the page and the parent in it, its sub-task was retried and failed again.
    queries.deadLetters = async (filter, page) => {
      queries.deadLetters = deadLetters
      const listed = await queries.deadLetters(filter, page)
      const [child] = listed.items
      if (child !== undefined) await t.tasks.retry(child.id)
      await t.drain()
      return listed
    }
    expect(await t.deadLetters.retryAll({})).toEqual({ done: 0, failed: [] })
    expect((await t.tasks.get(parent.taskId)).round).toBe(1)
    await expectInvariants(t)
  })

  it('that are purged leave the list with history; the tasks stay as they ended and can still be retried', async () => {
    const { task, state } = failing()
    await using t = await testEngine({ tasks: [task] })
    const old = await t.submit(task, 'old')
    await t.advance('10m')
    const young = await t.submit(task, 'young')
    await t.drain()
    const openedBefore = t.clock.now() - 60_000
    expect(await t.deadLetters.purgeAll({ openedBefore })).toEqual({ done: 1, failed: [] })
    expect((await t.deadLetters.list({}, { pageSize: 10 })).items.map(({ id }) => id)).toEqual([young.taskId])
    expect(await t.tasks.get(old.taskId)).toMatchObject({
      status: 'DEAD_LETTER',
      deadLetterHistory: [{ closedAt: t.clock.now() }],
    })
    state.healed = true
    await t.tasks.retry(old.taskId)
    await t.drain()
    expect((await old.state()).status).toBe('COMPLETED')
  })

  it.runIf(onSqlite)('a record that cannot be read becomes one, and stops no other', async () => {
    const { task, state } = failing()
    state.healed = true
    await using t = await testEngine({ tasks: [task], persistent: true })
    await t.lanes.pause('default')
    const damaged = await t.submit(task, 'damaged')
    const fine = await t.submit(task, 'fine')
    const { database } = t.store as unknown as {
      database: {
        write(
          work: (db: { prepare(sql: string): { run(...values: unknown[]): void } }) => void,
        ): Promise<void>
      }
    }
    await database.write(db =>
      db.prepare("UPDATE tasks SET parameters = '{broken', tags = '[' WHERE id = ?").run(damaged.taskId),
    )
    await t.crash()
    await t.lanes.resume('default')
    await t.drain()
    expect((await t.tasks.get(fine.taskId)).status).toBe('COMPLETED')
    expect(await t.tasks.get(damaged.taskId)).toMatchObject({
      status: 'DEAD_LETTER',
      errorInfo: { code: 'RECORD_UNREADABLE' },
      deadLetter: { reason: 'unreadable' },
    })
    await expectInvariants(t)
  })
})
