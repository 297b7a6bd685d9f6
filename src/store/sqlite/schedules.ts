import type { ScheduleState, ScheduleStore } from '../store.ts'
import type { Session } from './session.ts'

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
