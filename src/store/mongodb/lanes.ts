import type { LaneState, LaneStore } from '../store.ts'
import type { TaskDocument } from './documents.ts'
import { waiting } from './queue.ts'
import type { Session } from './session.ts'

/** Lanes: what waits in them, and whether a person paused them. A lane in which nothing waits is told only if it was paused once. */
export function createLanes(session: Session): LaneStore {
  const { database, lanes, paused } = session
  return {
    async lanes() {
      const [kept, counted, sent] = await Promise.all([
        database.run('lanes', () => lanes.find().toArray()),
        countWaiting(session),
        firstSent(session),
      ])
      const pauses = new Map(kept.map(lane => [lane._id, lane.paused]))
      const names = [...new Set([...pauses.keys(), ...counted.keys()])].sort()
      return Promise.all(
        names.map(async (lane): Promise<LaneState> => {
          const state = { lane, paused: pauses.get(lane) ?? false, waiting: counted.get(lane) ?? 0 }
          const next = nextOf(sent.get(lane), await firstReady(session, lane))
          return next === undefined ? state : { ...state, oldestWaitingAt: next.createdAt.getTime() }
        }),
      )
    },
    paused: () => paused.current(),
    async setPaused(lane, isPaused) {
      const set = { paused: isPaused }
      await database.run('pause', () =>
        lanes.updateOne({ _id: { $eq: lane } }, { $set: set }, { upsert: true }),
      )
      paused.forget()
      session.tell()
    },
  }
}

/** How many tasks wait, by lane. */
async function countWaiting({ database, tasks }: Session): Promise<ReadonlyMap<string, number>> {
  const counted = await database.run('lanes', () =>
    tasks
      .aggregate<{ _id: string; tasks: number }>(
        [{ $match: waiting }, { $group: { _id: '$lane', tasks: { $sum: 1 } } }],
        { hint: 'tasks_waiting_lane' },
      )
      .toArray(),
  )
  return new Map(counted.map(({ _id, tasks: count }) => [_id, count]))
}

/** A task's place in its lane. */
type Turn = Pick<TaskDocument, 'priority' | 'rank' | 'order' | 'createdAt'>

function nextOf(one: Turn | undefined, other: Turn | undefined): Turn | undefined {
  if (one === undefined || other === undefined) return one ?? other
  const difference = one.priority - other.priority || one.rank - other.rank || one.order - other.order
  return difference <= 0 ? one : other
}

const inTurn = { priority: 1, rank: 1, order: 1 } as const

/** The next task of a lane that nobody has the right to send. */
async function firstReady({ database, tasks }: Session, lane: string): Promise<Turn | undefined> {
  const found = await database.run('lanes', () =>
    tasks
      .find({ ready: { $eq: lane } })
      .hint('tasks_ready')
      .sort({ ...inTurn, _id: 1 })
      .limit(1)
      .project<Turn>({ ...inTurn, createdAt: 1 })
      .next(),
  )
  return found ?? undefined
}

/** The next task of each lane of those that were sent and could run now: no more of them than the broker has room for. */
async function firstSent({ database, tasks, now }: Session): Promise<ReadonlyMap<string, Turn>> {
  const time = new Date(now())
  const found = await database.run('lanes', () =>
    tasks
      .aggregate<{ _id: string; first: Turn }>(
        [
          { $match: { lostAt: { $exists: true }, $nor: [{ wakeAt: { $gt: time } }] } },
          { $project: { lane: 1, ...inTurn, createdAt: 1 } },
          { $sort: inTurn },
          { $group: { _id: '$lane', first: { $first: '$$ROOT' } } },
        ],
        { hint: 'tasks_lost' },
      )
      .toArray(),
  )
  return new Map(found.map(({ _id, first: turn }) => [_id, turn]))
}
