import { Alert, Badge, Button, Group, List, Paper, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconAlertTriangle, IconInfoCircle } from '@tabler/icons-react'
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { useShortcuts } from '../browser/shortcuts.tsx'
import { May } from '../parts/may.tsx'
import { Empty, ErrorNotice, MoreButton, Pending } from '../parts/states.tsx'
import type { NovelOutline, SearchAnswer } from './novel.ts'
import { MakeIndex } from './novel-state.tsx'
import { MarkedText } from './prose.tsx'
import classes from './search.module.css'
import { wholeWords } from './text-spans.ts'

/** Hits that are asked for at first, those of a further page, and all that can be had. */
const first = 20
const more = 100
const mostOffset = 1_000

/** What a search found, and how it was answered. */
export function SearchResults({ novel, query }: { novel: NovelOutline; query: string }) {
  const { kind, builtAt } = novel.index
  const search = useInfiniteQuery({
    // A new index answers anew; the tasks of the novel do not have it searched again, which a model may be paid for.
    queryKey: [...keys.search(novel.id, query), kind, builtAt],
    queryFn: ({ signal, pageParam: offset }) => {
      const limit = offset === 0 ? first : Math.min(more, mostOffset - offset)
      const params = { path: { novelId: novel.id }, query: { q: query, limit, offset } }
      return dataOf(api.GET('/v1/novels/{novelId}/search', { params, signal }))
    },
    initialPageParam: 0,
    getNextPageParam: ({ nextOffset }: SearchAnswer) => nextOffset,
    placeholderData: keepPreviousData,
  })
  useShortcuts({
    j: () => focusHit('next'),
    k: () => focusHit('previous'),
  })
  const { data, error, refetch, isPlaceholderData } = search
  const answer = data?.pages[0]
  if (data === undefined || answer === undefined) return <Pending error={error} onRetry={refetch} lines={6} />
  const hits = distinct(data.pages.flatMap(page => page.hits))
  return (
    <Stack gap="sm" aria-busy={isPlaceholderData}>
      <HowAnswered answer={answer} shown={hits.length} />
      {hits.length === 0 ? (
        <NoHits novel={novel} query={query} answer={answer} />
      ) : (
        <Hits novel={novel} query={query} hits={hits} />
      )}
      {error !== null && <ErrorNotice error={error} />}
      {search.hasNextPage && (
        <Group justify="center">
          <MoreButton onMore={search.fetchNextPage} isBusy={search.isFetchingNextPage} />
        </Group>
      )}
    </Stack>
  )
}

type Hit = SearchAnswer['hits'][number]

function keyOf({ sceneId, passage }: Hit): string {
  return `${sceneId} ${passage.start}`
}

/** Several passages of a changed scene may lead to the same one of its text now, on different pages. */
function distinct(hits: readonly Hit[]): Hit[] {
  return [...new Map(hits.toReversed().map(hit => [keyOf(hit), hit])).values()].toReversed()
}

function Hits({ novel, query, hits: found }: { novel: NovelOutline; query: string; hits: readonly Hit[] }) {
  const t = useTranslations('novels.search')
  return (
    <Paper
      withBorder
      component="ol"
      aria-label={t('hits')}
      className={classes['hits'] ?? ''}
      onKeyDown={event => {
        if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
        event.preventDefault()
        focusHit(event.key === 'ArrowDown' ? 'next' : 'previous')
      }}
    >
      {found.map(hit => (
        <li key={keyOf(hit)}>
          <SearchHit novel={novel} hit={hit} query={query} />
        </li>
      ))}
    </Paper>
  )
}

/** How many there are, what answered, and why it was not all that it could be. */
function HowAnswered({ answer, shown }: { answer: SearchAnswer; shown: number }) {
  const t = useTranslations('novels.search')
  const { total, index, model, degraded, outOfDateScenes } = answer
  if (index === 'none') return null
  return (
    <Stack gap="xs">
      <Group gap="xs" justify="space-between">
        <Text size="sm" role="status" data-index={index}>
          {shown === total ? t('found', { count: shown }) : t('foundOf', { shown, total })}{' '}
          {t(index, { model: model ?? '' })}
        </Text>
        {shown > 0 && (
          <Text size="sm" c="dimmed" visibleFrom="sm">
            {t('keys')}
          </Text>
        )}
      </Group>
      {outOfDateScenes > 0 && (
        <Text size="sm" c="dimmed">
          {t('outOfDateScenes', { count: outOfDateScenes })}
        </Text>
      )}
      {degraded !== undefined && (
        <Alert color="gray" icon={<IconInfoCircle aria-hidden />} title={t('degradedTitle')}>
          {t(`degraded.${degraded.reason}`)}
        </Alert>
      )}
    </Stack>
  )
}

/** A passage that was found. Opens it in the reader, where it is marked. */
function SearchHit({ novel, query, hit }: { novel: NovelOutline; query: string; hit: Hit }) {
  const t = useTranslations('novels.search')
  const { chapterId, chapterTitle, sceneId, passage, outOfDate } = hit
  const placeName = usePlaceName(novel, chapterId)
  const goesOn = hit.snippet.start + hit.snippet.text.length < passage.end
  const snippet = wholeWords(hit.snippet, { start: hit.snippet.start > passage.start, end: goesOn })
  return (
    <Link
      to="/novels/$novelId/chapters/$chapterId"
      params={{ novelId: novel.id, chapterId }}
      search={{ scene: sceneId, from: passage.start, to: passage.end, q: query }}
      className={classes['hit']}
      {...hitAttribute}
    >
      <Group gap="xs" mb={4}>
        <Text span fw={600} size="sm">
          {placeName(chapterTitle)}
        </Text>
        {outOfDate && (
          <Badge variant="default" leftSection={<IconAlertTriangle size={12} aria-hidden />}>
            {t('outOfDate')}
          </Badge>
        )}
      </Group>
      <Text component="span" className={classes['snippet']} lang={novel.language}>
        {snippet.start > passage.start && '… '}
        <MarkedText text={snippet.text} marks={snippet.marks} />
        {goesOn && ' …'}
      </Text>
    </Link>
  )
}

/** Returns what names a chapter among those of all volumes: its volume, where there are several, and its title or number. */
function usePlaceName({ outline }: NovelOutline, chapterId: string): (title: string) => string {
  const t = useTranslations('novels')
  const volume = outline.find(({ chapters }) => chapters.some(({ id }) => id === chapterId))
  const number = (volume?.chapters.find(({ id }) => id === chapterId)?.position ?? 0) + 1
  return title => {
    const chapter = title === '' ? t('chapterNumber', { number }) : title
    if (volume === undefined || outline.length === 1) return chapter
    const volumeTitle =
      volume.title === '' ? t('outline.volume', { number: volume.position + 1 }) : volume.title
    return `${volumeTitle} · ${chapter}`
  }
}

/** Where a search found nothing: why that may be, and what helps. */
function NoHits({ novel, query, answer }: { novel: NovelOutline; query: string; answer: SearchAnswer }) {
  const t = useTranslations('novels.search')
  if (answer.index === 'none') return <NoIndex novel={novel} />
  return (
    <Empty
      title={t('noHitsTitle', { query })}
      text={t(answer.index === 'hybrid' ? 'noHits' : 'noHitsByWords')}
    >
      <List ta="start" size="sm">
        <List.Item>{t('tipFewer')}</List.Item>
        <List.Item>{t('tipOther')}</List.Item>
        {answer.outOfDateScenes > 0 && <List.Item>{t('tipRenew')}</List.Item>}
      </List>
    </Empty>
  )
}

function NoIndex({ novel }: { novel: NovelOutline }) {
  const t = useTranslations('novels.search')
  const index = useTranslations('novels.index')
  const [isAsking, asking] = useDisclosure()
  if (novel.index.building) return <Empty title={t('buildingTitle')} text={t('buildingText')} />
  return (
    <Empty title={t('noIndexTitle')} text={t('noIndexText')}>
      <May need="write">
        <Button onClick={asking.open}>
          <Text span>{index('make')}</Text>
        </Button>
      </May>
      {isAsking && <MakeIndex novelId={novel.id} onClose={asking.close} />}
    </Empty>
  )
}

/** The attribute that makes an element a hit of a search that the keyboard reaches. */
const hitAttribute = { 'data-hit': '' } as const

const hits = () => [...document.querySelectorAll<HTMLElement>('[data-hit]')]

/** Moves the focus through the hits. Returns whether there was one to go to. */
export function focusHit(where: 'first' | 'next' | 'previous'): boolean {
  const all = hits()
  const at = document.activeElement instanceof HTMLElement ? all.indexOf(document.activeElement) : -1
  const to = where === 'first' ? 0 : where === 'next' ? at + 1 : at - 1
  const hit = all[to]
  hit?.focus()
  return hit !== undefined
}
