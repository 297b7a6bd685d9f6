import { Paper, Stack, Text, Title } from '@mantine/core'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { FailedTasks } from '../parts/failed-tasks.tsx'

/** What a bulk action reports, while it runs and at its end. */
interface Report {
  done?: number
  failed?: number
  skipped?: number
  wave?: number
  failedAgain?: number
  dryRun?: true
  stopped?: 'failing-again' | 'too-many'
  failures?: readonly { taskId: string; code: string; message: string }[]
}

/** How many tasks a bulk action has acted on, and what it could not do and why. Nothing for another task. */
export function BulkOutcome({ task }: { task: Task }) {
  const t = useTranslations('bulk.outcome')
  const report = (task.result ?? task.progress) as Report | undefined
  if (task.taskType !== 'BulkAction' || typeof report !== 'object') return null
  const { done = 0, failed = 0, skipped = 0, wave, failedAgain = 0, dryRun, stopped, failures = [] } = report
  const counts = [
    t('done', { count: done }),
    ...(failed > 0 ? [t('failed', { count: failed })] : []),
    ...(skipped > 0 ? [t('skipped', { count: skipped })] : []),
    ...(wave === undefined ? [] : [t('wave', { wave }), t('failedAgain', { count: failedAgain })]),
  ]
  return (
    <Paper withBorder p="md" component="section" aria-label={t('title')}>
      <Stack gap="xs">
        <Text className="numbers" role="status">
          {counts.join(' · ')}
        </Text>
        {dryRun === true && <Text size="sm">{t('dryRun')}</Text>}
        {stopped !== undefined && (
          <Text size="sm">{t(stopped === 'too-many' ? 'stoppedMany' : 'stoppedFailing')}</Text>
        )}
        {failures.length > 0 && (
          <>
            <Title order={2} size="h5">
              {t('failures')}
            </Title>
            <FailedTasks failures={failures} isCut={failed > failures.length} />
          </>
        )}
      </Stack>
    </Paper>
  )
}
