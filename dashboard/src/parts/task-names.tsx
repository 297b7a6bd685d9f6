import { List, Text } from '@mantine/core'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { useConcern } from './concern.tsx'
import { useTaskTypeName } from './task-type.ts'

/** Names in a dialog before it says how many more there are. */
const mostNamed = 5

/** Names tasks: their type, what they concern, and the end of their id. `note`: what is said of each. */
export function TaskNames({ tasks, note }: { tasks: readonly Task[]; note?: (task: Task) => string }) {
  const t = useTranslations('tasks')
  const nameOf = useTaskTypeName()
  const concernOf = useConcern()
  if (tasks.length === 0) return null
  return (
    <List size="sm" withPadding>
      {tasks.slice(0, mostNamed).map(task => (
        <List.Item key={task.id}>
          {[nameOf(task.taskType), concernOf(task).slice(0, 60), `…${task.id.slice(-6)}`]
            .filter(part => part !== '')
            .join(' · ')}
          {note && (
            <Text span inherit c="dimmed">
              {` – ${note(task)}`}
            </Text>
          )}
        </List.Item>
      ))}
      {tasks.length > mostNamed && (
        <List.Item>{t('moreTasks', { count: tasks.length - mostNamed })}</List.Item>
      )}
    </List>
  )
}
