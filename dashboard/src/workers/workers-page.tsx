import { SimpleGrid } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { PageFor } from '../parts/may.tsx'
import { Page } from '../parts/page.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { Pending } from '../parts/states.tsx'
import { type SeenWorker, seenWorkers } from './seen-workers.ts'
import { WorkerCard } from './worker-card.tsx'

/** Milliseconds: no event tells of a process. */
const readAgainMs = 5_000

/** The processes: which there are, whether they are well, and what their slots run. */
export function WorkersPage() {
  const t = useTranslations('workers')
  return (
    <Page>
      <PageTitle title={t('title')} below={t('below')} />
      <PageFor need="operate">
        <Workers />
      </PageFor>
    </Page>
  )
}

function Workers() {
  const { data, error, refetch } = useQuery({
    queryKey: keys.seenWorkers,
    queryFn: async ({ client }) => {
      const { items } = await dataOf(api.GET('/v1/workers'))
      return seenWorkers(client.getQueryData<SeenWorker[]>(keys.seenWorkers) ?? [], items)
    },
    staleTime: readAgainMs,
    refetchInterval: readAgainMs,
  })
  return (
    <>
      {(error !== null || data === undefined) && <Pending error={error} onRetry={refetch} lines={6} />}
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        {data?.map(seen => (
          <WorkerCard key={seen.worker.nodeId} seen={seen} />
        ))}
      </SimpleGrid>
    </>
  )
}
