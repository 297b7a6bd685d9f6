import assert from 'node:assert/strict'
import type { LogLine, OutputPlace, Store } from '../store/store.ts'
import type { TaskRecord } from '../task/task.ts'
import {
  awaitingSubTasks,
  cancelRequested,
  closed,
  completed,
  failed,
  givenBack,
  reopened,
  retried,
  retrying,
} from '../task/transition.ts'
import {
  afterCrash,
  atRest,
  complete,
  createOne,
  fail,
  family,
  it,
  move,
  problem,
  read,
  rejectsWith,
  type StoreCase,
  start,
  startNew,
} from './store-case.ts'

/** What attempts leave behind: progress and checkpoints, fenced; logs, capped; dead letters, summaries, the history of attempts; output. */

const line = (message: string, changes: Partial<LogLine> = {}): LogLine => ({
  at: 1,
  attempt: 1,
  level: 'info',
  message,
  ...changes,
})

const fromStart: OutputPlace = { attempt: 0, sequence: 0 }

/** Pieces of an attempt: the texts, numbered from a sequence. */
function piecesOf({ id, attempt }: Pick<TaskRecord, 'id' | 'attempt'>, from: number, ...texts: string[]) {
  return texts.map((text, index) => ({ taskId: id, attempt, sequence: from + index, text }))
}

async function textOf(store: Store, taskId: string, from = fromStart): Promise<[number, string]> {
  const { attempt, pieces } = await store.output.read(taskId, from, 1_000)
  return [attempt, pieces.map(({ text }) => text).join('')]
}

/** Progress, checkpoints and logs. */
export const reportCases: readonly StoreCase[] = [
  it('progress: the attempt that holds the task writes it; others are stale or missing, one for one', async (store, context) => {
    const running = await startNew(store)
    const ended = await move(store, completed(await startNew(store), '"x"', context.now))
    const waits = await startNew(store)
    await move(store, awaitingSubTasks(waits, { reduces: true }))
    const old = await startNew(store)
    const present = await start(store, await move(store, givenBack(old)))
    const fences = [running, ended, waits, old, present, { id: 'nobody', attempt: 1 }]
    const answers = await store.attempts.progress(
      fences.map(({ id, attempt }) => ({ taskId: id, attempt, progress: `"${attempt} of ${id}"` })),
    )
    assert.deepEqual(answers, ['applied', 'stale', 'stale', 'stale', 'applied', 'missing'])
    assert.equal((await read(store, running.id)).progress, `"1 of ${running.id}"`)
    assert.equal((await read(store, present.id)).progress, `"2 of ${present.id}"`)
    assert.equal((await read(store, ended.id)).progress, undefined)
    assert.equal((await read(store, waits.id)).progress, undefined)
    assert.ok((await read(store, running.id)).version > running.version)
  }),
  it('progress: large and small ones replace each other, and do not disturb the end of the attempt', async (store, context) => {
    const running = await startNew(store)
    const large = JSON.stringify('p'.repeat(100_000))
    for (const progress of [large, '"small"', large]) {
      await store.attempts.progress([{ taskId: running.id, attempt: 1, progress }])
      assert.equal((await read(store, running.id)).progress, progress)
    }
    const ended = await move(store, completed(running, '"x"', context.now))
    assert.deepEqual([ended.status, ended.progress], ['COMPLETED', large])
  }),
  it('checkpoints: the first value of a key stays, a later attempt finds it, a lost attempt writes none', async store => {
    const first = await startNew(store)
    const write = (attempt: number, key: string, value: string) => ({
      taskId: first.id,
      attempt,
      key,
      value,
    })
    assert.deepEqual(
      await store.attempts.checkpoint([write(1, 'a', '1'), write(1, 'a', '2'), write(2, 'b', '3')]),
      ['applied', 'applied', 'stale'],
    )
    assert.equal((await read(store, first.id)).checkpointAttempt, 1)
    await start(store, await move(store, givenBack(first)))
    assert.deepEqual(await store.attempts.checkpoint([write(1, 'c', '4'), write(2, 'b', '5')]), [
      'stale',
      'applied',
    ])
    assert.deepEqual([...(await store.attempts.checkpoints(first.id))].sort(), [
      ['a', '1'],
      ['b', '5'],
    ])
    assert.equal((await read(store, first.id)).checkpointAttempt, 2)
    assert.deepEqual([...(await store.queries.steps(first.id, 10))].sort(), ['a', 'b'])
    assert.equal((await store.queries.steps(first.id, 1)).length, 1)
    assert.deepEqual(await store.attempts.checkpoint([{ ...write(1, 'a', '1'), taskId: 'nobody' }]), [
      'missing',
    ])
    assert.equal((await store.attempts.checkpoints('nobody')).size, 0)
  }),
  it('checkpoint: a mark is kept and refused as any value, and is no progress', async store => {
    const first = await startNew(store)
    const mark = (attempt: number, key: string) => ({
      taskId: first.id,
      attempt,
      key,
      value: '1',
      isMark: true,
    })
    assert.deepEqual(await store.attempts.checkpoint([mark(1, 'a'), mark(2, 'b')]), ['applied', 'stale'])
    assert.equal((await read(store, first.id)).checkpointAttempt, undefined)
    await store.attempts.checkpoint([{ taskId: first.id, attempt: 1, key: 'step', value: '2' }])
    await start(store, await move(store, givenBack(first)))
    assert.deepEqual(await store.attempts.checkpoint([mark(1, 'c'), mark(2, 'd')]), ['stale', 'applied'])
    assert.equal((await read(store, first.id)).checkpointAttempt, 1)
    assert.deepEqual([...(await store.attempts.checkpoints(first.id)).keys()].sort(), ['a', 'd', 'step'])
  }),
  it('checkpoint: values that are forgotten are gone, and an attempt that lost its task forgets none', async store => {
    const first = await startNew(store)
    const write = (key: string) => ({ taskId: first.id, attempt: 1, key, value: '1' })
    await store.attempts.checkpoint(['a', 'b', 'c'].map(write))
    const forget = (attempt: number, keys: string[], taskId = first.id) => ({ taskId, attempt, keys })
    assert.deepEqual(
      await store.attempts.forget([
        ...[forget(1, ['a', 'none']), forget(2, ['b']), forget(1, [])],
        forget(1, ['c'], 'nobody'),
      ]),
      ['applied', 'stale', 'applied', 'missing'],
    )
    await move(store, givenBack(first))
    assert.deepEqual(await store.attempts.forget([forget(1, ['c'])]), ['stale'])
    assert.deepEqual([...(await store.attempts.checkpoints(first.id)).keys()].sort(), ['b', 'c'])
  }),
  it('progress: an attempt that was asked to stop still holds its task', async (store, context) => {
    const running = await startNew(store)
    await move(store, cancelRequested(running, context.now))
    const write = { taskId: running.id, attempt: 1 }
    assert.deepEqual(await store.attempts.progress([{ ...write, progress: '1' }]), ['applied'])
    assert.deepEqual(await store.attempts.checkpoint([{ ...write, key: 'a', value: '1' }]), ['applied'])
  }),
  it('logs: lines are numbered, read on from a number, and kept whoever wrote them', async store => {
    const running = await startNew(store)
    await store.attempts.log(running.id, [line('one'), line('two', { level: 'error', fields: '{"a":1}' })])
    await store.attempts.log(running.id, [line('three', { attempt: 9 })])
    const all = await store.queries.logs(running.id, 0, 100)
    assert.deepEqual(
      all.map(({ message, sequence, fields }) => [sequence, message, fields]),
      [
        [1, 'one', undefined],
        [2, 'two', '{"a":1}'],
        [3, 'three', undefined],
      ],
    )
    assert.deepEqual(await store.queries.logs(running.id, 1, 1), all.slice(1, 2))
    assert.deepEqual(await store.queries.logs(running.id, 3, 100), [])
    await store.attempts.log('nobody', [line('lost')])
    assert.deepEqual(await store.queries.logs('nobody', 0, 10), [])
  }),
  it('logs: a task keeps a bounded number of lines, the newest, and their numbers go on', async store => {
    const running = await startNew(store)
    const batch = (from: number) => Array.from({ length: 600 }, (_, index) => line(`${from + index}`))
    for (const from of [0, 600, 1_200, 1_800]) await store.attempts.log(running.id, batch(from))
    const kept = await store.queries.logs(running.id, 0, 10_000)
    assert.ok(kept.length < 2_400, `${kept.length} lines were kept`)
    assert.equal(kept.at(-1)?.message, '2399')
    assert.equal(kept.at(-1)?.sequence, 2_400)
    assert.deepEqual(
      kept.map(({ sequence }) => sequence),
      kept.map((_, index) => 2_401 - kept.length + index),
    )
  }),
]

/** What transitions leave behind: dead letters, large values, the history of attempts, summaries of parents; and the output of attempts. */
export const traceCases: readonly StoreCase[] = [
  it('apply: a dead letter is open while the task is FAILED; retries close it and keep the last ten', async (store, context) => {
    let record = await createOne(store)
    for (let round = 1; round <= 12; round++) {
      record = await fail(store, record, context.now, problem(`Number ${round}`))
      assert.equal(record.deadLetter?.error.message, `Number ${round}`)
      assert.equal(record.deadLetter?.attempt, round)
      context.advance(1)
      record = await move(store, retried(record, context.now))
      assert.equal(record.deadLetter, undefined)
      assert.deepEqual(record.deadLetterHistory?.at(-1)?.closedAt, context.now)
    }
    assert.equal(record.deadLetterHistory?.length, 10)
    assert.equal(record.deadLetterHistory?.[0]?.error.message, 'Number 3')
    assert.deepEqual([record.attempt, record.retryCount, record.status], [12, 0, 'QUEUED'])
  }),
  it('apply: a large result, progress or new parameters come back, and a smaller one replaces it', async (store, context) => {
    const large = JSON.stringify('长'.repeat(200_000))
    const ended = await complete(store, await createOne(store, { parameters: large }), context.now)
    const running = await startNew(store)
    const failing = await move(store, failed(running, problem(), 'permanent', context.now))
    const edited = { parameters: large, parametersVersion: 2 }
    const again = await move(store, retried(failing, context.now, edited))
    const second = await start(store, again)
    assert.equal(second.parameters, large)
    const done = await move(store, completed(second, large, context.now))
    const kept = await (await context.reopenStore(store)).queries.get([ended.id, done.id])
    assert.deepEqual(kept, [ended, done])
    assert.equal(done.result, large)
  }),
  it('apply: the tags that a retry gives take the place of those there were, also in listings', async (store, context) => {
    const record = await fail(store, await createOne(store, { tags: ['mine', 'scene:1'] }), context.now)
    const found = async (tag: string) =>
      (await store.queries.list({ tag }, { pageSize: 10 })).items.map(({ id }) => id)
    assert.deepEqual(await found('scene:1'), [record.id])
    const { parameters, parametersVersion } = record
    const again = retried(record, context.now, { parameters, parametersVersion, tags: ['mine', 'scene:2'] })
    assert.deepEqual(await store.tasks.apply([{ ...again, fence: { version: record.version + 1 } }]), [
      'stale',
    ])
    assert.deepEqual([await found('scene:1'), await found('scene:2')], [[record.id], []])
    assert.deepEqual((await move(store, again)).tags, ['mine', 'scene:2'])
    assert.deepEqual([await found('scene:1'), await found('scene:2')], [[], [record.id]])
    const failing = await move(
      store,
      failed(await start(store, await read(store, record.id)), problem(), 'permanent', context.now),
    )
    const untagged = retried(failing, context.now, { parameters, parametersVersion, tags: [] })
    assert.deepEqual((await move(store, untagged)).tags, [])
    assert.deepEqual([await found('mine'), await found('scene:2')], [[], []])
  }),
  it('apply: the attempts that did not complete are kept, once each', async (store, context) => {
    const first = await startNew(store)
    const startedAt = context.now
    context.advance(10)
    const back = givenBack(first)
    const second = await start(store, await move(store, back))
    assert.deepEqual(await store.tasks.apply([back]), ['stale'])
    const failing = failed(second, problem('Broken'), 'permanent', context.now)
    await store.tasks.apply([failing, failing])
    const rows = await store.queries.attempts(first.id)
    assert.deepEqual(rows, [
      { attempt: 1, executionNodeId: 'node-1', startedAt, endedAt: context.now, outcome: 'given-back' },
      {
        attempt: 2,
        executionNodeId: 'node-1',
        startedAt: context.now,
        endedAt: context.now,
        outcome: 'failed',
        code: 'HANDLER_FAILED',
        message: 'Broken',
      },
    ])
    assert.deepEqual(await store.queries.attempts('nobody'), [])
  }),
  it('apply: of the attempts that failed the last five keep the stacks of their errors', async (store, context) => {
    let record = await createOne(store)
    for (let attempt = 1; attempt <= 7; attempt++) {
      const error = { ...problem(), ...(attempt === 5 ? {} : { stack: `    at ${attempt}` }) }
      const retry = { at: context.now, error, retryCount: 1, crashCount: 0 }
      record = await move(store, retrying(await start(store, record), retry))
    }
    const stacks = async (of = store) =>
      (await of.queries.attempts(record.id)).map(({ attempt, stack }) => [attempt, stack?.trim()])
    const kept = [1, 2, 3, 4, 5, 6, 7].map(at => [at, at === 1 || at === 5 ? undefined : `at ${at}`])
    assert.deepEqual(await stacks(), kept)
    assert.deepEqual(await stacks(await context.reopenStore(store)), kept)
  }),
  it('apply: of the attempts that did not complete the last fifty are kept', async store => {
    let record = await createOne(store)
    for (let attempt = 1; attempt <= 52; attempt++)
      record = await move(store, givenBack(await start(store, record)))
    const kept = (await store.queries.attempts(record.id)).map(({ attempt }) => attempt)
    assert.deepEqual(
      kept,
      Array.from({ length: 50 }, (_, index) => index + 3),
    )
  }),
  it('apply: the summary of a parent follows its sub-tasks through every move, and sums to their number', async (store, context) => {
    const [parent, a, b, c] = await family(store, ['a', 'b', 'c'])
    const summary = async () => (await read(store, parent.id)).subTaskStatusSummary
    assert.deepEqual(await summary(), { QUEUED: 3 })
    await complete(store, a, context.now)
    const failing = await fail(store, b, context.now)
    const running = await start(store, c)
    assert.deepEqual(await summary(), { COMPLETED: 1, FAILED: 1, RUNNING: 1 })
    await move(store, retrying(running, afterCrash(context.now + 1_000)))
    assert.deepEqual(await summary(), { COMPLETED: 1, FAILED: 1, RETRYING: 1 })
    await move(store, retried(failing, context.now))
    assert.deepEqual(await summary(), { COMPLETED: 1, QUEUED: 1, RETRYING: 1 })
    await store.tasks.apply([completed(running, '"stale"', context.now)])
    assert.deepEqual(await summary(), { COMPLETED: 1, QUEUED: 1, RETRYING: 1 })
    assert.equal((await read(store, parent.id)).status, 'RUNNING')
  }),
  it('apply: a parent is closed as its sub-tasks ended, and waits again when one is retried', async (store, context) => {
    const [parent, a, b] = await family(store, ['a', 'b'])
    await complete(store, a, context.now)
    const failing = await fail(store, b, context.now)
    const failedSubTasks = [
      { taskId: b.id, key: 'b', status: 'FAILED' as const, reason: 'The provider said no.' },
    ]
    const ends = { failedSubTasks, error: problem() }
    const ended = await move(store, closed(await read(store, parent.id), ends, context.now))
    assert.deepEqual(
      [ended.status, ended.result, ended.failedSubTasks],
      ['COMPLETED_WITH_ERRORS', '"kept"', failedSubTasks],
    )
    const together = [retried(failing, context.now), reopened(ended, context.now)]
    assert.deepEqual(await store.tasks.apply(together), ['applied', 'applied'])
    await atRest(store)
    const again = await read(store, parent.id)
    assert.deepEqual([again.status, again.phase, again.round], ['RUNNING', 'awaiting-subtasks', 1])
    assert.deepEqual(again.subTaskStatusSummary, { COMPLETED: 1, QUEUED: 1 })
    assert.equal(again.failedSubTasks, undefined)
  }),
  it('output: pieces are read in order, from any place, at most so many', async store => {
    const running = await startNew(store)
    const other = await startNew(store)
    assert.deepEqual(await store.output.read(running.id, fromStart, 10), { attempt: 0, pieces: [] })
    assert.deepEqual(await store.output.read('nobody', fromStart, 10), { attempt: 0, pieces: [] })
    const writes = [...piecesOf(running, 1, 'Once ', 'upon '), ...piecesOf(other, 1, 'Elsewhere')]
    assert.deepEqual(await store.output.append(writes), ['applied', 'applied', 'applied'])
    await store.output.append(piecesOf(running, 3, '一个', ' time'))
    const all = [
      { sequence: 1, text: 'Once ' },
      { sequence: 2, text: 'upon ' },
      { sequence: 3, text: '一个' },
      { sequence: 4, text: ' time' },
    ]
    assert.deepEqual(await store.output.read(running.id, fromStart, 10), { attempt: 1, pieces: all })
    const after = (sequence: number, limit = 10) =>
      store.output.read(running.id, { attempt: 1, sequence }, limit)
    assert.deepEqual(await after(2), { attempt: 1, pieces: all.slice(2) })
    assert.deepEqual(await after(1, 2), { attempt: 1, pieces: all.slice(1, 3) })
    assert.deepEqual(await after(4), { attempt: 1, pieces: [] })
    assert.deepEqual(await textOf(store, other.id), [1, 'Elsewhere'])
  }),
  it('output: a piece that is sent again changes nothing; one that would leave a gap is refused', async store => {
    const running = await startNew(store)
    await store.output.append(piecesOf(running, 1, 'a', 'b'))
    assert.deepEqual(await store.output.append(piecesOf(running, 1, 'x', 'y', 'c')), [
      'applied',
      'applied',
      'applied',
    ])
    assert.deepEqual(await store.output.append(piecesOf(running, 2, 'z')), ['applied'])
    await rejectsWith('OPTION_INVALID', store.output.append(piecesOf(running, 5, 'e')))
    assert.deepEqual(await textOf(store, running.id), [1, 'abc'])
    const unwritten = await startNew(store)
    await rejectsWith('OPTION_INVALID', store.output.append(piecesOf(unwritten, 2, 'b')))
    assert.deepEqual(await textOf(store, unwritten.id), [0, ''])
  }),
  it('output: the attempt that holds the task writes it; others are stale or missing, and leave nothing', async (store, context) => {
    const running = await startNew(store)
    const ended = await startNew(store)
    await store.output.append(piecesOf(ended, 1, 'the end'))
    await move(store, completed(ended, '"x"', context.now))
    const old = await startNew(store)
    const present = await start(store, await move(store, givenBack(old)))
    const writes = [
      ...piecesOf(running, 1, 'mine'),
      ...piecesOf(ended, 2, ' and more'),
      ...piecesOf(old, 1, 'late'),
      ...piecesOf(present, 1, 'now'),
      ...piecesOf({ id: 'nobody', attempt: 1 }, 1, 'lost'),
    ]
    assert.deepEqual(await store.output.append(writes), ['applied', 'stale', 'stale', 'applied', 'missing'])
    assert.deepEqual(await textOf(store, running.id), [1, 'mine'])
    assert.deepEqual(await textOf(store, ended.id), [1, 'the end'])
    assert.deepEqual(await textOf(store, present.id), [2, 'now'])
    assert.deepEqual(await textOf(store, 'nobody'), [0, ''])
  }),
  it('output: that of an earlier attempt stays until a later one begins to write, and is gone then', async (store, context) => {
    const first = await startNew(store)
    await store.output.append(piecesOf(first, 1, 'one', 'two', 'three'))
    const second = await start(store, await move(store, givenBack(first)))
    assert.deepEqual(await store.output.append(piecesOf(first, 4, 'four')), ['stale'])
    assert.deepEqual(await textOf(store, first.id), [1, 'onetwothree'])
    const third = await start(store, await move(store, givenBack(second)))
    await store.output.append(piecesOf(third, 1, 'anew'))
    assert.deepEqual(await store.output.append(piecesOf(second, 1, 'two')), ['stale'])
    assert.deepEqual(await textOf(store, first.id), [3, 'anew'])
    assert.deepEqual(await textOf(store, first.id, { attempt: 1, sequence: 3 }), [3, 'anew'])
    assert.deepEqual(await textOf(store, first.id, { attempt: 3, sequence: 1 }), [3, ''])
    await move(store, completed(third, '"x"', context.now))
    assert.deepEqual(await textOf(store, first.id), [3, 'anew'])
  }),
  it('output: an attempt that was asked to stop still writes; a long piece comes back as it is', async (store, context) => {
    const running = await startNew(store)
    await move(store, cancelRequested(running, context.now))
    const long = '长'.repeat(16_384)
    assert.deepEqual(await store.output.append(piecesOf(running, 1, long, 'end')), ['applied', 'applied'])
    assert.deepEqual(await textOf(store, running.id), [1, `${long}end`])
  }),
  it('output: it goes with its task, and survives the process until then', async (store, context) => {
    const running = await startNew(store)
    await store.output.append(piecesOf(running, 1, 'kept'))
    await move(store, completed(running, '"x"', context.now))
    const again = await context.reopenStore(store)
    assert.deepEqual(await textOf(again, running.id), [1, 'kept'])
    context.advance(2_000)
    assert.equal(await again.tasks.prune({ COMPLETED: 1_000 }, 10), 1)
    assert.deepEqual(await textOf(again, running.id), [0, ''])
  }),
]
