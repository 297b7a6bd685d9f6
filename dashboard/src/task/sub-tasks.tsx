import { Button, Center, Group, Loader, Select, Stack, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useState } from 'react'
import { useTranslations } from 'use-intl'
import { keys } from '../api/keys.ts'
import type { Task } from '../api/task.ts'
import { ErrorNotice } from '../parts/error-notice.tsx'
import { Empty, Loading } from '../parts/states.tsx'
import { useTaskTypeName } from '../parts/task-type.ts'
import { useChildren } from '../queries/task-queries.ts'
import { type Below, belowOf } from './counts-below.ts'
import { isOutOfOrder, RowOrder } from './row-order.ts'
import { SubTaskBar } from './sub-task-bar.tsx'
import { SubTaskList } from './sub-task-list.tsx'
import { SubTaskTiles } from './sub-task-tiles.tsx'
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
  const filter = { ...(status === undefined ? {} : { status }), ...(type === undefined ? {} : { type }) }
  const { data, error, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = useChildren(
    task.id,
    filter,
  )
  const [order, setOrder] = useState(() => new RowOrder())
  const onNearEnd = useCallback(() => {
    if (!isFetchingNextPage) void fetchNextPage()
  }, [isFetchingNextPage, fetchNextPage])
  if (data === undefined)
    return error === null ? (
      <Loading lines={6} />
    ) : (
      <ErrorNotice error={error} onRetry={() => void refetch()} />
    )
  const tasks = order.arrange(data.pages.flatMap(({ items }) => items))
  const sortAgain = () => {
    setOrder(new RowOrder())
    void queries.resetQueries({ queryKey: keys.children(task.id) })
  }
  return (
    <>
      <Group justify="space-between" gap="xs">
        <TypeFilter tasks={tasks} shown={type} onShow={each => change({ type: each })} />
        {status === undefined && type === undefined && isOutOfOrder(tasks, below) && (
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
      <ListEnd isLoading={isFetchingNextPage} isEnd={!hasNextPage} count={tasks.length} />
    </>
  )
}

/** How many there are of these statuses, by the record. */
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

function ListEnd({ isLoading, isEnd, count }: { isLoading: boolean; isEnd: boolean; count: number }) {
  const t = useTranslations('task.children')
  return (
    <Center h="2.5rem" role="status">
      {isLoading && <Loader size="sm" aria-label={t('loadingMore')} />}
      {isEnd && count > 0 && (
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
