import { type InfiniteData, QueryClient, QueryObserver } from '@tanstack/react-query'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { keys } from '../../dashboard/src/api/keys.ts'
import type { Task } from '../../dashboard/src/api/task.ts'
import { differencesOf } from '../../dashboard/src/audit/differences.ts'
import { matching, waitingCount, withNewer, withWaiting } from '../../dashboard/src/events/event-view.ts'
import {
  isLongList,
  LiveCache,
  type LiveMessage,
  type TaskEvent,
  type TaskPage,
} from '../../dashboard/src/live/apply.ts'
import { RecentEvents } from '../../dashboard/src/live/recent-events.ts'
import { seenWorkers, type Worker } from '../../dashboard/src/workers/seen-workers.ts'
import { taskOf } from './task-of.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function told(taskId: string, event: Partial<TaskEvent> = {}): LiveMessage {
  const base = {
    name: 'task.updated',
    taskId,
    taskType: 'Some',
    userId: 'local',
    lane: 'default',
    rootTaskId: 'parent',
    status: 'RUNNING',
    at: '2026-01-01T00:00:10.000Z',
  } as const
  return { kind: 'task', id: '1', event: { ...base, ...event } }
}

function listOf(...pages: Task[][]): InfiniteData<TaskPage> {
  return { pages: pages.map(items => ({ items })), pageParams: pages.map(() => '') }
}

function started() {
  const queries = new QueryClient()
  return { queries, cache: new LiveCache(queries) }
}

const isInvalidated = (queries: QueryClient, key: readonly unknown[]) =>
  queries.getQueryState(key)?.isInvalidated

test('an event changes a task wherever it is shown, and leaves the others as they are', () => {
  const { queries, cache } = started()
  const other = taskOf({ id: 'b' })
  const list = keys.childList('parent', {})
  queries.setQueryData(keys.task('a'), taskOf({ id: 'a' }))
  queries.setQueryData(list, listOf([taskOf({ id: 'a' })], [other]))
  cache.take([
    told('a', { status: 'RETRYING', attempt: 1, nextAttemptTimestamp: '2026-01-01T00:01:00.000Z' }),
  ])
  const changed = {
    status: 'RETRYING',
    attempt: 1,
    done: false,
    nextAttemptTimestamp: '2026-01-01T00:01:00.000Z',
  }
  expect(queries.getQueryData(keys.task('a'))).toMatchObject(changed)
  const after = queries.getQueryData<InfiniteData<TaskPage>>(list)
  expect(after?.pages[0]?.items[0]).toMatchObject(changed)
  expect(after?.pages[1]?.items[0]).toBe(other)
})

test('a task that begins again is no longer planned, and one that ended has ended when the event says', () => {
  const { queries, cache } = started()
  const waiting = taskOf({
    id: 'a',
    status: 'RETRYING',
    attempt: 1,
    nextAttemptTimestamp: '2026-01-01T00:00:09.000Z',
  })
  queries.setQueryData(keys.task('a'), waiting)
  cache.take([told('a', { status: 'RUNNING', attempt: 2 })])
  expect(queries.getQueryData<Task>(keys.task('a'))).not.toHaveProperty('nextAttemptTimestamp')
  cache.take([told('a', { status: 'COMPLETED', attempt: 2, at: '2026-01-01T00:00:20.000Z' })])
  const ended = queries.getQueryData<Task>(keys.task('a'))
  expect(ended).toMatchObject({ done: true, timestamps: { completedAt: '2026-01-01T00:00:20.000Z' } })
  cache.take([told('a', { status: 'QUEUED', attempt: 2, at: '2026-01-01T00:00:30.000Z' })])
  expect(queries.getQueryData<Task>(keys.task('a'))?.timestamps).not.toHaveProperty('completedAt')
})

test('an event that is older than what was read changes nothing', () => {
  const { queries, cache } = started()
  const read = taskOf({ id: 'a', status: 'COMPLETED', done: true, attempt: 2 })
  queries.setQueryData(keys.task('a'), {
    ...read,
    timestamps: { ...read.timestamps, updatedAt: '2026-01-01T00:01:00.000Z' },
  })
  cache.take([told('a', { status: 'RUNNING', attempt: 2 })])
  expect(queries.getQueryData<Task>(keys.task('a'))?.status).toBe('COMPLETED')
})

test('what an event does not tell is read again a second later: of the task, its parent and its root, and of nobody else', () => {
  const { queries, cache } = started()
  const touched = [
    keys.task('a'),
    keys.logs('a'),
    keys.attempts('a'),
    keys.childList('parent', {}),
    keys.taskUsage('root'),
    keys.taskCounts,
  ]
  const untouched = [keys.task('b'), keys.childList('b', {}), keys.novels]
  for (const key of [...touched, ...untouched]) queries.setQueryData(key, listOf([]))
  for (const id of ['a', 'b']) queries.setQueryData(keys.task(id), taskOf({ id }))
  cache.take([told('a', { parentTaskId: 'parent', rootTaskId: 'root' })])
  expect(touched.map(key => isInvalidated(queries, key))).not.toContain(true)
  vi.advanceTimersByTime(1_000)
  expect(touched.map(key => isInvalidated(queries, key))).toEqual(touched.map(() => true))
  expect(untouched.map(key => isInvalidated(queries, key))).toEqual(untouched.map(() => false))
})

test('novels, scenes and uploads are read again when a tree has ended, also one that was never seen working', () => {
  const { queries, cache } = started()
  const made = [keys.novels, keys.scene('s'), keys.uploads]
  for (const key of made) queries.setQueryData(key, listOf([]))
  cache.take([told('a', { rootTaskId: 'a' }), told('b', { rootTaskId: 'a', status: 'COMPLETED' })])
  vi.advanceTimersByTime(1_000)
  expect(made.map(key => isInvalidated(queries, key))).toEqual([false, false, false])
  cache.take([told('a', { rootTaskId: 'a', status: 'COMPLETED' })])
  vi.advanceTimersByTime(1_000)
  expect(made.map(key => isInvalidated(queries, key))).toEqual([true, true, true])
})

test('what a model may be paid for is read again for ended trees once a minute', () => {
  const { queries, cache } = started()
  const paid = [keys.search('n', 'lantern'), keys.preview('s', {}), [...keys.codex('n'), 'preview', 's']]
  const free = [keys.codex('n'), keys.scene('s')]
  for (const key of [...paid, ...free]) queries.setQueryData(key, {})
  const invalidated = (of: readonly (readonly unknown[])[]) => of.map(key => isInvalidated(queries, key))
  const ended = told('a', { rootTaskId: 'a', status: 'COMPLETED' })
  cache.take([ended])
  vi.advanceTimersByTime(1_000)
  expect(invalidated(free)).toEqual([true, true])
  cache.take([ended])
  vi.advanceTimersByTime(58_000)
  expect(invalidated(paid)).toEqual([false, false, false])
  vi.advanceTimersByTime(1_000)
  expect(invalidated(paid)).toEqual([true, true, true])
})

test('a reading that takes longer than the pause between events ends, and another one follows it', async () => {
  const { queries, cache } = started()
  const list = keys.taskList({})
  queries.setQueryData(list, listOf([]))
  const answers: ((id: string) => void)[] = []
  const queryFn = ({ signal }: { signal: AbortSignal }) =>
    new Promise((resolve, reject) => {
      answers.push(id => resolve(listOf([taskOf({ id })])))
      signal.addEventListener('abort', () => reject(signal.reason))
    })
  const stop = new QueryObserver(queries, { queryKey: list, queryFn, staleTime: 60_000 }).subscribe(() => {})
  const newest = () => queries.getQueryData<InfiniteData<TaskPage>>(list)?.pages[0]?.items[0]?.id
  for (let event = 0; event < 10; event++) {
    cache.take([told('a', { name: 'task.progress' })])
    await vi.advanceTimersByTimeAsync(300)
  }
  answers[0]?.('first')
  await vi.advanceTimersByTimeAsync(0)
  expect([newest(), answers.length]).toEqual(['first', 1])
  await vi.advanceTimersByTimeAsync(1_000)
  answers[1]?.('second')
  await vi.advanceTimersByTimeAsync(5_000)
  expect([newest(), answers.length]).toEqual(['second', 2])
  stop()
})

test('a dead letter is read again for its own task, and the lists of them for what began or ended, every five seconds', () => {
  const { queries, cache } = started()
  const own = keys.deadLetter('a')
  const others = [keys.deadLetter('b'), keys.deadLetterGroups({}), keys.deadLetterList({})]
  const read = () => {
    for (const key of [own, ...others]) queries.setQueryData(key, listOf([]))
  }
  const invalidated = () => [own, ...others].map(key => isInvalidated(queries, key))
  read()
  cache.take([told('a', { name: 'task.progress' })])
  vi.advanceTimersByTime(1_000)
  expect(invalidated()).toEqual([true, false, false, false])
  cache.take([told('c')])
  vi.advanceTimersByTime(1_000)
  expect(invalidated()).toEqual([true, false, true, true])
  read()
  cache.take([told('c', { name: 'task.failed', status: 'FAILED' })])
  vi.advanceTimersByTime(4_000)
  expect(invalidated()).toEqual([false, false, false, false])
  vi.advanceTimersByTime(1_000)
  expect(invalidated()).toEqual([false, false, true, true])
})

test('a long list of sub-tasks is not read again as a whole, unless something may have been missed', () => {
  const { queries, cache } = started()
  const long = keys.childList('parent', { pageSize: 100 })
  queries.setQueryData(long, listOf([taskOf({ id: 'a' })], [taskOf({ id: 'b' })], [taskOf({ id: 'c' })]))
  cache.take([told('c', { parentTaskId: 'parent', status: 'COMPLETED' })])
  vi.advanceTimersByTime(1_000)
  expect(isInvalidated(queries, long)).toBe(false)
  expect(queries.getQueryData<InfiniteData<TaskPage>>(long)?.pages[2]?.items[0]?.status).toBe('COMPLETED')
  cache.take([{ kind: 'reset', id: '2' }])
  vi.advanceTimersByTime(1_000)
  expect(isInvalidated(queries, long)).toBe(true)
})

test.each([
  [undefined, false],
  [{ items: [] }, false],
  [listOf([], []), false],
  [listOf([], [], []), true],
])('tells a long list by its pages (%#)', (data, isLong) => {
  expect(isLongList(data)).toBe(isLong)
})

test('what came lately is kept, the newest first and at most 500, with where something may be missing', () => {
  const recent = new RecentEvents()
  const kinds = () => recent.all.map(({ kind }) => kind)
  const heard: string[] = []
  recent.listen(newer => heard.push(...newer.map(({ kind }) => kind)), recent.all)
  // The stream that is made for the first time was not lost before.
  recent.noteConnection(false)
  recent.noteConnection(true)
  recent.noteConnection(true)
  recent.take([told('a'), told('b')])
  recent.noteConnection(false)
  recent.noteConnection(false)
  recent.noteConnection(true)
  recent.take([{ kind: 'reset', id: '9' }])
  expect(kinds()).toEqual(['reset', 'back', 'lost', 'task', 'task'])
  expect(recent.all.at(-2)).toMatchObject({ event: { taskId: 'b' } })
  expect(heard).toEqual(['task', 'task', 'lost', 'back', 'reset'])
  // Who listens later than it was drawn misses nothing in between.
  const missed: string[] = []
  const drawn = recent.all.slice(1)
  recent.listen(newer => missed.push(...newer.map(({ kind }) => kind)), drawn)()
  expect(missed).toEqual(['reset'])
  recent.take(Array.from({ length: 600 }, (_, at) => told(String(at))))
  expect(recent.all).toHaveLength(500)
  expect(recent.all[0]).toMatchObject({ event: { taskId: '599' } })
  recent.clear()
  expect(recent.all).toEqual([])
})

test('a list of events takes those that fit, and moves only when it is not held', () => {
  const recent = new RecentEvents()
  recent.noteConnection(true)
  recent.take([
    told('a', { taskType: 'One', lane: 'batch' }),
    told('b', { parentTaskId: 'a', rootTaskId: 'a' }),
    told('c', { rootTaskId: 'c' }),
  ])
  recent.noteConnection(false)
  const table: [search: Parameters<typeof matching>[0], found: string[]][] = [
    [{}, ['lost', 'c', 'b', 'a']],
    [{ type: 'One' }, ['lost', 'a']],
    [{ lane: 'default' }, ['lost', 'c', 'b']],
    [{ task: 'a' }, ['lost', 'b', 'a']],
    [{ task: 'c', lane: 'batch' }, ['lost']],
  ]
  const named = (all: typeof recent.all) =>
    all.map(each => (each.kind === 'task' ? each.event.taskId : each.kind))
  for (const [search, found] of table)
    expect(named(recent.all.filter(matching(search))), JSON.stringify(search)).toEqual(found)
  const [lost, c, b, a] = recent.all
  if (lost === undefined || c === undefined || b === undefined || a === undefined) throw new Error('too few')
  const held = withNewer(withNewer({ shown: [a], waiting: [] }, [b], true), [lost, c], true)
  expect([named(held.shown), named(held.waiting), waitingCount(held)]).toEqual([['a'], ['lost', 'c', 'b'], 2])
  const all = { shown: [lost, c, b, a], waiting: [] }
  expect(withWaiting(held)).toEqual(all)
  expect(withNewer({ shown: [a], waiting: [b] }, [lost, c], false)).toEqual(all)
})

test('processes are silent by the clock of the store, and gone when they are not listed any more', () => {
  const worker = (nodeId: string, second: number): Worker => ({
    ...{ nodeId, roles: ['worker'], lanes: {}, running: 0, pid: 1, host: 'a' },
    startedAt: '2026-01-01T00:00:00.000Z',
    seenAt: `2026-01-01T00:00:${second}.000Z`,
  })
  const states = (seen: ReturnType<typeof seenWorkers>) =>
    seen.map(({ worker: { nodeId }, state }) => `${nodeId} ${state}`)
  const first = seenWorkers([], [worker('a', 20), worker('b', 20)])
  expect(states(first)).toEqual(['a live', 'b live'])
  const second = seenWorkers(first, [worker('a', 46), worker('b', 20)])
  expect(states(second)).toEqual(['a live', 'b silent'])
  const third = seenWorkers(second, [worker('a', 50)])
  expect(states(third)).toEqual(['a live', 'b gone'])
  expect(states(seenWorkers(third, []))).toEqual(['a gone', 'b gone'])
  expect(states(seenWorkers(third, [worker('a', 55), worker('b', 55)]))).toEqual(['a live', 'b live'])
  const many = Array.from({ length: 30 }, (_, at) => worker(`n${at}`, 10 + at))
  expect(states(seenWorkers(seenWorkers([], many), [])).slice(0, 2)).toEqual(['n29 gone', 'n28 gone'])
  expect(seenWorkers(seenWorkers([], many), [])).toHaveLength(20)
})

test('a change is shown by the fields that differ', () => {
  const table: [before: object | undefined, after: object | undefined, found: string[]][] = [
    [undefined, undefined, []],
    [{ paused: false, a: [1] }, { paused: true, a: [1] }, ['paused: false → true']],
    [{ status: 'QUEUED' }, { retried: 1 }, ['status: QUEUED → undefined', 'retried: undefined → 1']],
    [undefined, { name: 'Bo' }, ['name: undefined → Bo']],
  ]
  for (const [before, after, found] of table) {
    const differences = differencesOf(before as Record<string, unknown>, after as Record<string, unknown>)
    expect(differences.map(each => `${each.field}: ${each.before} → ${each.after}`)).toEqual(found)
  }
})
