import assert from 'node:assert/strict'
import type { Page, PageRequest, Store, TaskFilter } from '../store/store.ts'
import { type TaskStatus, taskStatuses } from '../task/status.ts'
import type { TaskRecord } from '../task/task.ts'
import { awaitingSubTasks, closed, discarded, failedWaiting, retried } from '../task/transition.ts'
import {
  allPages,
  complete,
  createAll,
  createMany,
  createOne,
  dueIn,
  fail,
  family,
  ids,
  it,
  move,
  newTask,
  only,
  problem,
  read,
  rejectsWith,
  type StoreCase,
  type StoreCaseContext,
  start,
  startNew,
  subTaskOf,
} from './store-case.ts'

/** Tasks of several users, types, lanes, tags and statuses, and a parent with sub-tasks; in the order of creation. */
async function mixture(store: Store, context: StoreCaseContext): Promise<TaskRecord[]> {
  const parent = await startNew(store, { tags: ['tree'] })
  const made = [parent]
  for (let index = 0; index < 24; index++) {
    context.advance(10)
    const changes = {
      userId: index % 3 === 0 ? 'bob' : 'ann',
      taskType: index % 2 === 0 ? 'Write' : 'Import',
      lane: index % 4 === 0 ? 'batch' : 'default',
      tags: index % 5 === 0 ? ['draft', 'x', 'draft'] : ['x'],
    }
    const task = index % 6 === 5 ? subTaskOf(parent, `${index}`, changes) : newTask(changes)
    const record = await createOne(store, task)
    if (index % 8 === 1) await complete(store, record, context.now)
    if (index % 8 === 2) await fail(store, record, context.now)
    if (index % 8 === 3) await start(store, record)
    made.push(record)
  }
  return Promise.all(made.map(record => read(store, record.id)))
}

/** Whether a filter lets a record through. */
function lets(filter: TaskFilter, record: TaskRecord): boolean {
  const { status, taskType, tag, rootsOnly, errorCode, createdAfter, createdBefore, ...equal } = filter
  return (
    status?.includes(record.status) !== false &&
    taskType?.includes(record.taskType) !== false &&
    (tag === undefined || record.tags.includes(tag)) &&
    (errorCode === undefined || record.deadLetter?.error.code === errorCode) &&
    !(rootsOnly === true && record.parentTaskId !== undefined) &&
    record.createdAt > (createdAfter ?? 0) &&
    record.createdAt < (createdBefore ?? Number.POSITIVE_INFINITY) &&
    Object.entries(equal).every(([field, value]) => Reflect.get(record, field) === value)
  )
}

/** Filters of one field and of several; some let nothing through. */
const filters: readonly TaskFilter[] = [
  {},
  { status: ['FAILED'] },
  { status: ['COMPLETED', 'QUEUED', 'RUNNING'] },
  { status: ['QUEUED', 'QUEUED'] },
  { taskType: ['Import'] },
  { taskType: ['Import', 'Part'] },
  { taskType: [] },
  { status: [] },
  { tag: 'none', status: [] },
  { userId: 'bob' },
  { lane: 'batch' },
  { tag: 'draft' },
  { tag: 'dra' },
  { rootsOnly: true },
  { errorCode: problem().code },
  { errorCode: problem().code, userId: 'bob', rootsOnly: true },
  { errorCode: problem().code, status: ['DEAD_LETTER'] },
  { errorCode: 'OTHER', tag: 'x' },
  { tag: 'draft', userId: 'ann' },
  { tag: 'draft', taskType: ['Write', 'Import'] },
  { tag: 'x', status: ['FAILED', 'RUNNING'] },
  { lane: 'batch', taskType: ['Import', 'Write'], status: ['QUEUED', 'FAILED', 'COMPLETED'] },
  { tag: 'x', taskType: ['Import'], rootsOnly: true },
  { status: ['QUEUED', 'FAILED'], taskType: ['Write'], userId: 'ann', tag: 'x', rootsOnly: true },
]

/** New sub-tasks of the types Even and Odd in turn. */
const evenAndOdd = (parent: TaskRecord, count: number) =>
  Array.from({ length: count }, (_, index) =>
    subTaskOf(parent, `${index}`, { taskType: index % 2 === 0 ? 'Even' : 'Odd' }),
  )

/** A parent that kept a result for its end, and failed because no sub-task completed. */
async function closeAsFailed(store: Store, running: TaskRecord, now: number): Promise<void> {
  const child = await createOne(store, subTaskOf(running, 'only'))
  await move(store, awaitingSubTasks(running, { reduces: false, result: '"kept"' }))
  await fail(store, child, now)
  const ends = { failedSubTasks: [], error: problem() }
  assert.equal((await move(store, closed(await read(store, running.id), ends, now))).status, 'FAILED')
}

/** A task that fails 100 ms after what was before it. */
async function failNew(
  context: StoreCaseContext,
  store: Store,
  changes: Parameters<typeof newTask>[0],
  error: ReturnType<typeof problem>,
): Promise<TaskRecord> {
  context.advance(100)
  return fail(store, await createOne(store, changes), context.now, error)
}

/** What a store returns: listings with filters and pages, sub-tasks, counts, dead letters and their groups. */
export const queryCases: readonly StoreCase[] = [
  it('get: returns records in the order of the ids, undefined for what is not there', async store => {
    const [one, two] = await createAll(store, [newTask(), newTask()])
    assert.deepEqual(await store.queries.get([two.id, 'nobody', one.id, two.id]), [two, undefined, one, two])
    assert.deepEqual(await store.queries.get([]), [])
  }),
  it('get: of some statuses, the others as if they were not there', async (store, { now }) => {
    const [queued, other] = await createAll(store, [newTask(), newTask()])
    const ended = await complete(store, other, now)
    const taskIds = [queued.id, ended.id]
    assert.deepEqual(await store.queries.get(taskIds, ['COMPLETED', 'FAILED']), [undefined, ended])
    assert.deepEqual(await store.queries.get(taskIds, ['QUEUED']), [queued, undefined])
  }),
  it('list: every filter lets through what it says, newest or oldest first, whatever the size of a page', async (store, context) => {
    const all = await mixture(store, context)
    const middle = all[12]?.createdAt ?? 0
    const ofThese = [{ parentTaskId: all[0]?.id ?? '' }, { createdAfter: middle }, { createdBefore: middle }]
    for (const filter of [...filters, ...ofThese]) {
      const oldest = all.filter(record => lets(filter, record))
      const orders = [[{}, oldest.toReversed()] as const, [{ order: 'oldest' }, oldest] as const]
      for (const [order, expected] of orders)
        for (const pageSize of [1, 7, 100]) {
          const found = await allPages(page => store.queries.list(filter, { ...page, ...order }), pageSize)
          assert.deepEqual(found, expected, JSON.stringify({ ...filter, ...order, pageSize }))
        }
    }
  }),
  it('withIdPrefix: returns tasks whose id begins so, by id, and no more than asked for', async (store, context) => {
    const all = await mixture(store, context)
    for (const prefix of [
      ...new Set(all.flatMap(({ id }) => [id, id.slice(0, 8), id.slice(0, 13)])),
      'nobody-',
    ]) {
      const expected = all.filter(({ id }) => id.startsWith(prefix)).sort((a, b) => (a.id < b.id ? -1 : 1))
      assert.deepEqual(await store.queries.withIdPrefix(prefix, 100), expected, prefix)
      assert.deepEqual(await store.queries.withIdPrefix(prefix, 2), expected.slice(0, 2), prefix)
    }
  }),
  it('list: pages show each task that was there once, while others are created and move', async store => {
    const before = await createMany(store, 40)
    for (const pageSize of [1, 3, 8]) {
      const found = await allPages(
        page => store.queries.list({}, page),
        pageSize,
        () => createOne(store),
      )
      const old = found.filter(({ id }) => ids(before).includes(id))
      assert.deepEqual(ids(old), ids(before).reverse())
      assert.equal(new Set(ids(found)).size, found.length)
    }
  }),
  it('list: oldest first, pages go on to what is created meanwhile; a page token of the other order is refused', async store => {
    const before = await createAll(store, [newTask(), newTask(), newTask({ userId: 'bob' })])
    const order = 'oldest'
    const later: TaskRecord[] = []
    const found = await allPages(
      page => store.queries.list({}, { ...page, order }),
      1,
      async () => void (later.length < 2 && later.push(await createOne(store))),
    )
    assert.deepEqual(ids(found), ids([...before, ...later]))
    for (const filter of [{}, { status: ['QUEUED'] }] satisfies TaskFilter[]) {
      const one = { pageSize: 1 }
      const { nextPageToken: ofNewest = '' } = await store.queries.list(filter, one)
      const { nextPageToken: ofOldest = '' } = await store.queries.list(filter, { ...one, order })
      await rejectsWith(
        'PAGE_TOKEN_INVALID',
        store.queries.list(filter, { ...one, order, pageToken: ofNewest }),
      )
      await rejectsWith('PAGE_TOKEN_INVALID', store.queries.list(filter, { ...one, pageToken: ofOldest }))
      const asked = { ...one, pageToken: ofNewest, order: 'newest' } as const
      assert.deepEqual(ids((await store.queries.list(filter, asked)).items), [later[0]?.id])
    }
  }),
  it('list: a page token of another filter, of another listing, or made up is refused', async (store, context) => {
    const [parent] = await family(store, ['a', 'b', 'c'])
    for (const record of await createAll(store, [newTask(), newTask()]))
      await fail(store, record, context.now)
    const token = async (page: Promise<Page<unknown>>) => (await page).nextPageToken ?? ''
    const one = { pageSize: 1 }
    const ofAll = await token(store.queries.list({}, one))
    const ofSome = await token(store.queries.list({ userId: 'ann' }, one))
    const ofChildren = await token(store.queries.children(parent.id, {}, one))
    const ofDead = await token(store.queries.deadLetters({}, one))
    const wrong: readonly ((pageToken: string) => Promise<unknown>)[] = [
      pageToken => store.queries.list({ userId: 'bob' }, { ...one, pageToken }),
      pageToken => store.queries.children(parent.id, { failedFirst: true }, { ...one, pageToken }),
      pageToken => store.unparsable.list({ ...one, pageToken }),
    ]
    const foreign = ['', 'x', '{}', '%%%', Buffer.from('["a",{}]').toString('base64url')]
    for (const ask of wrong)
      for (const pageToken of [ofAll, ofSome, ofChildren, ofDead, ...foreign])
        await rejectsWith('PAGE_TOKEN_INVALID', ask(pageToken))
    await rejectsWith('PAGE_TOKEN_INVALID', store.queries.list({}, { ...one, pageToken: ofDead }))
    await rejectsWith('PAGE_TOKEN_INVALID', store.queries.deadLetters({}, { ...one, pageToken: ofAll }))
    assert.equal((await store.queries.list({}, { ...one, pageToken: ofAll })).items.length, 1)
  }),
  it('list: an altered token is refused with its code', async store => {
    await createAll(store, [newTask(), newTask()])
    const { nextPageToken = '' } = await store.queries.list({}, { pageSize: 1 })
    const parts = JSON.parse(Buffer.from(nextPageToken, 'base64url').toString()) as unknown[]
    for (const last of [{}, 'x', null, 1.5, [1]]) {
      const altered = Buffer.from(JSON.stringify([...parts.slice(0, -1), last])).toString('base64url')
      await rejectsWith('PAGE_TOKEN_INVALID', store.queries.list({}, { pageSize: 1, pageToken: altered }))
    }
  }),
  it('children: in the order of submission, filtered, page by page', async (store, context) => {
    const running = await startNew(store)
    const children = await createAll(store, evenAndOdd(running, 9))
    await createOne(store)
    const [first, second] = children
    assert.ok(first && second)
    await complete(store, first, context.now)
    await fail(store, second, context.now)
    const ask = (filter: { status?: readonly TaskStatus[]; taskType?: string }) => (page: PageRequest) =>
      store.queries.children(running.id, filter, page)
    for (const pageSize of [1, 4, 50]) {
      assert.deepEqual(ids(await allPages(ask({}), pageSize)), ids(children))
      assert.deepEqual(
        ids(await allPages(ask({ taskType: 'Odd' }), pageSize)),
        ids(children.filter((_, index) => index % 2 === 1)),
      )
      const ended = await allPages(ask({ status: ['COMPLETED', 'FAILED'] }), pageSize)
      assert.deepEqual(ids(ended), [first.id, second.id])
    }
    assert.deepEqual(await store.queries.children('nobody', {}, { pageSize: 5 }), { items: [] })
  }),
  it('children: failed first: those that did not complete, then the others, each once', async (store, context) => {
    const running = await startNew(store)
    const children = await createAll(store, evenAndOdd(running, 8))
    const [, , completing, , failing, nested, , alsoFailing] = children
    assert.ok(completing && failing && nested && alsoFailing)
    await complete(store, completing, context.now)
    await fail(store, failing, context.now)
    await fail(store, alsoFailing, context.now)
    await closeAsFailed(store, await start(store, nested), context.now)
    const unsuccessful = [failing.id, nested.id, alsoFailing.id]
    const rest = ids(children).filter(id => !unsuccessful.includes(id))
    for (const pageSize of [1, 2, 3, 5, 8, 20]) {
      const found = await allPages(
        page => store.queries.children(running.id, { failedFirst: true }, page),
        pageSize,
      )
      assert.deepEqual(ids(found), [...unsuccessful, ...rest], `${pageSize} per page`)
    }
  }),
  it('counts: equal a recount after every kind of move, and after opening the store again', async (store, context) => {
    const zero = Object.fromEntries(taskStatuses.map(status => [status, 0]))
    assert.deepEqual(await store.queries.counts(), zero)
    const all = await mixture(store, context)
    const failedOnes = all.filter(({ status }) => status === 'FAILED')
    await move(store, retried(only(failedOnes.slice(0, 1)), context.now))
    const recount: Record<string, number> = { ...zero }
    for (const { status } of await store.queries
      .get(ids(all))
      .then(found => found.filter(r => r !== undefined)))
      recount[status] = (recount[status] ?? 0) + 1
    assert.deepEqual(await store.queries.counts(), recount)
    assert.deepEqual(await (await context.reopenStore(store)).queries.counts(), recount)
  }),
  it('counts of a user: those of the tasks of that user, whatever their status', async store => {
    const [own] = await createAll(store, [newTask({ userId: 'bob' }), newTask({ userId: 'bob' }), newTask()])
    await start(store, own)
    const { QUEUED, RUNNING, ...others } = await store.queries.counts('bob')
    assert.deepEqual({ QUEUED, RUNNING }, { QUEUED: 1, RUNNING: 1 })
    assert.ok(Object.values(others).every(count => count === 0))
    assert.equal((await store.queries.counts('nobody')).QUEUED, 0)
  }),
  it('dead letters: the open ones, filtered, page by page; a retry or a discard takes one out', async (store, context) => {
    const one = await failNew(context, store, {}, problem('Broken'))
    const two = await failNew(context, store, { userId: 'bob' }, problem('Broken'))
    const three = await failNew(context, store, { taskType: 'Import' }, problem('Broken', 'RATE_LIMITED'))
    await complete(store, await createOne(store), context.now)
    const list = (filter: Parameters<Store['queries']['deadLetters']>[0], pageSize = 10) =>
      allPages(page => store.queries.deadLetters(filter, page), pageSize).then(ids)
    assert.deepEqual(await list({}), [three.id, two.id, one.id])
    assert.deepEqual(await list({}, 1), [three.id, two.id, one.id])
    assert.deepEqual(await list({ userId: 'bob' }), [two.id])
    assert.deepEqual(await list({ taskType: ['Import', 'Other'] }), [three.id])
    assert.deepEqual(await list({ taskType: [] }), [])
    assert.deepEqual(await store.queries.deadLetterGroups({ taskType: [] }), [])
    assert.deepEqual(await list({ code: 'RATE_LIMITED' }), [three.id])
    assert.deepEqual(await list({ fingerprint: one.deadLetter?.fingerprint ?? '' }), [two.id, one.id])
    assert.deepEqual(await list({ openedBefore: two.deadLetter?.openedAt ?? 0 }), [one.id])
    assert.deepEqual(await list({ openedAfter: two.deadLetter?.openedAt ?? 0 }), [three.id])
    await move(store, retried(one, context.now))
    const gone = await move(store, discarded(two, context.now))
    assert.deepEqual([gone.status, gone.deadLetterHistory?.length], ['FAILED', 1])
    assert.deepEqual(await list({}), [three.id])
  }),
  it('dead letters: equal failures are one line, the most frequent first', async (store, context) => {
    for (const message of ['Scene 1 is gone', 'No key', 'Scene 22 is gone'])
      await failNew(context, store, {}, problem(message))
    const waiting = await createOne(store, { taskType: 'Import' })
    await move(store, failedWaiting(waiting, problem('Scene 3 is gone'), context.now))
    const groups = await store.queries.deadLetterGroups({})
    assert.deepEqual(
      groups.map(({ count, taskType, code, lastAt, firstAt }) => [count, taskType, code, lastAt - firstAt]),
      [
        [2, 'Write', 'HANDLER_FAILED', 200],
        [1, 'Import', 'HANDLER_FAILED', 0],
        [1, 'Write', 'HANDLER_FAILED', 0],
      ],
    )
    const [scenes] = groups
    const { items } = await store.queries.deadLetters(
      { fingerprint: scenes?.fingerprint ?? '' },
      { pageSize: 9 },
    )
    assert.equal(items.length, 2)
    assert.ok(ids(items).includes(scenes?.sampleTaskId ?? ''))
    const counted = async (filter: Parameters<Store['queries']['deadLetterGroups']>[0]) =>
      (await store.queries.deadLetterGroups(filter)).map(({ count }) => count)
    assert.deepEqual(await counted({ userId: 'bob' }), [])
    assert.deepEqual(await counted({ code: 'HANDLER_FAILED', taskType: ['Write'] }), [2, 1])
    assert.deepEqual(await counted({ code: 'HANDLER' }), [])
    assert.deepEqual(await counted({ fingerprint: scenes?.fingerprint ?? '' }), [2])
    assert.deepEqual(await counted({ openedBefore: scenes?.lastAt ?? 0 }), [1, 1])
    assert.deepEqual(await counted({ openedAfter: scenes?.firstAt ?? 0 }), [1, 1, 1])
    assert.deepEqual((await dueIn(store)).deliveries, [])
  }),
]
