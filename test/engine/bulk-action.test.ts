import { bulkAction, decode, defineTask, type TaskRecord } from 'quillwork'
import { type TestEngine, testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { allTasks, expectInvariants } from './invariants.ts'
import { onSqlite } from './store-kind.ts'

/** Fails until it is healed; `when` says for which parameters. */
function failing() {
  const state = {
    fails: (_: string): boolean => true,
    held: undefined as Promise<void> | undefined,
    runs: new Map<string, number>(),
  }
  const task = defineTask({
    type: 'Failing',
    parameters: z.string(),
    result: z.string(),
    retry: { maxAttempts: 1 },
    async execute(ctx) {
      await state.held
      state.runs.set(ctx.taskId, (state.runs.get(ctx.taskId) ?? 0) + 1)
      if (state.fails(ctx.parameters)) throw new Error('no model')
      return ctx.parameters
    },
  })
  return { task, state }
}

/** Returns an engine with so many dead letters. */
async function withDeadLetters(count: number) {
  const { task, state } = failing()
  const t = await testEngine({ tasks: [task, bulkAction], persistent: true })
  await t.submitMany(
    task,
    Array.from({ length: count }, (_, index) => ({ parameters: `${index}`, userId: 'ann' })),
  )
  await t.drain()
  await t.advance('1s')
  return { t, task, state, [Symbol.asyncDispose]: () => t[Symbol.asyncDispose]() }
}

const resultOf = ({ result }: TaskRecord) => (result === undefined ? undefined : decode(result))
const readResult = async (t: TestEngine, taskId: string) => resultOf(await t.tasks.get(taskId))
const failingTasks = async (t: TestEngine) =>
  (await allTasks(t)).filter(({ taskType }) => taskType === 'Failing')
const deadLetters = { action: 'retry', among: 'deadLetters', filter: {} } as const

describe('a bulk action', () => {
  it('retries what was dead when it was submitted, once, and not what fails again meanwhile', async () => {
    // More than a batch.
    const many = onSqlite ? 130 : 102
    await using made = await withDeadLetters(many)
    const { t, task } = made
    const bulk = await t.submit(bulkAction, deadLetters)
    const late = await t.submit(task, 'late')
    await t.drain()
    expect(await readResult(t, bulk.taskId)).toEqual({
      ...{ done: many, failed: 0, skipped: 0, processed: many, total: many },
      failures: [],
    })
    const records = await failingTasks(t)
    const old = records.filter(({ id }) => id !== late.taskId)
    expect(new Set(old.map(({ attempt }) => attempt))).toEqual(new Set([2]))
    expect((await t.tasks.get(late.taskId)).attempt).toBe(1)
    await expectInvariants(t)
  })

  it('goes on after a kill where it was, and does nothing twice', async () => {
    await using made = await withDeadLetters(60)
    const { t, state } = made
    state.runs.clear()
    const bulk = await t.submit(bulkAction, { ...deadLetters, rate: 20 })
    await t.drain()
    await t.advance('2s')
    const before = state.runs.size
    expect(before).toBeGreaterThan(20)
    expect(before).toBeLessThan(60)
    await t.crash()
    await t.advance(onSqlite ? '10s' : '40s')
    expect(await readResult(t, bulk.taskId)).toMatchObject({ done: 60, failed: 0, skipped: 0, total: 60 })
    expect(state.runs.size).toBe(60)
    expect(new Set((await failingTasks(t)).map(({ attempt }) => attempt))).toEqual(new Set([2]))
    expect((await t.tasks.get(bulk.taskId)).attempt).toBe(2)
  })

  it('stops by itself when too many of a wave fail again, and leaves the rest', async () => {
    await using made = await withDeadLetters(60)
    const { t, state } = made
    // The most recently submitted are retried first: of these the first wave completes, and the second fails.
    state.fails = name => Number(name) < 40
    const wave = { size: 20 }
    const stopWhen = { failedAgainShare: 0.5 }
    const bulk = await t.submit(bulkAction, { ...deadLetters, wave, stopWhen })
    await t.drain()
    await t.advance('2s')
    expect(await readResult(t, bulk.taskId)).toMatchObject({
      ...{ stopped: 'failing-again', done: 40, wave: 2, failedAgain: 20, completedAgain: 20, stillLive: 0 },
    })
    const attempts = (await failingTasks(t)).map(({ attempt }) => attempt)
    expect(attempts.filter(attempt => attempt === 1)).toHaveLength(20)
    expect((await t.tasks.logs(bulk.taskId, 0, 10)).map(({ message }) => message)).toEqual([
      'It stopped after wave 2: 20 of 20 failed again.',
    ])
  })

  it('gives its slot back while a wave runs, keeps a few steps whatever it did, and judges each wave once', async () => {
    await using made = await withDeadLetters(13)
    const { t, state } = made
    state.fails = name => Number(name) < 3
    let release: () => void = () => undefined
    const stopWhen = { failedAgainShare: 0.5, of: 2 }
    const bulk = await t.submit(bulkAction, { ...deadLetters, wave: { size: 2 }, stopWhen })
    const recordAfter = async (time: '1s' | '3s' | '70s') => {
      await t.advance(time)
      return t.tasks.get(bulk.taskId)
    }
    // The first wave takes long; five complete, the sixth fails, and one task is left.
    state.held = new Promise(resolve => {
      release = resolve
    })
    const waiting = await recordAfter('3s')
    expect([waiting.status, waiting.errorInfo]).toEqual(['RETRYING', undefined])
    expect((await recordAfter('70s')).attempt).toBeGreaterThan(2)
    state.held = undefined
    release()
    await recordAfter('70s')
    expect(await readResult(t, bulk.taskId)).toMatchObject({
      ...{ stopped: 'failing-again', done: 12, wave: 6, failedAgain: 2, completedAgain: 10, stillLive: 0 },
    })
  })

  it('deletes the steps of each batch when the next begins', async () => {
    await using made = await withDeadLetters(12)
    const { t } = made
    const bulk = await t.submit(bulkAction, { ...deadLetters, wave: { size: 1 }, rate: 2 })
    await t.drain()
    await t.advance('4s')
    const steps = await t.tasks.steps(bulk.taskId)
    const { wave } = decode((await t.tasks.get(bulk.taskId)).progress ?? '') as { wave: number }
    expect(wave).toBeGreaterThan(3)
    expect(steps.length).toBeGreaterThan(1)
    expect(steps.length).toBeLessThan(8)
    expect(steps).not.toContain('batch 1')
    await t.crash()
    await t.advance(onSqlite ? '20s' : '60s')
    expect(await readResult(t, bulk.taskId)).toMatchObject({ done: 12, failed: 0, skipped: 0, total: 12 })
  })

  it('adds and removes tags of tasks in any status, and moves those that wait to another lane', async () => {
    const { task, state } = failing()
    const lanes = { default: { slots: 0 }, other: { slots: 2 } }
    await using t = await testEngine({ tasks: [task, bulkAction], lanes })
    state.fails = () => false
    const done = await t.submit(task, 'done', { lane: 'other', tags: ['mine'] })
    await t.drain()
    const waiting = await t.submitMany(
      task,
      ['a', 'b', 'c'].map(parameters => ({ parameters, tags: ['mine'] })),
    )
    const full = await t.submit(task, 'full', {
      tags: Array.from({ length: 20 }, (_, index) => (index === 0 ? 'mine' : `tag ${index}`)),
    })
    await t.advance('1s')
    const filter = { tag: 'mine' }
    const run = async (parameters: Parameters<typeof t.bulk.preview>[0]) => {
      const { taskId } = await t.submit(bulkAction, parameters)
      await t.advance('1s')
      return readResult(t, taskId)
    }
    const add = { action: 'addTags', filter, tags: ['urgent', 'mine'] } as const
    expect(await t.bulk.preview(add)).toMatchObject({ count: 5 })
    expect(await run(add)).toMatchObject({
      ...{ done: 4, failed: 1, total: 5 },
      failures: [{ taskId: full.taskId, code: 'OPTION_INVALID' }],
    })
    expect((await t.tasks.get(done.taskId)).tags).toEqual(['mine', 'urgent'])
    expect((await t.tasks.list({ tag: 'urgent' }, { pageSize: 10 })).items).toHaveLength(4)
    expect(await run(add)).toMatchObject({ done: 0, failed: 1, total: 1 })
    const remove = { action: 'removeTags', filter: { tag: 'urgent' }, tags: ['mine'] } as const
    expect(await run(remove)).toMatchObject({ done: 4, total: 4 })
    expect((await t.tasks.list(filter, { pageSize: 10 })).items.map(({ id }) => id)).toEqual([full.taskId])
    const move = { action: 'move', filter: { tag: 'urgent' }, lane: 'other' } as const
    expect(await t.bulk.preview(move)).toMatchObject({ count: 3 })
    expect(await run(move)).toMatchObject({ done: 3, total: 3 })
    await t.advance('1s')
    for (const handle of waiting)
      expect(await t.tasks.get(handle.taskId)).toMatchObject({ lane: 'other', status: 'COMPLETED' })
    expect((await t.lanes.list()).map(({ lane, waiting: count }) => [lane, count])).toEqual(
      expect.arrayContaining([
        ['default', 1],
        ['other', 0],
      ]),
    )
    await expect(t.bulk.preview({ ...move, lane: 'none' })).rejects.toMatchObject({ code: 'LANE_UNKNOWN' })
    await expect(t.tasks.move(done.taskId, 'default')).rejects.toMatchObject({ code: 'TASK_NOT_WAITING' })
    const unknown = await t.submit(bulkAction, { ...move, lane: 'none' })
    await t.drain()
    expect(await t.tasks.get(unknown.taskId)).toMatchObject({
      status: 'FAILED',
      errorInfo: { code: 'LANE_UNKNOWN' },
    })
    await expectInvariants(t)
  })

  it('ends when it is cancelled, and says how far it came', async () => {
    await using made = await withDeadLetters(50)
    const { t } = made
    const bulk = await t.submit(bulkAction, { ...deadLetters, rate: 10 })
    await t.drain()
    await t.advance('2s')
    await t.tasks.cancel(bulk.taskId)
    await t.drain()
    const record = await t.tasks.get(bulk.taskId)
    expect(record.status).toBe('CANCELLED')
    const { done, total } = decode(record.progress ?? '') as { done: number; total: number }
    expect(total).toBe(50)
    expect(done).toBeGreaterThan(5)
    await t.advance('10s')
    const again = (await failingTasks(t)).filter(({ attempt }) => attempt === 2)
    expect(again).toHaveLength(done)
  })

  it('cancels what waits and runs, but neither itself nor another bulk action nor what came later', async () => {
    const slow = defineTask({
      type: 'Slow',
      parameters: z.number(),
      result: z.number(),
      execute: async ctx => {
        await new Promise(resolve => ctx.signal.addEventListener('abort', resolve))
        throw ctx.signal.reason
      },
    })
    await using t = await testEngine({ tasks: [slow, bulkAction], lanes: { default: { slots: 3 } } })
    await t.submitMany(
      slow,
      Array.from({ length: 12 }, (_, parameters) => ({ parameters, tags: [parameters < 9 ? 'a' : 'b'] })),
    )
    await t.drain()
    await t.advance('1s')
    const other = await t.submit(bulkAction, { action: 'cancel', filter: { tag: 'none' } }, { delay: '1h' })
    const dry = await t.submit(bulkAction, { action: 'cancel', filter: { tag: 'a' }, dryRun: true })
    await t.drain()
    expect(await readResult(t, dry.taskId)).toMatchObject({ dryRun: true, done: 9 })
    expect((await t.tasks.counts()).CANCELLED).toBe(0)
    const guarded = await t.submit(bulkAction, { action: 'cancel', filter: {}, atMost: 11 })
    await t.drain()
    expect(await readResult(t, guarded.taskId)).toMatchObject({ stopped: 'too-many', done: 0, total: 12 })
    const bulk = await t.submit(bulkAction, { action: 'cancel', filter: {} })
    const late = await t.submit(slow, 99, { delay: '1h' })
    await t.drain()
    expect(await readResult(t, bulk.taskId)).toMatchObject({ done: 12, failed: 0 })
    expect((await other.state()).status).toBe('QUEUED')
    await t.advance('1s')
    expect((await t.tasks.counts()).CANCELLED).toBe(12)
    // Those that waited were cancelled first: none of them began in a slot that another one left.
    expect(
      (await allTasks(t)).filter(({ taskType, attempt }) => taskType === 'Slow' && attempt > 0),
    ).toHaveLength(3)
    expect((await late.state()).status).toBe('QUEUED')
  })

  it('runs waiting tasks now, purges dead letters, and names what it could not do', async () => {
    await using made = await withDeadLetters(3)
    const { t, task, state } = made
    state.fails = () => false
    const waiting = await t.submitMany(
      task,
      ['x', 'y'].map(parameters => ({ parameters, delay: '1h' as const })),
    )
    await t.advance('1s')
    const now = await t.submit(bulkAction, { action: 'runNow', filter: { taskType: ['Failing'] } })
    await t.advance('1s')
    expect(await readResult(t, now.taskId)).toMatchObject({ done: 2, total: 2 })
    for (const handle of waiting) expect((await handle.state()).status).toBe('COMPLETED')
    const purge = await t.submit(bulkAction, { action: 'purge', filter: { userId: 'ann' } })
    await t.drain()
    expect(await readResult(t, purge.taskId)).toMatchObject({ done: 3 })
    expect((await t.deadLetters.list({}, { pageSize: 10 })).items).toEqual([])
    const [first] = waiting
    const taskIds = [first?.taskId ?? '']
    const named = await t.submit(bulkAction, { action: 'cancel', filter: { taskIds } })
    await t.drain()
    expect(await readResult(t, named.taskId)).toMatchObject({
      done: 0,
      failed: 1,
      failures: [{ taskId: taskIds[0], code: 'TASK_ALREADY_ENDED' }],
    })
  })

  it('refuses what makes no sense, with the place of each issue', async () => {
    await using t = await testEngine({ tasks: [bulkAction] })
    const refused: [object, string[]][] = [
      [{}, ['/action', '/filter']],
      [{ action: 'delete', filter: {} }, ['/action']],
      [{ action: 'cancel', filter: { novel: 1 } }, ['/filter/novel']],
      [{ action: 'cancel', among: 'deadLetters', filter: {} }, ['/among']],
      [{ action: 'purge', among: 'tasks', filter: {} }, ['/among']],
      [{ action: 'retry', filter: { code: 'X' } }, ['/filter/code']],
      [{ action: 'retry', filter: { taskIds: ['a'], lane: 'default' } }, ['/filter/lane']],
      [{ action: 'retry', filter: {}, rate: 0, wave: { size: 501 } }, ['/rate', '/wave/size']],
      [{ action: 'cancel', filter: {}, stopWhen: { failedAgainShare: 1 } }, ['/stopWhen']],
      [{ action: 'addTags', filter: {} }, ['/tags']],
      [{ action: 'removeTags', filter: {}, tags: [], lane: 'a' }, ['/tags']],
      [{ action: 'move', filter: {}, tags: ['a'] }, ['/tags', '/lane']],
      [{ action: 'move', among: 'deadLetters', filter: {}, lane: 'a' }, ['/among']],
    ]
    for (const [parameters, pointers] of refused)
      await expect(t.submit(bulkAction, parameters as never)).rejects.toMatchObject({
        code: 'PARAMETERS_INVALID',
        details: { issues: pointers.map(pointer => expect.objectContaining({ pointer })) },
      })
  })

  it('says before what it would act on: how many, and the first ten', async () => {
    await using made = await withDeadLetters(25)
    const { t } = made
    const preview = await t.bulk.preview(deadLetters)
    expect(preview).toMatchObject({ count: 25, isMore: false })
    expect(preview.sample).toHaveLength(10)
    expect(await t.bulk.preview(deadLetters, { most: 20 })).toMatchObject({ count: 20, isMore: true })
    expect(await t.bulk.preview({ action: 'cancel', filter: {} })).toMatchObject({ count: 0, isMore: false })
  })

  it('reads a bounded number of records before it says what it would act on', async () => {
    const { task } = failing()
    await using t = await testEngine({ tasks: [task, bulkAction], lanes: { default: { slots: 0 } } })
    const each = Array.from({ length: 150 }, (_, index) => ({ parameters: `${index}` }))
    await t.submitMany(task, each)
    await t.submit(task, 'late', { delay: '1h' })
    const runNow = { action: 'runNow', filter: {} } as const
    expect(await t.bulk.preview(runNow)).toMatchObject({ count: 1, isMore: false })
    expect(await t.bulk.preview(runNow, { most: 10 })).toMatchObject({ count: 0, isMore: true })
  })
})
