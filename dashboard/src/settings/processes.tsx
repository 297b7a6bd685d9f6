import { Table } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { Ago } from '../parts/ago.tsx'
import { ErrorNotice } from '../parts/error-notice.tsx'
import { Loading } from '../parts/states.tsx'
import { useWriting } from '../text/format.ts'

/** The processes that share the store. */
export function Processes() {
  const t = useTranslations('settings.processes')
  const writing = useWriting()
  const { data, error, refetch } = useQuery({
    queryKey: keys.workers,
    queryFn: () => dataOf(api.GET('/v1/workers')),
    staleTime: 10_000,
    refetchInterval: 10_000,
  })
  if (error !== null) return <ErrorNotice error={error} onRetry={() => void refetch()} />
  if (data === undefined) return <Loading lines={2} />
  return (
    <Table data-processes>
      <Table.Thead>
        <Table.Tr>
          <Table.Th scope="col">{t('process')}</Table.Th>
          <Table.Th scope="col">{t('roles')}</Table.Th>
          <Table.Th scope="col" ta="right">
            {t('running')}
          </Table.Th>
          <Table.Th scope="col">{t('seen')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {data.items.map(({ nodeId, roles, running, seenAt }) => (
          <Table.Tr key={nodeId}>
            <Table.Th scope="row" fw={400}>
              {nodeId}
            </Table.Th>
            <Table.Td>{roles.join(', ')}</Table.Td>
            <Table.Td ta="right" className="numbers">
              {writing.number(running)}
            </Table.Td>
            <Table.Td>
              <Ago at={seenAt} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}
