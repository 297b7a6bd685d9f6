import {
  type ClientSession,
  type Filter,
  MongoError,
  MongoInvalidArgumentError,
  type WriteError,
} from 'mongodb'
import { defined } from '../../task/defined.ts'
import { QuillworkError } from '../../task/errors.ts'
import type { TaskRecord } from '../../task/task.ts'
import type { Created, Refusal } from '../store.ts'
import { recordOf, type TaskDocument } from './documents.ts'
import { storeError, writeErrorsOf } from './failures.ts'
import { duplicateKey, isDuplicateKey } from './indexes.ts'
import {
  type Accepts,
  admit,
  answersOf,
  answersOfNone,
  type CreateRequest,
  documentOf,
  type Found,
  type Initial,
  keyOf,
  placeOf,
  type Refusals,
  repeatsOf,
} from './new-task.ts'
import { dropPayloads, largeValue, recordsOf, writePayloads } from './payloads.ts'
import { deliveryOf } from './relay.ts'
import { findTasks, isDueSoon, readFields, type Session } from './session.ts'

/** Payloads of one write. */
const payloadsPerWrite = 500
/** Ids or idempotency keys of one read. */
const perRead = 500
/** Large fields that nobody asks for of sub-tasks which are there already: those of thousands are more than a process can hold. */
const withoutResults = {
  result: 0,
  progress: 0,
  pastAttempts: 0,
  attemptStacks: 0,
  failedSubTasks: 0,
} as const
/** Creations of the same tasks by others that may come in between. */
const mostTries = 5
/** Documents of one command: keeps one turn of the event loop short. */
const perCommand = 500
/** Milliseconds that a transaction may take longer for each document. */
const msPerDocument = 5
/** Characters of the parameters of all tasks above which they lie apart: a server bounds what a transaction may write. */
const mostTogether = 16_000_000
/** Characters of the parameters of one task that stay in its document then. */
const longestOfMany = 1_024

/** A task on its way into the database. */
interface Insert {
  request: CreateRequest
  initial: Initial
  document: TaskDocument
}

interface Existing {
  document: TaskDocument
  record: TaskRecord
}

/** Inserts new tasks. Returns the record that was found for one whose id or idempotency key exists. */
export async function createAll(session: Session, requests: readonly CreateRequest[]): Promise<Created[]> {
  const refusals = await refusalsOf(session, requests)
  const admitted = requests.filter(request => refusals.get(request) === undefined)
  const inserts = await prepareInserts(session, admitted, { sends: true })
  const failures = await insertAll(session, [...inserts.values()])
  const open = requests.filter(request => !inserts.has(request) || failures.has(request))
  const found = await findExisting(session, open)
  const made: Insert[] = []
  const answers = requests.map((request): Created => {
    const insert = inserts.get(request)
    const existing = found.get(request)
    const failure = failures.get(request)
    if (insert !== undefined && (failure === undefined || isOurs(insert, existing?.document))) {
      made.push(insert)
      return createdOf(insert, existing?.record)
    }
    if (insert?.initial.large !== undefined) dropPayloads(session, [insert.initial.large.payload])
    if (existing === undefined)
      return failure === undefined
        ? refusedOf(request, refusals.get(request))
        : { outcome: 'failed', error: insertError(request, failure) }
    return { outcome: 'existing', record: existing.record }
  })
  afterwards(session, made)
  return answers
}

/**
 * As `createAll`, within a caller's transaction: nothing is sent, and a duplicate that is inserted at the same moment ends the transaction,
 * as MongoDB does it. Errors of the transaction pass as they are: the caller's driver repeats it.
 */
export async function createWithin(
  session: Session,
  requests: readonly CreateRequest[],
  transaction: ClientSession,
  accepts?: Accepts,
): Promise<Created[]> {
  try {
    const found = await findExisting(session, requests, { transaction })
    const repeats = repeatsOf(requests)
    const fresh = requests.filter(request => !found.has(request) && !repeats.has(request))
    const refusals = await refusalsOf(session, fresh)
    const none = accepts && answersOfNone(session, requests, { found, repeats, refusals }, accepts)
    if (none !== undefined) return none
    const admitted = fresh.filter(request => refusals.get(request) === undefined)
    const inserts = await prepareInserts(session, admitted, { sends: false })
    const inserted = [...inserts.values()]
    const documents = inserted.map(({ document }) => document)
    if (documents.length > 0) await session.tasks.insertMany(documents, { session: transaction })
    whenEnded(session, transaction, inserted)
    const made = new Map(
      fresh.map(request => {
        const insert = inserts.get(request)
        return [request, insert ? createdOf(insert) : refusedOf(request, refusals.get(request))] as const
      }),
    )
    return answersOf(requests, { found, repeats, made })
  } catch (error) {
    if (error instanceof MongoError && error.hasErrorLabel('TransientTransactionError')) throw error
    if (error instanceof MongoInvalidArgumentError) throw foreignSession(error)
    throw storeError(error, 'create')
  }
}

/** What was inserted within each transaction, or several after one another of a session, until the session ends. */
const within = new WeakMap<ClientSession, Insert[]>()

/** Once the caller's session has ended, this process knows of what it inserted, and drops what belongs to no task. */
function whenEnded(session: Session, transaction: ClientSession, made: readonly Insert[]): void {
  const known = within.get(transaction)
  if (known !== undefined) return void known.push(...made)
  const all = [...made]
  within.set(transaction, all)
  transaction.once('ended', () => {
    within.delete(transaction)
    afterwards(session, all)
    void dropUncommitted(session, all).catch(() => undefined)
  })
}

/** Large parameters of tasks that were not committed. Best effort. */
async function dropUncommitted(session: Session, made: readonly Insert[]): Promise<void> {
  const large = made.flatMap(({ initial }) => initial.large ?? [])
  if (large.length === 0) return
  const filter = { _id: { $in: large.map(({ taskId }) => taskId) } }
  const found = await readFields(session, 'which were committed', filter, [])
  const committed = new Set(found.map(({ _id }) => _id))
  const unnamed = large.filter(({ taskId }) => !committed.has(taskId)).map(({ payload }) => payload)
  dropPayloads(session, unnamed)
}

function foreignSession(cause: Error): QuillworkError {
  const message = `The transaction is not of the client that the store was given; open the store with the option \`client\`. ${cause.message}.`
  return new QuillworkError('OPTION_INVALID', message, { cause })
}

/**
 * Creates all tasks, or none where one is refused, or was found and is not accepted. What exists is looked up only when something stood in
 * the way.
 */
export async function createTogether(
  session: Session,
  requests: readonly CreateRequest[],
  accepts: Accepts,
): Promise<Created[]> {
  const repeats = repeatsOf(requests)
  let found: Found | undefined
  for (let tries = 1; tries <= mostTries; tries++) {
    const fresh = requests.filter(request => found?.has(request) !== true && !repeats.has(request))
    const refusals = await refusalsOf(session, fresh)
    const none = answersOfNone(session, requests, { found, repeats, refusals }, accepts)
    if (none !== undefined && found !== undefined) return none
    const made = none === undefined ? await insertTogether(session, fresh) : undefined
    if (made !== undefined) return answersOf(requests, { found, repeats, made })
    found = await findExisting(session, requests, { areMany: true })
  }
  const message = `Other processes created some of the ${requests.length} tasks, ${mostTries} times in a row; none was written. Submit them again.`
  throw new QuillworkError('STORE_FAILED', message)
}

/** Inserts all. Returns their answers; undefined, and nothing is written, where another task has the id or the key of one. */
async function insertTogether(
  session: Session,
  requests: readonly CreateRequest[],
): Promise<ReadonlyMap<CreateRequest, Created> | undefined> {
  const characters = requests.reduce((sum, { task }) => sum + task.parameters.length, 0)
  const longest = characters > mostTogether ? longestOfMany : undefined
  const inserts = [...(await prepareInserts(session, requests, { sends: false, longest })).values()]
  const areWritten = await session.database.transaction(
    'create together',
    transaction => insertInto(session, inserts, transaction),
    inserts.length * msPerDocument,
  )
  if (!areWritten && !(await areOurs(session, inserts))) {
    dropPayloads(
      session,
      inserts.flatMap(({ initial }) => initial.large?.payload ?? []),
    )
    return undefined
  }
  afterwards(session, inserts)
  return new Map(inserts.map(insert => [insert.request, createdOf(insert)]))
}

/** Whether an earlier send of the same transaction was committed: all of it was, so one shows it. What it keeps apart shows it for good. */
async function areOurs(session: Session, inserts: readonly Insert[]): Promise<boolean> {
  const shows = inserts.find(({ initial }) => initial.large !== undefined) ?? inserts[0]
  if (shows === undefined) return false
  const found = await findExisting(session, [shows.request], { areMany: true })
  return isOurs(shows, found.get(shows.request)?.document)
}

async function insertInto(
  { tasks }: Session,
  inserts: readonly Insert[],
  transaction: ClientSession,
): Promise<boolean> {
  try {
    for (let from = 0; from < inserts.length; from += perCommand) {
      const part = inserts.slice(from, from + perCommand).map(({ document }) => document)
      await tasks.insertMany(part, { session: transaction })
    }
    return true
  } catch (error) {
    if (!isDuplicateKey(error)) throw error
    await transaction.abortTransaction()
    return false
  }
}

/** Decides whether each request is admitted. */
async function refusalsOf(session: Session, requests: readonly CreateRequest[]): Promise<Refusals> {
  const answers = await admit(session, requests)
  return new Map(requests.map((request, index) => [request, answers[index]]))
}

/** How the documents of requests are made. */
interface Making {
  /** Whether inserts may take the right to send a task, or start it. */
  sends: boolean
  /** Characters of parameters above which they lie apart; default as every text. */
  longest?: number | undefined
}

/** Makes the documents, and writes large parameters apart. */
async function prepareInserts(
  session: Session,
  requests: readonly CreateRequest[],
  { sends, longest }: Making,
): Promise<ReadonlyMap<CreateRequest, Insert>> {
  const wantsToSend = ({ task }: CreateRequest) => sends && task.send === true && task.parent === undefined
  // A lane that this process has read, and in which no task came to wait since.
  const wantsToStart = ({ task }: CreateRequest) =>
    sends && task.claim !== undefined && task.parent === undefined && !session.flags.isReady(task.lane)
  const goesAtOnce = (request: CreateRequest) => wantsToSend(request) || wantsToStart(request)
  // What goes at once needs no fresh rank. But where none of the lane is known it would get that of the time, behind all that wait, and
  // the next users with it.
  const needsRank = (request: CreateRequest) =>
    !goesAtOnce(request) || !session.order.knows(placeOf(request.task))
  await session.order.refresh(requests.filter(needsRank).map(({ task }) => placeOf(task)))
  const paused = requests.some(goesAtOnce) ? await session.paused.current() : undefined
  // Their deadlines begin now.
  await session.freshTime()
  const inserts = new Map<CreateRequest, Insert>()
  for (const request of requests) {
    const { task } = request
    const isOpen = paused?.has(task.lane) !== true
    const initial: Initial = {
      name: session.nextName(),
      large: largeValue(session, task.id, 'parameters', task.parameters, longest),
      sends: isOpen && wantsToSend(request),
      claim: isOpen && wantsToStart(request) ? task.claim : undefined,
    }
    inserts.set(request, { request, initial, document: documentOf(session, task, initial) })
  }
  const large = [...inserts.values()].flatMap(({ initial }) => initial.large ?? [])
  for (let from = 0; from < large.length; from += payloadsPerWrite)
    await writePayloads(session, large.slice(from, from + payloadsPerWrite))
  return inserts
}

/** Inserts documents; each send begins the leases of those that start with it. Returns what the server said of those that it refused. */
async function insertAll(
  { database, tasks, now, freshTime }: Session,
  inserts: readonly Insert[],
): Promise<ReadonlyMap<CreateRequest, WriteError>> {
  if (inserts.length === 0) return new Map()
  const documents = inserts.map(({ document }) => document)
  const failed = await database.run('create', async () => {
    await freshTime()
    for (const { document, initial } of inserts)
      if (document.claimToken !== undefined && initial.claim !== undefined)
        document.leaseUntil = new Date(now() + initial.claim.leaseMs)
    try {
      await tasks.insertMany(documents, { ordered: false })
      return []
    } catch (error) {
      return writeErrorsOf(error).failed
    }
  })
  return new Map(
    failed.flatMap(failure => {
      const insert = inserts[failure.index]
      return insert === undefined ? [] : [[insert.request, failure]]
    }),
  )
}

/** Whether the task that was found was inserted by an earlier send of this; a few moves later only its payload shows it. */
function isOurs({ initial: { name, large } }: Insert, found: TaskDocument | undefined): boolean {
  if (found?.lastWrites?.includes(name) === true) return true
  return large !== undefined && found?.large?.parameters === large.payload
}

/** @param now The record as it is, where an earlier send inserted it: an attempt that began with it may be over by now. */
function createdOf({ document, initial, request }: Insert, now?: TaskRecord): Created {
  const texts = new Map(initial.large === undefined ? [] : [[initial.large.payload, request.task.parameters]])
  const inserted = recordOf(document, texts)
  const record = now === undefined || now.claimToken === inserted.claimToken ? inserted : now
  return defined({ outcome: 'created' as const, record, delivery: document.sent && deliveryOf(document) })
}

function refusedOf({ task }: CreateRequest, code: Refusal | undefined): Created {
  if (code === undefined) throw new QuillworkError('STORE_FAILED', `The task ${task.id} got no answer.`)
  return { outcome: 'refused', code }
}

function insertError({ task }: CreateRequest, { code }: WriteError): QuillworkError {
  const why = code === duplicateKey ? 'it was there and is gone again' : `the server answered ${code}`
  return new QuillworkError('STORE_FAILED', `The task ${task.id} was not written: ${why}.`)
}

/**
 * Returns the tasks that are there already: by id, else by idempotency key. `areMany`: where they are sub-tasks, without their results and other
 * large texts.
 */
async function findExisting(
  session: Session,
  requests: readonly CreateRequest[],
  { transaction, areMany = false }: { transaction?: ClientSession; areMany?: boolean } = {},
): Promise<ReadonlyMap<CreateRequest, Existing>> {
  if (requests.length === 0) return new Map()
  const isShort = areMany && requests.every(({ task }) => task.parent !== undefined)
  const options = isShort ? { projection: withoutResults } : {}
  // Within a transaction nothing may be sent twice.
  const find = (filter: Filter<TaskDocument>) =>
    transaction === undefined
      ? findTasks(session, 'look up', filter, options)
      : session.tasks.find(filter, { session: transaction }).toArray()
  const withIds: TaskDocument[] = []
  for (let from = 0; from < requests.length; from += perRead) {
    const part = requests.slice(from, from + perRead)
    withIds.push(...(await find({ _id: { $in: part.map(({ task }) => task.id) } })))
  }
  const byId = new Map(withIds.map(document => [document._id, document]))
  const keyed = requests.filter(({ task }) => !byId.has(task.id) && task.idempotencyKey !== undefined)
  const withKeys: TaskDocument[] = []
  for (let from = 0; from < keyed.length; from += perRead) {
    const part = keyed.slice(from, from + perRead)
    withKeys.push(...(await find(withKeysOf(part))))
  }
  const byKey = new Map(withKeys.map(document => [JSON.stringify(keyOf(document)), document]))
  const found = requests.flatMap(request => {
    const { id, idempotencyKey } = request.task
    const same = idempotencyKey === undefined ? undefined : byKey.get(JSON.stringify(keyOf(request.task)))
    const document = byId.get(id) ?? same
    return document === undefined ? [] : { request, document }
  })
  const documents = found.map(({ document }) => document)
  const records = isShort ? documents.map(each => recordOf(each)) : await recordsOf(session, documents)
  return new Map(
    found.flatMap(({ request, document }, index) => {
      const record = records[index]
      return record === undefined ? [] : [[request, { document, record }]]
    }),
  )
}

/** Returns what finds the tasks with the idempotency keys of requests: one range of the index for each user and type. */
function withKeysOf(requests: readonly CreateRequest[]): Filter<TaskDocument> {
  const groups = new Map<string, { userId: string; taskType: string; idempotencyKey: { $in: string[] } }>()
  for (const { task } of requests) {
    const { userId, taskType, idempotencyKey } = keyOf(task)
    const name = JSON.stringify([userId, taskType])
    const group = groups.get(name) ?? { userId, taskType, idempotencyKey: { $in: [] } }
    group.idempotencyKey.$in.push(idempotencyKey)
    groups.set(name, group)
  }
  const [first, ...others] = groups.values()
  return first !== undefined && others.length === 0 ? first : { $or: [...groups.values()] }
}

/** Updates what this process knows. */
function afterwards(session: Session, made: readonly Insert[]): void {
  if (made.length === 0) return
  const { parents, inFlight, features, order, writtenEvents } = session
  for (const { document, initial } of made) {
    const { _id: id, parentTaskId } = document
    parents.set(id, parentTaskId)
    if (document.claimToken !== undefined) order.passed(document)
    else if (document.sent !== undefined) {
      inFlight.addNew(id, initial.name)
      order.passed(document)
    } else noteWaiting(session, document)
  }
  if (features.events) noteCreated(writtenEvents, made)
  if (made.some(({ document }) => document.claimToken === undefined)) session.notifyDue()
}

/** Most tasks are claimed soon: the process that claims one publishes its events, the first one too. */
function noteCreated(writtenEvents: Session['writtenEvents'], made: readonly Insert[]): void {
  const isClaimed = ({ document }: Insert) => document.claimToken !== undefined
  const idOf = ({ document }: Insert) => document._id
  writtenEvents.note(made.filter(isClaimed).map(idOf))
  writtenEvents.noteUnclaimed(made.filter(insert => !isClaimed(insert)).map(idOf))
}

/** Flags a task that waits. What another process is to send it learns now, unless its next poll is early enough. */
function noteWaiting({ flags, partitions, now }: Session, { lane, partition, tellAt }: TaskDocument): void {
  const time = tellAt?.getTime()
  if (!partitions.holds(partition)) {
    if (isDueSoon(now(), time)) partitions.becameDueIn(partition)
  } else if (time !== undefined) flags.setNextAt(time)
  else flags.setReady(lane)
}
