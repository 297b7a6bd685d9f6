import { useTranslations } from 'use-intl'
import { PageTitle } from '../parts/page-title.tsx'

/** The shelf, what is being worked on, and where to drop a novel. */
export function HomePage() {
  const t = useTranslations('home')
  return <PageTitle title={t('title')} />
}
