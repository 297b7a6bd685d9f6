import { useTranslations } from 'use-intl'
import { PageTitle } from '../parts/page-title.tsx'

/** A chapter to read. */
export function ChapterPage() {
  const t = useTranslations('novels')
  return <PageTitle title={t('title')} />
}
