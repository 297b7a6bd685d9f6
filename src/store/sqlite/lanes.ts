/** What stands beside the tasks: lanes, schedules, unparsable messages. */

import { pageKey, pageOf, pageToken } from '../pages.ts'
import type {
  LaneState,
  LaneStore,
  ScheduleState,
  ScheduleStore,
  UnparsableMessage,
  UnparsableStore,
} from '../store.ts'
import { queueOf, type Session } from './session.ts'

/** Lanes: what waits in them, and whether a person paused them. */
export function createLanes(session: Session): LaneStore {
  const { file, sql, order } = session
  return {
    lanes: () =>
      file.read(() => {
        const rows = sql('SELECT lane, paused, waiting FROM lanes ORDER BY lane').all() as {
          lane: string
          paused: number
          waiting: number
        }[]
        return rows.map(({ lane, paused, waiting }): LaneState => {
          const oldest = sql(
            'SELECT created_at FROM tasks WHERE queue = ? ORDER BY priority, rank, seq LIMIT 1',
          )
            .pluck()
            .get(queueOf(lane, false))
          const state = { lane, paused: paused === 1, waiting }
          return typeof oldest === 'number' ? { ...state, oldestWaitingAt: oldest } : state
        })
      }),
    paused: () =>
      file.read(
        () => new Set(sql('SELECT lane FROM lanes WHERE paused = 1').pluck().all() as readonly string[]),
      ),
    setPaused: (lane, paused) => file.write(() => order.setPaused(lane, paused)),
  }
}

/** What schedules remember between ticks. */
export function createSchedules({ file, sql }: Session): ScheduleStore {
  return {
    schedules: () =>
      file.read(() => {
        const rows = sql(
          'SELECT id, definition, last_tick, last_task_id FROM schedules ORDER BY id',
        ).all() as {
          id: string
          definition: string
          last_tick: number | null
          last_task_id: string | null
        }[]
        return rows.map(
          ({ id, definition, last_tick, last_task_id }): ScheduleState => ({
            id,
            definition,
            ...(last_tick === null ? {} : { lastTick: last_tick }),
            ...(last_task_id === null ? {} : { lastTaskId: last_task_id }),
          }),
        )
      }),
    advance: ({ id, definition, lastTick, lastTaskId }, seenTick) =>
      file.write(() => {
        const seen = sql('SELECT last_tick FROM schedules WHERE id = ?').pluck().get(id)
        if ((typeof seen === 'number' ? seen : undefined) !== seenTick) return false
        sql(
          'INSERT OR REPLACE INTO schedules (id, definition, last_tick, last_task_id) VALUES (?, ?, ?, ?)',
        ).run(id, definition, lastTick ?? null, lastTaskId ?? null)
        return true
      }),
  }
}

/** Messages and records that name no readable task. */
export function createUnparsable({ file, sql }: Session): UnparsableStore {
  return {
    file: messages =>
      file.write(() => {
        for (const { id, at, reason, content } of messages) {
          sql('INSERT INTO strays (id, at, reason, content) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING').run(
            id,
            at,
            reason,
            content,
          )
        }
      }),
    list: page =>
      file.read(() => {
        const after = pageKey('strays', page.pageToken, ['number'])?.[0] ?? Number.MAX_SAFE_INTEGER
        const rows = sql(
          'SELECT seq, id, at, reason, content FROM strays WHERE seq < ? ORDER BY seq DESC LIMIT ?',
        ).all(after, page.pageSize + 1) as (UnparsableMessage & { seq: number })[]
        return pageOf(rows, page.pageSize, {
          item: ({ seq: _, ...message }) => message,
          token: row => pageToken('strays', [row.seq]),
        })
      }),
    remove: ids =>
      file.write(() =>
        ids.reduce((gone, id) => gone + sql('DELETE FROM strays WHERE id = ?').run(id).changes, 0),
      ),
  }
}
