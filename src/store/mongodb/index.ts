import { randomBytes } from 'node:crypto'
import { ClientSession } from 'mongodb'
import { QuillworkError } from '../../task/errors.ts'
import type { NewTask } from '../../task/task.ts'
import type { Applied, Transition } from '../../task/transition.ts'
import type { Claim, Claimed, Created, Store, TaskStore } from '../store.ts'
import type { StoreTransfer } from '../transfer.ts'
import type { Wish } from './admit.ts'
import { applyAll, applyTogether } from './apply.ts'
import { createAttempts } from './attempts.ts'
import { claimAll } from './claim.ts'
import { createServerClock, injectedClock, type ServerClock } from './clock.ts'
import { type Coalesced, coalesce } from './coalesce.ts'
import { createAll, createWithin } from './create.ts'
import { type DatabaseOptions, type OpenableDatabase, openDatabase, type SharedDatabase } from './database.ts'
import type { LaneDocument, PayloadDocument, TaskDocument } from './documents.ts'
import { createEventOutbox } from './events.ts'
import { closedError } from './failures.ts'
import { createFairOrder } from './fair-order.ts'
import { createFamilies } from './families.ts'
import { requireWhole } from './filling.ts'
import { createHands } from './hands.ts'
import { createHints } from './hints.ts'
import { createLanes } from './lanes.ts'
import { extend, lapsed } from './leases.ts'
import { createNumbers } from './newcomer.ts'
import { createNodes } from './nodes.ts'
import { createOutbox } from './outbox.ts'
import { createOutput } from './output.ts'
import type { ResendAfter } from './parts.ts'
import { createPausedLanes } from './paused.ts'
import { prune } from './prune.ts'
import { createQueries } from './queries.ts'
import { createSchedules } from './schedules.ts'
import { collections, engineIndexes } from './schema.ts'
import type { Session } from './session.ts'
import { createStates } from './states.ts'
import { createStrays } from './strays.ts'
import { createTransfer } from './transfer.ts'
import { createWrittenEvents } from './written-events.ts'

/** How a MongoDB store is opened. */
export interface MongoOptions extends DatabaseOptions {
  /** The clock, epoch milliseconds; for tests. Default: the server's. */
  now?: () => number
  /** Milliseconds after which a sent and unclaimed delivery is sent again; default 5,000 unconfirmed and 30,000 confirmed. */
  resendAfter?: Partial<ResendAfter>
  /** Milliseconds until a parent counts a sub-task that began, or will be tried again: its end often comes before. Default 1,000. */
  countAfterMs?: number
  /** Opens a database also while it is being filled, to fill it: nothing but `transfer` is used then. Default false. */
  filling?: boolean
}

/** A store in a MongoDB database that any number of processes share, with the database for others to join, such as the novel library. */
export interface MongoStore extends Store<ClientSession> {
  readonly database: SharedDatabase
  /** For moving all of it to another store, or from one; nothing else uses the store meanwhile. */
  readonly transfer: StoreTransfer
  /** Connects, and checks what the promises need. Throws STORE_UNSUITABLE, STORE_FAILED, TRANSFER_INCOMPLETE. */
  open(): Promise<void>
}

/** Items of one round trip at most. */
const mostTogether = 1_000

/**
 * A store in a MongoDB database. What it acknowledges is held by a majority of the replica set. Several processes may share it.
 *
 * `open` throws STORE_UNSUITABLE when the database cannot keep the promises, STORE_FAILED when it cannot be reached.
 */
export function mongodb(options: MongoOptions): MongoStore {
  const database = openDatabase(options)
  database.join(engineIndexes)
  const clock = options.now === undefined ? serverClock(database) : injectedClock(options.now)
  const listeners = new Set<() => void>()
  const life = { isClosed: false }
  const session = createSession(options, { database, clock, listeners, life })
  const writes = coalescedWrites(session)
  const attempts = createAttempts(session)
  const output = createOutput(session)
  const events = createEventOutbox(session)
  return {
    kind: 'mongodb',
    capabilities: { manyProcesses: true, durableDeliveries: true, callerTransactions: true },
    database,
    async open() {
      session.requireOpen()
      await database.open()
      if (options.filling !== true) await requireWhole(database)
      await clock.start()
    },
    tasks: {
      ...taskStore(session, writes),
      async close() {
        if (life.isClosed) return
        life.isClosed = true
        clock.stop()
        await Promise.all([
          finishAll(session, writes),
          events.flush().catch(() => undefined),
          attempts.idle(),
          output.idle(),
        ])
        await database.close()
      },
    },
    outbox: createOutbox(session, listeners),
    events,
    attempts,
    output,
    queries: createQueries(session),
    lanes: createLanes(session),
    schedules: createSchedules(session),
    unparsable: createStrays(session),
    states: createStates(session),
    nodes: createNodes(session),
    transfer: createTransfer(session),
  }
}

function serverClock(database: OpenableDatabase): ServerClock {
  return createServerClock(
    async () => {
      const { localTime } = await database.db.admin().command({ hello: 1 })
      return localTime instanceof Date ? localTime : new Date()
    },
    question => database.run('ask for the time', question),
  )
}

interface Parts {
  database: OpenableDatabase
  clock: ServerClock
  listeners: ReadonlySet<() => void>
  life: { isClosed: boolean }
}

function createSession(options: MongoOptions, { database, clock, listeners, life }: Parts): Session {
  const now = () => clock.now()
  const processId = randomBytes(6).toString('base64url')
  let names = 0
  const tasks = database.collection<TaskDocument>(collections.tasks)
  const lanes = database.collection<LaneDocument>(collections.lanes)
  const resendAfter = { unconfirmed: 5_000, confirmed: 30_000, ...options.resendAfter }
  const session: Session = {
    database,
    tasks,
    payloads: database.collection<PayloadDocument>(collections.payloads),
    lanes,
    now,
    serverNow: () => (options.now === undefined ? '$$NOW' : new Date(options.now())),
    nextName() {
      names += 1
      return `${processId}/${names.toString(36)}`
    },
    nextNumber: createNumbers(now),
    order: createFairOrder({ database, tasks, now }),
    families: createFamilies(() => session, options.countAfterMs),
    hands: createHands(() => session, resendAfter),
    hints: createHints(now),
    paused: createPausedLanes(database, lanes, now),
    events: createWrittenEvents(),
    resendAfter,
    keeps: { events: false, notices: false, delays: [] },
    tell() {
      for (const listener of listeners) listener()
    },
    requireOpen() {
      if (life.isClosed) throw closedError()
    },
  }
  return session
}

/** The writes of every task, those of one moment together. */
interface Writes {
  create: Coalesced<Wish, Created>
  claim: Coalesced<Claim, Claimed>
  apply: Coalesced<Transition, Applied>
}

function coalescedWrites(session: Session): Writes {
  return {
    create: coalesce(wishes => createAll(session, wishes), mostTogether),
    claim: coalesce(claims => claimAll(session, claims), mostTogether),
    apply: coalesce(transitions => applyAll(session, transitions), mostTogether),
  }
}

function taskStore(session: Session, writes: Writes): Omit<TaskStore, 'close'> {
  return {
    now: session.now,
    async create(tasks, limits, transaction) {
      session.requireOpen()
      const wishes = tasks.map(task => ({ task, limits }))
      if (transaction !== undefined) return createWithin(session, wishes, requireTransaction(transaction))
      const answers = await writes.create.send(wishes)
      await countNew(session, tasks, answers)
      return answers
    },
    async claim(claims) {
      session.requireOpen()
      return writes.claim.send(claims)
    },
    async apply(transitions, options) {
      session.requireOpen()
      if (options === undefined || transitions.length < 2) return writes.apply.send(transitions)
      return applyTogether(session, transitions, options.required)
    },
    extend: (leases, leaseMs) => extend(session, leases, leaseMs),
    overdue: limit => lapsed(session, limit),
    prune: (retention, limit) => prune(session, retention, limit),
  }
}

function requireTransaction(transaction: unknown): ClientSession {
  if (transaction instanceof ClientSession) return transaction
  throw new QuillworkError('OPTION_INVALID', 'The transaction must be a ClientSession of the MongoDB driver.')
}

/** New sub-tasks are answered when their parent has counted them; a count that fails is left to the sweep. */
async function countNew(
  { families }: Session,
  tasks: readonly NewTask[],
  answers: readonly Created[],
): Promise<void> {
  const parents = tasks.flatMap(({ parent }, index) =>
    parent !== undefined && answers[index]?.outcome === 'created' ? [parent.taskId] : [],
  )
  await Promise.allSettled([...new Set(parents)].map(parent => families.count(parent)))
}

/** What is waiting or on its way is written before the connection goes. */
async function finishAll({ families, hands }: Session, writes: Writes): Promise<void> {
  await Promise.all([writes.create.idle(), writes.claim.idle(), writes.apply.idle()])
  await families.flush()
  // What cannot be written now is found by others a little later.
  await hands.flush().catch(() => undefined)
}
