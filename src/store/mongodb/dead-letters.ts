import type { Filter } from 'mongodb'
import type { TaskRecord } from '../../task/task.ts'
import type { DeadLetterFilter, DeadLetterGroup, Page, PageRequest } from '../store.ts'
import type { TaskDocument } from './documents.ts'
import { pageOfTasks } from './keyset.ts'
import type { Session } from './session.ts'

/** Groups of equal failures that are told at most. */
const mostGroups = 200

/** Open dead letters, newest first. */
export function listDeadLetters(
  session: Session,
  filter: DeadLetterFilter,
  page: PageRequest,
): Promise<Page<TaskRecord>> {
  const listing = {
    operation: 'dead-letters',
    index: 'tasks_dead_letters',
    filter: conditionsOf(filter),
    newestFirst: true,
  }
  return pageOfTasks(session, listing, { listing: 'dead-letters', ...filter }, page)
}

const byFingerprint = {
  $group: {
    _id: '$deadLetter.fingerprint',
    taskType: { $max: '$taskType' },
    code: { $max: '$deadLetter.error.code' },
    count: { $sum: 1 },
    firstAt: { $min: '$deadLetter.openedAt' },
    lastAt: { $max: '$deadLetter.openedAt' },
    sampleTaskId: { $max: '$_id' },
  },
}

/** The most frequent first. */
export async function groupDeadLetters(
  { database, tasks }: Session,
  filter: DeadLetterFilter,
): Promise<DeadLetterGroup[]> {
  const groups = await database.run('dead-letter-groups', () =>
    tasks
      .aggregate<Omit<DeadLetterGroup, 'fingerprint'> & { _id: string }>(
        [
          { $match: conditionsOf(filter) },
          byFingerprint,
          { $sort: { count: -1, _id: 1 } },
          { $limit: mostGroups },
        ],
        { hint: 'tasks_dead_letters' },
      )
      .toArray(),
  )
  return groups.map(({ _id, ...group }) => ({ fingerprint: _id, ...group }))
}

function conditionsOf(filter: DeadLetterFilter): Filter<TaskDocument> {
  const { taskType, userId, code, fingerprint, openedBefore, openedAfter } = filter
  const openedAt = {
    ...(openedAfter === undefined ? {} : { $gt: openedAfter }),
    ...(openedBefore === undefined ? {} : { $lt: openedBefore }),
  }
  return {
    deadLetter: { $exists: true },
    ...(taskType === undefined ? {} : { taskType: { $in: taskType.map(String) } }),
    ...(userId === undefined ? {} : { userId: { $eq: userId } }),
    ...(code === undefined ? {} : { 'deadLetter.error.code': { $eq: code } }),
    ...(fingerprint === undefined ? {} : { 'deadLetter.fingerprint': { $eq: fingerprint } }),
    ...(Object.keys(openedAt).length === 0 ? {} : { 'deadLetter.openedAt': openedAt }),
  }
}
