/** Dead letters that nobody was told of: kept in the record since its end, until somebody learnt of them. */
import type { Document } from 'mongodb'
import type { DeadLetterNotification } from '../store.ts'
import type { TaskDocument } from './documents.ts'
import { literal, removed } from './pipeline.ts'
import type { Session } from './session.ts'

/** Milliseconds that the delivery has to carry the news by itself. */
const patienceMs = 30_000
/** Notices per look. */
const perLook = 200

/** What of a task a notice needs. */
const notable = {
  taskType: 1,
  lane: 1,
  userId: 1,
  retryCount: 1,
  deadLetter: 1,
  noticeAt: 1,
} as const satisfies Partial<Record<keyof TaskDocument, 1>>

type Notable = Pick<TaskDocument, '_id' | keyof typeof notable>

/** Dead letters whose news nobody carried; each is handed out to one process, and again a while later unless `noticed` came. */
export async function deadLetterNotices(session: Session): Promise<DeadLetterNotification[]> {
  const { database, tasks, now } = session
  const before = new Date(now() - patienceMs)
  const found = await database.run('find notices', () =>
    tasks
      .find({ noticeAt: { $lte: before } })
      .hint('tasks_notice')
      .sort({ noticeAt: 1 })
      .limit(perLook)
      .project<Notable>(notable)
      .toArray(),
  )
  const notices: DeadLetterNotification[] = []
  for (const task of found) if (await isHandedOut(session, task, before)) notices.push(...noticeOf(task))
  return notices
}

/** A notice is handed out by moving its time, which only one process can. */
async function isHandedOut({ database, tasks, now }: Session, task: Notable, before: Date): Promise<boolean> {
  const { modifiedCount } = await database.run('hand out a notice', () =>
    tasks.updateOne(
      { _id: task._id, noticeAt: task.noticeAt ?? before },
      { $set: { noticeAt: new Date(now()) } },
    ),
  )
  return modifiedCount === 1
}

function noticeOf(task: Notable): DeadLetterNotification[] {
  const { _id: taskId, taskType, lane, userId, retryCount, deadLetter } = task
  if (deadLetter === undefined) return []
  const { attempt, reason, error } = deadLetter
  return [{ taskId, taskType, lane, userId, attempt, retryCount, reason, code: error.code }]
}

/** Others learnt of these dead letters; of one that was closed meanwhile nothing is written. */
export async function noticed(
  { database, tasks }: Session,
  notices: readonly { taskId: string; attempt: number; story?: string }[],
): Promise<void> {
  if (notices.length === 0) return
  await database.run('noticed', () =>
    tasks.bulkWrite(
      notices.map(({ taskId, attempt, story }) => ({
        updateOne: {
          filter: { _id: taskId, 'deadLetter.attempt': attempt },
          update: [{ $set: { noticeAt: removed, ...storyOf(story) } }],
        },
      })),
      { ordered: false },
    ),
  )
}

/** The first story stays; one that is told changes the record. */
function storyOf(story: string | undefined): Document {
  if (story === undefined) return {}
  const isNew = { $eq: [{ $type: '$deadLetter.story' }, 'missing'] }
  return {
    'deadLetter.story': { $ifNull: ['$deadLetter.story', literal(story)] },
    version: { $cond: [isNew, { $add: ['$version', 1] }, '$version'] },
  }
}
