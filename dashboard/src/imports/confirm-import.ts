import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { codeOf } from '../api/problem.ts'
import type { paths } from '../api/schema.ts'

/** What is confirmed. */
export type Confirmed = NonNullable<
  paths['/v1/uploads/{uploadId}:confirm']['post']['requestBody']
>['content']['application/json']

/**
 * Makes a novel of an upload and goes to the task that does it. The server answers the same novel however often it is asked, so a lost
 * answer is simply asked for again; where it was confirmed in another way meanwhile, the page finds that out and says so.
 */
export function useConfirmImport(uploadId: string) {
  const queries = useQueryClient()
  const navigate = useNavigate()
  const readAgain = () => queries.invalidateQueries({ queryKey: ['uploads'] })
  return useMutation({
    mutationFn: (body: Confirmed) =>
      dataOf(api.POST('/v1/uploads/{uploadId}:confirm', { params: { path: { uploadId } }, body })),
    onError(error) {
      if (['IDEMPOTENCY_KEY_REUSED', 'UPLOAD_NOT_FOUND', 'UPLOAD_CONFIRMED'].includes(codeOf(error)))
        void readAgain()
    },
    async onSuccess({ taskId }) {
      await navigate({ to: '/tasks/$taskId', params: { taskId } })
      void readAgain()
      for (const queryKey of [keys.novels, keys.taskLists, keys.taskCounts])
        void queries.invalidateQueries({ queryKey })
    },
  })
}
