import { Stack } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { useCapabilities } from '../api/capabilities.ts'
import { ErrorNotice } from '../parts/error-notice.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { Loading } from '../parts/states.tsx'
import { Models } from './models.tsx'
import { ThisBrowser } from './this-browser.tsx'
import { ThisServer } from './this-server.tsx'
import { WhatIsOff } from './what-is-off.tsx'

/** What this browser shows and how, and what the server is made of. Nothing of the server is changed here: it reads its settings at its start. */
export function SettingsPage() {
  const t = useTranslations('settings')
  const { data, error, refetch } = useCapabilities()
  return (
    <Stack gap="xl" maw="60rem">
      <PageTitle title={t('title')} />
      <ThisBrowser />
      {error !== null && <ErrorNotice error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Loading lines={8} />}
      {data !== undefined && (
        <>
          <Models models={data.models} />
          <WhatIsOff off={data.off} />
          <ThisServer capabilities={data} />
        </>
      )}
    </Stack>
  )
}
