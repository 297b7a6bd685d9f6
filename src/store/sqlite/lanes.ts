import { defined } from '../../task/defined.ts'
import { type LaneState, type LaneStore, queueOf } from '../store.ts'
import type { Session } from './session.ts'

/** Lanes: what waits in them, and whether a person paused them. */
export function createLanes(session: Session): LaneStore {
  const { file, sql, order } = session
  return {
    lanes: () =>
      file.read(() => {
        const rows = sql('SELECT lane, paused, waiting FROM lanes ORDER BY lane').all()
        const first = sql('SELECT created_at FROM tasks WHERE queue = ? ORDER BY priority, rank, seq LIMIT 1')
        return (rows as { lane: string; paused: number; waiting: number }[]).map(
          ({ lane, paused, waiting }): LaneState => {
            const oldest = first.pluck().get(queueOf(lane, false)) as number | undefined
            return defined({ lane, paused: paused === 1, waiting, oldestWaitingAt: oldest })
          },
        )
      }),
    paused: () =>
      file.read(() => new Set(sql('SELECT lane FROM lanes WHERE paused = 1').pluck().all() as string[])),
    setPaused: (lane, paused) => file.write(() => order.setPaused(lane, paused)),
  }
}
