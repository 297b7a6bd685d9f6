import { useTranslations } from 'use-intl'
import { PageTitle } from '../parts/page-title.tsx'

/** One task and everything below it. */
export function TaskPage() {
  const t = useTranslations('task')
  return <PageTitle title={t('title')} />
}
