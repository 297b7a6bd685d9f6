/**
 * Who waits in which order. Nothing is kept for it but the ranks of the waiting tasks: each process remembers the last ranks that it saw,
 * and asks the index once a second for those that other processes gave. Between processes the order is therefore nearly fair; within
 * one it is exact.
 */

import type { Collection } from 'mongodb'
import { fairRank } from '../../task/fairness.ts'
import type { SharedDatabase } from './database.ts'
import type { TaskDocument } from './documents.ts'
import { createPeriod, type Period } from './period.ts'
import { queueOf, waiting } from './queue.ts'

/** Where a task waits. */
export interface Place {
  userId: string
  lane: string
  priority: number
}

/** The fair order as one process sees it. */
export interface FairOrder {
  /** Asks the index for what was not asked for a second. Await it before ranks are given. */
  refresh(places: readonly Place[]): Promise<void>
  /** The rank of one more task of this user. */
  rankFor(place: Place): number
  /** A task of this rank was sent or claimed. */
  passed(place: Pick<TaskDocument, 'lane' | 'priority' | 'rank'>): void
}

/** Whom the order asks. */
export interface Asked {
  database: SharedDatabase
  tasks: Collection<TaskDocument>
  /** The store's clock, epoch milliseconds. */
  now(): number
}

/** The waiting tasks of a lane with one priority, or of a user among them. */
interface Line {
  rank: number | undefined
  period: Period
}

/** Milliseconds between questions for the same lane or user. */
const askEveryMs = 1_000
/** Lines kept in memory; beyond it all are asked for again. */
const mostKept = 20_000

/** The order of one process; nothing is known of it at first. */
export function createFairOrder(asked: Asked): FairOrder {
  const lanes = new Map<string, Line>()
  const flows = new Map<string, Line>()

  function lineOf(lines: Map<string, Line>, key: string): Line {
    let line = lines.get(key)
    if (line === undefined) {
      if (lines.size >= mostKept) lines.clear()
      line = { rank: undefined, period: createPeriod(askEveryMs, asked.now) }
      lines.set(key, line)
    }
    return line
  }

  const laneOf = (place: Omit<Place, 'userId'>) => lineOf(lanes, laneKey(place))
  const flowOf = (place: Place) => lineOf(flows, flowKey(place))

  async function refreshLane(place: Place): Promise<void> {
    const first = await asked.database.run('first rank', () =>
      asked.tasks.findOne(
        { ready: queueOf(place.lane, false), priority: place.priority },
        { sort: { rank: 1 }, projection: { rank: 1 }, hint: 'tasks_ready' },
      ),
    )
    // A lane in which nothing waits begins at the time: the same for every process, and later than whatever was in it.
    laneOf(place).rank = Math.max(laneOf(place).rank ?? 0, first === null ? asked.now() : first.rank - 1)
  }

  async function refreshFlows(places: readonly Place[]): Promise<void> {
    const found = await asked.database.run('last ranks', () => lastRanks(asked, places))
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
    rankFor(place) {
      const flow = flowOf(place)
      flow.rank = fairRank(laneOf(place).rank ?? asked.now(), flow.rank)
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

/** The largest rank of each user's waiting tasks, by lane and priority. */
async function lastRanks({ tasks }: Asked, places: readonly Place[]): Promise<ReadonlyMap<string, number>> {
  const among = <K extends keyof Place>(field: K) => ({
    $in: [...new Set(places.map(place => place[field]))],
  })
  const groups = await tasks
    .aggregate<{ _id: Place; rank: number }>(
      [
        { $match: { userId: among('userId'), lane: among('lane'), priority: among('priority'), ...waiting } },
        {
          $group: {
            _id: { userId: '$userId', lane: '$lane', priority: '$priority' },
            rank: { $max: '$rank' },
          },
        },
      ],
      { hint: 'tasks_waiting_user' },
    )
    .toArray()
  return new Map(groups.map(({ _id, rank }) => [flowKey(_id), rank]))
}
