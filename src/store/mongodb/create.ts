import { type ClientSession, MongoBulkWriteError, MongoError, MongoInvalidArgumentError } from 'mongodb'
import { QuillworkError } from '../../task/errors.ts'
import type { NewTask } from '../../task/task.ts'
import { type Created, priorities } from '../store.ts'
import { admit, type Refusal, type Wish } from './admit.ts'
import type { Told } from './coalesce.ts'
import { deliveryOf } from './deliver.ts'
import { recordOf, type TaskDocument } from './documents.ts'
import { duplicateKey } from './duplicate-key.ts'
import { storeError } from './failures.ts'
import { type Birth, documentOf } from './newcomer.ts'
import { dropPayloads, largeValue, recordsOf, writePayloads } from './payloads.ts'
import type { Session } from './session.ts'

/** A task that is about to be written. */
interface Newcomer {
  wish: Wish
  birth: Birth
  document: TaskDocument
}

/** What became of the wishes so far. */
interface Written {
  refusals: ReadonlyMap<Wish, Refusal>
  newcomers: ReadonlyMap<Wish, Newcomer>
  /** Inserts that the server refused. */
  failures: ReadonlyMap<Wish, { code?: number }>
}

/** Writes new tasks; a task whose id or idempotency key exists is answered with the record that was found. */
export async function createAll(session: Session, wishes: readonly Wish[]): Promise<Told<Created>[]> {
  const { newcomers, refusals } = await bear(session, wishes, { sends: true })
  const failures = await insert(session, [...newcomers.values()])
  const answers = await answersOf(session, wishes, { refusals, newcomers, failures })
  const isMade = (told: Told<Created> | undefined) =>
    told !== undefined && 'answer' in told && told.answer.outcome === 'created'
  const made = wishes.map((wish, index) => (isMade(answers[index]) ? newcomers.get(wish) : undefined))
  afterwards(
    session,
    made.filter(newcomer => newcomer !== undefined),
  )
  return answers
}

/**
 * As `createAll`, within a caller's transaction: nothing is sent, and a duplicate that comes to be at the same moment ends the
 * transaction, as MongoDB does it. Errors of the transaction pass as they are: the caller's driver repeats it.
 */
export async function createWithin(
  session: Session,
  wishes: readonly Wish[],
  transaction: ClientSession,
): Promise<Created[]> {
  try {
    const found = await lookUp(session, wishes, transaction)
    const fresh = wishes.filter(wish => !found.has(wish))
    const { newcomers, refusals } = await bear(session, fresh, { sends: false })
    const documents = [...newcomers.values()].map(({ document }) => document)
    if (documents.length > 0) await session.tasks.insertMany(documents, { session: transaction })
    whenEnded(session, transaction, [...newcomers.values()])
    const existing = await existingOf(session, found)
    return wishes.map(wish => {
      const newcomer = newcomers.get(wish)
      if (newcomer !== undefined) return createdOf(newcomer)
      return existing.get(wish) ?? refusedOf(wish, refusals.get(wish))
    })
  } catch (error) {
    if (error instanceof MongoError && error.hasErrorLabel('TransientTransactionError')) throw error
    if (error instanceof MongoInvalidArgumentError) throw foreignSession(error)
    throw storeError(error, 'create')
  }
}

/** What was made within each transaction, or several after one another of a session, until the session ends. */
const within = new WeakMap<ClientSession, Newcomer[]>()

/** Once the caller's session has ended, this process knows of what it made, and drops what belongs to nothing. */
function whenEnded(session: Session, transaction: ClientSession, made: readonly Newcomer[]): void {
  const known = within.get(transaction)
  if (known !== undefined) return void known.push(...made)
  const all = [...made]
  within.set(transaction, all)
  transaction.once('ended', () => {
    within.delete(transaction)
    afterwards(session, all)
    void dropUnborn(session, all).catch(() => undefined)
  })
}

/** Large parameters of tasks that were not committed. Best effort. */
async function dropUnborn(session: Session, made: readonly Newcomer[]): Promise<void> {
  const large = made.flatMap(({ birth }) => (birth.large === undefined ? [] : [birth.large]))
  if (large.length === 0) return
  const found = await session.database.run('which were committed', () =>
    session.tasks
      .find({ _id: { $in: large.map(({ taskId }) => taskId) } })
      .project<{ _id: string }>({ _id: 1 })
      .toArray(),
  )
  const born = new Set(found.map(({ _id }) => _id))
  dropPayloads(
    session,
    large.filter(({ taskId }) => !born.has(taskId)).map(({ payload }) => payload),
  )
}

function foreignSession(cause: Error): QuillworkError {
  const message = `The transaction is not of the client that the store was given; open the store with the option \`client\`. ${cause.message}.`
  return new QuillworkError('OPTION_INVALID', message, { cause })
}

/** Decides what becomes of each wish, and writes large parameters apart. */
async function bear(
  session: Session,
  wishes: readonly Wish[],
  { sends }: { sends: boolean },
): Promise<Pick<Written, 'newcomers' | 'refusals'>> {
  const wantsToSend = ({ task }: Wish) => sends && task.send === true && task.parent === undefined
  // A lane that this process looked through, and in which nothing came to wait since.
  const wantsToStart = ({ task }: Wish) =>
    sends && task.claim !== undefined && task.parent === undefined && !session.hints.isReady(task.lane)
  const goesAtOnce = (wish: Wish) => wantsToSend(wish) || wantsToStart(wish)
  // What goes at once overtakes nobody, so it needs no look at who else waits.
  await session.order.refresh(wishes.filter(wish => !goesAtOnce(wish)).map(placeOf))
  const paused = wishes.some(goesAtOnce) ? await session.paused.current() : undefined
  const answers = await admit(session, wishes)
  const refusals = new Map(wishes.map((wish, index) => [wish, answers[index]]))
  const newcomers = new Map<Wish, Newcomer>()
  for (const wish of wishes) {
    if (refusals.get(wish) !== undefined) continue
    const { task } = wish
    const isOpen = paused?.has(task.lane) !== true
    const birth: Birth = {
      name: session.nextName(),
      large: largeValue(session, task.id, 'parameters', task.parameters),
      sends: isOpen && wantsToSend(wish),
      claim: isOpen && wantsToStart(wish) ? task.claim : undefined,
    }
    newcomers.set(wish, { wish, birth, document: documentOf(session, task, birth) })
  }
  const large = [...newcomers.values()].map(({ birth }) => birth.large)
  await writePayloads(
    session,
    large.filter(value => value !== undefined),
  )
  return { newcomers, refusals }
}

function placeOf({ task: { userId, lane, priority } }: Wish) {
  return { userId, lane, priority: priorities.indexOf(priority) }
}

/** Inserts documents; answers those that the server refused, each with its code. */
async function insert(
  { database, tasks }: Session,
  newcomers: readonly Newcomer[],
): Promise<Map<Wish, { code?: number }>> {
  const failures = new Map<Wish, { code?: number }>()
  if (newcomers.length === 0) return failures
  const documents = newcomers.map(({ document }) => document)
  await database.run('create', async () => {
    failures.clear()
    try {
      await tasks.insertMany(documents, { ordered: false })
    } catch (error) {
      if (!(error instanceof MongoBulkWriteError) || !Array.isArray(error.writeErrors)) throw error
      if (error.writeErrors.length === 0) throw error
      for (const { index, code } of error.writeErrors) {
        const newcomer = newcomers[index]
        if (newcomer !== undefined) failures.set(newcomer.wish, { code })
      }
    }
  })
  return failures
}

async function answersOf(
  session: Session,
  wishes: readonly Wish[],
  { refusals, newcomers, failures }: Written,
): Promise<Told<Created>[]> {
  const open = wishes.filter(wish => !newcomers.has(wish) || failures.has(wish))
  const found = await lookUp(session, open)
  const existing = await existingOf(session, found)
  return wishes.map((wish): Told<Created> => {
    const newcomer = newcomers.get(wish)
    const answer = existing.get(wish)
    if (newcomer !== undefined && !failures.has(wish)) return { answer: createdOf(newcomer) }
    if (newcomer !== undefined && isOurs(newcomer, found.get(wish)))
      return { answer: createdEarlier(newcomer, answer) }
    if (answer !== undefined) {
      if (newcomer?.birth.large !== undefined) dropPayloads(session, [newcomer.birth.large.payload])
      return { answer }
    }
    const failure = failures.get(wish)
    if (failure !== undefined) return { error: insertError(wish, failure) }
    return { answer: refusedOf(wish, refusals.get(wish)) }
  })
}

/** Whether the task that was found is the newcomer, written by an earlier send; a few moves later only its payload tells. */
function isOurs({ birth: { name, large } }: Newcomer, found: TaskDocument | undefined): boolean {
  if (found?.lastWrites?.includes(name) === true) return true
  return large !== undefined && found?.large?.parameters === large.payload
}

function createdOf({ document, birth, wish }: Newcomer): Created {
  const texts = new Map(birth.large === undefined ? [] : [[birth.large.payload, wish.task.parameters]])
  const record = recordOf(document, texts)
  return document.sent !== undefined
    ? { outcome: 'created', record, delivery: deliveryOf(document) }
    : { outcome: 'created', record }
}

/** What an earlier send wrote, whose answer was lost: an attempt that began with it may be over by now. */
function createdEarlier(newcomer: Newcomer, now: Created | undefined): Created {
  const created = createdOf(newcomer)
  if (now?.outcome !== 'existing' || created.outcome !== 'created') return created
  return now.record.claimToken === created.record.claimToken ? created : { ...created, record: now.record }
}

function refusedOf({ task }: Wish, code: Refusal): Created {
  if (code === undefined) throw new QuillworkError('STORE_FAILED', `The task ${task.id} got no answer.`)
  return { outcome: 'refused', code }
}

function insertError({ task }: Wish, { code }: { code?: number }): QuillworkError {
  const why = code === duplicateKey ? 'it was there and is gone again' : `the server answered ${code}`
  return new QuillworkError('STORE_FAILED', `The task ${task.id} was not written: ${why}.`)
}

async function existingOf(
  session: Session,
  found: ReadonlyMap<Wish, TaskDocument>,
): Promise<ReadonlyMap<Wish, Created>> {
  const records = await recordsOf(session, [...found.values()])
  return new Map(
    [...found.keys()].flatMap((wish, index) => {
      const record = records[index]
      return record === undefined ? [] : [[wish, { outcome: 'existing', record }] as const]
    }),
  )
}

/** The tasks that are there already: by id, else by idempotency key. */
async function lookUp(
  { database, tasks }: Session,
  wishes: readonly Wish[],
  transaction?: ClientSession,
): Promise<Map<Wish, TaskDocument>> {
  const found = new Map<Wish, TaskDocument>()
  if (wishes.length === 0) return found
  const options = transaction === undefined ? {} : { session: transaction }
  // Within a transaction nothing may be sent twice.
  const ask = <T>(work: () => Promise<T>) =>
    transaction === undefined ? database.run('look up', work) : work()
  const ids = wishes.map(({ task }) => task.id)
  const byId = await ask(() => tasks.find({ _id: { $in: ids } }, options).toArray())
  noteFound(found, wishes, new Map(byId.map(document => [document._id, document])), ({ id }) => id)
  const keyed = wishes.filter(wish => !found.has(wish) && wish.task.idempotencyKey !== undefined)
  if (keyed.length === 0) return found
  const byKey = await ask(() =>
    tasks.find({ $or: keyed.map(({ task }) => keyFilter(task)) }, options).toArray(),
  )
  noteFound(found, keyed, new Map(byKey.map(document => [keyOf(document), document])), keyOf)
  return found
}

/** Notes the documents of those wishes whose key is there. */
function noteFound(
  found: Map<Wish, TaskDocument>,
  wishes: readonly Wish[],
  documents: ReadonlyMap<string, TaskDocument>,
  keyFor: (task: NewTask) => string,
): void {
  for (const wish of wishes) {
    const document = documents.get(keyFor(wish.task))
    if (document !== undefined) found.set(wish, document)
  }
}

type Keyed = Pick<NewTask, 'userId' | 'taskType' | 'idempotencyKey'>

function keyFilter({ userId, taskType, idempotencyKey }: Keyed) {
  return { userId, taskType, idempotencyKey: idempotencyKey ?? '' }
}

function keyOf({ userId, taskType, idempotencyKey }: Keyed): string {
  return JSON.stringify([userId, taskType, idempotencyKey])
}

/** What this process knows from now on. */
function afterwards(session: Session, made: readonly Newcomer[]): void {
  if (made.length === 0) return
  const { families, hands, hints, keeps, order, events } = session
  for (const { document, birth } of made) {
    const { _id: id, lane, tellAt, parentTaskId } = document
    families.know(id, parentTaskId)
    if (document.claimToken !== undefined) order.passed(document)
    else if (document.sent !== undefined) {
      hands.sending(id, birth.name)
      order.passed(document)
    } else if (tellAt !== undefined) hints.noteTell(tellAt.getTime())
    else hints.noteReady(lane)
  }
  if (keeps.events) events.note(made.map(({ document }) => document._id))
  if (made.some(({ document }) => document.claimToken === undefined)) session.tell()
}
