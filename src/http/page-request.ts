import type { PageRequest } from '../store/store.ts'

/** The page that a query asks for. */
export function pageRequest(query: { pageSize: number; pageToken?: string | undefined }): PageRequest {
  const { pageSize, pageToken } = query
  return pageToken === undefined ? { pageSize } : { pageSize, pageToken }
}
