import { List, Text } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { TextLink } from './links.tsx'

interface FailedTasksProps {
  failures: readonly { taskId: string; code: string; message: string }[]
  /** Whether there are more than those. */
  isCut: boolean
}

/** What an action on many tasks could not be done to, and why. */
export function FailedTasks({ failures, isCut }: FailedTasksProps) {
  const t = useTranslations('parts.failedTasks')
  return (
    <>
      <List size="sm" spacing="xs">
        {failures.map(({ taskId, code, message }) => (
          <List.Item key={taskId}>
            <TextLink to="/tasks/$taskId" params={{ taskId }} inherit>
              {t('taskEndingIn', { id: taskId.slice(-6) })}
            </TextLink>
            <Text size="sm">{message}</Text>
            <Text size="xs" c="dimmed">
              {t('code', { code })}
            </Text>
          </List.Item>
        ))}
      </List>
      {isCut && <Text size="sm">{t('mostNamed', { count: failures.length })}</Text>}
    </>
  )
}
