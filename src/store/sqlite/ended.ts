import { type EndedStatus, endedStatuses } from '../../task/status.ts'
import type { EndedTask, EndedTasks } from '../ended.ts'
import { pageKey, pageOf, pageToken } from '../pages.ts'
import type { Session } from './session.ts'

const columns = `tasks.id AS taskId, tasks.task_type AS taskType, tasks.user_id AS userId, tasks.lane, tasks.status,
  tasks.completed_at AS endedAt, tasks.seq`

/** The tasks that the index of listings leaves out, at most some hundreds once it was filled. */
const endedLeftOut = `SELECT ${columns} FROM tasks WHERE seq > ? AND completed_at >= ? AND parent_id IS NULL ORDER BY seq ASC LIMIT ?`

/** Those of a status, by the index that finds what has expired. */
const endedOfStatus = `SELECT ${columns} FROM listing INDEXED BY listing_expiry CROSS JOIN tasks USING (seq)
  WHERE is_root = 1 AND listing.status = ? AND listing.completed_at IS NOT NULL AND (listing.completed_at, listing.seq) > (?, ?)
  ORDER BY listing.completed_at, listing.seq LIMIT ?`

type Row = EndedTask & { seq: number }
type Place = readonly [part: number, endedAt: number, seq: number]

/** The first part are the tasks that the index leaves out, which may be in it by the time that the next part is read; then one for each status. */
const parts: readonly (EndedStatus | undefined)[] = [undefined, ...endedStatuses]

/** The ends of root tasks in a file. */
export function createEnded({ file, sql, listing }: Session): EndedTasks {
  function read(from: number, [first, endedAt, seq]: Place, limit: number): (Row & { part: number })[] {
    const found: (Row & { part: number })[] = []
    for (const [part, status] of parts.entries()) {
      if (part < first || found.length >= limit) continue
      const left = limit - found.length
      const [at, after] = part === first ? [endedAt, seq] : [from, -1]
      const rows =
        status === undefined
          ? sql(endedLeftOut).all(Math.max(after, listing.last), from, left)
          : sql(endedOfStatus).all(status, at, after, left)
      found.push(...(rows as Row[]).map(row => ({ ...row, part })))
    }
    return found
  }

  return {
    async since(from, { pageSize, pageToken: token }) {
      await listing.fill()
      const place = pageKey(['ended', from], token, ['number', 'number', 'number']) ?? [0, from, -1]
      const rows = await file.read(() => read(from, place, pageSize + 1))
      return pageOf(rows, pageSize, {
        item: ({ part: _part, seq: _seq, ...task }) => task,
        token: ({ part, endedAt, seq }) => pageToken(['ended', from], [part, endedAt, seq]),
      })
    },
  }
}
