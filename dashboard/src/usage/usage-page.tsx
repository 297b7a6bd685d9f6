import { useTranslations } from 'use-intl'
import { PageTitle } from '../parts/page-title.tsx'

/** What the calls of models used and cost. */
export function UsagePage() {
  const t = useTranslations('usage')
  return <PageTitle title={t('title')} />
}
