import { Alert, Stack, Text } from '@mantine/core'
import { IconAlertTriangle, IconCheck } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import { ErrorNotice } from '../parts/states.tsx'
import type { ModelTrial } from './model-queries.ts'

/** Codes that have words here; others are told in the server's words. */
const known = [
  'MODEL_KEY_REJECTED',
  'MODEL_UNKNOWN',
  'MODEL_UNAVAILABLE',
  'MODEL_STALLED',
  'MODEL_ADDRESS_FORBIDDEN',
  'MODEL_QUOTA_EXHAUSTED',
] as const

/** What one call of a model came to: how long it took and what the model says, or what is wrong and what to do. */
export function Trial({ trial, error }: { trial: ModelTrial | undefined; error: unknown }) {
  const t = useTranslations('settings.test')
  if (error !== null && error !== undefined) return <ErrorNotice error={error} />
  if (trial === undefined) return null
  const { ok, ms, says = '', window } = trial
  if (!ok) return <Failure trial={trial} />
  return (
    <Alert color="green" icon={<IconCheck aria-hidden />} title={t('answered', { ms })} role="status">
      <Stack gap={4}>
        {says !== '' && <Text size="sm">{t('says', { says })}</Text>}
        <Text size="sm">{window === undefined ? t('noWindow') : t('window', { count: window })}</Text>
      </Stack>
    </Alert>
  )
}

function Failure({ trial: { error, names = [] } }: { trial: ModelTrial }) {
  const t = useTranslations('settings.test')
  const code = known.find(each => each === error?.code)
  return (
    <Alert color="red" icon={<IconAlertTriangle aria-hidden />} title={t('failed')} role="alert">
      <Stack gap={4}>
        <Text size="sm">
          {code === undefined ? <span lang="en">{error?.message}</span> : t(`errors.${code}`)}
        </Text>
        {code === 'MODEL_UNKNOWN' && names.length > 0 && (
          <Text size="sm">{t('names', { names: names.slice(0, 12).join(', ') })}</Text>
        )}
        <Text size="xs" c="dimmed">
          {error?.code}
        </Text>
      </Stack>
    </Alert>
  )
}
