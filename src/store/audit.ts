/** The audit trail as every store keeps it, over records: one line for each change over the API. Ids ascend by time, so that the newest are found by id. */
import { defineKind, erase, insert, type Query, type Records, type Stored } from '../records/records.ts'
import { defined } from '../task/defined.ts'
import { newTaskId } from '../task/id.ts'
import type { Page, PageRequest } from '../task/page.ts'
import { pageKey, pageOf, pageToken } from './pages.ts'

/** A few fields of what was changed. */
export type AuditFields = Readonly<Record<string, unknown>>

/** What a request said, and what it changed. Texts of novels, and secrets, are in none. */
interface AuditDetails {
  /** The ids of the address, by name. */
  ids?: AuditFields
  query?: AuditFields
  /** The body, where it is JSON, without secrets and texts. */
  body?: unknown
  before?: AuditFields
  after?: AuditFields
}

/** A line of the audit trail. */
export interface AuditRecord extends AuditDetails {
  id: string
  /** When it was answered, epoch milliseconds. */
  at: number
  /** The method and the address, as the OpenAPI document names it: `POST /v1/lanes/{lane}:pause`. */
  action: string
  /** The id of who asked. */
  identity: string
  name: string
  role: string
  /** The user for whom the request acted. */
  userId: string
  /** The id of what was acted on: the last one of the address, else of what was made. */
  target?: string
  /** The first id of an address with several, such as the novel of a chapter. */
  within?: string
  /** The HTTP status of the answer. */
  status: number
  /** The code of the error. */
  code?: string
  /** The id of what was made: a task, an API key. */
  made?: string
  /** The address of the client. */
  from: string
  userAgent?: string
  traceId: string
}

/** How requests ended: done, refused because of who sent them or what stood against it, or failed by an error of the server. */
export const auditOutcomes = ['done', 'refused', 'failed'] as const

/** How a request ended. */
export type AuditOutcome = (typeof auditOutcomes)[number]

/** Which lines. At most one of `identity`, `action`, `target` and `outcome`: each has an index. */
export interface AuditFilter {
  identity?: string
  action?: string
  /** What was acted on, or the novel that it is in. */
  target?: string
  outcome?: AuditOutcome
  /** At this time or later, epoch milliseconds. */
  after?: number
  /** Earlier than this time. */
  before?: number
}

/** The audit trail of a store. */
export interface AuditStore {
  add(line: Omit<AuditRecord, 'id'>): Promise<void>
  /** The newest first. */
  list(filter: AuditFilter, page: PageRequest): Promise<Page<AuditRecord>>
  /** Deletes at most `limit` lines from before a time, the oldest first. Returns how many. */
  expire(before: number, limit: number): Promise<number>
}

/** As it is stored. The details are JSON: what names their fields is up to who sends the request. */
type Line = Omit<AuditRecord, keyof AuditDetails> & { details: string; outcome: AuditOutcome }

/** The kind of the records. */
export const audit = defineKind<Line>({
  name: 'audit',
  fields: {
    at: 'integer',
    action: 'text',
    identity: 'text',
    target: 'text',
    within: 'text',
    outcome: 'text',
  },
  indexes: {
    action: ['action', 'id'],
    identity: ['identity', 'id'],
    target: ['target', 'id'],
    within: ['within', 'id'],
    outcome: ['outcome', 'id'],
  },
})

/** Makes the port of the audit trail of any store. */
export function createAuditStore(records: Records): AuditStore {
  type Found = Stored<Line>

  /** Lines of each of these conditions, merged. */
  async function newest(
    conditions: readonly NonNullable<Query<Line>['equal']>[],
    { below, limit }: { below: string | undefined; limit: number },
  ): Promise<Found[]> {
    const after = below === undefined ? undefined : ([below] as const)
    const query = { order: ['id'], reverse: true, after, limit } as const
    const found = await Promise.all(conditions.map(equal => records.find(audit, { ...query, equal })))
    return found.length === 1
      ? (found[0] ?? [])
      : found
          .flat()
          .sort((one, other) => (one.id < other.id ? 1 : -1))
          .slice(0, limit)
  }

  return {
    async add({ ids, query, body, before, after, ...line }) {
      const details = JSON.stringify({ ids, query, body, before, after })
      const stored = { id: newTaskId(line.at), ...line, outcome: outcomeOf(line.status), details }
      await records.commit([insert(audit, defined(stored) as Line)])
    },
    async list({ after, before, target, ...by }, { pageSize, pageToken: token }) {
      const listing = ['audit', { after, before, target, ...by }]
      const [last] = pageKey(listing, token, ['string']) ?? []
      const below = last ?? (before === undefined ? undefined : firstIdAt(before))
      const conditions = target === undefined ? [defined(by)] : [{ target }, { within: target }]
      const found = await newest(conditions, { below, limit: pageSize + 1 })
      const first = after === undefined ? '' : firstIdAt(after)
      const rows = found.filter(({ id }) => id >= first)
      return pageOf(rows, pageSize, {
        item: ({ revision: _, outcome: _outcome, details, ...line }) => ({
          ...line,
          ...(JSON.parse(details) as AuditDetails),
        }),
        token: ({ id }) => pageToken(listing, [id]),
      })
    },
    async expire(before, limit) {
      const oldest = await records.find(audit, { order: ['id'], limit })
      const first = firstIdAt(before)
      const ids = oldest.map(({ id }) => id).filter(id => id < first)
      if (ids.length > 0) await records.commit(erase(audit, ids))
      return ids.length
    },
  }
}

function outcomeOf(status: number): AuditOutcome {
  if (status < 400) return 'done'
  return status < 500 ? 'refused' : 'failed'
}

/** Returns what the ids of lines from this time on are not below: how a UUID of version 7 begins. */
function firstIdAt(time: number): string {
  const hex = Math.max(0, Math.floor(time)).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}`
}
