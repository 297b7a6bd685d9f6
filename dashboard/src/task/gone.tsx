import { Alert } from '@mantine/core'
import { IconTrash } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import { ApiError } from '../api/problem.ts'
import { ButtonLink } from '../parts/links.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { Empty } from '../parts/states.tsx'

/** Whether an error says that there is no such task, or that no task can have such an id. */
export function isGone(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 404 || error.status === 400)
}

/** In place of a task that there is not. */
export function NoSuchTask() {
  const t = useTranslations('task')
  return (
    <>
      <PageTitle title={t('title')} />
      <Empty title={t('gone.title')} text={t('gone.text')}>
        <ButtonLink to="/tasks">{t('gone.toTasks')}</ButtonLink>
      </Empty>
    </>
  )
}

/** Above a task that was deleted while it was being looked at. */
export function DeletedMeanwhile() {
  const t = useTranslations('task.gone')
  return (
    <Alert
      color="yellow"
      variant="light"
      icon={<IconTrash aria-hidden />}
      title={t('meanwhileTitle')}
      role="status"
    >
      {t('meanwhileText')}
    </Alert>
  )
}
