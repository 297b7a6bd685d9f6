/**
 * What processes did, counted by time: small sums by lane and task type, and how much of each limit was in use. Kept for some days so that operators see
 * the last hour, day and week.
 */
import { defineKind, erase, type Records, write } from '../records/records.ts'
import type { SetLimit } from './operator-values.ts'

/** What was counted of one lane and task type. */
export interface ActivityCounts {
  lane: string
  /** Absent for the types of the lane that are beyond what is counted by type. */
  taskType?: string
  /** Attempts that began. */
  started: number
  completed: number
  /** Tasks that ended FAILED or DEAD_LETTER. */
  failed: number
  cancelled: number
  /** Attempts that failed and are tried again. */
  retries: number
  deadLetters: number
  /** Calls of models. */
  calls: number
  /** Of those with a known cost, in the currency of the price list. */
  cost: number
  /** How long attempts ran: numbers of steps of the scale, each followed by how many. */
  ran: number[]
  /** How long tasks waited for their attempt, in the same form. */
  waited: number[]
}

/** The most of a limit that was in use, or waited for it, when a process looked. */
export interface LimitPeak {
  key: string
  /** What it allowed at the last look. */
  limit: SetLimit
  /** Calls and tokens that counted against one minute. */
  requests: number
  tokens: number
  /** Calls that ran at the same time. */
  inFlight: number
  /** Who waited for a call at the same time. */
  waiting: number
}

/** What one process counted within a time. */
export interface ActivityBucket {
  /** Made of the length, the beginning and the process. */
  id: string
  /** Milliseconds. */
  length: number
  /** Its beginning, epoch milliseconds. */
  at: number
  counts: readonly ActivityCounts[]
  /** Those that were in use or waited for; absent for none. */
  limits?: readonly LimitPeak[]
}

/** What processes counted. */
export interface ActivityStore {
  /** Writes whole buckets, over what an earlier call wrote of the same. */
  keep(buckets: readonly ActivityBucket[]): Promise<void>
  /** The buckets of a length that begin at this time or later, of all processes, the newest first; at most `limit`. */
  read(length: number, from: number, limit: number): Promise<readonly ActivityBucket[]>
  /** Deletes at most `limit` buckets of a length that begin before this time. Returns how many are gone. */
  expire(length: number, before: number, limit: number): Promise<number>
}

/** Buckets of all processes. */
export const activity = defineKind<ActivityBucket>({
  name: 'activity',
  fields: { length: 'integer', at: 'integer' },
  large: { counts: 'json' },
  indexes: { time: ['length', 'at', 'id'] },
})

/** Makes the port of a store that keeps them as records. */
export function createActivityStore(records: Records): ActivityStore {
  return {
    async keep(buckets) {
      // One by one: a bucket that cannot be written hinders no other, and none needs a transaction.
      for (const bucket of buckets) await records.commit(write(activity, [bucket]))
    },
    async read(length, from, limit) {
      const order = { order: ['at', 'id'], reverse: true, limit } as const
      const found = await records.find(activity, { equal: { length }, above: { at: from - 1 }, ...order })
      return found.map(({ revision: _, ...bucket }) => bucket)
    },
    async expire(length, before, limit) {
      const query = { equal: { length }, most: { at: before - 1 }, order: ['at', 'id'], limit } as const
      const ids = (await records.find(activity, query, ['counts'])).map(({ id }) => id)
      if (ids.length > 0) await records.commit(erase(activity, ids))
      return ids.length
    },
  }
}
