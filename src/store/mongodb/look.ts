import type { TaskDocument } from './documents.ts'
import type { Session } from './session.ts'

/**
 * Records that the aggregator must look at, after the sub-tasks that moved have been counted. The next in turn: those that stay to be
 * looked at, such as a parent whose sub-tasks do not obey, never hold up the others.
 */
export async function parentsToLookAt(session: Session, limit: number): Promise<string[]> {
  const { hints, families } = session
  await families.idle()
  if (hints.periods.uncounted.isOver()) await families.sweep()
  const isTime = hints.periods.look.isOver()
  if (!hints.look && !isTime) return []
  hints.look = false
  const found = await nextToLookAt(session, limit)
  if (found.length === 0) return []
  // What is there may have to be looked at again.
  hints.look = true
  const moving = await families.withUncounted(found.map(({ _id }) => _id))
  await Promise.all([...moving].map(parentId => families.count(parentId)))
  return found.map(({ _id }) => _id).filter(id => !moving.has(id))
}

type Found = Pick<TaskDocument, '_id' | 'order'>

async function nextToLookAt(session: Session, limit: number): Promise<Found[]> {
  const from = session.hints.lookedAt
  const found = await between(session, { $gt: from }, limit)
  if (found.length < limit && from > 0)
    found.push(...(await between(session, { $lte: from }, limit - found.length)))
  session.hints.lookedAt = found.at(-1)?.order ?? 0
  return found
}

function between({ database, tasks }: Session, order: object, limit: number): Promise<Found[]> {
  return database.run('records to look at', () =>
    tasks
      .find({ look: true, order })
      .hint('tasks_look')
      .sort({ order: 1 })
      .limit(limit)
      .project<Found>({ order: 1 })
      .toArray(),
  )
}
