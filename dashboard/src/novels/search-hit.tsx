import { Badge, Group, Text } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { hitAttribute } from './hit-focus.ts'
import { MarkedText } from './marked-text.tsx'
import type { NovelOutline, SearchAnswer } from './novel.ts'
import classes from './search.module.css'
import { wholeWords } from './whole-words.ts'

/** A passage that was found. Opens it in the reader, where it is marked. */
export function SearchHit({
  novel,
  query,
  hit,
}: {
  novel: NovelOutline
  query: string
  hit: SearchAnswer['hits'][number]
}) {
  const t = useTranslations('novels.search')
  const { chapterId, chapterTitle, sceneId, passage, outOfDate } = hit
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
          {chapterTitle}
        </Text>
        {outOfDate && (
          <Badge variant="default" tt="none" leftSection={<IconAlertTriangle size={12} aria-hidden />}>
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
