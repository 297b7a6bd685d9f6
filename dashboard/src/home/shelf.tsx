import { Center, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { IconCheck } from '@tabler/icons-react'
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { pageAt, pageByPage } from '../api/pages.ts'
import type { Task } from '../api/task.ts'
import { TextLink } from '../parts/links.tsx'
import { useNotifyError } from '../parts/notify.tsx'
import { TaskProgress } from '../parts/progress.tsx'
import { ReferenceBadge } from '../parts/reference-notice.tsx'
import { MoreButton } from '../parts/states.tsx'
import { Ago } from '../parts/time.tsx'
import type { Novel } from '../queries/novel-queries.ts'
import { useLanguageName } from '../text/format.ts'
import classes from './home.module.css'
import { ImportLine } from './import-steps.tsx'
import { aboutOf, type Subjects } from './working.tsx'

const perPage = 24

/** Returns the novels, newest first, as many pages of them as were asked for. */
export function useShelf() {
  return useInfiniteQuery({
    queryKey: keys.novels,
    queryFn({ pageParam, signal }) {
      const query = { pageSize: perPage, ...pageAt(pageParam) }
      return dataOf(api.GET('/v1/novels', { params: { query }, signal }))
    },
    ...pageByPage,
    refetchOnMount: 'always',
  })
}

/**
 * Events report tasks and not novels, so the shelf is read again when a task of a novel made progress: it was submitted,
 * entered another stage, or is not there any more since it ended.
 */
export function useShelfFollowing(working: readonly Task[] | undefined): void {
  const queries = useQueryClient()
  const state = working?.map(task => `${task.id} ${stateOf(task)}`).join('\n')
  const followed = useRef(state)
  useEffect(() => {
    const wasKnown = followed.current !== undefined
    followed.current = state
    if (!wasKnown) return
    void queries.invalidateQueries({ queryKey: keys.novels })
    void queries.invalidateQueries({ queryKey: keys.uploads })
  }, [queries, state])
}

function stateOf({ status, progress }: Task): string {
  const stage =
    typeof progress === 'object' && progress !== null && 'stage' in progress ? progress.stage : undefined
  return `${status} ${String(stage)}`
}

type ShelfSectionProps = Subjects & { shelf: ReturnType<typeof useShelf>; working: readonly Task[] }

/** The novels, newest first, each with what is being done with it. */
export function ShelfSection({ shelf, working, novels, uploads }: ShelfSectionProps) {
  const t = useTranslations()
  const notifyError = useNotifyError()
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = shelf
  const workOn = new Map(working.map(task => [aboutOf(task, novels, uploads).novelId, task]))
  const showMore = async () => {
    const { error } = await fetchNextPage()
    if (error !== null) notifyError(error)
  }
  return (
    <Stack component="section" gap="sm" aria-label={t('home.novels')}>
      <Title order={2}>{t('home.novels')}</Title>
      {novels.length === 0 && <Text c="dimmed">{t('home.noNovelYet')}</Text>}
      <SimpleGrid cols={{ base: 1, xs: 2, lg: 3 }}>
        {novels.map(novel => (
          <NovelCard key={novel.id} novel={novel} task={workOn.get(novel.id)} />
        ))}
      </SimpleGrid>
      {hasNextPage && (
        <Center>
          <MoreButton isBusy={isFetchingNextPage} onMore={showMore} />
        </Center>
      )}
    </Stack>
  )
}

/** A novel on the shelf. `task`: what is being done with it. */
function NovelCard({ novel, task }: { novel: Novel; task: Task | undefined }) {
  const t = useTranslations()
  const languageName = useLanguageName()
  const { id, title, author, language, words, chapters, scenes, reference, updatedAt } = novel
  const who = [author, languageName(language)].filter(part => part !== undefined).join(' · ')
  return (
    <Paper withBorder p="md" className={`${classes['book']} ${classes['card']}`} data-novel={id}>
      <Stack gap="xs" h="100%" justify="space-between">
        <Stack gap={2}>
          <TextLink
            to="/novels/$novelId"
            params={{ novelId: id }}
            className={`${classes['bookTitle']} ${classes['stretched']}`}
            c="var(--mantine-color-text)"
          >
            <span lang={language}>{title}</span>
          </TextLink>
          {who !== '' && (
            <Text size="sm" c="dimmed">
              {who}
            </Text>
          )}
          {reference === true && <ReferenceBadge />}
        </Stack>
        <Stack gap={4}>
          <Text size="sm" className="numbers">
            {t('units.words', { count: words })} · {t('units.chapters', { count: chapters })} ·{' '}
            {t('units.scenes', { count: scenes })}
          </Text>
          {task === undefined ? <Summaries novel={novel} /> : <Work task={task} />}
          <Text size="xs" c="dimmed">
            {t.rich('home.changed', { ago: () => <Ago at={updatedAt} /> })}
          </Text>
        </Stack>
      </Stack>
    </Paper>
  )
}

function Work({ task }: { task: Task }) {
  return task.taskType === 'ImportNovel' ? <ImportLine task={task} /> : <TaskProgress task={task} isSlim />
}

function Summaries({ novel: { scenes, summaries } }: { novel: Novel }) {
  const t = useTranslations('home')
  const isAll = scenes > 0 && summaries >= scenes
  return (
    <Text size="sm" className="numbers">
      {isAll && <IconCheck size={14} aria-hidden color="var(--mantine-color-green-filled)" />}{' '}
      {isAll ? t('allSummaries') : t('someSummaries', { summaries, scenes })}
    </Text>
  )
}
