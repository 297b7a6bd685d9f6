import { type Db, type Document, type IndexDirection, MongoServerError } from 'mongodb'
import { QuillworkError } from '../../task/errors.ts'

/** An index that a part needs. */
export interface IndexPlan {
  collection: string
  /** Unique within the collection. */
  name: string
  key: Readonly<Record<string, IndexDirection>>
  unique?: boolean
  /** Which documents it holds; default all. */
  partial?: Document
}

/** Codes of an index that is there with the same name or keys, but not the same. */
const conflicts = new Set([85, 86])

/** Makes the indexes that are missing. Throws STORE_UNSUITABLE, naming the index, where one is there that differs. */
export async function makeIndexes(db: Db, plans: readonly IndexPlan[]): Promise<void> {
  for (const collection of new Set(plans.map(plan => plan.collection))) {
    const wanted = plans.filter(plan => plan.collection === collection)
    const present = await listIndexes(db, collection)
    for (const plan of wanted) requireSame(plan, present)
    // Also those that are listed: another process may still be making them, and this waits until they can be used.
    await create(db, collection, wanted)
  }
}

async function listIndexes(db: Db, collection: string): Promise<Document[]> {
  try {
    return await db.collection(collection).listIndexes().toArray()
  } catch (error) {
    // NamespaceNotFound: the collection is not there yet.
    if (error instanceof MongoServerError && error.code === 26) return []
    throw error
  }
}

async function create(db: Db, collection: string, plans: readonly IndexPlan[]): Promise<void> {
  try {
    await db.collection(collection).createIndexes(
      plans.map(({ name, key, unique, partial }) => ({
        name,
        key,
        ...(unique === true ? { unique } : {}),
        ...(partial === undefined ? {} : { partialFilterExpression: partial }),
      })),
    )
  } catch (error) {
    if (!(error instanceof MongoServerError) || !conflicts.has(Number(error.code))) throw error
    throw unsuitable(collection, plans.map(plan => plan.name).join(', '), error.message)
  }
}

/** An index of the same name that means something else is told, not silently kept: a wrong one answers wrongly, or slowly. */
function requireSame(plan: IndexPlan, present: readonly Document[]): void {
  const found = present.find(index => index['name'] === plan.name)
  if (found === undefined) return
  const isSame =
    JSON.stringify(found['key']) === JSON.stringify(plan.key) &&
    Boolean(found['unique']) === Boolean(plan.unique) &&
    JSON.stringify(found['partialFilterExpression']) === JSON.stringify(plan.partial)
  if (!isSame) throw unsuitable(plan.collection, plan.name, `it is ${JSON.stringify(found['key'])}`)
}

function unsuitable(collection: string, index: string, why: string): QuillworkError {
  return new QuillworkError(
    'STORE_UNSUITABLE',
    `The index ${index} of ${collection} differs from the one that is needed: ${why}. Drop it, and it is made anew at the next start.`,
  )
}
