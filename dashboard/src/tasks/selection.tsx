import { Button, Group, Menu, Paper, Text } from '@mantine/core'
import { IconBan, IconChevronDown, IconRefresh } from '@tabler/icons-react'
import { useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import type { TaskAction } from './task-actions.ts'
import classes from './tasks.module.css'

/** Which rows of a list are chosen. */
export interface Selection {
  /** The chosen ones that are in the list, in its order. */
  readonly tasks: readonly Task[]
  /** How many can be chosen. */
  readonly most: number
  readonly has: (taskId: string) => boolean
  /** Chooses a row, or not any more. `range`: with all between it and the row that was chosen before. */
  readonly toggle: (taskId: string, range?: boolean) => void
  /** Chooses all that are shown, or none when they all are. */
  readonly toggleAll: () => void
  /** Chooses some not any more. */
  readonly drop: (tasks: readonly Task[]) => void
  readonly clear: () => void
}

/**
 * Keeps which of the rows that may be acted on are chosen. A choice belongs to the list that it was made in: another `listing` begins with none, and a row that leaves
 * the list is not chosen when it comes back.
 */
export function useSelection(rows: readonly Task[], listing: unknown): Selection {
  const [choice, setChoice] = useState<{ listing: unknown; ids: ReadonlySet<string> }>({ listing, ids: none })
  const last = useRef<string>(undefined)
  const ids = choice.listing === listing ? choice.ids : none
  const choose = (changed: ReadonlySet<string>) => setChoice({ listing, ids: changed })
  const tasks = ids.size === 0 ? noTasks : rows.filter(({ id }) => ids.has(id))
  if (tasks.length < ids.size) choose(new Set(tasks.map(({ id }) => id)))
  return {
    tasks,
    most: rows.length,
    has: taskId => ids.has(taskId),
    toggle(taskId, range = false) {
      if (rows.every(({ id }) => id !== taskId)) return
      const isOn = !ids.has(taskId)
      const changed = new Set(ids)
      for (const id of range ? between(rows, last.current, taskId) : [taskId]) {
        if (isOn) changed.add(id)
        else changed.delete(id)
      }
      last.current = taskId
      choose(changed)
    },
    toggleAll: () => choose(tasks.length === rows.length ? none : new Set(rows.map(({ id }) => id))),
    drop(dropped) {
      const gone = new Set(dropped.map(({ id }) => id))
      setChoice(now => ({ ...now, ids: new Set([...now.ids].filter(id => !gone.has(id))) }))
    },
    clear: () => choose(none),
  }
}

const none: ReadonlySet<string> = new Set()
const noTasks: readonly Task[] = []

/** Returns the ids from one row to another, whichever comes first; the second alone when the first is not in the list. */
function between(rows: readonly Task[], from: string | undefined, to: string): string[] {
  const ends = [from, to].map(id => rows.findIndex(row => row.id === id))
  if (ends.includes(-1)) return [to]
  return rows.slice(Math.min(...ends), Math.max(...ends) + 1).map(({ id }) => id)
}

/** Actions that change what tasks are found by, or where they wait. */
const relabellings = ['addTags', 'removeTags', 'move'] as const
type Relabelling = (typeof relabellings)[number]

/** What can be done with the chosen rows. Nothing while none is chosen. */
export function SelectionBar({
  selection,
  onAct,
  onRelabel,
}: {
  selection: Selection
  onAct: (action: TaskAction) => void
  onRelabel: (action: Relabelling) => void
}) {
  const t = useTranslations('tasks')
  const tBulk = useTranslations('bulk.acts')
  const count = selection.tasks.length
  if (count === 0) return null
  return (
    <Paper
      withBorder
      shadow="md"
      p="sm"
      className={classes['selected'] ?? ''}
      role="region"
      aria-label={t('chosenRegion')}
    >
      <Group justify="space-between" gap="sm">
        <Text fw={600} className="numbers" role="status">
          {t('chosen', { count })}
        </Text>
        <Group gap="xs">
          <Button
            size="sm"
            variant="light"
            color="red"
            leftSection={<IconBan size={16} aria-hidden />}
            onClick={() => onAct('cancel')}
          >
            {t('cancel')}
          </Button>
          <Button
            size="sm"
            variant="light"
            leftSection={<IconRefresh size={16} aria-hidden />}
            onClick={() => onAct('retry')}
          >
            {t('retry')}
          </Button>
          <Menu position="top-end">
            <Menu.Target>
              <Button size="sm" variant="light" rightSection={<IconChevronDown size={16} aria-hidden />}>
                {t('more')}
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              {relabellings.map(action => (
                <Menu.Item key={action} onClick={() => onRelabel(action)}>
                  {tBulk(`${action}.item`)}
                </Menu.Item>
              ))}
            </Menu.Dropdown>
          </Menu>
          <Button size="sm" variant="subtle" color="gray" onClick={selection.clear}>
            {t('chooseNone')}
          </Button>
        </Group>
      </Group>
    </Paper>
  )
}
