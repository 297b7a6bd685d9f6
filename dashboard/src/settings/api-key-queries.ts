import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { Role } from '../api/me.ts'
import { pageAt, pageByPage } from '../api/pages.ts'
import type { components } from '../api/schema.ts'

/** An API key without its secret, as the API returns it. */
export type ApiKey = components['schemas']['ApiKey']

/** What a key is made with. */
export interface NewApiKey extends Pick<ApiKey, 'name' | 'userId' | 'sees'> {
  role: Role
  /** RFC 3339. Absent: it has no end. */
  expiresAt?: string
}

/** Reads the keys, the newest first. */
export function useApiKeys() {
  return useInfiniteQuery({
    queryKey: keys.apiKeys,
    queryFn: ({ pageParam, signal }) =>
      dataOf(api.GET('/v1/api-keys', { params: { query: pageAt(pageParam) }, signal })),
    ...pageByPage,
    refetchOnMount: 'always',
  })
}

/** Makes a key. Resolves with its secret, which is kept nowhere. */
export function useMakeApiKey() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (body: NewApiKey) => dataOf(api.POST('/v1/api-keys', { body })),
    gcTime: 0,
    onSettled: () => queries.invalidateQueries({ queryKey: keys.apiKeys }),
  })
}

/** Revokes a key. */
export function useRevokeApiKey() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (keyId: string) =>
      dataOf(api.POST('/v1/api-keys/{keyId}:revoke', { params: { path: { keyId } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: keys.apiKeys }),
  })
}
