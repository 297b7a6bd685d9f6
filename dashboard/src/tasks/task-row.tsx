import { Checkbox, Table, Text } from '@mantine/core'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { Ago } from '../parts/ago.tsx'
import { useConcern } from '../parts/concern.tsx'
import { TextLink } from '../parts/links.tsx'
import { StatusBadge } from '../parts/status-badge.tsx'
import { useTaskTypeName } from '../parts/task-type.ts'
import { RowMenu } from './row-menu.tsx'
import { Attempts, Progress, StatusNote, Took, troubleOf } from './row-parts.tsx'
import type { TaskAction } from './task-actions.ts'
import classes from './tasks.module.css'

/** A task of the list, and what the list does with it. */
export interface TaskRowProps {
  task: Task
  /** Number of the row, from 0. */
  index: number
  isSelected: boolean
  /** Whether its status is still one that the filter asks for. */
  fits: boolean
  onToggle: (range: boolean) => void
  onAct: (action: TaskAction) => void
  onOpen: () => void
}

/** A task as a row of a table. Always equally high, whatever it says. */
export function TaskRow(props: TaskRowProps) {
  const { task, index, fits, onAct } = props
  const name = useTaskTypeName()(task.taskType)
  return (
    <Table.Tr
      data-task-id={task.id}
      tabIndex={-1}
      aria-rowindex={index + 2}
      className={classes['row']}
      data-selected={props.isSelected || undefined}
      onClick={event => openUnlessBusy(event, props.onOpen)}
    >
      <Table.Td>
        <Choose {...props} name={name} />
      </Table.Td>
      <Table.Td>
        <StatusBadge status={task.status} phase={task.phase} />
        <StatusNote task={task} fits={fits} />
      </Table.Td>
      <Table.Td>
        <Subject task={task} name={name} />
      </Table.Td>
      <Table.Td>
        <Progress task={task} />
      </Table.Td>
      <Table.Td visibleFrom="lg">
        <Attempts task={task} />
      </Table.Td>
      <Table.Td visibleFrom="xl">
        <Text size="sm" truncate title={task.userId}>
          {task.userId}
        </Text>
      </Table.Td>
      <Table.Td>
        <Ago at={task.timestamps.createdAt} />
      </Table.Td>
      <Table.Td>
        <Took task={task} />
      </Table.Td>
      <Table.Td>
        <RowMenu task={task} name={name} onAct={onAct} />
      </Table.Td>
    </Table.Tr>
  )
}

/** The box that chooses a row; with the shift key, all up to it. */
export function Choose({ isSelected, onToggle, name }: TaskRowProps & { name: string }) {
  const t = useTranslations('tasks')
  return (
    <Checkbox
      size="sm"
      checked={isSelected}
      aria-label={t('choose', { name })}
      onChange={({ nativeEvent }) => onToggle(nativeEvent instanceof MouseEvent && nativeEvent.shiftKey)}
    />
  )
}

/** What the task is: its type as a link, what it concerns, and what went wrong. */
export function Subject({ task, name }: { task: Task; name: string }) {
  const concern = useConcern()(task)
  const trouble = troubleOf(task)
  const below = trouble ?? concern
  return (
    <>
      <Text size="sm" truncate>
        <TextLink to="/tasks/$taskId" params={{ taskId: task.id }} fw={600} inherit>
          {name}
        </TextLink>
        {trouble !== undefined && concern !== '' && (
          <Text span size="sm" c="dimmed">
            {` · ${concern}`}
          </Text>
        )}
      </Text>
      {below !== '' && (
        <Text size="xs" c={trouble === undefined ? 'dimmed' : 'red'} truncate title={below}>
          {below}
        </Text>
      )}
    </>
  )
}

/** A click on a row opens it, unless it was meant for something in it, or marked a text. */
export function openUnlessBusy(event: React.MouseEvent, open: () => void): void {
  const { target, currentTarget } = event
  if (!(target instanceof Element) || !currentTarget.contains(target)) return
  if (target.closest('a, button, input, label') !== null) return
  if (window.getSelection()?.isCollapsed === false) return
  open()
}
