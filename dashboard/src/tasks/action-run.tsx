import { Button, Group, Stack, Text } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { codeOf } from '../api/problem.ts'
import type { Task } from '../api/task.ts'
import { Dialog } from '../parts/dialog.tsx'
import { useErrorText } from '../parts/error-notice.tsx'
import { ProgressBar } from '../parts/progress-bar.tsx'
import { TaskNames } from '../parts/task-names.tsx'
import type { RunProgress } from './run-for-each.ts'
import type { TaskAction } from './task-actions.ts'

/** How far an action on many tasks is; when it has ended, what it could not be done to and why. */
export function ActionRun(props: {
  action: TaskAction
  progress: RunProgress<Task>
  isRunning: boolean
  onStop: () => void
  onAgain: () => void
  onClose: () => void
}) {
  const { action, progress, isRunning, onStop, onAgain, onClose } = props
  const t = useTranslations()
  const said = useTranslations(`tasks.acts.${action}`)
  const { total, done, failures } = progress
  return (
    <Dialog
      centered
      onClose={isRunning ? onStop : onClose}
      title={said(isRunning ? 'running' : 'ended')}
      closeLabel={t(isRunning ? 'actions.stop' : 'actions.close')}
    >
      <Stack>
        <ProgressBar
          done={done + failures.length}
          total={total}
          label={said('running')}
          step={t('tasks.runSummary', { done, total, failed: failures.length })}
        />
        <Failures failures={failures} />
        <Group justify="flex-end">
          {isRunning ? (
            <Button variant="default" onClick={onStop}>
              {t('actions.stop')}
            </Button>
          ) : (
            <>
              <Button variant="default" onClick={onClose}>
                {t('actions.close')}
              </Button>
              {failures.length > 0 && (
                <Button onClick={onAgain}>{t('tasks.again', { count: failures.length })}</Button>
              )}
            </>
          )}
        </Group>
      </Stack>
    </Dialog>
  )
}

/** The failures, gathered by what the server said. */
function Failures({ failures }: { failures: RunProgress<Task>['failures'] }) {
  const t = useTranslations('errors')
  const errorText = useErrorText()
  const codes = [...new Set(failures.map(({ error }) => codeOf(error)))]
  return codes.map(code => {
    const of = failures.filter(({ error }) => codeOf(error) === code)
    return (
      <Stack key={code} gap={4} role="alert">
        <Text size="sm">{errorText(of[0]?.error)}</Text>
        <Text size="xs" c="dimmed">
          {t('code', { code })}
        </Text>
        <TaskNames tasks={of.map(({ item }) => item)} />
      </Stack>
    )
  })
}
