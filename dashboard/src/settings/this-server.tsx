import { Button, Group, Stack } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import type { Capabilities } from '../api/capabilities.ts'
import { api, dataOf } from '../api/client.ts'
import { download } from '../parts/download.ts'
import { useNotifyError } from '../parts/notify.ts'
import { useWriting } from '../text/format.ts'
import { Facts } from './facts.tsx'
import { Lanes } from './lanes.tsx'
import { Processes } from './processes.tsx'
import { Section } from './section.tsx'

/** What the server is made of, how much it does at a time, and what it takes. */
export function ThisServer({ capabilities }: { capabilities: Capabilities }) {
  const t = useTranslations('settings.server')
  const { composition, version, nodeId, roles, authentication } = capabilities
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
      <Lanes />
      {composition.distributed && <Processes />}
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
