import { Button, Group, Stack, Table } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import type { Capabilities } from '../api/capabilities.ts'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { useMayForAll } from '../api/me.ts'
import { download } from '../parts/export-text.tsx'
import { Facts } from '../parts/facts.tsx'
import { useNotifyError } from '../parts/notify.tsx'
import { Pending } from '../parts/states.tsx'
import { Ago } from '../parts/time.tsx'
import { useWriting } from '../text/format.ts'
import { Section } from './section.tsx'

/** What the server is made of, how much it does at a time, and what it takes. */
export function ThisServer({ capabilities }: { capabilities: Capabilities }) {
  const t = useTranslations('settings.server')
  const { composition, version, nodeId, roles, authentication } = capabilities
  const seesProcesses = useMayForAll('operate')
  return (
    <Section id="server" title={t('title')} text={t('text')}>
      <Facts
        facts={[
          [t('version'), version],
          [t('composition'), composition.distributed ? t('distributed') : t('embedded')],
          [t('store'), composition.store],
          [t('node'), nodeId],
          [t('roles'), ['api', ...roles].join(', ')],
          [t('authentication'), authentication === 'bearer' ? t('bearer') : t('noToken')],
        ]}
      />
      {composition.distributed && seesProcesses && <Processes />}
      <Limits limits={capabilities.limits} />
      <Documents isDistributed={composition.distributed} />
    </Section>
  )
}

const namedLimits = [
  'bodyBytes',
  'bodyDepth',
  'uploadBytes',
  'pageSize',
  'streamsPerClient',
  'keptEvents',
] as const

/** What the server takes at most. Names that are not known here, such as those of a newer server, are shown as they are. */
function Limits({ limits }: { limits: Capabilities['limits'] }) {
  const t = useTranslations('settings.limits')
  const writing = useWriting()
  return (
    <Facts
      facts={Object.entries(limits).map(([name, value]) => {
        const known = namedLimits.find(each => each === name)
        return [
          known === undefined ? name : t(known),
          name.endsWith('Bytes') ? writing.bytes(value) : writing.number(value),
        ]
      })}
    />
  )
}

/** The documents that describe the API. Asked for as all else is, so that a server with a token gives them too. */
function Documents({ isDistributed }: { isDistributed: boolean }) {
  const t = useTranslations('settings.server')
  const notifyError = useNotifyError()
  const openApi = useMutation({
    mutationFn: async () => dataOf(api.GET('/v1/openapi.json')),
    onSuccess: document => download('openapi.json', JSON.stringify(document, null, 2)),
    onError: notifyError,
  })
  const asyncApi = useMutation({
    mutationFn: async () => dataOf(api.GET('/v1/asyncapi.json')),
    onSuccess: document => download('asyncapi.json', JSON.stringify(document, null, 2)),
    onError: notifyError,
  })
  return (
    <Stack gap="xs">
      <Group gap="xs">
        <Button
          variant="default"
          leftSection={<IconDownload size={16} aria-hidden />}
          loading={openApi.isPending}
          onClick={() => openApi.mutate()}
        >
          {t('openApi')}
        </Button>
        {isDistributed && (
          <Button
            variant="default"
            leftSection={<IconDownload size={16} aria-hidden />}
            loading={asyncApi.isPending}
            onClick={() => asyncApi.mutate()}
          >
            {t('asyncApi')}
          </Button>
        )}
      </Group>
    </Stack>
  )
}

/** The processes that share the store. */
function Processes() {
  const t = useTranslations('settings.processes')
  const writing = useWriting()
  const { data, error, refetch } = useQuery({
    queryKey: keys.workers,
    queryFn: () => dataOf(api.GET('/v1/workers')),
    staleTime: 10_000,
    refetchInterval: 10_000,
  })
  if (error !== null || data === undefined) return <Pending error={error} onRetry={refetch} lines={2} />
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
