import { useTranslations } from 'use-intl'
import { PageTitle } from '../parts/page-title.tsx'

/** A novel: its outline, its search, its state. */
export function NovelPage() {
  const t = useTranslations('novels')
  return <PageTitle title={t('title')} />
}
