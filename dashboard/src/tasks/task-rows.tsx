import { Box, Checkbox, Table } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { useTranslations } from 'use-intl'
import { useMayAct } from '../api/me.ts'
import type { Task } from '../api/task.ts'
import type { TasksSearch } from '../queries/search.ts'
import { type RowWindow, useRowKeys, useRowWindow } from './row-window.ts'
import type { Selection } from './selection.tsx'
import type { TaskAction } from './task-actions.ts'
import type { RowRange } from './task-list.ts'
import { TaskCard, TaskRow, type TaskRowProps } from './task-row.tsx'
import classes from './tasks.module.css'

/** The rows of the list, and what can be done with them. */
export interface TaskRowsProps {
  rows: readonly Task[]
  status: TasksSearch['status']
  selection: Selection
  onAct: (action: TaskAction, tasks: readonly Task[]) => void
  onOpen: (task: Task) => void
  onRange: (range: RowRange) => void
}

/** Pixels; as in tasks.module.css, and about what a card takes. */
const rowHeight = 56
const cardHeight = 150
const cardGap = 8

/** The tasks as a table; as cards where there is no space for one. */
export function TaskRows(props: TaskRowsProps) {
  const isWide = useMediaQuery('(min-width: 62em)', undefined, { getInitialValueInEffect: false })
  return isWide ? <TaskTable {...props} /> : <TaskCards {...props} />
}

function TaskTable(props: TaskRowsProps) {
  const { rows, onRange } = props
  const t = useTranslations('tasks')
  const rowWindow = useRowWindow(rows, { rowHeight, onRange })
  const rowProps = useRows(props, rowWindow)
  return (
    <div ref={rowWindow.ref}>
      <Table
        className={classes['table'] ?? ''}
        stickyHeader
        stickyHeaderOffset={56}
        aria-label={t('title')}
        aria-rowcount={rows.length + 1}
        verticalSpacing={0}
      >
        <Head {...props} />
        <Table.Tbody>
          <Space height={rowWindow.before} />
          {rowProps.map(row => (
            <TaskRow key={row.task.id} {...row} />
          ))}
          <Space height={rowWindow.after} />
        </Table.Tbody>
      </Table>
    </div>
  )
}

function Head({ selection }: TaskRowsProps) {
  const t = useTranslations('tasks')
  const { most } = selection
  const { length } = selection.tasks
  return (
    <Table.Thead>
      <Table.Tr aria-rowindex={1}>
        <Table.Th scope="col" w={48}>
          {most > 0 && (
            <Checkbox
              size="sm"
              aria-label={t('chooseAll')}
              checked={length > 0 && length === most}
              indeterminate={length > 0 && length < most}
              onChange={selection.toggleAll}
            />
          )}
        </Table.Th>
        <Table.Th scope="col" w={196}>
          {t('columns.status')}
        </Table.Th>
        <Table.Th scope="col">{t('columns.task')}</Table.Th>
        <Table.Th scope="col" w={168}>
          {t('columns.progress')}
        </Table.Th>
        <Table.Th scope="col" w={108} visibleFrom="lg">
          {t('columns.attempts')}
        </Table.Th>
        <Table.Th scope="col" w={120} visibleFrom="xl">
          {t('columns.user')}
        </Table.Th>
        <Table.Th scope="col" w={140}>
          {t('columns.created')}
        </Table.Th>
        <Table.Th scope="col" w={108}>
          {t('columns.took')}
        </Table.Th>
        <Table.Th scope="col" w={52} aria-label={t('columns.actions')} />
      </Table.Tr>
    </Table.Thead>
  )
}

function Space({ height }: { height: number }) {
  return height > 0 ? <tr aria-hidden style={{ height }} /> : null
}

function TaskCards(props: TaskRowsProps) {
  const { rows, onRange } = props
  const rowWindow = useRowWindow(rows, { rowHeight: cardHeight, gap: cardGap, onRange })
  const rowProps = useRows(props, rowWindow)
  return (
    <div ref={rowWindow.ref}>
      <Box role="list" pt={rowWindow.before} pb={rowWindow.after}>
        {rowProps.map(row => (
          <Box
            key={row.task.id}
            role="listitem"
            ref={rowWindow.measure}
            data-index={row.index}
            mb={row.index < rows.length - 1 ? cardGap : 0}
          >
            <TaskCard {...row} />
          </Box>
        ))}
      </Box>
    </div>
  )
}

/** Returns the properties of each drawn row, and listens to the keys of the list. */
function useRows(props: TaskRowsProps, { items, show }: RowWindow): TaskRowProps[] {
  const { rows, status, selection, onAct, onOpen } = props
  const mayAct = useMayAct()
  useRowKeys({
    rows,
    show,
    onOpen,
    onToggle: selection.toggle,
    onAct: (action, task) => mayAct(task) && onAct(action, [task]),
  })
  return items.flatMap(({ index }) => {
    const task = rows[index]
    if (task === undefined) return []
    return {
      task,
      index,
      isSelected: selection.has(task.id),
      canAct: mayAct(task),
      fits: status === undefined || status.includes(task.status),
      onToggle: range => selection.toggle(task.id, range),
      onAct: action => onAct(action, [task]),
      onOpen: () => onOpen(task),
    }
  })
}
