/** Which attempt holds a task: what a write of an attempt is fenced by, without a transaction. */
import type { Filter } from 'mongodb'
import type { Applied } from '../../task/transition.ts'
import type { Fenced } from '../store.ts'
import type { TaskDocument } from './documents.ts'
import type { Session } from './session.ts'

/** What tells whether an attempt holds a task. */
export type Holder = Pick<TaskDocument, '_id' | 'attempt' | 'leaseUntil' | 'large' | 'output'>

/** The task, as long as the attempt holds it. */
export function heldBy({ taskId, attempt }: Fenced): Filter<TaskDocument> {
  return { _id: { $eq: taskId }, attempt: { $eq: attempt }, leaseUntil: { $type: 'date' } }
}

/** The answer for a write of an attempt, by what its task is now. */
export function answerFor({ attempt }: Fenced, holder: Holder | undefined): Applied {
  if (holder === undefined) return 'missing'
  return holder.attempt === attempt && holder.leaseUntil instanceof Date ? 'applied' : 'stale'
}

/** What the tasks of these writes are now, by id. */
export async function findHolders(
  { database, tasks }: Session,
  operation: string,
  writes: readonly Fenced[],
): Promise<ReadonlyMap<string, Holder>> {
  const ids = writes.map(({ taskId }) => taskId)
  const projection = { attempt: 1, leaseUntil: 1, large: 1, output: 1 }
  const found = await database.run(operation, () =>
    tasks.find<Holder>({ _id: { $in: ids } }, { projection }).toArray(),
  )
  return new Map(found.map(holder => [holder._id, holder]))
}
