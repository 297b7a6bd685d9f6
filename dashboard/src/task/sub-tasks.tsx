import { Button, Center, Group, Loader, Select, Stack, Text, UnstyledButton } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useState } from 'react'
import { useTranslations } from 'use-intl'
import { defined } from '../../../src/task/defined.ts'
import { keys } from '../api/keys.ts'
import { statuses, type Task } from '../api/task.ts'
import { isLongList } from '../live/apply.ts'
import { RowOrder } from '../parts/row-order.ts'
import { Empty, Pending } from '../parts/states.tsx'
import { useTaskTypeName } from '../parts/task-name.tsx'
import { useChildren } from '../queries/task-queries.ts'
import { useWriting } from '../text/format.ts'
import { type Below, belowOf, isOutOfOrder } from './below.ts'
import { SubTaskList } from './sub-task-list.tsx'
import classes from './sub-tasks.module.css'
import { useTaskSearch } from './task-search.ts'

/** The sub-tasks of a task: how many are where, and each of them. */
export function SubTasks({ task }: { task: Task }) {
  const t = useTranslations('task.children')
  const [{ status: shown = [], type }, change] = useTaskSearch()
  const below = belowOf(task)
  if (below.total === 0) return <Empty title={t('none')} text={t('noneText')} />
  return (
    <Stack gap="sm">
      <SubTaskBar below={below} />
      <SubTaskTiles
        below={below}
        shown={shown}
        onShow={status => change({ status: status.length === 0 ? undefined : [...status] })}
      />
      {/* Another filter is another list, with an order of its own. */}
      <Listed key={`${shown.join()} ${type ?? ''}`} task={task} below={below} />
    </Stack>
  )
}

function Listed({ task, below }: { task: Task; below: Below }) {
  const t = useTranslations('task.children')
  const queries = useQueryClient()
  const [{ status, type }, change] = useTaskSearch()
  const filter = defined({ status, type })
  const { data, error, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = useChildren(
    task.id,
    filter,
  )
  const [order, setOrder] = useState(() => new RowOrder())
  const onNearEnd = useCallback(() => {
    if (!isFetchingNextPage) void fetchNextPage()
  }, [isFetchingNextPage, fetchNextPage])
  if (data === undefined) return <Pending error={error} onRetry={refetch} lines={6} />
  const tasks = order.arrange(data.pages.flatMap(({ items }) => items))
  const isAll = status === undefined && type === undefined
  // A long list is not read again: what the parent submitted after its last page was read is not in it.
  const arrived = isAll && !hasNextPage && isLongList(data) ? Math.max(0, below.total - tasks.length) : 0
  const sortAgain = () => {
    setOrder(new RowOrder())
    void queries.resetQueries({ queryKey: keys.children(task.id) })
  }
  return (
    <>
      <Group justify="space-between" gap="xs">
        <TypeFilter tasks={tasks} shown={type} onShow={each => change({ type: each })} />
        {isAll && isOutOfOrder(tasks, below) && (
          <Button size="compact-sm" variant="light" onClick={sortAgain}>
            {t('failedFirst')}
          </Button>
        )}
      </Group>
      {tasks.length === 0 ? (
        <NoneLikeThat onShowAll={() => change({ status: undefined, type: undefined })} />
      ) : (
        <SubTaskList
          tasks={tasks}
          total={hasNextPage ? countOf(below, status) : tasks.length}
          hasMore={hasNextPage}
          onNearEnd={onNearEnd}
        />
      )}
      <ListEnd
        isLoading={isFetchingNextPage}
        isEnd={!hasNextPage}
        count={tasks.length}
        arrived={arrived}
        onArrived={sortAgain}
      />
    </>
  )
}

/** Returns how many there are of these statuses, by the record. */
function countOf({ counts, total }: Below, statuses: readonly Task['status'][] | undefined): number {
  return statuses === undefined ? total : statuses.reduce((sum, status) => sum + (counts[status] ?? 0), 0)
}

function NoneLikeThat({ onShowAll }: { onShowAll: () => void }) {
  const t = useTranslations('task.children')
  return (
    <Empty title={t('empty')} text={t('emptyText')}>
      <Button variant="light" onClick={onShowAll}>
        {t('showAll')}
      </Button>
    </Empty>
  )
}

interface ListEndProps {
  isLoading: boolean
  isEnd: boolean
  count: number
  /** Sub-tasks that came in since the list was read, and are not in it. */
  arrived: number
  onArrived: () => void
}

function ListEnd({ isLoading, isEnd, count, arrived, onArrived }: ListEndProps) {
  const t = useTranslations('task.children')
  return (
    <Center h="2.5rem" role="status">
      {isLoading && <Loader size="sm" role="img" aria-label={t('loadingMore')} />}
      {arrived > 0 && (
        <Button size="compact-sm" variant="light" onClick={onArrived}>
          {t('arrived', { count: arrived })}
        </Button>
      )}
      {isEnd && count > 0 && arrived === 0 && (
        <Text size="sm" c="dimmed">
          {t('end', { count })}
        </Text>
      )}
    </Center>
  )
}

interface TypeFilterProps {
  tasks: readonly Task[]
  shown: string | undefined
  onShow: (taskType: string | undefined) => void
}

/** Where there are sub-tasks of several types: which of them. */
function TypeFilter({ tasks, shown, onShow }: TypeFilterProps) {
  const t = useTranslations('task.children')
  const typeName = useTaskTypeName()
  const types = [
    ...new Set([...tasks.map(({ taskType }) => taskType), ...(shown === undefined ? [] : [shown])]),
  ]
  if (types.length < 2 && shown === undefined) return <span />
  return (
    <Select
      size="xs"
      aria-label={t('type')}
      placeholder={t('anyType')}
      value={shown ?? null}
      onChange={value => onShow(value ?? undefined)}
      data={types.map(type => ({ value: type, label: typeName(type) }))}
      clearable
    />
  )
}

/** What is done first, what is still to come last. */
const order = [...statuses].sort((a, b) => rankOf(a) - rankOf(b))

function rankOf(status: (typeof statuses)[number]): number {
  return [
    'COMPLETED',
    'COMPLETED_WITH_ERRORS',
    'FAILED',
    'DEAD_LETTER',
    'CANCELLED',
    'RUNNING',
    'RETRYING',
    'QUEUED',
  ].indexOf(status)
}

/** All sub-tasks as one slim bar. */
function SubTaskBar({ below: { counts, total } }: { below: Below }) {
  const t = useTranslations('task.children')
  const status = useTranslations('status')
  if (total === 0) return null
  const shown = order.filter(each => (counts[each] ?? 0) > 0)
  const text = shown.map(each => t('barPart', { status: status(each), count: counts[each] ?? 0 })).join(', ')
  return (
    <div className={classes['bar']} role="img" aria-label={t('bar', { text })} title={text}>
      {shown.map(each => (
        <div key={each} data-status={each} style={{ flexGrow: counts[each] ?? 0 }} />
      ))}
    </div>
  )
}

interface SubTaskTilesProps {
  below: Below
  /** The statuses that are shown; none: all. */
  shown: readonly Task['status'][]
  onShow: (statuses: readonly Task['status'][]) => void
}

/** How many sub-tasks are where; a tile shows or hides those of its status. */
function SubTaskTiles({ below: { counts, total }, shown, onShow }: SubTaskTilesProps) {
  const t = useTranslations('task.children')
  const status = useTranslations('status')
  const toggle = (each: Task['status']) =>
    onShow(shown.includes(each) ? shown.filter(other => other !== each) : [...shown, each])
  return (
    <Group gap="xs" role="group" aria-label={t('counts')}>
      <Tile name={t('all')} count={total} isOn={shown.length === 0} onClick={() => onShow([])} />
      {statuses
        .filter(each => (counts[each] ?? 0) > 0 || shown.includes(each))
        .map(each => (
          <Tile
            key={each}
            status={each}
            name={status(each)}
            count={counts[each] ?? 0}
            isOn={shown.includes(each)}
            onClick={() => toggle(each)}
          />
        ))}
    </Group>
  )
}

interface TileProps {
  name: string
  count: number
  isOn: boolean
  status?: Task['status']
  onClick: () => void
}

function Tile({ name, count, isOn, status, onClick }: TileProps) {
  const writing = useWriting()
  return (
    <UnstyledButton className={classes['tile']} aria-pressed={isOn} data-status={status} onClick={onClick}>
      <Text fw={650} className="numbers">
        {writing.number(count)}
      </Text>
      <Text size="xs" c="dimmed">
        {name}
      </Text>
    </UnstyledButton>
  )
}
