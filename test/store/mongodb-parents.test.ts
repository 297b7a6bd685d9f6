/** Sub-tasks and their parent where one of them moves at the worst moment: between two steps of a process that counts, cancels or deletes. */
import { type Document, MongoClient } from 'mongodb'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { cancelError } from '../../src/task/decide.ts'
import type { TaskRecord } from '../../src/task/task.ts'
import {
  type Applied,
  cancelledWaiting,
  closed,
  failed,
  reopened,
  retried,
} from '../../src/task/transition.ts'
import {
  atRest,
  complete,
  createOne,
  dueIn,
  fail,
  family,
  ids,
  move,
  only,
  problem,
  read,
  start,
  startNew,
  subTaskOf,
} from '../../src/testing/store-case.ts'
import { describeWithMongo } from '../servers/mongo.ts'
import { MongoContext } from './mongodb-context.ts'

describeWithMongo('sub-tasks in MongoDB whose parent moves meanwhile', () => {
  let context: MongoContext
  /** What is done once, before an operation of the name. */
  const meanwhile = new Map<string, () => Promise<unknown>>()
  beforeEach(() => {
    meanwhile.clear()
    context = new MongoContext({
      async before(operation) {
        const work = meanwhile.get(operation)
        meanwhile.delete(operation)
        await work?.()
      },
    })
  })
  afterEach(() => context.end())

  const end = (parent: TaskRecord) => failed(parent, problem(), 'permanent', context.now)

  it('are counted where the parent was retried by another process', async () => {
    const [one, two] = await context.makeStores(2)
    const parent = await startNew(one)
    const first = await createOne(one, subTaskOf(parent, 'first'))
    await move(one, end(parent))
    // The process counts below a parent that has ended, and learns nothing of what the other one does.
    await move(one, cancelledWaiting(await read(one, first.id), cancelError(), context.now))
    await move(two, retried(await read(two, parent.id), context.now))
    const again = await start(two, await read(two, parent.id))
    const second = await createOne(one, subTaskOf(again, 'second'))
    expect((await read(one, second.id)).status).toBe('QUEUED')
    expect(await read(one, parent.id)).toMatchObject({
      status: 'RUNNING',
      subTaskStatusSummary: { CANCELLED: 1, QUEUED: 1 },
    })
  })

  it('are counted where the parent is retried while another process is about to cancel them', async () => {
    const [one, two] = await context.makeStores(2)
    const parent = await startNew(one)
    meanwhile.set('create', () => two.tasks.apply([end(parent)]))
    meanwhile.set('cancel late sub-tasks', async () =>
      move(two, retried(await read(two, parent.id), context.now)),
    )
    const late = await createOne(one, subTaskOf(parent, 'late'))
    expect(meanwhile.size).toBe(0)
    expect((await read(one, late.id)).status).toBe('QUEUED')
    expect(await read(one, parent.id)).toMatchObject({
      status: 'QUEUED',
      subTaskStatusSummary: { QUEUED: 1 },
    })
  })

  it('end with an event where they came to be as the parent ended', async () => {
    const [one, two] = await context.makeStores(2)
    one.events?.keep()
    const parent = await startNew(one)
    await one.events?.due(10, { leftBehind: false })
    meanwhile.set('create', () => two.tasks.apply([end(parent)]))
    const late = await createOne(one, subTaskOf(parent, 'late'))
    expect((await read(one, late.id)).status).toBe('CANCELLED')
    const untold = (await one.events?.due(10, { leftBehind: false })) ?? []
    const events = untold.find(({ taskId }) => taskId === late.id)?.events
    expect(events?.map(({ name }) => name)).toEqual(['submitted', 'cancelled'])
    expect(events?.at(-1)).toMatchObject({ status: 'CANCELLED', sequence: 2 })
  })

  it('keep their parent from being closed until they are counted, however many another parent has', async () => {
    const [store] = await context.makeStores(1)
    const parents: TaskRecord[] = []
    for (const key of ['large', 'small']) {
      const [parent, ...children] = await family(store, [key])
      await complete(store, only(children), context.now)
      parents.push(parent)
    }
    expect((await dueIn(store)).parents.toSorted()).toEqual(ids(parents))
    // As another process leaves them that is about to count.
    const [large, small] = ids(parents)
    await using client = new MongoClient(context.url)
    await client
      .db()
      .collection<Document & { _id: string }>('background_tasks')
      .insertMany(
        Array.from({ length: 1_001 }, (_, index) => ({
          ...{ _id: `moved-${index}`, parentTaskId: index < 1_000 ? large : small },
          ...{ status: 'QUEUED', version: 1, uncounted: true },
        })),
      )
    expect((await dueIn(store)).parents).toEqual([])
  })

  it('can be retried again after their tree was about to be deleted as one of them came back', async () => {
    const [one, two] = await context.makeStores(2)
    const [parent, ...children] = await family(one, ['a', 'b'])
    const [a, b] = [await fail(one, only(children.slice(0, 1)), context.now), only(children.slice(1))]
    await complete(one, b, context.now)
    const ends = { failedSubTasks: [], error: problem() }
    const root = await move(one, closed(await read(one, parent.id), ends, context.now))
    context.advance(1)
    const answers: Applied[][] = []
    const wait = async () => {
      if ((await context.document(root.id))?.['pruning'] === undefined) return meanwhile.set('prune', wait)
      const again = [retried(a, context.now), reopened(root, context.now)]
      answers.push(await two.tasks.apply(again, { required: 2 }))
      // Alone, as an older process may do it.
      answers.push(await two.tasks.apply([retried(a, context.now)]))
      return answers
    }
    meanwhile.set('prune', wait)
    const old = { [root.status]: 0 }
    expect(await one.tasks.prune(old, 100)).toBe(0)
    expect(answers).toEqual([['stale', 'stale'], ['applied']])
    await atRest(two)
    await move(two, reopened(await read(two, root.id), context.now))
    await complete(two, await read(two, a.id), context.now)
    await move(two, closed(await read(two, root.id), ends, context.now))
    context.advance(1)
    expect(await one.tasks.prune({ COMPLETED: 0 }, 100)).toBe(3)
  })
})
