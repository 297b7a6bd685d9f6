import { Badge, Group, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { hitAttribute } from './hit-focus.ts'
import { MarkedText } from './marked-text.tsx'
import type { NovelOutline, SearchAnswer } from './novel.ts'
import classes from './search.module.css'

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
  const { chapterId, chapterTitle, sceneId, passage, snippet, outOfDate } = hit
  const goesOn = snippet.start + snippet.text.length < passage.end
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
          <Badge color="yellow" variant="light" tt="none">
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
