import { useTranslations } from 'use-intl'
import { PageTitle } from '../parts/page-title.tsx'

/** A scene to read, write and edit. */
export function ScenePage() {
  const t = useTranslations('scenes')
  return <PageTitle title={t('title')} />
}
