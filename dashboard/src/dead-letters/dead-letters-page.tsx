import { useTranslations } from 'use-intl'
import { PageTitle } from '../parts/page-title.tsx'

/** The tasks that need a person. */
export function DeadLettersPage() {
  const t = useTranslations('deadLetters')
  return <PageTitle title={t('title')} />
}
