import { Badge, Button, Table } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { ErrorNotice } from '../parts/error-notice.tsx'
import { useNotifyError } from '../parts/notify.ts'
import { Loading } from '../parts/states.tsx'
import { useWriting } from '../text/format.ts'

/** The lanes of this process: how much of each runs at a time, what waits, and whether somebody paused it. */
export function Lanes() {
  const t = useTranslations('settings.lanes')
  const { data, error, refetch } = useQuery({
    queryKey: keys.lanes,
    queryFn: () => dataOf(api.GET('/v1/lanes')),
    staleTime: 5_000,
    refetchInterval: 5_000,
  })
  if (error !== null) return <ErrorNotice error={error} onRetry={() => void refetch()} />
  if (data === undefined) return <Loading lines={2} />
  return (
    <Table data-lanes>
      <Table.Thead>
        <Table.Tr>
          <Table.Th scope="col">{t('lane')}</Table.Th>
          <Table.Th scope="col" ta="right">
            {t('running')}
          </Table.Th>
          <Table.Th scope="col" ta="right">
            {t('waiting')}
          </Table.Th>
          <Table.Th scope="col">{t('state')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {data.items.map(lane => (
          <LaneRow key={lane.lane} lane={lane} />
        ))}
      </Table.Tbody>
    </Table>
  )
}

interface LaneRowProps {
  lane: { lane: string; paused: boolean; waiting: number; slots: number; running: number }
}

function LaneRow({ lane: { lane, paused, waiting, slots, running } }: LaneRowProps) {
  const t = useTranslations('settings.lanes')
  const writing = useWriting()
  return (
    <Table.Tr>
      <Table.Th scope="row" fw={400}>
        {lane}
      </Table.Th>
      <Table.Td ta="right" className="numbers">
        {t('ofSlots', { running, slots })}
      </Table.Td>
      <Table.Td ta="right" className="numbers">
        {writing.number(waiting)}
      </Table.Td>
      <Table.Td>{paused ? <Paused lane={lane} /> : t('open')}</Table.Td>
    </Table.Tr>
  )
}

function Paused({ lane }: { lane: string }) {
  const t = useTranslations('settings.lanes')
  const queries = useQueryClient()
  const notifyError = useNotifyError()
  const resume = useMutation({
    mutationFn: () => dataOf(api.POST('/v1/lanes/{lane}:resume', { params: { path: { lane } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: keys.lanes }),
    onError: notifyError,
  })
  return (
    <>
      <Badge color="gray" variant="light" tt="none" mr="xs">
        {t('paused')}
      </Badge>
      <Button size="compact-xs" variant="default" loading={resume.isPending} onClick={() => resume.mutate()}>
        {t('resume')}
      </Button>
    </>
  )
}
