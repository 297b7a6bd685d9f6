/**
 * The conformance suite of a store as data: each case is a name and a function that asserts. It knows no test runner, so that any
 * runner, and any store, can use it. A runner gives each case a context of its own and fails the test when `run` rejects.
 */
import assert from 'node:assert/strict'
import type { Claim, LaneCapacity, Page, PageRequest, Store } from '../store/store.ts'
import { type ErrorInfo, plainError } from '../task/errors.ts'
import { everyPage } from '../task/page.ts'
import type { NewTask, TaskRecord } from '../task/task.ts'
import { awaitingSubTasks, completed, failed, type Transition } from '../task/transition.ts'

/**
 * What a case needs beyond the ports; a runner skips, by name, the cases whose need its store does not offer.
 *
 * - `slow-sync`: `makeStore({ syncDelayMs })` makes every sync of the disk take that much longer.
 * - `in-process-deliveries`: published deliveries end with the process.
 * - `void-leases`: opening the store ends every lease, because one process owns it.
 */
export type StoreNeed = 'slow-sync' | 'in-process-deliveries' | 'void-leases'

/** What a runner gives each case: fresh stores on a clock that only the case moves. */
export interface StoreCaseContext {
  /** The time of every store of this case, epoch milliseconds. */
  readonly now: number
  advance(ms: number): void
  /** A fresh, empty store. The runner closes it after the case. */
  makeStore(options?: { syncDelayMs?: number }): Promise<Store>
  /** Closes the store and opens again what it kept. */
  reopenStore(store: Store): Promise<Store>
}

/** One case of the suite. */
export interface StoreCase {
  readonly name: string
  readonly needs?: StoreNeed
  run(context: StoreCaseContext): Promise<void>
}

/** A case on a fresh store. */
export function it(name: string, run: (store: Store, context: StoreCaseContext) => Promise<void>): StoreCase {
  return { name, run: async context => run(await context.makeStore(), context) }
}

let made = 0

/** A task to create: type `Write`, user `ann`, lane `default`; the id is fresh. */
export function newTask(changes: Partial<NewTask> = {}): NewTask {
  made += 1
  return {
    id: `task-${String(made).padStart(8, '0')}`,
    taskType: 'Write',
    userId: 'ann',
    lane: 'default',
    priority: 'normal',
    tags: [],
    parameters: '{"words":100}',
    parametersVersion: 1,
    ...changes,
  }
}

/** The only item of a list. */
export function only<T>(items: readonly (T | undefined)[]): T {
  assert.equal(items.length, 1)
  const [item] = items
  assert.ok(item !== undefined, 'an answer was expected')
  return item
}

/** A record for each of some items, one for one. */
type RecordsOf<Items extends readonly unknown[]> = { -readonly [Index in keyof Items]: TaskRecord }

/** Creates tasks that must be new, and returns their records. */
export async function createAll<const Tasks extends readonly NewTask[]>(
  store: Store,
  tasks: Tasks,
): Promise<RecordsOf<Tasks>> {
  const answers = await store.tasks.create(tasks, {})
  const records = answers.map(answer => {
    if (answer.outcome !== 'created') assert.fail(`the answer was ${answer.outcome}`)
    return answer.record
  })
  return records as RecordsOf<Tasks>
}

/** Creates that many equal tasks. */
export function createMany(
  store: Store,
  count: number,
  changes: Partial<NewTask> = {},
): Promise<TaskRecord[]> {
  return createAll(
    store,
    Array.from({ length: count }, () => newTask(changes)),
  )
}

/** Creates one task that must be new. */
export async function createOne(store: Store, changes: Partial<NewTask> = {}): Promise<TaskRecord> {
  return only(await createAll(store, [newTask(changes)]))
}

/** The record as the store has it; it must be there. */
export async function read(store: Store, taskId: string): Promise<TaskRecord> {
  return only(await store.queries.get([taskId]))
}

let tokens = 0

/** The request to claim the next attempt of a record, with a fresh token and a lease of 30 s. */
export function claimOf(record: Pick<TaskRecord, 'id' | 'attempt'>, changes: Partial<Claim> = {}): Claim {
  tokens += 1
  return {
    taskId: record.id,
    attempt: record.attempt,
    token: `token-${tokens}`,
    executionNodeId: 'node-1',
    leaseMs: 30_000,
    ...changes,
  }
}

/**
 * Waits until parents have aggregated their sub-tasks: a store of many processes does so a moment after a sub-task moved, and at the latest
 * when it is asked which parents to reconcile.
 */
export async function atRest(store: Store): Promise<void> {
  let seen: readonly string[] | undefined
  for (;;) {
    const parents = await store.outbox.pendingParents(100)
    const sorted = [...parents].sort()
    if (seen?.join() === sorted.join()) return
    seen = sorted
  }
}

/** Claims a task that can run, and returns its record. */
export async function start(store: Store, record: Pick<TaskRecord, 'id' | 'attempt'>): Promise<TaskRecord> {
  const { waitedMs: _, ...claimed } = only(await store.tasks.claim([claimOf(record)]))
  if (claimed.parentTaskId !== undefined) await atRest(store)
  return claimed
}

/** A task whose first attempt runs. */
export async function startNew(store: Store, changes: Partial<NewTask> = {}): Promise<TaskRecord> {
  return start(store, await createOne(store, changes))
}

/** Applies one transition that must be applied, and returns the record after it. */
export async function move(store: Store, transition: Transition): Promise<TaskRecord> {
  assert.deepEqual(await store.tasks.apply([transition]), ['applied'], transition.name)
  const moved = await read(store, transition.taskId)
  if (moved.parentTaskId !== undefined) await atRest(store)
  return moved
}

/** A task to create below a running parent. */
export function subTaskOf(parent: TaskRecord, key: string, changes: Partial<NewTask> = {}): NewTask {
  return newTask({
    taskType: 'Part',
    userId: parent.userId,
    parent: {
      taskId: parent.id,
      attempt: parent.attempt,
      rootTaskId: parent.rootTaskId,
      key,
      depth: parent.depth + 1,
    },
    ...changes,
  })
}

/** A parent that awaits its sub-tasks, and these, QUEUED. */
export async function family<const Keys extends readonly string[]>(
  store: Store,
  keys: Keys,
  ends: { reduces: boolean; result?: string } = { reduces: false, result: '"kept"' },
): Promise<[parent: TaskRecord, ...children: RecordsOf<Keys>]> {
  const running = await startNew(store, { taskType: 'Whole' })
  const created = keys.map(key => subTaskOf(running, key))
  const children = (await createAll(store, created)) as RecordsOf<Keys>
  return [await move(store, awaitingSubTasks(running, ends)), ...children]
}

/** Runs the next attempt of a task and completes it. */
export async function complete(store: Store, record: TaskRecord, now: number): Promise<TaskRecord> {
  return move(store, completed(await start(store, record), '"done"', now))
}

/** Runs the next attempt of a task and fails it for good. */
export async function fail(
  store: Store,
  record: TaskRecord,
  now: number,
  error = problem(),
): Promise<TaskRecord> {
  return move(store, failed(await start(store, record), error, 'permanent', now))
}

/** An error as a record keeps it. */
export function problem(message = 'The provider said no.', code = 'HANDLER_FAILED'): ErrorInfo {
  return plainError(code, message, 'permanent')
}

/** What a transition to RETRYING says after a crash. */
export function afterCrash(at: number, crashCount = 1) {
  return { at, error: problem(), retryCount: 1, crashCount }
}

/** What is due, at most 1,000 deliveries per lane, and the parents to reconcile. */
export async function dueIn(store: Store, ...lanes: (string | LaneCapacity)[]) {
  const capacities = (lanes.length === 0 ? ['default'] : lanes).map(lane =>
    typeof lane === 'string' ? { lane, capacity: 1_000 } : lane,
  )
  const [due, parents] = await Promise.all([
    store.outbox.due(capacities, { quarantined: 1 }),
    store.outbox.pendingParents(100),
  ])
  return { ...due, parents }
}

/** The ids of the tasks that are due, in order. */
export async function dueIds(store: Store, ...lanes: (string | LaneCapacity)[]): Promise<string[]> {
  return (await dueIn(store, ...lanes)).deliveries.map(delivery => delivery.taskId)
}

/** All items of a listing, page by page; a page is never larger than asked for, and only the last has no token. */
export async function allPages<T>(
  ask: (request: PageRequest) => Promise<Page<T>>,
  pageSize: number,
  between: () => Promise<unknown> = async () => undefined,
): Promise<T[]> {
  const items: T[] = []
  const list = async (request: PageRequest) => {
    if (request.pageToken !== undefined) await between()
    return ask(request)
  }
  for await (const page of everyPage(pageSize, list)) {
    assert.ok(page.length <= pageSize, 'a page is larger than asked for')
    items.push(...page)
  }
  return items
}

/** The ids of records, in order; undefined for what is not there. */
export function ids<R extends { id: string } | undefined>(records: readonly R[]) {
  return records.map(record => record?.id) as (R extends undefined ? undefined : string)[]
}

/** One field of each item, in order; undefined for what is not there. */
export function each<T extends object, Field extends keyof T>(
  items: readonly (T | undefined)[],
  field: Field,
) {
  return items.map(item => item?.[field])
}

/** That the promise rejects with a coded error. */
export async function rejectsWith(code: string, promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof Error && 'code' in error, `expected the code ${code}, got ${String(error)}`)
    assert.equal(error.code, code)
    return true
  })
}
