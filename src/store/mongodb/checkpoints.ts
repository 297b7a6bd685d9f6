import { createHash } from 'node:crypto'
import type { Fenced } from '../store.ts'
import { ignoreDuplicates } from './failures.ts'
import type { IndexPlan } from './indexes.ts'
import type { Session } from './session.ts'

/** The value of a finished step, as the collection `task_checkpoints` keeps it. */
export interface CheckpointDocument {
  /** Task and key, so that a key has one value. */
  _id: string
  taskId: string
  key: string
  /** The attempt whose value it is. */
  attempt: number
  value: string
}

/** For the values of one task. */
export const checkpointIndexes: readonly IndexPlan[] = [
  { collection: 'task_checkpoints', name: 'checkpoints_task', key: { taskId: 1 } },
]

/**
 * Keeps values of attempts that held their tasks a moment ago. Within an attempt the first value of a key stays. A later attempt
 * replaces what an earlier one left: it asks for a key only when its value was not there as it began, so the value came late, of an
 * attempt that was lost, and what the later one computed is what it goes on with.
 */
export async function keepCheckpoints(
  { database }: Session,
  writes: readonly (Fenced & { key: string; value: string })[],
): Promise<void> {
  if (writes.length === 0) return
  const checkpoints = database.collection<CheckpointDocument>('task_checkpoints')
  const first = new Map<string, (typeof writes)[number]>()
  for (const write of writes) {
    const name = nameOf(write)
    if (!first.has(name)) first.set(name, write)
  }
  const operations = [...first].map(([_id, { taskId, key, attempt, value }]) => ({
    updateOne: {
      filter: { _id: { $eq: _id }, attempt: { $lt: attempt } },
      update: { $set: { taskId, key, attempt, value } },
      upsert: true,
    },
  }))
  // The upsert of a key that this attempt or a later one has written meets its id.
  await database.run('checkpoint', () =>
    ignoreDuplicates(checkpoints.bulkWrite(operations, { ordered: false })),
  )
}

/** The id of a value. */
export function nameOf({ taskId, key }: { taskId: string; key: string }): string {
  return `${taskId}/${createHash('sha256').update(key).digest('base64url')}`
}

/** The values of a task by key. */
export async function readCheckpoints({ database }: Session, taskId: string): Promise<Map<string, string>> {
  const checkpoints = database.collection<CheckpointDocument>('task_checkpoints')
  const found = await database.run('checkpoints', () =>
    checkpoints
      .find({ taskId: { $eq: taskId } })
      .hint('checkpoints_task')
      .toArray(),
  )
  return new Map(found.map(({ key, value }) => [key, value]))
}
