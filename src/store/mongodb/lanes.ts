import type { Collection } from 'mongodb'
import { fairRank } from '../../task/fairness.ts'
import { type LaneState, type LaneStore, queueOf } from '../store.ts'
import type { OpenableDatabase } from './database.ts'
import { type LaneDocument, type TaskDocument, unstarted } from './documents.ts'
import { countsUpTo, everyDepth, knownLanes } from './queries.ts'
import {
  aggregateTasks,
  type Context,
  countUpTo,
  createPeriod,
  type FairOrder,
  type PausedLanes,
  type Period,
  type Place,
  readFields,
  type Session,
} from './session.ts'

/** Lanes: what waits in them, and whether a person paused them. A lane in which no task waits is listed only if it was paused once. */
export function createLanes(session: Session): LaneStore {
  const { database, lanes, paused } = session
  return {
    async lanes() {
      const [kept, counted, sent] = await Promise.all([
        database.run('lanes', () => lanes.find().toArray()),
        countWaitingByLane(session),
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
      paused.reset()
      session.notifyDue()
    },
  }
}

/** Returns how many tasks wait in each lane, as far as `countsUpTo`; not of a lane in which none does. */
async function countWaitingByLane(session: Session): Promise<ReadonlyMap<string, number>> {
  const along = { hint: 'tasks_waiting', limit: countsUpTo }
  const counted = (await knownLanes(session)).map(async lane => {
    const filter = { depth: everyDepth, lane: { $eq: lane }, ...unstarted }
    return [lane, await countUpTo(session, 'lanes', filter, along)] as const
  })
  return new Map((await Promise.all(counted)).filter(([, tasks]) => tasks > 0))
}

/** What orders the tasks of a lane. */
type Ranked = Pick<TaskDocument, 'priority' | 'rank' | 'order' | 'createdAt'>

function nextOf(one: Ranked | undefined, other: Ranked | undefined): Ranked | undefined {
  if (one === undefined || other === undefined) return one ?? other
  const difference = one.priority - other.priority || one.rank - other.rank || one.order - other.order
  return difference <= 0 ? one : other
}

const byRank = { priority: 1, rank: 1, order: 1 } as const

/** Returns the next task of a lane that no process has the right to send. */
async function firstReady(session: Session, lane: string): Promise<Ranked | undefined> {
  const fields = ['priority', 'rank', 'order', 'createdAt'] as const
  const options = { hint: 'tasks_ready', sort: { ...byRank, _id: 1 }, limit: 1 } as const
  const ready = { $in: session.partitions.readyNames(lane, lane, 'all') }
  const [first] = await readFields(session, 'lanes', { ready }, fields, options)
  return first
}

/** Returns, by lane, the next task of those that were sent and could run now: no more of them than the broker has capacity for. */
async function firstSent(session: Session): Promise<ReadonlyMap<string, Ranked>> {
  const time = new Date(session.now())
  const found = await aggregateTasks<{ _id: string; first: Ranked }>(session, 'lanes', 'tasks_lost', [
    { $match: { lostAt: { $exists: true }, $nor: [{ wakeAt: { $gt: time } }] } },
    { $project: { lane: 1, ...byRank, createdAt: 1 } },
    { $sort: byRank },
    { $group: { _id: '$lane', first: { $first: '$$ROOT' } } },
  ])
  return new Map(found.map(({ _id, first }) => [_id, first]))
}

/** Milliseconds until a pause that another process made is seen. */
const rememberedMs = 1_000

/** Which lanes are paused, as this process remembers it. `now`: the store's clock. */
export function createPausedLanes(
  database: OpenableDatabase,
  lanes: Collection<LaneDocument>,
  now: () => number,
): PausedLanes {
  let period = createPeriod(rememberedMs, now)
  let known: Promise<ReadonlySet<string>> | undefined

  async function ask(): Promise<ReadonlySet<string>> {
    const paused = await database.run('paused lanes', () => lanes.find({ paused: true }).toArray())
    return new Set(paused.map(({ _id }) => _id))
  }

  return {
    current() {
      const isOver = period.isOver()
      if (known !== undefined && !isOver) return known
      const asked = ask()
      known = asked
      asked.catch(() => {
        if (known === asked) known = undefined
      })
      return asked
    },
    reset() {
      known = undefined
      period = createPeriod(rememberedMs, now)
    },
  }
}

type Source = Pick<Context, 'database' | 'tasks' | 'partitions' | 'now'>

/** The waiting tasks of a lane with one priority, or of a user among them. */
interface Line {
  rank: number | undefined
  period: Period
}

/** Milliseconds between reads for the same lane or user. */
const rankEveryMs = 1_000
/** Lines kept in memory; beyond it all are read again. */
const mostKept = 20_000

/**
 * The fair order of waiting tasks. Nothing is kept for it but their ranks: each process remembers the last ranks that it saw, and reads once
 * a second those that other processes gave. Between processes the order is therefore nearly fair; within one it is exact.
 */
export function createFairOrder(source: Source): FairOrder {
  const lanes = new Map<string, Line>()
  const flows = new Map<string, Line>()

  function lineOf(lines: Map<string, Line>, key: string): Line {
    let line = lines.get(key)
    if (line === undefined) {
      if (lines.size >= mostKept) lines.clear()
      line = { rank: undefined, period: createPeriod(rankEveryMs, source.now) }
      lines.set(key, line)
    }
    return line
  }

  const laneOf = (place: Omit<Place, 'userId'>) => lineOf(lanes, laneKey(place))
  const flowOf = (place: Place) => lineOf(flows, flowKey(place))

  async function refreshLane(place: Place): Promise<void> {
    const { lane, priority } = place
    const ready = { $in: source.partitions.readyNames(queueOf(lane, false), lane, 'all') }
    const first = await source.database.run('first rank', () =>
      source.tasks.findOne(
        { ready, priority },
        { sort: { rank: 1 }, projection: { rank: 1 }, hint: 'tasks_ready' },
      ),
    )
    // A lane in which nothing waits begins at the time: the same for every process, and later than every task that was in it.
    laneOf(place).rank = Math.max(laneOf(place).rank ?? 0, first === null ? source.now() : first.rank - 1)
  }

  async function refreshFlows(places: readonly Place[]): Promise<void> {
    const found = await lastRanks(source, places)
    for (const place of places) flowOf(place).rank = found.get(flowKey(place))
  }

  return {
    async refresh(places) {
      const ofLanes = distinct(places, laneKey).filter(place => laneOf(place).period.isOver())
      const ofUsers = distinct(places, flowKey).filter(place => flowOf(place).period.isOver())
      await Promise.all([
        ...ofLanes.map(refreshLane),
        ...(ofUsers.length === 0 ? [] : [refreshFlows(ofUsers)]),
      ])
    },
    knows: place => laneOf(place).rank !== undefined,
    rankFor(place) {
      const flow = flowOf(place)
      flow.rank = fairRank(laneOf(place).rank ?? source.now(), flow.rank)
      return flow.rank
    },
    passed(place) {
      const lane = laneOf(place)
      lane.rank = Math.max(lane.rank ?? 0, place.rank)
    },
  }
}

function laneKey({ lane, priority }: Omit<Place, 'userId'>): string {
  return `${priority}\n${lane}`
}

function flowKey(place: Place): string {
  return `${laneKey(place)}\n${place.userId}`
}

function distinct(places: readonly Place[], keyOf: (place: Place) => string): Place[] {
  return [...new Map(places.map(place => [keyOf(place), place])).values()]
}

/** Returns the largest rank of each user's waiting tasks, by lane and priority: one seek for each, however many of them wait. */
async function lastRanks(
  { database, tasks }: Source,
  places: readonly Place[],
): Promise<ReadonlyMap<string, number>> {
  const options = { hint: 'tasks_waiting', sort: { rank: -1 }, projection: { _id: 0, rank: 1 } } as const
  const found = places.map(async place => {
    const { userId, lane, priority } = place
    const filter = { depth: everyDepth, lane, userId, priority, ...unstarted }
    const last = await database.run('last ranks', () => tasks.findOne(filter, options))
    return last === null ? [] : [[flowKey(place), last.rank] as const]
  })
  return new Map((await Promise.all(found)).flat())
}
