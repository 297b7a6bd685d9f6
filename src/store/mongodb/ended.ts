import { endedStatuses, hasEnded } from '../../task/status.ts'
import type { EndedTask, EndedTasks } from '../ended.ts'
import { pageKey, pageOf, pageToken } from '../pages.ts'
import { readFields, type Session } from './session.ts'

const fields = ['taskType', 'userId', 'lane', 'status', 'completedAt'] as const

/** The ends of root tasks in a database: one status after the other, by the index that finds what has expired. */
export function createEnded(session: Session): EndedTasks {
  async function read(status: string, from: number, [endedAt, id]: readonly [number, string], limit: number) {
    const at = new Date(endedAt)
    const filter = {
      status: { $eq: status },
      depth: 0,
      completedAt: { $gte: new Date(Math.max(from, endedAt)) },
      ...(id !== '' && { $nor: [{ completedAt: { $eq: at }, _id: { $lte: id } }] }),
    } as const
    const along = { hint: 'tasks_expiry', sort: { completedAt: 1, _id: 1 }, limit } as const
    const found = await readFields(session, 'ended', filter as never, fields, along)
    return found.flatMap(({ _id: taskId, completedAt, status: now, ...task }): EndedTask[] =>
      completedAt !== undefined && hasEnded(now)
        ? [
            {
              taskId,
              taskType: task.taskType,
              userId: task.userId,
              lane: task.lane,
              status: now,
              endedAt: completedAt.getTime(),
            },
          ]
        : [],
    )
  }

  return {
    async since(from, { pageSize, pageToken: token }) {
      session.requireOpen()
      const [first, endedAt, id] = pageKey(['ended', from], token, ['number', 'number', 'string']) ?? [
        0,
        from,
        '',
      ]
      const found: (EndedTask & { part: number })[] = []
      for (const [part, status] of endedStatuses.entries()) {
        if (part < first || found.length > pageSize) continue
        const place = part === first ? ([endedAt, id] as const) : ([from, ''] as const)
        const rows = await read(status, from, place, pageSize + 1 - found.length)
        found.push(...rows.map(row => ({ ...row, part })))
      }
      return pageOf(found, pageSize, {
        item: ({ part: _, ...task }) => task,
        token: ({ part, endedAt: at, taskId }) => pageToken(['ended', from], [part, at, taskId]),
      })
    },
  }
}
