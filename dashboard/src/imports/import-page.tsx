import { useTranslations } from 'use-intl'
import { PageTitle } from '../parts/page-title.tsx'

/** What a file holds, to choose from before it becomes a novel. */
export function ImportPage() {
  const t = useTranslations('imports')
  return <PageTitle title={t('title')} />
}
