import { QueryClient } from '@tanstack/react-query'
import { ApiError } from '../api/problem.ts'

/** A server that does not answer is asked again, with growing pauses; what it refused would be refused again. */
function triesAgain(failures: number, error: unknown): boolean {
  if (!(error instanceof ApiError)) return false
  if (error.status === 0) return error.code === 'OFFLINE'
  return error.status >= 500 && failures < 3
}

/** Makes the cache of what the server knows. The live stream keeps it in date, so nothing is asked for again by itself. */
export function createQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 60_000,
        gcTime: 300_000,
        refetchOnWindowFocus: false,
        networkMode: 'always',
        retry: triesAgain,
        retryDelay: failures => Math.min(1_000 * 2 ** failures, 10_000),
      },
      mutations: { networkMode: 'always', retry: false },
    },
  })
}
