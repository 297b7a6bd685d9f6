import { useTranslations } from 'use-intl'
import { PageTitle } from '../parts/page-title.tsx'

/** What this browser and this server are set to. */
export function SettingsPage() {
  const t = useTranslations('settings')
  return <PageTitle title={t('title')} />
}
