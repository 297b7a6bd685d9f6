/** Creation of all tasks of a call, or of none: in one transaction, which is the only way to insert several documents at once. */
import type { ClientSession } from 'mongodb'
import { QuillworkError } from '../../task/errors.ts'
import type { Created } from '../store.ts'
import {
  afterwards,
  createdOf,
  findExisting,
  type Insert,
  isOurs,
  prepareInserts,
  refusalsOf,
} from './create.ts'
import { isDuplicateKey } from './indexes.ts'
import {
  type Accepts,
  answersOf,
  answersOfNone,
  type CreateRequest,
  type Found,
  repeatsOf,
} from './new-task.ts'
import { dropPayloads } from './payloads.ts'
import type { Session } from './session.ts'

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
    found = await findExisting(session, requests)
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
  const found = await findExisting(session, [shows.request])
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
