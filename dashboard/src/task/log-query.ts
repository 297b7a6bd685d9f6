import { useQuery, useQueryClient } from '@tanstack/react-query'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'

/** One line of the log of a task. */
export type LogLine = Awaited<ReturnType<typeof readPage>>['items'][number]

/** Lines that the server keeps, and that are kept here. */
const mostLines = 1_000
/** Lines that one request reads. */
const perPage = 200
/** Milliseconds between two looks at the log of a task that lives: its lines are not told by the stream. */
const lookEveryMs = 2_000

function readPage(taskId: string, after: number) {
  return dataOf(
    api.GET('/v1/tasks/{taskId}/logs', {
      params: {
        path: { taskId },
        query: { pageSize: perPage, ...(after === 0 ? {} : { pageToken: `${after}` }) },
      },
    }),
  )
}

/** Reads what came after the lines that are known. */
async function readNew(taskId: string, known: readonly LogLine[]): Promise<readonly LogLine[]> {
  const lines = [...known]
  for (let hasMore = true; hasMore; ) {
    const { items, nextPageToken } = await readPage(taskId, lines.at(-1)?.sequence ?? 0)
    lines.push(...items)
    hasMore = nextPageToken !== undefined
  }
  return lines.length === known.length ? known : lines.slice(-mostLines)
}

/** The log of a task; of one that lives it grows. */
export function useLog(taskId: string, isLive: boolean) {
  const queries = useQueryClient()
  const queryKey = keys.logs(taskId)
  return useQuery({
    queryKey,
    queryFn: () => readNew(taskId, queries.getQueryData<readonly LogLine[]>(queryKey) ?? []),
    refetchInterval: isLive ? lookEveryMs : false,
    // Lines never change, so none has to be compared.
    structuralSharing: false,
  })
}
