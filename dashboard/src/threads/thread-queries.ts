import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { newIdempotencyKey } from '../api/request-key.ts'
import type { components } from '../api/schema.ts'
import { ifMatch, useShowSaved } from '../queries/novel-queries.ts'

/** A thread of the story, as the API returns it. */
export type Thread = components['schemas']['Thread']

/** A thread as a person writes it. */
export type ThreadFields = Required<components['schemas']['ThreadToWrite']>

/** Reads all threads of a novel: there are at most 200. */
export function useThreads(novelId: string) {
  return useQuery({
    queryKey: keys.threads(novelId),
    async queryFn() {
      const params = { path: { novelId }, query: { pageSize: 200 } }
      return (await dataOf(api.GET('/v1/novels/{novelId}/threads', { params }))).items
    },
  })
}

/** Adds a thread, or saves the one that the person saw. Rejects with THREAD_CHANGED (412) where there is a newer one. */
export function useSaveThread(novelId: string, seen: Thread | undefined) {
  const onSuccess = useShowSaved<Thread>(keys.threads(novelId))
  // Sent once more, because no answer came, a new thread is the same one.
  const [threadId] = useState(() => seen?.id ?? newIdempotencyKey())
  return useMutation({
    mutationFn: (body: ThreadFields) =>
      dataOf(
        api.PUT('/v1/novels/{novelId}/threads/{threadId}', {
          params: { path: { novelId, threadId }, header: ifMatch({ version: seen?.version ?? 0 }) },
          body,
        }),
      ),
    onSuccess,
  })
}

/** Reads a thread as it is now. */
export function readThread({ id: threadId, novelId }: Thread): Promise<Thread> {
  const params = { path: { novelId, threadId } }
  return dataOf(api.GET('/v1/novels/{novelId}/threads/{threadId}', { params }))
}

/** Deletes the thread that the person saw. Rejects with THREAD_CHANGED (412) where there is a newer one. */
export function useDeleteThread(novelId: string) {
  const onSettled = useReadAgain(novelId)
  return useMutation({
    mutationFn: ({ id: threadId, version }: Thread) =>
      api.DELETE('/v1/novels/{novelId}/threads/{threadId}', {
        params: { path: { novelId, threadId }, header: ifMatch({ version }) },
      }),
    onSettled,
  })
}

/** Has the threads be read again. */
function useReadAgain(novelId: string): () => Promise<unknown> {
  const queries = useQueryClient()
  return () => queries.invalidateQueries({ queryKey: keys.threads(novelId) })
}
