import { useInfiniteQuery } from '@tanstack/react-query'
import { defined } from '../../../src/task/defined.ts'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { itemsOf, pageAt, pageByPage } from '../api/pages.ts'
import type { components } from '../api/schema.ts'
import type { AuditSearch } from '../queries/search.ts'

/** A line of the audit trail, as the API returns it. */
export type AuditLine = components['schemas']['AuditLine']

const pageSize = 50

/** Returns what the API calls the filters of the address. */
export function auditQueryOf({ who: identity, ...others }: AuditSearch) {
  return defined({ identity, ...others })
}

/** Reads the audit trail page by page, the newest line first. It is read again when one asks: no row moves by itself. */
export function useAudit(search: AuditSearch) {
  const filter = auditQueryOf(search)
  const { data, ...query } = useInfiniteQuery({
    queryKey: keys.audit(filter),
    queryFn: ({ pageParam }) =>
      dataOf(api.GET('/v1/audit', { params: { query: { ...filter, pageSize, ...pageAt(pageParam) } } })),
    ...pageByPage,
  })
  return { ...query, lines: data === undefined ? undefined : itemsOf(data) }
}
