/**
 * One MongoDB database, shared by all that keep something in it: the engine's store and the novel library. It connects, checks what
 * the promises need, makes the indexes, and runs operations with a deadline.
 */

import {
  type ClientSession,
  type Collection,
  type Db,
  type Document,
  MongoClient,
  ReadConcern,
  ReadPreference,
  UUID,
  WriteConcern,
} from 'mongodb'
import { QuillworkError } from '../../task/errors.ts'
import type { Transactions } from '../cold-records.ts'
import { createSender, type SendLimits, type StoreFaults, timeLimitOf, withTimeLimit } from './failures.ts'
import { type IndexPlan, makeIndexes } from './indexes.ts'

/** How a database is reached. */
export interface DatabaseOptions {
  /** A connection string; a replica set is required. Or `client`. */
  url?: string
  /**
   * The caller's own client, so that tasks can be submitted within its transactions; it stays open when the store is closed. Its options
   * must not weaken the write concern.
   */
  client?: MongoClient
  /** Default: the one that the connection string names, else `quillwork`. */
  database?: string
  /** Milliseconds until an operation without an answer is sent again; the server ends it after half of them. Default 10,000. */
  deadlineMs?: number
  faults?: StoreFaults
}

/** A database for the engine's store and others that join it, such as the novel library. */
export interface SharedDatabase {
  /** Adds indexes that `open` makes and checks, and what it does next. Call it before. */
  join(indexes: readonly IndexPlan[], prepare?: () => Promise<void>): void
  /** A collection with majority write concern and majority reads from the primary; the server ends operations that take too long. */
  collection<T extends Document>(name: string): Collection<T>
  /**
   * Runs an operation that may be sent twice: one whose outcome is unknown is sent again, a few times. `operation` names it in errors.
   * Throws QUERY_TIMED_OUT for a read that the server ended, STORE_FAILED, STORE_FULL, STORE_CLOSED; coded errors pass as they are.
   */
  run<T>(operation: string, work: () => Promise<T>): Promise<T>
  /**
   * Runs `work` in a transaction, again as a whole when it met another one. Not for the hot path. Errors as `run`. `moreMs`: milliseconds
   * that it may take beyond those of any operation.
   */
  transaction<T>(operation: string, work: (session: ClientSession) => Promise<T>, moreMs?: number): Promise<T>
  /** Operations on their way now. */
  readonly inFlight: number
}

/** The database as its owner sees it. */
export interface OpenableDatabase extends SharedDatabase, Transactions {
  readonly client: MongoClient
  readonly db: Db
  /** As `SharedDatabase.run`, with limits of its own. */
  run<T>(operation: string, work: () => Promise<T>, limits?: SendLimits): Promise<T>
  /** Waits before an operation that another process was ahead of is tried again; counts as on its way. */
  wait(ms: number): Promise<void>
  /** Connects; checks write concern and indexes. Once; later calls return the same. Throws STORE_UNSUITABLE, STORE_FAILED. */
  open(): Promise<void>
  close(): Promise<void>
}

/** Milliseconds that a change of a whole collection may take, such as the build of an index: a day. What takes longer hangs. */
export const longestBuildMs = 86_400_000

/** A database that is connected by `open`, or by its first operation. */
export function openDatabase(options: DatabaseOptions): OpenableDatabase {
  const { deadlineMs = 10_000, faults } = options
  const client = options.client ?? newClient(options, deadlineMs)
  const name = options.database ?? (client.options.dbName === 'test' ? 'quillwork' : client.options.dbName)
  const majority = {
    writeConcern: new WriteConcern('majority', undefined, true),
    readConcern: new ReadConcern('majority'),
    // Whatever the connection string says: a secondary may not know yet what was just written.
    readPreference: ReadPreference.primary,
  }
  const db = client.db(name, { ...majority, ignoreUndefined: true })
  const plans = new Map<string, IndexPlan>()
  const preparations: (() => Promise<void>)[] = []
  let opening: Promise<void> | undefined
  const sender = createSender(deadlineMs, faults)
  const { run, wait } = sender
  const sessions = createSessions(client)

  async function prepare(): Promise<void> {
    // Whoever starts a process with a wrong address learns so soon.
    const connect = async () => {
      await client.connect()
      await requirePromises(client, db)
    }
    await run('open', connect, { waitsForServer: false })
    // An index on a large collection is as long in the making as it takes, and without it nothing may begin.
    const deadline = { deadlineMs: longestBuildMs }
    await run('make indexes', () => makeIndexes(db, [...plans.values()]), deadline)
    for (const each of preparations) await each()
  }

  return {
    client,
    db,
    sessions: sessions.ids,
    async endTransactions(ids) {
      const others = ids.filter(id => !sessions.ids.includes(id)).map(id => ({ id: new UUID(id) }))
      if (others.length === 0) return
      await run('end transactions', () => client.db('admin').command({ killSessions: others }))
    },
    run,
    wait,
    get inFlight() {
      return sender.inFlight
    },
    join(indexes, preparation) {
      if (preparation !== undefined) preparations.push(preparation)
      for (const index of indexes) plans.set(`${index.collection}/${index.name}`, index)
    },
    collection: <T extends Document>(collection: string) =>
      withTimeLimit(db.collection<T>(collection), timeLimitOf(deadlineMs)),
    transaction: (operation, work, moreMs = 0) =>
      run(operation, () => sessions.use(session => session.withTransaction(() => work(session), majority)), {
        deadlineMs: deadlineMs + moreMs,
      }),
    open() {
      opening ??= prepare().catch(error => {
        opening = undefined
        throw error
      })
      return opening
    },
    async close() {
      sender.close()
      await sessions.close()
      if (options.client === undefined) await client.close()
    },
  }
}

/** As many as there are connections. */
const mostSessions = 32

/**
 * Sessions for transactions, the same ones as long as the process lives, so that others can know of them. A process that dies between the writes of a
 * transaction and its commit leaves it open on the server for a minute (`transactionLifetimeLimitSeconds`), and whoever writes the same waits.
 */
function createSessions(client: MongoClient) {
  const all = Array.from({ length: mostSessions }, () => client.startSession())
  const free = [...all]
  return {
    ids: all.map(({ id }) => String(id?.id.toUUID())),
    async use<T>(work: (session: ClientSession) => Promise<T>): Promise<T> {
      const session = free.pop()
      if (session === undefined) return client.withSession(work)
      try {
        return await work(session)
      } finally {
        free.push(session)
      }
    },
    close: () => Promise.all(all.map(session => session.endSession())),
  }
}

function newClient({ url }: DatabaseOptions, deadlineMs: number): MongoClient {
  if (url === undefined)
    throw new QuillworkError(
      'OPTION_INVALID',
      'mongodb() needs `url`, or a `client` that is connected with one.',
    )
  return new MongoClient(url, {
    appName: 'quillwork',
    ignoreUndefined: true,
    retryWrites: true,
    serverSelectionTimeoutMS: Math.min(5_000, timeLimitOf(deadlineMs)),
    connectTimeoutMS: Math.min(5_000, deadlineMs),
    waitQueueTimeoutMS: timeLimitOf(deadlineMs),
    maxPoolSize: 32,
  })
}

/** Whether a write concern keeps the promise of every write. */
const isMajority = (w: unknown): boolean => w === undefined || w === 'majority'

/**
 * What was acknowledged must survive the loss of a server: a replica set, writes acknowledged by a majority of it, with their journal.
 * Throws STORE_UNSUITABLE, with the reason.
 */
async function requirePromises(client: MongoClient, db: Db): Promise<void> {
  const asked = client.options.writeConcern
  if (!isMajority(asked?.w))
    throw unsuitableServer(
      `The connection string asks for the write concern w=${String(asked?.w)}; a write that no majority holds can be lost. Leave w out, or give w=majority.`,
    )
  if (asked?.journal === false)
    throw unsuitableServer('The connection string switches the journal off (journal=false); leave it out.')
  const hello = await db.admin().command({ hello: 1 })
  if (hello['setName'] === undefined && hello['msg'] !== 'isdbgrid')
    throw unsuitableServer(
      'The server is not a member of a replica set; a set of one server is enough (rs.initiate()).',
    )
}

function unsuitableServer(message: string): QuillworkError {
  return new QuillworkError('STORE_UNSUITABLE', message)
}

/** Milliseconds between two reads of the server's clock. */
const readEveryMs = 30_000
/** An answer that took more milliseconds says too little of when it was true: the last one is kept. */
const slowMs = 1_000

/**
 * Returns the server's time as this process knows it: read now and then, carried on by a clock that only ever grows. That one stands still while
 * the machine sleeps, and the process's own does not: when they have parted the time is read again.
 *
 * @param ask Asks the server for its time.
 * @param send Runs a question, again when its answer was lost. What it takes beyond the question itself is not measured.
 */
export function createServerClock(
  ask: () => Promise<Date>,
  send: <T>(question: () => Promise<T>) => Promise<T>,
) {
  let offset: number | undefined
  let timer: NodeJS.Timeout | undefined
  /** By how much the process's own clock was ahead of the one that only grows when the time was read. */
  let lead = 0
  let reading: Promise<void> | undefined

  async function readClock(): Promise<void> {
    const { time, askedAt, answeredAt, leadThen } = await send(async () => {
      const [asked, leadAsked] = [performance.now(), ownLead()]
      return { time: await ask(), askedAt: asked, answeredAt: performance.now(), leadThen: leadAsked }
    })
    const tookMs = answeredAt - askedAt
    if (tookMs <= slowMs) offset = time.getTime() - (answeredAt - tookMs / 2)
    // It may have been slow on either way. Taken as of this moment, it is never ahead of the server.
    else if (offset === undefined || hasSlept()) offset = time.getTime() - answeredAt
    lead = leadThen
  }

  const hasSlept = () => timer !== undefined && Math.abs(ownLead() - lead) > slowMs

  /** Never rejects. A read that fails changes nothing: the last one is still good, unless the process slept. */
  function readAgain(): Promise<void> {
    reading ??= readClock()
      .catch(() => undefined)
      .finally(() => {
        reading = undefined
      })
    return reading
  }

  return {
    /** Epoch milliseconds. The process's own clock may jump; this one does not follow. */
    now: () => (offset === undefined ? Date.now() : Math.floor(offset + performance.now())),
    /** Resolves when the time has been read that is too old since the process slept; undefined where it is not. */
    fresh: () => (hasSlept() ? readAgain() : undefined),
    /** Reads the time, and from then on again and again. Rejects when the server cannot be asked. */
    async start() {
      await readClock()
      clearInterval(timer)
      timer = setInterval(readAgain, readEveryMs)
      timer.unref()
    },
    stop() {
      clearInterval(timer)
      timer = undefined
    },
  }
}

/** By how much the process's own clock is ahead of the one that only grows. */
function ownLead(): number {
  return Date.now() - performance.now()
}

/** Returns the clock of a database's server; `now`: one that the caller moves instead. */
export function clockOf(database: OpenableDatabase, now: (() => number) | undefined) {
  if (now !== undefined)
    return { now, fresh: () => undefined, start: async () => undefined, stop: () => undefined }
  return createServerClock(
    async () => {
      const { localTime } = await database.db.admin().command({ hello: 1 })
      return localTime instanceof Date ? localTime : new Date()
    },
    question => database.run('ask for the time', question),
  )
}
