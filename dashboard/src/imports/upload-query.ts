import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { defined } from '../../../src/task/defined.ts'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { components } from '../api/schema.ts'
import { readStored, writeStored } from '../browser/state.ts'

/** A file that the server has. */
export type Upload = components['schemas']['Upload']
/** What is in it. */
export type Preview = components['schemas']['Preview']

function uploadQuery(uploadId: string, encoding: string | undefined) {
  return queryOptions({
    queryKey: keys.upload(uploadId, encoding),
    queryFn({ signal }) {
      const query = defined({ encoding })
      return dataOf(api.GET('/v1/uploads/{uploadId}', { params: { path: { uploadId }, query }, signal }))
    },
  })
}

/**
 * An upload with its preview. `readAs` reads it in another encoding; what was shown stays until that is there, and where it fails.
 * `encoding`: the one that was chosen here, kept in the browser's tab; undefined for the one that was detected.
 */
export function useUpload(uploadId: string) {
  const queries = useQueryClient()
  const place = `quillwork.encoding.${uploadId}`
  const [encoding, setEncoding] = useState(() => readStored(place, 'session') as string | undefined)
  const shown = useQuery(uploadQuery(uploadId, encoding))
  const readAs = useMutation({
    mutationFn: (wanted: string) => queries.fetchQuery({ ...uploadQuery(uploadId, wanted), retry: false }),
    onSuccess(_, wanted) {
      setEncoding(wanted)
      writeStored(place, wanted, 'session')
    },
  })
  return { shown, encoding, readAs }
}
