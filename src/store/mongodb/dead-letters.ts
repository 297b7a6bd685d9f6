import type { Document, Filter } from 'mongodb'
import { defined } from '../../task/defined.ts'
import {
  type DeadLetterFilter,
  type DeadLetterGroup,
  type DeadLetterNotification,
  mostGroups,
  type PageRequest,
} from '../store.ts'
import type { TaskDocument } from './documents.ts'
import { literal } from './merge-updates.ts'
import { removed } from './pipeline.ts'
import { among, between, equalTo, pageOfTasks } from './queries.ts'
import { aggregateTasks, readFields, type Session, updateEach } from './session.ts'

/** Returns open dead letters, the most recently submitted task first. */
export function listDeadLetters(session: Session, filter: DeadLetterFilter, page: PageRequest) {
  return pageOfTasks(session, page, {
    operation: 'dead-letters',
    index: 'tasks_dead_letters',
    filter: deadLetterConditions(filter),
    newestFirst: true,
    bound: { listing: 'dead-letters', ...filter },
  })
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

/** Dead letters that are grouped at most, of the most recently submitted tasks: each is read. */
const mostGrouped = 10_000

/** Returns open dead letters by equal failures, the most frequent first. */
export async function groupDeadLetters(session: Session, filter: DeadLetterFilter) {
  type Group = Omit<DeadLetterGroup, 'fingerprint'> & { _id: string }
  const mostFrequent = [{ $sort: { count: -1, _id: 1 } }, { $limit: mostGroups }]
  const newest = [{ $sort: { order: -1, _id: -1 } }, { $limit: mostGrouped }]
  const pipeline = [{ $match: deadLetterConditions(filter) }, ...newest, byFingerprint, ...mostFrequent]
  const groups = await aggregateTasks<Group>(session, 'dead-letter-groups', 'tasks_dead_letters', pipeline)
  return groups.map(({ _id, ...group }) => ({ fingerprint: _id, ...group }))
}

function deadLetterConditions(filter: DeadLetterFilter): Filter<TaskDocument> {
  const { taskType, userId, code, fingerprint, openedBefore, openedAfter } = filter
  return defined({
    deadLetter: { $exists: true },
    taskType: among(taskType),
    userId: equalTo(userId),
    'deadLetter.error.code': equalTo(code),
    'deadLetter.fingerprint': equalTo(fingerprint),
    'deadLetter.openedAt': between(openedAfter, openedBefore),
  })
}

/** Milliseconds that the delivery has to carry the notification by itself. */
const ownDeliveryMs = 30_000
const perRead = 200

const notificationFields = ['taskType', 'lane', 'userId', 'retryCount', 'deadLetter', 'noticeAt'] as const

/** A notification that its delivery did not carry. */
export function overdueNotification({ now }: Pick<Session, 'now'>): Filter<TaskDocument> {
  return { noticeAt: { $lte: new Date(now() - ownDeliveryMs) } }
}

/**
 * Returns dead letters whose notification is overdue: the record keeps it since its end. Each is handed out to one process, and again a while
 * later unless `notified` was called.
 */
export async function dueNotifications(session: Session): Promise<DeadLetterNotification[]> {
  const before = new Date(session.now() - ownDeliveryMs)
  const options = { hint: 'tasks_notice', sort: { noticeAt: 1 }, limit: perRead } as const
  const due = { ...overdueNotification(session), ...session.partitions.condition() }
  const found = await readFields(session, 'due notifications', due, notificationFields, options)
  const notifications: DeadLetterNotification[] = []
  for (const { _id, noticeAt, deadLetter, ...task } of found) {
    // It is handed out by moving its time, which only one process can.
    const filter = { _id, noticeAt: noticeAt ?? before }
    const update = { $set: { noticeAt: new Date(session.now()) } }
    const handedOut = await updateEach(session, 'hand out a notification', [{ filter, update }])
    if (handedOut === 0 || deadLetter === undefined) continue
    const { attempt, reason, error } = deadLetter
    notifications.push({ ...task, taskId: _id, attempt, reason, code: error.code })
  }
  return notifications
}

/** These notifications were published; of a dead letter that was closed meanwhile nothing is written. */
export async function notified(
  session: Session,
  notifications: readonly { taskId: string; attempt: number; story?: string }[],
): Promise<void> {
  const updates = notifications.map(({ taskId, attempt, story }) => ({
    filter: { _id: taskId, 'deadLetter.attempt': attempt },
    update: [{ $set: { noticeAt: removed, ...storyOf(story) } }],
  }))
  await updateEach(session, 'notified', updates)
}

/** The first story stays; a new one changes the record. */
function storyOf(story: string | undefined): Document {
  if (story === undefined) return {}
  const isNew = { $eq: [{ $type: '$deadLetter.story' }, 'missing'] }
  return {
    'deadLetter.story': { $ifNull: ['$deadLetter.story', literal(story)] },
    version: { $cond: [isNew, { $add: ['$version', 1] }, '$version'] },
  }
}
