/**
 * Every query of the store and the index that serves it. What the server of the tests plans is only asked whether it reads an index at all:
 * it sorts also what an index has in order. That an index bounds a query and gives its order is therefore computed here, by MongoDB's rules.
 */
import type { CommandStartedEvent, Document } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { OpenableDatabase } from '../../src/store/mongodb/database.ts'
import { type MongoStore, mongodb } from '../../src/store/mongodb/index.ts'
import { engineIndexes, type IndexPlan } from '../../src/store/mongodb/indexes.ts'
import { type TaskFilter, usageKinds } from '../../src/store/store.ts'
import { endedStatuses, liveStatuses } from '../../src/task/status.ts'
import { completed } from '../../src/task/transition.ts'
import {
  complete,
  createAll,
  createOne,
  fail,
  move,
  read,
  startNew,
  subTaskOf,
} from '../../src/testing/store-case.ts'
import { describeWithMongo, type FreshDatabase, freshDatabase } from '../servers/mongo.ts'

const tasks = 'background_tasks'

/** A query of tasks as it was sent. */
interface Query {
  index: string
  filter: Document
  sort: Document
}

const listings: { filter: TaskFilter; index: string }[] = [
  { filter: {}, index: 'by_status' },
  { filter: { rootsOnly: true, createdAfter: 1, createdBefore: 2 }, index: 'by_status' },
  { filter: { status: ['QUEUED', 'FAILED'] }, index: 'by_status' },
  { filter: { status: ['FAILED'], taskType: ['Write'] }, index: 'by_status' },
  { filter: { userId: 'ann', status: [...liveStatuses] }, index: 'by_status' },
  { filter: { userId: 'ann' }, index: 'user' },
  { filter: { userId: 'ann', status: ['COMPLETED'], taskType: ['Write'], lane: 'default' }, index: 'user' },
  { filter: { taskType: ['Write', 'Import'] }, index: 'lane' },
  { filter: { lane: 'default' }, index: 'lane' },
  { filter: { lane: 'default', taskType: ['Write'], status: [...endedStatuses] }, index: 'lane' },
  { filter: { tag: 'scene:1' }, index: 'tag' },
  { filter: { tag: 'scene:1', userId: 'ann', status: ['QUEUED'], lane: 'default' }, index: 'tag' },
  { filter: { parentTaskId: 'x', tag: 'scene:1' }, index: 'parent' },
]

describeWithMongo('the queries of a MongoDB store', () => {
  let home: FreshDatabase
  let store: Omit<MongoStore, '~transaction'>
  const asked: CommandStartedEvent[] = []
  let now = Date.parse('2031-05-04T03:02:01Z')

  beforeAll(async () => {
    home = freshDatabase()
    const address = `${home.url}${home.url.includes('?') ? '&' : '?'}monitorCommands=true`
    store = mongodb({ url: address, now: () => now })
    await store.open()
    const { client } = store.database as OpenableDatabase
    client.on('commandStarted', event => asked.push(event))
    await work()
  })
  afterAll(async () => {
    await store.tasks.close()
    await home.drop()
  })

  /** Asks all that an engine and its HTTP server ask. */
  async function work(): Promise<void> {
    const { outbox, queries } = store
    store.events?.keep()
    outbox.keepNotifications?.()
    const parent = await startNew(store, { tags: ['scene:1'] })
    const after = { keys: ['b'], startWhen: 'completed' } as const
    const [child] = await createAll(store, [
      subTaskOf(parent, 'a'),
      subTaskOf(parent, 'b'),
      subTaskOf(parent, 'c', { after }),
    ])
    await fail(store, await read(store, child?.id ?? ''), now)
    await complete(store, await createOne(store), now)
    await createOne(store, { idempotencyKey: 'once' })
    await store.tasks.create([], {})
    const limits = { waitingPerUser: 10, waitingPerLane: 10 }
    const { id: _id, ...another } = await createOne(store)
    await store.tasks.create([{ ...another, id: 'limited' } as never], limits)
    for (let step = 0; step < 3; step += 1) {
      now += 40_000
      const lanes = [{ lane: 'default', capacity: 1, isEmpty: true, takesUrgent: true }]
      await outbox.due(lanes, { quarantined: 1 })
      await outbox.pendingParents(10)
    }
    await store.events?.due(10, { leftBehind: true })
    await store.events?.backlog()
    await store.tasks.overdue(10)
    for (const { filter } of listings)
      for (const order of ['newest', 'oldest'] as const) {
        const { nextPageToken } = await queries.list(filter, { pageSize: 1, order })
        if (nextPageToken !== undefined)
          await queries.list(filter, { pageSize: 1, order, pageToken: nextPageToken })
      }
    await queries.children(parent.id, { taskType: 'Part' }, { pageSize: 5 })
    await queries.children(parent.id, { failedFirst: true }, { pageSize: 5 })
    await queries.children(parent.id, { predecessor: 'b' }, { pageSize: 5 })
    await queries.deadLetters({ userId: 'ann', code: 'HANDLER_FAILED' }, { pageSize: 5 })
    await queries.deadLetterGroups({})
    await queries.counts()
    const { nextPageToken: moreEnded = '' } = await store.ended.since(now - 1_000_000, { pageSize: 1 })
    if (moreEnded !== '') await store.ended.since(now - 1_000_000, { pageSize: 1, pageToken: moreEnded })
    await queries.attempts(parent.id)
    await queries.logs(parent.id, 0, 10)
    const usage = [{ treeOf: parent.id }, { taskId: parent.id }, { subject: 'novel' }, { userId: 'ann' }, {}]
    for (const filter of usage)
      for (const by of usageKinds) await queries.usageReport(filter, { by, pageSize: 5 })
    await queries.waitingForBudget(parent.id, 5)
    await store.attempts.checkpoints(parent.id)
    await store.attempts.log(parent.id, [{ at: 1, attempt: 1, level: 'info', message: 'x' }])
    await store.lanes.lanes()
    await store.unparsable.list({ pageSize: 5 })
    for (const filter of [{ outcome: 'refused' as const }, { identity: 'a' }, { target: 'a' }])
      await store.audit.list(filter, { pageSize: 5 })
    const own = { taskId: parent.id, attempt: parent.attempt }
    await store.attempts.checkpoint([{ ...own, key: 'a', value: '1' }])
    await store.output.append([{ ...own, sequence: 1, text: 'x' }])
    for await (const _page of store.transfer.tasks.read()) break
    await move(store, completed(await read(store, parent.id), '"x"', now))
    await store.tasks.trim(0, 10)
    await store.tasks.prune({ COMPLETED: -1, FAILED: -1 }, 10)
  }

  const small = ['task_lanes', 'task_relays']
  const isOfSmall = ({ commandName, command }: CommandStartedEvent) =>
    small.includes(String(command[commandName]))
  const questions = () =>
    asked.filter(each => ['find', 'aggregate'].includes(each.commandName) && !isOfSmall(each))
  /** What is asked of tasks within another query, where no hint can be given. */
  const united = () =>
    asked
      .filter(each => each.commandName === 'aggregate')
      .flatMap(({ command }) => (command['pipeline'] as Document[]).map(stage => stage['$unionWith']))
      .filter(union => union?.coll === tasks)

  it('each goes by an index', async () => {
    expect(questions().length).toBeGreaterThan(60)
    const { db } = store.database as OpenableDatabase
    for (const { commandName, command } of questions()) {
      const stages = await stagesOf(db, command)
      expect(stages, `${commandName} ${JSON.stringify(command['filter'] ?? command['pipeline'])}`).toContain(
        'IXSCAN',
      )
      expect(stages).not.toContain('COLLSCAN')
    }
  })

  it('each of tasks names its index, which bounds it and gives its order', () => {
    const used = new Set<string>()
    const faults: unknown[] = []
    const ofTasks = engineIndexes.filter(({ collection }) => collection === tasks)
    for (const { command } of questions().filter(each => Object.values(each.command)[0] === tasks)) {
      const query = queryOf(command)
      if (query === undefined) continue
      used.add(query.index)
      const plan = ofTasks.find(({ name }) => name === query.index)
      const fault = plan === undefined ? 'names no declared index' : faultOf(plan, query)
      if (fault !== undefined) faults.push({ fault, query: JSON.stringify(query) })
    }
    expect(united().length).toBeGreaterThan(5)
    for (const { pipeline } of united()) {
      const query = queryOf({ pipeline })
      const plan = ofTasks.find(each => query !== undefined && faultOf(each, query) === undefined)
      if (plan === undefined) faults.push({ fault: 'no index serves it', query: JSON.stringify(query) })
      else used.add(plan.name)
    }
    expect(faults).toEqual([])
    const unused = ofTasks.filter(({ name }) => !used.has(name))
    // The unique key is read by its fields, which no hint names.
    expect(unused.map(({ name }) => name)).toEqual(['tasks_idempotency'])
  })

  it('a poll reads no delivery that the broker holds for longer than half a minute', () => {
    const times = united().flatMap(({ pipeline }) => pipeline[0].$match?.lostAt ?? [])
    expect(times.length).toBeGreaterThan(5)
    for (const time of times) expect(Number(time.$lte) - now).toBeLessThanOrEqual(30_000)
  })

  it('a listing goes by the index of its most telling field', async () => {
    for (const { filter, index } of listings) {
      asked.length = 0
      await store.queries.list(filter, { pageSize: 1 })
      expect(asked.at(-1)?.command['hint'], JSON.stringify(filter)).toBe(`tasks_${index}`)
    }
  })

  it('each is ended by the server after a time', () => {
    for (const { commandName, command } of asked)
      if (['find', 'aggregate', 'update', 'insert', 'delete', 'findAndModify'].includes(commandName))
        expect(command['maxTimeMS'], `${commandName} ${JSON.stringify(command)}`).toBe(5_000)
  })

  it('there are at most 20 secondary indexes of tasks', () => {
    expect(engineIndexes.filter(({ collection }) => collection === tasks).length).toBeLessThanOrEqual(20)
  })
})

describe('the check of a plan', () => {
  const plan: IndexPlan = { collection: tasks, name: 'x', key: { lane: 1, order: -1, _id: -1 } }
  const sort = { order: 1, _id: 1 }
  it.each([
    ['an order behind a field without a condition', { filter: {}, sort }, 'lane'],
    ['an order behind a range', { filter: { lane: { $gt: 'a' } }, sort }, 'lane'],
    ['an order that the index has not', { filter: { lane: 'a' }, sort: { createdAt: 1 } }, 'createdAt'],
    ['no condition on the first field', { filter: { userId: 'ann' }, sort: {} }, 'lane'],
    ['two directions', { filter: { lane: 'a' }, sort: { order: 1, _id: -1 } }, '_id'],
    ['a partial index without its condition', { filter: { lane: 'a' }, sort: {} }, 'deadLetter'],
    ['what it serves', { filter: { lane: { $in: ['a', 'b'] } }, sort }, undefined],
  ])('%s', (name, query, fault) => {
    const partial = name.startsWith('a partial') ? { deadLetter: { $exists: true } } : undefined
    expect(faultOf({ ...plan, ...(partial && { partial }) }, { index: 'x', ...query })).toBe(fault)
  })
})

/** Returns the query of a command; undefined of one by ids, or by an idempotency key, which is unique. */
function queryOf(command: Document): Query | undefined {
  const filter: Document = command['filter'] ?? command['pipeline'][0]['$match']
  if (filter['_id'] !== undefined || filter['idempotencyKey'] !== undefined) return undefined
  const sorts = (command['pipeline'] ?? []).findIndex((stage: Document) => stage['$sort'] !== undefined)
  // A sort of what was computed is not that of the index.
  const sort = command['sort'] ?? (sorts === 1 ? command['pipeline'][1]['$sort'] : {})
  const inOrder = sort instanceof Map ? Object.fromEntries(sort) : sort
  return { index: String(command['hint']), filter, sort: inOrder }
}

/** Returns the field for which an index does not serve a query; undefined where it does. */
function faultOf({ key, partial = {} }: IndexPlan, { filter, sort }: Query): string | undefined {
  // A partial index is used only by a query that repeats its condition, or asks for less.
  const isRepeated = (field: string) => {
    const { $exists } = Object(partial[field])
    if ($exists === true) return filter[field] !== undefined && filter[field].$exists !== false
    return filter[field] !== undefined
  }
  const unrepeated = Object.keys(partial).find(field => !isRepeated(field))
  if (unrepeated !== undefined) return unrepeated
  const fields = Object.keys(key)
  const order = Object.keys(sort)
  const [first = ''] = fields
  if (filter[first] === undefined && order[0] !== first) return first
  if (order.length === 0) return undefined
  const start = fields.indexOf(order[0] ?? '')
  if (start < 0) return order[0]
  const unfixed = fields.slice(0, start).find(field => !isPoint(filter[field]))
  if (unfixed !== undefined) return unfixed
  const direction = Number(key[order[0] ?? '']) * Number(sort[order[0] ?? ''])
  return order.find(
    (field, at) => fields[start + at] !== field || Number(key[field]) * Number(sort[field]) !== direction,
  )
}

/** Whether a condition is one value, or some: the server merges the ranges of each in order. */
function isPoint(condition: unknown): boolean {
  if (typeof condition !== 'object' || condition === null) return condition !== undefined
  return '$eq' in condition || '$in' in condition
}

/** The stages of the plan of a command. */
async function stagesOf(db: OpenableDatabase['db'], command: Document): Promise<string[]> {
  const { lsid, $clusterTime, $db, readConcern, maxTimeMS, ...query } = command
  const answer = await db.command({ explain: query, verbosity: 'queryPlanner' })
  const stages: string[] = []
  const walk = (node: unknown) => {
    if (typeof node !== 'object' || node === null) return
    for (const [name, value] of Object.entries(node)) {
      if (name === 'stage') stages.push(String(value))
      else walk(value)
    }
  }
  walk(answer['queryPlanner']?.winningPlan ?? answer)
  return stages
}
