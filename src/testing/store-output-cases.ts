/** What attempts write for others to follow: fenced, in order, without a gap; a newer attempt's output takes the place of an older one's. */
import assert from 'node:assert/strict'
import type { OutputPlace, Store } from '../store/store.ts'
import type { TaskRecord } from '../task/task.ts'
import { cancelRequested, completed, givenBack } from '../task/transition.ts'
import { move, rejectsWith, type StoreCase, start, startNew } from './store-case.ts'

const fromStart: OutputPlace = { attempt: 0, sequence: 0 }

/** Pieces of an attempt: the texts, numbered from a sequence. */
function piecesOf({ id, attempt }: Pick<TaskRecord, 'id' | 'attempt'>, from: number, ...texts: string[]) {
  return texts.map((text, index) => ({ taskId: id, attempt, sequence: from + index, text }))
}

async function textOf(store: Store, taskId: string, from = fromStart): Promise<[number, string]> {
  const { attempt, pieces } = await store.output.read(taskId, from, 1_000)
  return [attempt, pieces.map(({ text }) => text).join('')]
}

/** Output. */
export const outputCases: readonly StoreCase[] = [
  {
    name: 'output: pieces are read in order, from any place, at most so many',
    async run(context) {
      const store = await context.makeStore()
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
    },
  },
  {
    name: 'output: a piece that is sent again changes nothing; one that would leave a gap is refused',
    async run(context) {
      const store = await context.makeStore()
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
    },
  },
  {
    name: 'output: the attempt that holds the task writes it; others are stale or missing, and leave nothing',
    async run(context) {
      const store = await context.makeStore()
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
    },
  },
  {
    name: 'output: that of an earlier attempt stays until a later one begins to write, and is gone then',
    async run(context) {
      const store = await context.makeStore()
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
    },
  },
  {
    name: 'output: an attempt that was asked to stop still writes; a long piece comes back as it is',
    async run(context) {
      const store = await context.makeStore()
      const running = await startNew(store)
      await move(store, cancelRequested(running, context.now))
      const long = '长'.repeat(16_384)
      assert.deepEqual(await store.output.append(piecesOf(running, 1, long, 'end')), ['applied', 'applied'])
      assert.deepEqual(await textOf(store, running.id), [1, `${long}end`])
    },
  },
  {
    name: 'output: it goes with its task, and survives the process until then',
    async run(context) {
      const store = await context.makeStore()
      const running = await startNew(store)
      await store.output.append(piecesOf(running, 1, 'kept'))
      await move(store, completed(running, '"x"', context.now))
      const again = await context.reopenStore(store)
      assert.deepEqual(await textOf(again, running.id), [1, 'kept'])
      context.advance(2_000)
      assert.equal(await again.tasks.prune({ COMPLETED: 1_000 }, 10), 1)
      assert.deepEqual(await textOf(again, running.id), [0, ''])
    },
  },
]
