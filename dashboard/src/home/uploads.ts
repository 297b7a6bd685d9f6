import { useQuery } from '@tanstack/react-query'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { Upload } from './sending/send-file.ts'

/** Uploads that nobody confirms are kept for a day, so those that wait are no older. */
const oldestMs = 86_400_000

/** The uploads that a person may still want to look at, and the newest of those that are being imported. Newest first. */
export function useUploads() {
  return useQuery({
    queryKey: keys.uploads,
    queryFn: ({ signal }) => readUploads(signal),
    refetchOnMount: 'always',
  })
}

async function readUploads(signal: AbortSignal): Promise<Upload[]> {
  const found: Upload[] = []
  let pageToken: string | undefined
  do {
    const query = { pageSize: 200, ...(pageToken === undefined ? {} : { pageToken }) }
    const page = await dataOf(api.GET('/v1/uploads', { params: { query }, signal }))
    found.push(...page.items)
    pageToken = isWithinADay(found.at(-1)) ? page.nextPageToken : undefined
  } while (pageToken !== undefined)
  return found
}

/** By the clock of the server: how old an upload is, the newest one tells at least roughly; an hour more does no harm. */
function isWithinADay(upload: Upload | undefined): boolean {
  return upload !== undefined && Date.now() - Date.parse(upload.createdAt) < oldestMs + 3_600_000
}
