import { useTranslations } from 'use-intl'
import { PageTitle } from '../parts/page-title.tsx'

/** The list of tasks. */
export function TasksPage() {
  const t = useTranslations('tasks')
  return <PageTitle title={t('title')} />
}
