/**
 * What may be due, read once a second: one command asks all that no write of this process told. What it finds is flagged, and read by the parts whose
 * business it is. A process at rest says nothing else to the database.
 */
import type { Document, Filter } from 'mongodb'
import { type LaneCapacity, queueOf } from '../store.ts'
import { overdueNotification } from './dead-letters.ts'
import { isLost, isVanished, nextDue } from './delays.ts'
import type { RelayDocument, TaskDocument } from './documents.ts'
import { isLeftBehind } from './events.ts'
import { collections } from './indexes.ts'
import type { Context, Poll } from './session.ts'

/** Milliseconds between two polls that other processes ask for. */
const notifiedEveryMs = 100
/** Sub-tasks whose parents one poll finds. */
const mostMoved = 1_000

/** What a poll finds: each document tells one thing. */
type Found =
  | ({ is?: undefined } & RelayDocument)
  | { is: 'ready' | 'elsewhere'; lane: string }
  | { is: 'next'; tellAt: Date }
  | { is: 'moved'; _id: string }
  | { is: 'quarantined' | 'pending' | 'lost' | 'notification' | 'events' }

/** Builds the poll. Until it has joined the relays, a process that shares the partitions finds nothing. */
export function createPoll(context: Context): Poll {
  const { flags, partitions, now } = context
  let lanes: readonly LaneCapacity[] = []
  let polling: Promise<void> | undefined
  let polledAt = Number.NEGATIVE_INFINITY
  let isAsked = false

  async function poll(): Promise<void> {
    polledAt = performance.now()
    flags.nextAt = undefined
    // While the broker is away others share the partitions of its lanes.
    const sends = flags.isAlone ? [] : lanes
    try {
      await partitions.renew(sends.map(({ lane }) => lane))
      const found = await read(context, sends)
      const relays = found.filter(each => each.is === undefined)
      flag(context, found)
      if (partitions.learn(relays)) flag(context, await read(context, sends))
      if (flags.isAlone) flagAlone(context)
    } catch (error) {
      flags.setNextAt(now())
      throw error
    }
  }

  function askAgain(): void {
    isAsked = false
    context.notifyDue()
  }

  /** Whether another process notified this one, and the last poll is a while ago; else it is made then. */
  function isNotified(): boolean {
    if (!flags.isNotified) return false
    const waitMs = polledAt + notifiedEveryMs - performance.now()
    if (waitMs > 0) {
      if (!isAsked) setTimeout(askAgain, waitMs).unref()
      isAsked = true
      return false
    }
    flags.isNotified = false
    return true
  }

  return {
    async run(asked) {
      lanes = asked ?? lanes
      if (polling === undefined && (flags.periods.poll.isOver() || isNotified()))
        polling = poll().finally(() => {
          polling = undefined
        })
      await polling
    },
  }
}

/** Flags what was found, for the parts that read it. */
function flag({ flags }: Context, found: readonly Found[]): void {
  flags.waitingElsewhere.clear()
  for (const each of found) {
    if (each.is === 'ready') flags.setReady(each.lane)
    else if (each.is === 'elsewhere') flags.waitingElsewhere.add(each.lane)
    else if (each.is === 'next') flags.setNextAt(each.tellAt.getTime())
    else if (each.is === 'moved') flags.movedParents.add(each._id)
    else if (each.is === 'quarantined') flags.quarantined = true
    else if (each.is === 'pending') flags.pendingParents = true
    else if (each.is === 'lost') flags.lost = true
    else if (each.is === 'notification') flags.notifications = true
    else if (each.is === 'events') flags.leftBehind = true
  }
}

/** What waits in any partition, and what was sent, may start here: the poll looks for neither. */
function flagAlone({ flags }: Context): void {
  flags.setReady()
  flags.sentAlone = true
  flags.quarantined = true
}

/** Asks all in one command: the relays, then one seek for each thing that may be due. */
async function read(context: Context, lanes: readonly LaneCapacity[]): Promise<Found[]> {
  const seeks = [...seeksOfLanes(context, lanes), ...seeksOfPartitions(context, lanes)]
  const pipeline = seeks.map(stages => ({ $unionWith: { coll: collections.tasks, pipeline: stages } }))
  return context.database.run('poll', () => context.relays.aggregate<Found>(pipeline).toArray())
}

/** Returns a seek for one thing: whether it is there. */
function seek(is: Found['is'], filter: Filter<TaskDocument>, fields: Document = {}): Document[] {
  return [{ $match: filter }, { $limit: 1 }, { $project: { _id: 0, is: { $literal: is }, ...fields } }]
}

function seeksOfLanes({ partitions }: Context, lanes: readonly LaneCapacity[]): Document[][] {
  const among = (names: readonly string[]) => ({ ready: { $in: [...names] } })
  const quarantined = lanes.flatMap(({ lane }) => partitions.readyNames(queueOf(lane, true), lane))
  return [
    ...lanes.flatMap(({ lane }) => {
      const fields = { lane: { $literal: lane } }
      const [mine, others] = [
        partitions.readyNames(lane, lane),
        partitions.readyNames(lane, lane, 'elsewhere'),
      ]
      return [
        ...(mine.length === 0 ? [] : [seek('ready', among(mine), fields)]),
        ...(others.length === 0 ? [] : [seek('elsewhere', among(others), fields)]),
      ]
    }),
    ...(quarantined.length === 0 ? [] : [seek('quarantined', among(quarantined))]),
  ]
}

/** What has a time is read by it, and then by its partition: no further than to what is due before the next poll. */
function seeksOfPartitions(context: Context, lanes: readonly LaneCapacity[]): Document[][] {
  const { features, partitions, now } = context
  const flags = partitions.flags()
  if (flags.length === 0) return []
  const held = partitions.condition()
  const flagged = { $in: flags }
  const moved = [
    { $match: { uncounted: flagged } },
    { $limit: mostMoved },
    { $group: { _id: '$parentTaskId', is: { $first: { $literal: 'moved' } } } },
  ]
  const next = [
    { $match: nextDue(now(), held) },
    { $sort: { tellAt: 1 } },
    { $limit: 1 },
    { $project: { _id: 0, is: { $literal: 'next' }, tellAt: 1 } },
  ]
  const empty = lanes.filter(({ isEmpty }) => isEmpty === true).map(({ lane }) => lane)
  return [
    next,
    moved,
    seek('pending', { look: flagged }),
    seek('lost', { ...isLost(context), ...held }),
    ...(empty.length === 0 ? [] : [seek('lost', { ...isVanished(context, empty), ...held })]),
    ...(features.notifications ? [seek('notification', { ...overdueNotification(context), ...held })] : []),
    ...(features.events ? [seek('events', { ...isLeftBehind(context), ...held })] : []),
  ]
}
