/**
 * Updates of many tasks as few statements: those that say the same but for some literal values become one, which looks each value up by
 * the task's id. The server then reads one pipeline and makes one plan, instead of one for each task.
 */
import type { AnyBulkWriteOperation, Document, Filter } from 'mongodb'
import type { TaskDocument } from './documents.ts'
import type { Context } from './session.ts'

/** Returns a value as it is: one that begins with `$` would be read as the name of a field. */
export function literal(value: unknown): Document {
  return { $literal: value }
}

/** A guarded update of one task. */
export interface TaskUpdate {
  filter: Filter<TaskDocument> & { _id: string }
  update: Document[]
}

/** A statement, and the updates that it does. */
export interface Statement<Update> {
  write: AnyBulkWriteOperation<TaskDocument>
  updates: readonly Update[]
}

/** Makes all updates in one round trip, in any order. */
export async function updateMerged(
  { database, tasks }: Context,
  operation: string,
  updates: readonly TaskUpdate[],
): Promise<void> {
  if (updates.length === 0) return
  const writes = mergeUpdates(updates).map(({ write }) => write)
  await database.run(operation, () => tasks.bulkWrite(writes, { ordered: false }))
}

/** Updates of one statement at most: each looks for its place among them. */
const mostInOne = 200
/** Characters of literal values up to which an update shares a statement: the values of all travel in it. */
const mostShared = 4_096

/**
 * Returns statements that together do all updates, in any order. A statement does not stop at a task that its filter refuses. Of two updates of a
 * task with the same filter the first is made.
 */
export function mergeUpdates<Update extends TaskUpdate>(updates: readonly Update[]): Statement<Update>[] {
  const statements: Statement<Update>[] = []
  const groups = new Map<string, [Update, ...Update[]]>()
  const close = (group: [Update, ...Update[]]) => statements.push({ updates: group, write: writeOf(group) })
  for (const update of updates) {
    const shape = shapeOf(update)
    const group = groups.get(shape)
    if (group === undefined) groups.set(shape, [update])
    else if (group.push(update) === mostInOne) {
      close(group)
      groups.delete(shape)
    }
  }
  for (const group of groups.values()) close(group)
  return statements
}

/** Returns the same text for updates that differ in literal values only, and a text of its own for one whose values are too large to share. */
function shapeOf({ filter: { _id, ...guard }, update }: TaskUpdate): string {
  let size = 0
  const shape = JSON.stringify([guard, update], (key, value: unknown) => {
    if (key !== '$literal') return value
    size += JSON.stringify(value).length
    return '?'
  })
  return size > mostShared ? _id : shape
}

function writeOf(group: readonly [TaskUpdate, ...TaskUpdate[]]): AnyBulkWriteOperation<TaskDocument> {
  const [first] = group
  if (group.length === 1) return { updateOne: first }
  const taskIds = group.map(({ filter }) => filter._id)
  const pipelines = group.map(({ update }) => update)
  const update = merged(pipelines, taskIds) as Document[]
  return { updateMany: { filter: { ...first.filter, _id: { $in: taskIds } }, update, hint: { _id: 1 } } }
}

/** Parts of the same shape as one: what is literal in them is looked up where it differs. */
function merged(parts: readonly unknown[], taskIds: readonly string[]): unknown {
  const [first] = parts
  if (Array.isArray(first)) return first.map((_, index) => merged(fieldsOf(parts, index), taskIds))
  if (!isExpression(first)) return first
  if ('$literal' in first) return valueByTask(fieldsOf(parts, '$literal'), taskIds)
  const fields = Object.keys(first).map(key => [key, merged(fieldsOf(parts, key), taskIds)])
  return Object.fromEntries(fields)
}

function fieldsOf(parts: readonly unknown[], key: string | number): unknown[] {
  return parts.map(part => (part as Record<string | number, unknown>)[key])
}

/** An object of the pipeline, as against a date or another value. */
function isExpression(part: unknown): part is Document {
  return typeof part === 'object' && part !== null && Object.getPrototypeOf(part) === Object.prototype
}

function valueByTask(values: readonly unknown[], taskIds: readonly string[]): Document {
  const texts = new Set(values.map(value => JSON.stringify(value)))
  if (texts.size === 1) return literal(values[0])
  return { $arrayElemAt: [literal(values), { $indexOfArray: [literal(taskIds), '$_id'] }] }
}
