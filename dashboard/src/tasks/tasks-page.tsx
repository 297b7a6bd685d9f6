import { ActionIcon, Button, Center, Group, Stack, Text } from '@mantine/core'
import { IconArrowUp, IconRefresh } from '@tabler/icons-react'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Suspense, useCallback, useEffect, useState } from 'react'
import { useTranslations } from 'use-intl'
import { useMayAct, useMayActOnAll } from '../api/me.ts'
import { lazyPart } from '../browser/lazy-part.ts'
import type { BulkSelection } from '../parts/bulk-dialog.tsx'
import { ButtonLink } from '../parts/links.tsx'
import { Page } from '../parts/page.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { Empty, ErrorNotice, Loading, MoreButton } from '../parts/states.tsx'
import { NovelTitles } from '../parts/task-name.tsx'
import type { TasksSearch } from '../queries/search.ts'
import type { ActionDialogProps, AskedAction } from './action-dialog.tsx'
import { AllMatching } from './all-matching.tsx'
import { FindBox } from './find-box.tsx'
import { type Selection, SelectionBar, useSelection } from './selection.tsx'
import { type FilterProps, isFiltered, StatusTiles, TaskFilters } from './task-filters.tsx'
import { type RowRange, type TaskList, useTaskList } from './task-list.ts'
import { TaskRows } from './task-rows.tsx'
import classes from './tasks.module.css'
import { ExportTasks, ViewsMenu } from './views-menu.tsx'

/** Comes with the first action that is asked for. */
const ActionDialog = lazyPart<'ActionDialog', ActionDialogProps>(
  () => import('./action-dialog.tsx'),
  'ActionDialog',
)

/** Comes with the first action on all that match. */
const BulkActionDialog = lazyPart<'BulkActionDialog', { selection: BulkSelection; onClose: () => void }>(
  () => import('../parts/bulk-dialog.tsx'),
  'BulkActionDialog',
)

/** The list of tasks. */
export function TasksPage() {
  const t = useTranslations('tasks')
  const search = useSearch({ from: '/tasks' })
  const navigate = useNavigate()
  const onSearch = (changed: TasksSearch) => navigate({ to: '/tasks', search: changed, resetScroll: false })
  const [inView, setInView] = useState<RowRange>(atFirst)
  const list = useTaskList(search, inView)
  const mayAct = useMayAct()
  const mayActOnAll = useMayActOnAll()
  const selection = useSelection(list.rows.filter(mayAct), search)
  const [asked, setAsked] = useState<AskedAction>()
  const [bulk, setBulk] = useState<BulkSelection>()
  const onRange = useCallback((range: RowRange) => setInView(range), [])
  return (
    <NovelTitles tasks={list.rows}>
      <Page>
        <PageTitle title={t('title')}>
          <FindBox shown={list.rows} />
          {mayActOnAll && list.rows.length > 0 && <AllMatching search={search} onAsk={setBulk} />}
          <ViewsMenu search={search} onSearch={onSearch} />
          <ExportTasks search={search} />
          <Refresh list={list} />
        </PageTitle>
        <StatusTiles search={search} onSearch={onSearch} />
        <TaskFilters search={search} onSearch={onSearch} />
        <Arrivals list={list} isOldestFirst={search.order === 'oldest'} />
        <Listed {...{ list, search, onSearch, selection, onRange }} onAsk={asking => setAsked(asking)} />
        <SelectionBar
          selection={selection}
          onAct={action => setAsked({ action, tasks: selection.tasks })}
          onRelabel={action => setBulk({ action, filter: { taskIds: selection.tasks.map(({ id }) => id) } })}
        />
      </Page>
      <Suspense>
        {asked && <ActionDialog {...asked} onEnd={selection.drop} onClose={() => setAsked(undefined)} />}
        {bulk && <BulkActionDialog selection={bulk} onClose={() => setBulk(undefined)} />}
      </Suspense>
    </NovelTitles>
  )
}

const atFirst: RowRange = { first: 0, last: 0 }

interface ListedProps {
  list: TaskList
  search: TasksSearch
  onSearch: (search: TasksSearch) => void
  selection: Selection
  onRange: (range: RowRange) => void
  onAsk: (asked: AskedAction) => void
}

/** The rows, or what stands in their place. */
function Listed({ list, search, onSearch, selection, onRange, onAsk }: ListedProps) {
  const navigate = useNavigate()
  if (list.isLoading && list.error === null) return <Loading lines={8} />
  if (list.rows.length === 0 && list.error !== null)
    return <ErrorNotice error={list.error} onRetry={list.tryAgain} />
  if (list.rows.length === 0) return <NoTasks search={search} onSearch={onSearch} />
  return (
    <>
      <TaskRows
        rows={list.rows}
        status={search.status}
        selection={selection}
        onAct={(action, tasks) => onAsk({ action, tasks })}
        onOpen={({ id }) => navigate({ to: '/tasks/$taskId', params: { taskId: id } })}
        onRange={onRange}
      />
      {list.error !== null && <ErrorNotice error={list.error} onRetry={list.tryAgain} />}
      <End list={list} />
    </>
  )
}

/** How many rows there are so far, and the way to more. */
function End({ list }: { list: TaskList }) {
  const t = useTranslations()
  return (
    <Center>
      <Stack align="center" gap="xs">
        <Text size="sm" c="dimmed" className="numbers">
          {t(list.hasMore ? 'tasks.shownSoFar' : 'tasks.shownAll', { count: list.rows.length })}
        </Text>
        {list.hasMore && <MoreButton isBusy={list.isLoadingMore} onMore={list.loadMore} />}
      </Stack>
    </Center>
  )
}

/** Reads the list again. */
function Refresh({ list }: { list: TaskList }) {
  const t = useTranslations('tasks')
  const [isBusy, setIsBusy] = useState(false)
  return (
    <ActionIcon
      variant="default"
      size="input-sm"
      loading={isBusy}
      aria-label={t('refresh')}
      title={t('refresh')}
      onClick={async () => {
        setIsBusy(true)
        await list.refresh()
        setIsBusy(false)
      }}
    >
      <IconRefresh size={18} aria-hidden />
    </ActionIcon>
  )
}

/** Pixels of scrolling up to which the beginning of the list is still in view. */
const atTopWithin = 120

/**
 * Tasks that came in. At the beginning of the list they appear at once. After scrolling on, a button says how many there are, so that
 * nothing moves under the pointer. At the end of a list that begins with the oldest they move nothing.
 */
function Arrivals({ list, isOldestFirst }: { list: TaskList; isOldestFirst: boolean }) {
  const t = useTranslations('tasks')
  const { arrived, arrivedMore, takeInArrived } = list
  useEffect(() => {
    if (arrived > 0 && (isOldestFirst || window.scrollY <= atTopWithin)) takeInArrived()
  })
  return (
    <div role="status" className={classes['arrived']}>
      {arrived > 0 && !isOldestFirst && window.scrollY > atTopWithin && (
        <Center>
          <Button
            radius="xl"
            leftSection={<IconArrowUp size={16} aria-hidden />}
            onClick={() => {
              takeInArrived()
              window.scrollTo({ top: 0 })
            }}
          >
            {t(arrivedMore ? 'arrivedMore' : 'arrived', { count: arrived })}
          </Button>
        </Center>
      )}
    </div>
  )
}

/** In place of a list without rows: nothing was ever begun here, or nothing fits the filters. */
function NoTasks({ search, onSearch }: FilterProps) {
  const t = useTranslations('tasks')
  if (!isFiltered(search))
    return (
      <Empty title={t('noneTitle')} text={t('noneText')}>
        <ButtonLink to="/">{t('toShelf')}</ButtonLink>
      </Empty>
    )
  return (
    <Empty title={t('noMatchTitle')} text={t('noMatchText')}>
      <Group justify="center">
        {search.all !== true && (
          <Button variant="default" onClick={() => onSearch({ ...search, all: true })}>
            {t('withSubTasks')}
          </Button>
        )}
        <Button onClick={() => onSearch({})}>{t('clearFilters')}</Button>
      </Group>
    </Empty>
  )
}
