import { randomBytes } from 'node:crypto'
import { ClientSession, type Collection } from 'mongodb'
import { mongoRecords } from '../../records/mongodb.ts'
import { createEmitter } from '../../runtime/emitter.ts'
import { gather } from '../../runtime/gather.ts'
import { QuillworkError } from '../../task/errors.ts'
import type { NewTask } from '../../task/task.ts'
import type { Transition } from '../../task/transition.ts'
import { coldKinds, createColdPorts, createNodes, nodes, states, unparsable } from '../cold-records.ts'
import { schedules } from '../schedules.ts'
import type { Claim, Created, Store, TaskQueries, TaskStore } from '../store.ts'
import type { StoreTransfer } from '../transfer.ts'
import { createUsageStore } from '../usage-days.ts'
import { applyAll, applyTogether } from './apply.ts'
import { createAttempts, readSteps } from './attempts.ts'
import { claimAll, extend, overdue } from './claim.ts'
import { createAll, createTogether, createWithin } from './create.ts'
import {
  clockOf,
  type DatabaseOptions,
  longestBuildMs,
  type OpenableDatabase,
  openDatabase,
  type SharedDatabase,
} from './database.ts'
import { groupDeadLetters, listDeadLetters } from './dead-letters.ts'
import type { LaneDocument, PayloadDocument, RelayDocument, TaskDocument } from './documents.ts'
import { createEnded } from './ended.ts'
import { createEventOutbox } from './events.ts'
import { closedError } from './failures.ts'
import { collections, engineIndexes } from './indexes.ts'
import { createFairOrder, createLanes, createPausedLanes } from './lanes.ts'
import { type CreateRequest, createNumbers } from './new-task.ts'
import { createInFlightDeliveries, createOutbox } from './outbox.ts'
import { createOutput, readLog } from './output.ts'
import { createParentIndex } from './parents.ts'
import { createPartitions } from './partitions.ts'
import { createPoll } from './poll.ts'
import { createTrim, erase, prune } from './prune.ts'
import {
  countsUpTo,
  countTasks,
  countTasksOf,
  getTasks,
  listAttempts,
  listChildren,
  listTasks,
  tasksWithIdPrefix,
  waitingForBudget,
} from './queries.ts'
import { type Context, createWrittenEvents, DirtyFlags, type ResendAfter, type Session } from './session.ts'
import { createTransfer, requireWhole } from './transfer.ts'
import { readCalls, reportUsage, rollUpUsage } from './usage.ts'

/** How a MongoDB store is opened. */
export interface MongoOptions extends DatabaseOptions {
  /** The clock, epoch milliseconds; for tests. Default: the server's. */
  now?: () => number
}

/** A store in a MongoDB database that any number of processes share, with the database for others to join, such as the novel library. */
export interface MongoStore extends Store<ClientSession> {
  readonly database: SharedDatabase
  /** For moving all of it to another store, or from one; nothing else uses the store meanwhile. */
  readonly transfer: StoreTransfer
  /** Connects, and checks what the promises need. Throws STORE_UNSUITABLE, STORE_FAILED, TRANSFER_INCOMPLETE. */
  open(): Promise<void>
}

/** What no user sets: for tests, and for the transfer of a database. */
export interface StoreSettings {
  /** Default 5,000 ms unconfirmed and 30,000 ms confirmed. */
  resendAfter?: Partial<ResendAfter>
  /** Milliseconds until a parent aggregates a sub-task that began, or will be tried again: its end often comes before. Default 1,000. */
  aggregateAfterMs?: number
  /** Partitions that this process makes; default 32. */
  partitions?: number
  /** Opens a database also while it is being filled, to fill it: nothing but `transfer` is used then. */
  filling?: boolean
}

/** Items of one round trip at most. */
const together = { largest: 1_000 }

/** Builds the store: first what all parts share, then the parts that work with it, last the ports. */
export function createMongoStore(options: MongoOptions, settings: StoreSettings = {}): MongoStore {
  const database = openDatabase(options)
  database.join(engineIndexes, () => convertEarlier(database))
  const records = mongoRecords(database, [...coldKinds, nodes])
  const clock = clockOf(database, options.now)
  const due = createEmitter()
  let isClosed = false
  const requireOpen = () => {
    if (isClosed) throw closedError()
  }
  const context = createContext(database, {
    now: () => clock.now(),
    freshTime: () => clock.fresh(),
    serverNow: () => (options.now === undefined ? '$$NOW' : new Date(options.now())),
    resendAfter: { unconfirmed: 5_000, confirmed: 30_000, ...settings.resendAfter },
    notifyDue: () => due.emit(),
    requireOpen,
    partitionCount: settings.partitions,
  })
  const parents = createParentIndex(context, settings.aggregateAfterMs ?? 1_000)
  const inFlight = createInFlightDeliveries(context)
  const session: Session = { ...context, parents, inFlight, poll: createPoll(context) }
  const tasks = createTaskStore(session)
  const attempts = createAttempts(session)
  const output = createOutput(session)
  const events = createEventOutbox(session)

  /** What is waiting or on its way is written before the connection goes. */
  async function finishTasks(): Promise<void> {
    await tasks.idle()
    await parents.flush()
    await session.partitions.release().catch(() => undefined)
    // Other processes find a little later what cannot be written now.
    await session.inFlight.flush().catch(() => undefined)
  }

  async function close(): Promise<void> {
    if (isClosed) return
    isClosed = true
    clock.stop()
    const flushed = events.flush().catch(() => undefined)
    await Promise.all([finishTasks(), flushed, attempts.idle(), output.idle()])
    await database.close()
  }

  return {
    kind: 'mongodb',
    capabilities: { manyProcesses: true, callerTransactions: true, countsUpTo },
    database,
    async open() {
      requireOpen()
      await database.open()
      if (settings.filling !== true) await requireWhole(database)
      await clock.start()
    },
    tasks: { ...tasks, close },
    outbox: createOutbox(session, due),
    partitions: session.partitions,
    events,
    attempts,
    output,
    queries: createQueries(session),
    ended: createEnded(session),
    lanes: createLanes(session),
    ...createColdPorts(records),
    usage: createUsageStore(records, request => rollUpUsage(session, request)),
    nodes: createNodes(records, session.now, database),
    transfer: createTransfer(session),
  }
}

interface Ground
  extends Pick<Context, 'now' | 'freshTime' | 'serverNow' | 'resendAfter' | 'notifyDue' | 'requireOpen'> {
  partitionCount: number | undefined
}

function createContext(database: OpenableDatabase, { partitionCount: count, ...ground }: Ground): Context {
  const { now, serverNow } = ground
  const processId = randomBytes(6).toString('base64url')
  const numbers = createNumbers()
  let names = 0
  const tasks = database.collection<TaskDocument>(collections.tasks)
  const lanes = database.collection<LaneDocument>(collections.lanes)
  const relays = database.collection<RelayDocument>(collections.relays)
  const flags = new DirtyFlags(now)
  const notified = () => {
    flags.isNotified = true
    ground.notifyDue()
  }
  const partitions = createPartitions({
    database,
    relays,
    now,
    serverNow,
    relayId: processId,
    notified,
    count,
  })
  return {
    ...ground,
    database,
    tasks,
    payloads: database.collection<PayloadDocument>(collections.payloads),
    lanes,
    processId,
    relays,
    partitions,
    nextName() {
      names += 1
      return `${processId}/${names.toString(36)}`
    },
    nextNumber: () => numbers(now()),
    order: createFairOrder({ database, tasks, partitions, now }),
    flags,
    paused: createPausedLanes(database, lanes, now),
    writtenEvents: createWrittenEvents(),
    features: { events: false, notifications: false, delays: [] },
  }
}

/** The writes of tasks, those of one moment together. `idle` resolves when none is waiting or on its way. */
function createTaskStore(session: Session): Omit<TaskStore, 'close'> & { idle(): Promise<unknown> } {
  const create = gather((requests: CreateRequest[]) => createAll(session, requests), together)
  const claim = gather((claims: Claim[]) => claimAll(session, claims), together)
  const apply = gather((transitions: Transition[]) => applyAll(session, transitions), together)
  /** Creations of many that are on their way. */
  const bulks = new Set<Promise<unknown>>()
  const noteBulk = <T>(creation: Promise<T>): Promise<T> => {
    const ended = () => bulks.delete(creation)
    bulks.add(creation)
    creation.then(ended, ended)
    return creation
  }
  return {
    now: session.now,
    async create(tasks, limits, { transaction, allOrNone } = {}) {
      session.requireOpen()
      const requests = tasks.map(task => ({ task, limits }))
      if (transaction !== undefined)
        return createWithin(session, requests, requireTransaction(transaction), allOrNone)
      const isOne = allOrNone === undefined || tasks.length < 2
      const answers = await (isOne
        ? create.send(requests)
        : noteBulk(createTogether(session, requests, allOrNone)))
      await aggregateNew(session, tasks, answers)
      return answers
    },
    async claim(claims) {
      session.requireOpen()
      return claim.send(claims)
    },
    async apply(transitions, options) {
      session.requireOpen()
      if (options === undefined || transitions.length < 2) return apply.send(transitions)
      return applyTogether(session, transitions, options.required)
    },
    extend: (leases, leaseMs) => extend(session, leases, leaseMs),
    overdue: limit => overdue(session, limit),
    prune: (retention, limit) => prune(session, retention, limit),
    erase: (rootTaskId, limit) => erase(session, rootTaskId, limit),
    trim: createTrim(session),
    idle: () => Promise.all([create.idle(), claim.idle(), apply.idle(), Promise.allSettled(bulks)]),
  }
}

function requireTransaction(transaction: unknown): ClientSession {
  if (transaction instanceof ClientSession) return transaction
  throw new QuillworkError('OPTION_INVALID', 'The transaction must be a ClientSession of the MongoDB driver.')
}

/**
 * Sub-tasks are answered when their parent has aggregated them, also those that were there: whoever made them may have been killed before it
 * was. Where that fails the sweep does it.
 */
async function aggregateNew(
  { parents }: Session,
  tasks: readonly NewTask[],
  answers: readonly Created[],
): Promise<void> {
  const touched = tasks.flatMap(({ parent }, index) => {
    const outcome = answers[index]?.outcome
    return parent !== undefined && (outcome === 'created' || outcome === 'existing') ? [parent.taskId] : []
  })
  await Promise.allSettled([...new Set(touched)].map(parentId => parents.aggregate(parentId)))
}

/** Each query reads by an index that it names, and a bounded number of its entries as far as the filter has an index. */
function createQueries(session: Session): TaskQueries {
  return {
    get: (taskIds, status) => getTasks(session, taskIds, status),
    list: (filter, page) => listTasks(session, filter, page),
    withIdPrefix: (...asked) => tasksWithIdPrefix(session, ...asked),
    children: (parentTaskId, filter, page) => listChildren(session, { parentTaskId, ...filter }, page),
    counts: userId => (userId === undefined ? countTasks(session) : countTasksOf(session, userId)),
    attempts: taskId => listAttempts(session, taskId),
    calls: (taskId, limit) => readCalls(session, taskId, limit),
    steps: (taskId, limit) => readSteps(session, taskId, limit),
    logs: (taskId, after, limit) => readLog(session, taskId, after, limit),
    usageReport: (filter, request) => reportUsage(session, filter, request),
    waitingForBudget: (rootTaskId, limit) => waitingForBudget(session, rootTaskId, limit),
    deadLetters: (filter, page) => listDeadLetters(session, filter, page),
    deadLetterGroups: filter => groupDeadLetters(session, filter),
  }
}

/** A record has a revision. */
const ofEarlier = { revision: { $exists: false } }

/** Those that were documents once. Each start asks for them, so the large ones that always were records are left out. */
const kindsOfEarlier = [schedules, unparsable, states]

/** Times are numbers in a record; what has no such time gets none. */
const numberOf = (time: string) => ({ $ifNull: [{ $toLong: time }, '$$REMOVE'] })

/** Converts the documents that an earlier version kept beside the tasks into records; of several processes one converts each document. */
async function convertEarlier(database: OpenableDatabase): Promise<void> {
  const times = { at: numberOf('$at'), lastTick: numberOf('$lastTick') }
  const update = [{ $set: { revision: 'earlier', ...times } }, { $unset: ['order', 'write'] }]
  // At the first start of a version: as long as it takes.
  const convert = (name: string, work: (collection: Collection) => Promise<unknown>) =>
    database.run(`convert ${name}`, () => work(database.db.collection(name)), { deadlineMs: longestBuildMs })
  await Promise.all([
    ...kindsOfEarlier.map(({ name }) => convert(name, documents => documents.updateMany(ofEarlier, update))),
    convert(nodes.name, documents => documents.deleteMany(ofEarlier)),
  ])
}
