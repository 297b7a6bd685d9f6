/**
 * Which process dispatches what. A task belongs to a partition, by its user, so that a parent and its sub-tasks are in the same one. Each relay holds a
 * share of the partitions under a lease: it alone reads what is due there, takes the right to send it, and aggregates the parents. One that fails at
 * this gives its share up for a while. Correctness does not rest on it: relays that believe they hold the same partition race for guarded writes, as
 * any processes do; where no relay holds one, all do.
 */
import type { Collection, Filter } from 'mongodb'
import type { SharedDatabase } from './database.ts'
import type { PartitionFlag, RelayDocument, TaskDocument } from './documents.ts'
import { createPeriod, type Partitions } from './session.ts'

/** Partitions that this build makes. Those of a build that made more are served too: the largest number is kept in the database. */
const usualCount = 32
/** Milliseconds for which a relay holds its share unless it renews its lease. */
const relayLeaseMs = 10_000
/** Milliseconds between two renewals. */
const renewEveryMs = 3_000
/** Milliseconds for which a relay that failed leaves its share to others. */
const restMs = 10_000
/** Milliseconds after which the lease of a relay that died is deleted. */
const keptForMs = 3_600_000
/** Milliseconds between two messages of what became due in the partitions of others. */
const notifyEveryMs = 100
/** Stands between a queue and a partition in the name under which a task waits. */
export const partitionSeparator = '@'
/** The document with the number of partitions. */
const countId = 'partitions'

/** What the partitions need of a store. */
export interface PartitionSource {
  database: Pick<SharedDatabase, 'run'>
  relays: Collection<RelayDocument>
  /** The server's time as far as this process knows it, and within a pipeline. */
  now(): number
  serverNow(): '$$NOW' | Date
  /** Names this process among the relays. */
  relayId: string
  /** Another process says that something is due here. */
  notified(): void
  /** Default 32. */
  count?: number | undefined
}

interface Relay {
  id: string
  until: number
  lanes: readonly string[]
}

/** Returns the name under which a task of a partition waits in a queue. */
export function readyName(queue: string, partition: string | undefined): string {
  return partition === undefined ? queue : queue + partitionSeparator + partition
}

function nameOf(partition: number): string {
  return String(partition).padStart(2, '0')
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash >>> 0
}

/** Builds the partitions of a process. */
export function createPartitions(source: PartitionSource): Partitions {
  const ownCount = source.count ?? usualCount
  let names = namesOf(ownCount)
  /** Absent until this process shares the partitions. */
  let notifyOthers: ((partitions: readonly string[]) => void) | undefined
  let isReleased = false
  const members = createMembers(source)
  const elsewhere = new NotifyLater(partitions => notifyOthers?.(partitions))
  const lease = createRenewal(source, ownCount, members.renewed)

  function placeIn(lane?: string): Place | undefined {
    if (notifyOthers === undefined) return all
    return isReleased ? undefined : members.placeIn(lane)
  }

  function held(lane?: string): string[] {
    const place = placeIn(lane)
    return place === undefined ? [] : names.filter((_, index) => index % place.of === place.at)
  }

  function holds(partition = nameOf(0)): boolean {
    const place = placeIn()
    return place !== undefined && Number(partition) % place.of === place.at
  }

  async function giveBack(): Promise<void> {
    if (await lease.end()) notifyOthers?.([])
  }

  function becameDueIn(partition: string | undefined): void {
    if (notifyOthers !== undefined && !holds(partition)) elsewhere.add(partition ?? nameOf(0))
  }

  return {
    of: userId => nameOf(hashOf(userId) % ownCount),
    holds,
    shareOf: lane => held(lane).length / names.length,
    readyNames(queue, lane, which) {
      if (which === 'all') return namesIn(queue, names)
      const mine = held(lane)
      const others = names.filter(name => !mine.includes(name))
      return namesIn(queue, which === 'elsewhere' ? others : mine)
    },
    flags: () => flagsIn(held()),
    flagsOf: partition => (partition === undefined ? flagsIn(names) : [true, partition]),
    condition() {
      const mine = held()
      return mine.length === names.length ? undefined : isIn(mine)
    },
    async renew(lanes) {
      if (notifyOthers !== undefined && !isReleased && !members.isResting()) await lease.renew(lanes)
    },
    learn(relays) {
      const before = held().join()
      const count = Math.max(ownCount, ...relays.map(relay => relay.count ?? 0))
      if (count !== names.length) names = namesOf(count)
      members.learn(relays)
      return held().join() !== before
    },
    becameDueIn,
    becameDueAnywhere: () => names.forEach(becameDueIn),
    share(notify) {
      notifyOthers = notify
    },
    becameDue(partitions) {
      if (placeIn() !== undefined && (partitions.length === 0 || partitions.some(holds))) source.notified()
    },
    failed() {
      if (notifyOthers === undefined || isReleased || members.isResting()) return
      members.rest()
      // Where even that fails the lease ends by itself.
      giveBack().catch(() => undefined)
    },
    async release() {
      if (notifyOthers === undefined || isReleased) return
      isReleased = true
      await giveBack()
    },
  }
}

/** Which place this process has among the live relays of a lane, and how many they are. */
interface Place {
  at: number
  of: number
}

const all: Place = { at: 0, of: 1 }

/** The relays as this process knows them: its own lease, and those of the others. */
function createMembers({ now, relayId }: PartitionSource) {
  let own: Relay | undefined
  let others: readonly Relay[] = []
  let restsUntil = Number.NEGATIVE_INFINITY
  const isResting = () => now() < restsUntil

  /** Whether its lease holds, and it sends the lane. */
  function isLive({ until, lanes }: Relay, lane: string | undefined): boolean {
    return until > now() && (lane === undefined || lanes.includes(lane))
  }

  return {
    renewed(lanes: readonly string[], askedAt: number): void {
      own = { id: relayId, until: askedAt + relayLeaseMs, lanes }
    },
    isResting,
    /** This process failed: it has no lease for a while. */
    rest(): void {
      restsUntil = now() + restMs
      own = undefined
    },
    learn(relays: readonly RelayDocument[]): void {
      others = relays.flatMap(({ _id: id, until, lanes = [] }) =>
        until === undefined || id === relayId ? [] : { id, until: until.getTime(), lanes },
      )
    },
    /** Undefined while this process has no lease, or does not send the lane: it holds nothing. */
    placeIn(lane?: string): Place | undefined {
      const live = others.filter(other => isLive(other, lane))
      // Where every relay has failed they go on as if there were no partitions.
      if (isResting()) return live.length === 0 ? all : undefined
      if (own === undefined || !isLive(own, lane)) return undefined
      return { at: live.filter(({ id }) => id < relayId).length, of: live.length + 1 }
    },
  }
}

function namesOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => nameOf(index))
}

function namesIn(queue: string, partitions: readonly string[]): string[] {
  const found = partitions.map(partition => readyName(queue, partition))
  return partitions.includes(nameOf(0)) ? [queue, ...found] : found
}

/** What has no partition matches null. */
function isIn(partitions: readonly string[]): Filter<TaskDocument> {
  const values = partitions.includes(nameOf(0)) ? [...partitions, null] : partitions
  return { partition: { $in: values } } as Filter<TaskDocument>
}

function flagsIn(partitions: readonly string[]): PartitionFlag[] {
  return partitions.includes(nameOf(0)) ? [true, ...partitions] : [...partitions]
}

/** Renews the lease of a relay: one document of its own, so that relays do not wait for each other. */
function createRenewal(
  { database, relays, now, serverNow, relayId }: PartitionSource,
  count: number,
  renewed: (lanes: readonly string[], askedAt: number) => void,
) {
  const period = createPeriod(renewEveryMs, now)
  let renewedFor: string | undefined
  let isJoined = false
  let renewing: Promise<void> | undefined

  async function write(lanes: readonly string[]): Promise<void> {
    const set = {
      until: { $dateAdd: { startDate: serverNow(), unit: 'millisecond', amount: relayLeaseMs } },
      lanes: { $literal: lanes },
    }
    const askedAt = now()
    await database.run('renew the lease of a relay', () =>
      relays.updateOne({ _id: relayId }, [{ $set: set }], { upsert: true }),
    )
    renewed(lanes, askedAt)
    if (isJoined) return
    isJoined = true
    await prepare(askedAt)
  }

  /** Notes how many partitions this build makes, and deletes the leases of relays that died long ago. */
  async function prepare(time: number): Promise<void> {
    await database.run('note the number of partitions', () =>
      relays.updateOne({ _id: countId }, { $max: { count } }, { upsert: true }),
    )
    const dead = { until: { $lt: new Date(time - keptForMs) } }
    await database.run('delete expired leases of relays', () => relays.deleteMany(dead))
  }

  return {
    async renew(lanes: readonly string[]): Promise<void> {
      const isOver = period.isOver() || lanes.join() !== renewedFor
      if (renewing === undefined && isOver) {
        renewedFor = lanes.join()
        renewing = write(lanes).finally(() => {
          renewing = undefined
        })
      }
      await renewing
    },
    /** Returns whether there was a lease. */
    async end(): Promise<boolean> {
      await renewing?.catch(() => undefined)
      if (!isJoined) return false
      isJoined = false
      await database.run('give up the lease of a relay', () => relays.deleteOne({ _id: relayId }))
      return true
    },
  }
}

/** Gathers what became due in partitions of others: at once, and then no more often than every 100 ms. */
class NotifyLater {
  readonly #notify: (partitions: readonly string[]) => void
  readonly #named = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #sentAt = Number.NEGATIVE_INFINITY

  constructor(notify: (partitions: readonly string[]) => void) {
    this.#notify = notify
  }

  add(partition: string): void {
    this.#named.add(partition)
    const waitMs = Math.max(0, this.#sentAt + notifyEveryMs - performance.now())
    this.#timer ??= setTimeout(() => this.#send(), waitMs).unref()
  }

  #send(): void {
    this.#timer = undefined
    this.#sentAt = performance.now()
    const partitions = [...this.#named]
    this.#named.clear()
    this.#notify(partitions)
  }
}
