/** What attempts leave behind: progress and checkpoints, fenced; logs, capped. */
import assert from 'node:assert/strict'
import type { LogLine } from '../store/store.ts'
import { awaitingSubTasks, cancelRequested, completed, givenBack } from '../task/transition.ts'
import { move, read, type StoreCase, start, startNew } from './store-case.ts'

const line = (message: string, changes: Partial<LogLine> = {}): LogLine => ({
  at: 1,
  attempt: 1,
  level: 'info',
  message,
  ...changes,
})

/** Progress and checkpoints. */
export const reportCases: readonly StoreCase[] = [
  {
    name: 'progress: the attempt that holds the task writes it; others are stale or missing, one for one',
    async run(context) {
      const store = await context.makeStore()
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
    },
  },
  {
    name: 'progress: large and small ones replace each other, and do not disturb the end of the attempt',
    async run(context) {
      const store = await context.makeStore()
      const running = await startNew(store)
      const large = JSON.stringify('p'.repeat(100_000))
      for (const progress of [large, '"small"', large]) {
        await store.attempts.progress([{ taskId: running.id, attempt: 1, progress }])
        assert.equal((await read(store, running.id)).progress, progress)
      }
      const ended = await move(store, completed(running, '"x"', context.now))
      assert.deepEqual([ended.status, ended.progress], ['COMPLETED', large])
    },
  },
  {
    name: 'checkpoints: the first value of a key stays, a later attempt finds it, a lost attempt writes none',
    async run(context) {
      const store = await context.makeStore()
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
      assert.deepEqual(await store.attempts.checkpoint([{ ...write(1, 'a', '1'), taskId: 'nobody' }]), [
        'missing',
      ])
      assert.equal((await store.attempts.checkpoints('nobody')).size, 0)
    },
  },
  {
    name: 'progress: an attempt that was asked to stop still holds its task',
    async run(context) {
      const store = await context.makeStore()
      const running = await startNew(store)
      await move(store, cancelRequested(running, context.now))
      const write = { taskId: running.id, attempt: 1 }
      assert.deepEqual(await store.attempts.progress([{ ...write, progress: '1' }]), ['applied'])
      assert.deepEqual(await store.attempts.checkpoint([{ ...write, key: 'a', value: '1' }]), ['applied'])
    },
  },
]

/** Logs. */
export const logCases: readonly StoreCase[] = [
  {
    name: 'logs: lines are numbered, read on from a number, and kept whoever wrote them',
    async run(context) {
      const store = await context.makeStore()
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
    },
  },
  {
    name: 'logs: a task keeps a bounded number of lines, the newest, and their numbers go on',
    async run(context) {
      const store = await context.makeStore()
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
    },
  },
]
