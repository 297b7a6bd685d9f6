import { Alert, Button, Group, Paper, Stack, Text } from '@mantine/core'
import { IconInfoCircle } from '@tabler/icons-react'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { useShortcuts } from '../browser/shortcuts.tsx'
import { ErrorNotice } from '../parts/error-notice.tsx'
import { Loading } from '../parts/states.tsx'
import { focusHit } from './hit-focus.ts'
import { NoHits } from './no-hits.tsx'
import type { NovelOutline, SearchAnswer } from './novel.ts'
import classes from './search.module.css'
import { SearchHit } from './search-hit.tsx'

/** Hits that are asked for at first, and at most. */
const first = 20
const most = 100

/** What a search found, and how it was answered. */
export function SearchResults({ novel, query }: { novel: NovelOutline; query: string }) {
  const [limit, setLimit] = useState(first)
  const { data, error, refetch, isPlaceholderData } = useQuery({
    queryKey: [...keys.search(novel.id, query), limit],
    queryFn: ({ signal }) => {
      const params = { path: { novelId: novel.id }, query: { q: query, limit } }
      return dataOf(api.GET('/v1/novels/{novelId}/search', { params, signal }))
    },
    placeholderData: keepPreviousData,
  })
  useShortcuts({
    j: () => focusHit('next'),
    k: () => focusHit('previous'),
  })
  if (error) return <ErrorNotice error={error} onRetry={() => void refetch()} />
  if (data === undefined) return <Loading lines={6} />
  return (
    <Stack gap="sm" aria-busy={isPlaceholderData}>
      <HowAnswered answer={data} />
      {data.hits.length === 0 ? (
        <NoHits novel={novel} query={query} answer={data} />
      ) : (
        <Hits novel={novel} query={query} answer={data} />
      )}
      {data.hits.length >= limit && limit < most && (
        <Group justify="center">
          <MoreHits onMore={() => setLimit(most)} isBusy={isPlaceholderData} />
        </Group>
      )}
    </Stack>
  )
}

function MoreHits({ onMore, isBusy }: { onMore: () => void; isBusy: boolean }) {
  const t = useTranslations('actions')
  return (
    <Button variant="default" onClick={onMore} loading={isBusy}>
      {t('more')}
    </Button>
  )
}

function Hits({ novel, query, answer }: { novel: NovelOutline; query: string; answer: SearchAnswer }) {
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
      {answer.hits.map(hit => (
        <li key={`${hit.sceneId} ${hit.passage.start}`}>
          <SearchHit novel={novel} hit={hit} query={query} />
        </li>
      ))}
    </Paper>
  )
}

/** How many there are, what answered, and why it was not all that it could be. */
function HowAnswered({ answer }: { answer: SearchAnswer }) {
  const t = useTranslations('novels.search')
  const { hits, index, model, degraded, outOfDateScenes } = answer
  if (index === 'none') return null
  return (
    <Stack gap="xs">
      <Group gap="xs" justify="space-between">
        <Text size="sm" role="status" data-index={index}>
          {t('found', { count: hits.length })} {t(index, { model: model ?? '' })}
        </Text>
        {hits.length > 0 && (
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
        <Alert variant="light" color="gray" icon={<IconInfoCircle aria-hidden />} title={t('degradedTitle')}>
          {t(`degraded.${degraded.reason}`)}
        </Alert>
      )}
    </Stack>
  )
}
