import { type ClientSession, MongoBulkWriteError, MongoError, MongoInvalidArgumentError } from 'mongodb'
import { Failed } from '../../runtime/gather.ts'
import { QuillworkError } from '../../task/errors.ts'
import type { NewTask } from '../../task/task.ts'
import { type Created, priorities } from '../store.ts'
import { recordOf, type TaskDocument } from './documents.ts'
import { storeError } from './failures.ts'
import { duplicateKey } from './indexes.ts'
import { admit, type CreateRequest, documentOf, type Initial, type Refusal } from './new-task.ts'
import { dropPayloads, largeValue, recordsOf, writePayloads } from './payloads.ts'
import { deliveryOf } from './relay.ts'
import { readFields, type Session } from './session.ts'

/** A task that is about to be inserted. */
interface Insert {
  request: CreateRequest
  initial: Initial
  document: TaskDocument
}

/** What became of the requests so far. */
interface Written {
  refusals: ReadonlyMap<CreateRequest, Refusal>
  inserts: ReadonlyMap<CreateRequest, Insert>
  /** Inserts that the server refused. */
  failures: ReadonlyMap<CreateRequest, { code?: number }>
}

/** Inserts new tasks. Returns the record that was found for one whose id or idempotency key exists. */
export async function createAll(
  session: Session,
  requests: readonly CreateRequest[],
): Promise<(Created | Failed)[]> {
  const { inserts, refusals } = await prepareInserts(session, requests, { sends: true })
  const failures = await insertAll(session, [...inserts.values()])
  const answers = await answersOf(session, requests, { refusals, inserts, failures })
  const isCreated = (answer: Created | Failed | undefined) =>
    answer !== undefined && 'outcome' in answer && answer.outcome === 'created'
  const made = requests.map((request, index) =>
    isCreated(answers[index]) ? inserts.get(request) : undefined,
  )
  afterwards(
    session,
    made.filter(insert => insert !== undefined),
  )
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
): Promise<Created[]> {
  try {
    const found = await findExisting(session, requests, transaction)
    const fresh = requests.filter(request => !found.has(request))
    const { inserts, refusals } = await prepareInserts(session, fresh, { sends: false })
    const documents = [...inserts.values()].map(({ document }) => document)
    if (documents.length > 0) await session.tasks.insertMany(documents, { session: transaction })
    whenEnded(session, transaction, [...inserts.values()])
    const existing = await existingOf(session, found)
    return requests.map(request => {
      const insert = inserts.get(request)
      if (insert !== undefined) return createdOf(insert)
      return existing.get(request) ?? refusedOf(request, refusals.get(request))
    })
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
  const large = made.flatMap(({ initial }) => (initial.large === undefined ? [] : [initial.large]))
  if (large.length === 0) return
  const filter = { _id: { $in: large.map(({ taskId }) => taskId) } }
  const found = await readFields(session, 'which were committed', filter, [])
  const committed = new Set(found.map(({ _id }) => _id))
  dropPayloads(
    session,
    large.filter(({ taskId }) => !committed.has(taskId)).map(({ payload }) => payload),
  )
}

function foreignSession(cause: Error): QuillworkError {
  const message = `The transaction is not of the client that the store was given; open the store with the option \`client\`. ${cause.message}.`
  return new QuillworkError('OPTION_INVALID', message, { cause })
}

/** Decides about each request, and writes large parameters apart. */
async function prepareInserts(
  session: Session,
  requests: readonly CreateRequest[],
  { sends }: { sends: boolean },
): Promise<Pick<Written, 'inserts' | 'refusals'>> {
  const wantsToSend = ({ task }: CreateRequest) => sends && task.send === true && task.parent === undefined
  // A lane that this process has read, and in which no task came to wait since.
  const wantsToStart = ({ task }: CreateRequest) =>
    sends && task.claim !== undefined && task.parent === undefined && !session.flags.isReady(task.lane)
  const goesAtOnce = (request: CreateRequest) => wantsToSend(request) || wantsToStart(request)
  // What goes at once overtakes no task, so it needs no rank among those that wait.
  await session.order.refresh(requests.filter(request => !goesAtOnce(request)).map(placeOf))
  const paused = requests.some(goesAtOnce) ? await session.paused.current() : undefined
  const answers = await admit(session, requests)
  const refusals = new Map(requests.map((request, index) => [request, answers[index]]))
  const inserts = new Map<CreateRequest, Insert>()
  for (const request of requests) {
    if (refusals.get(request) !== undefined) continue
    const { task } = request
    const isOpen = paused?.has(task.lane) !== true
    const initial: Initial = {
      name: session.nextName(),
      large: largeValue(session, task.id, 'parameters', task.parameters),
      sends: isOpen && wantsToSend(request),
      claim: isOpen && wantsToStart(request) ? task.claim : undefined,
    }
    inserts.set(request, { request, initial, document: documentOf(session, task, initial) })
  }
  const large = [...inserts.values()].map(({ initial }) => initial.large)
  await writePayloads(
    session,
    large.filter(value => value !== undefined),
  )
  return { inserts, refusals }
}

function placeOf({ task: { userId, lane, priority } }: CreateRequest) {
  return { userId, lane, priority: priorities.indexOf(priority) }
}

/** Inserts documents. Returns those that the server refused, each with its code. */
async function insertAll(
  { database, tasks }: Session,
  inserts: readonly Insert[],
): Promise<Map<CreateRequest, { code?: number }>> {
  const failures = new Map<CreateRequest, { code?: number }>()
  if (inserts.length === 0) return failures
  const documents = inserts.map(({ document }) => document)
  await database.run('create', async () => {
    failures.clear()
    try {
      await tasks.insertMany(documents, { ordered: false })
    } catch (error) {
      if (!(error instanceof MongoBulkWriteError) || !Array.isArray(error.writeErrors)) throw error
      if (error.writeErrors.length === 0) throw error
      for (const { index, code } of error.writeErrors) {
        const insert = inserts[index]
        if (insert !== undefined) failures.set(insert.request, { code })
      }
    }
  })
  return failures
}

async function answersOf(
  session: Session,
  requests: readonly CreateRequest[],
  { refusals, inserts, failures }: Written,
): Promise<(Created | Failed)[]> {
  const open = requests.filter(request => !inserts.has(request) || failures.has(request))
  const found = await findExisting(session, open)
  const existing = await existingOf(session, found)
  return requests.map((request): Created | Failed => {
    const insert = inserts.get(request)
    const answer = existing.get(request)
    if (insert !== undefined && !failures.has(request)) return createdOf(insert)
    if (insert !== undefined && isOurs(insert, found.get(request))) return createdEarlier(insert, answer)
    if (answer !== undefined) {
      if (insert?.initial.large !== undefined) dropPayloads(session, [insert.initial.large.payload])
      return answer
    }
    const failure = failures.get(request)
    if (failure !== undefined) return new Failed(insertError(request, failure))
    return refusedOf(request, refusals.get(request))
  })
}

/** Whether the task that was found was inserted by an earlier send of this; a few moves later only its payload shows it. */
function isOurs({ initial: { name, large } }: Insert, found: TaskDocument | undefined): boolean {
  if (found?.lastWrites?.includes(name) === true) return true
  return large !== undefined && found?.large?.parameters === large.payload
}

function createdOf({ document, initial, request }: Insert): Created {
  const texts = new Map(initial.large === undefined ? [] : [[initial.large.payload, request.task.parameters]])
  const record = recordOf(document, texts)
  return document.sent !== undefined
    ? { outcome: 'created', record, delivery: deliveryOf(document) }
    : { outcome: 'created', record }
}

/** Returns what an earlier send inserted, whose answer was lost: an attempt that began with it may be over by now. */
function createdEarlier(insert: Insert, now: Created | undefined): Created {
  const created = createdOf(insert)
  if (now?.outcome !== 'existing' || created.outcome !== 'created') return created
  return now.record.claimToken === created.record.claimToken ? created : { ...created, record: now.record }
}

function refusedOf({ task }: CreateRequest, code: Refusal): Created {
  if (code === undefined) throw new QuillworkError('STORE_FAILED', `The task ${task.id} got no answer.`)
  return { outcome: 'refused', code }
}

function insertError({ task }: CreateRequest, { code }: { code?: number }): QuillworkError {
  const why = code === duplicateKey ? 'it was there and is gone again' : `the server answered ${code}`
  return new QuillworkError('STORE_FAILED', `The task ${task.id} was not written: ${why}.`)
}

async function existingOf(
  session: Session,
  found: ReadonlyMap<CreateRequest, TaskDocument>,
): Promise<ReadonlyMap<CreateRequest, Created>> {
  const records = await recordsOf(session, [...found.values()])
  return new Map(
    [...found.keys()].flatMap((request, index) => {
      const record = records[index]
      return record === undefined ? [] : [[request, { outcome: 'existing', record }] as const]
    }),
  )
}

/** Returns the tasks that are there already: by id, else by idempotency key. */
async function findExisting(
  { database, tasks }: Session,
  requests: readonly CreateRequest[],
  transaction?: ClientSession,
): Promise<Map<CreateRequest, TaskDocument>> {
  const found = new Map<CreateRequest, TaskDocument>()
  if (requests.length === 0) return found
  const options = transaction === undefined ? {} : { session: transaction }
  // Within a transaction nothing may be sent twice.
  const ask = <T>(work: () => Promise<T>) =>
    transaction === undefined ? database.run('look up', work) : work()
  const ids = requests.map(({ task }) => task.id)
  const byId = await ask(() => tasks.find({ _id: { $in: ids } }, options).toArray())
  addFound(found, requests, new Map(byId.map(document => [document._id, document])), ({ id }) => id)
  const keyed = requests.filter(request => !found.has(request) && request.task.idempotencyKey !== undefined)
  if (keyed.length === 0) return found
  const byKey = await ask(() =>
    tasks.find({ $or: keyed.map(({ task }) => keyFilter(task)) }, options).toArray(),
  )
  addFound(found, keyed, new Map(byKey.map(document => [keyOf(document), document])), keyOf)
  return found
}

/** Adds the documents of those requests whose key is there. */
function addFound(
  found: Map<CreateRequest, TaskDocument>,
  requests: readonly CreateRequest[],
  documents: ReadonlyMap<string, TaskDocument>,
  keyFor: (task: NewTask) => string,
): void {
  for (const request of requests) {
    const document = documents.get(keyFor(request.task))
    if (document !== undefined) found.set(request, document)
  }
}

type Keyed = Pick<NewTask, 'userId' | 'taskType' | 'idempotencyKey'>

function keyFilter({ userId, taskType, idempotencyKey }: Keyed) {
  return { userId, taskType, idempotencyKey: idempotencyKey ?? '' }
}

function keyOf({ userId, taskType, idempotencyKey }: Keyed): string {
  return JSON.stringify([userId, taskType, idempotencyKey])
}

/** Updates what this process knows. */
function afterwards(session: Session, made: readonly Insert[]): void {
  if (made.length === 0) return
  const { parents, inFlight, flags, features, order, writtenEvents } = session
  for (const { document, initial } of made) {
    const { _id: id, lane, tellAt, parentTaskId } = document
    parents.set(id, parentTaskId)
    if (document.claimToken !== undefined) order.passed(document)
    else if (document.sent !== undefined) {
      inFlight.addNew(id, initial.name)
      order.passed(document)
    } else if (tellAt !== undefined) flags.setNextAt(tellAt.getTime())
    else flags.setReady(lane)
  }
  if (features.events) writtenEvents.note(made.map(({ document }) => document._id))
  if (made.some(({ document }) => document.claimToken === undefined)) session.notifyDue()
}
