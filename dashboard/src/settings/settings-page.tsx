import { List, Text } from '@mantine/core'
import { IconPlugOff } from '@tabler/icons-react'
import { Suspense } from 'react'
import { useTranslations } from 'use-intl'
import { type Capabilities, useCapabilities } from '../api/capabilities.ts'
import { lazyPart } from '../browser/lazy-part.ts'
import { May } from '../parts/may.tsx'
import { ModelProblemText } from '../parts/model-setup.tsx'
import { Page } from '../parts/page.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { Loading, Pending } from '../parts/states.tsx'
import { AllOfMine } from './all-of-mine.tsx'
import { Models } from './models.tsx'
import { Section } from './section.tsx'
import { ThisBrowser } from './this-browser.tsx'
import { ThisServer } from './this-server.tsx'
import { Webhooks } from './webhooks.tsx'

const ApiKeys = lazyPart(() => import('./api-keys.tsx'), 'ApiKeys')

/** What this browser shows and how, and what the server is made of. Of the server, models are set up here, where it lets them; all else it reads at its start. */
export function SettingsPage() {
  const t = useTranslations('settings')
  const { data, error, refetch } = useCapabilities()
  return (
    <Page>
      <PageTitle title={t('title')} />
      <ThisBrowser />
      {(error !== null || data === undefined) && <Pending error={error} onRetry={refetch} lines={8} />}
      {data !== undefined && (
        <>
          <Models capabilities={data} />
          {data.taskTypes.some(({ type }) => type === 'ExportUser') && (
            <May need="write">
              <AllOfMine />
            </May>
          )}
          <May need="administer">
            {data.taskTypes.some(({ type }) => type === 'DeliverWebhook') && <Webhooks />}
            <Suspense fallback={<Loading lines={3} />}>
              <ApiKeys />
            </Suspense>
          </May>
          <WhatIsOff off={data.off} />
          <ThisServer capabilities={data} />
        </>
      )}
    </Page>
  )
}

type Off = Capabilities['off'][number]

/** Capabilities that have words here; that of a newer server is shown in the server's words. */
const named = ['prose', 'summary', 'embedding', 'novels'] as const

/** What this server cannot do, why, and what to do about it. */
function WhatIsOff({ off }: { off: Capabilities['off'] }) {
  const t = useTranslations('settings.off')
  return (
    <Section id="off" title={t('title')}>
      {off.length === 0 && <Text size="sm">{t('nothing')}</Text>}
      <List spacing="sm" icon={<IconPlugOff size={16} aria-hidden />}>
        {off.map(each => (
          <List.Item key={each.capability} data-off={each.capability}>
            <Text fw={500}>
              <Name of={each} />
            </Text>
            <Text size="sm" c="dimmed">
              <Reason of={each} />
            </Text>
          </List.Item>
        ))}
      </List>
    </Section>
  )
}

function Name({ of: { capability } }: { of: Off }) {
  const t = useTranslations('settings.off.names')
  const known = named.find(each => each === capability)
  return known === undefined ? capability : t(known)
}

function Reason({ of: { capability, reason, model, problem } }: { of: Off }) {
  const t = useTranslations('settings.off.reasons')
  if (model !== undefined && problem !== undefined)
    return <ModelProblemText model={model} problem={problem} />
  const known = named.find(each => each === capability)
  return known === undefined ? <span lang="en">{reason}</span> : t(known)
}
