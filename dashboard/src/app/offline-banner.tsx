import { Alert } from '@mantine/core'
import { IconPlugConnectedX } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import { useLive } from '../live/live.tsx'
import { useNow } from '../parts/now.ts'

/** A short break is nobody's business; a longer one is said. */
const saidAfterMs = 4_000

/** Says that the server does not answer, as long as it does not. */
export function OfflineBanner() {
  const t = useTranslations('shell')
  const { state, since } = useLive()
  const now = useNow()
  if (state !== 'stale' || now - since < saidAfterMs) return null
  return (
    <Alert
      color="yellow"
      variant="light"
      mb="md"
      icon={<IconPlugConnectedX aria-hidden />}
      title={t('offlineTitle')}
      role="status"
    >
      {t('offlineText')}
    </Alert>
  )
}
