import { Group, Stack } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { ErrorNotice } from '../parts/error-notice.tsx'
import { TextLink } from '../parts/links.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { Empty, Loading } from '../parts/states.tsx'
import { useChapter, useOutline } from '../queries/scene-queries.ts'
import type { ChapterSearch } from '../queries/search.ts'
import { AddScene } from './add-scene.tsx'
import { ChapterNavigation, useChapterKeys } from './chapter-navigation.tsx'
import { useFollowNovel } from './live-tasks.ts'
import type { NovelOutline, SceneEntry } from './novel.ts'
import { SceneReading } from './scene-reading.tsx'
import { usePlace } from './use-place.ts'

const route = getRouteApi('/novels/$novelId/chapters/$chapterId')

/** A chapter to read: its scenes, each with its summary. */
export function ChapterPage() {
  const { novelId, chapterId } = route.useParams()
  const search = route.useSearch()
  const { data: novel } = useOutline(novelId)
  useFollowNovel(novelId)
  useChapterKeys(novel, chapterId)
  return (
    <Stack gap="lg">
      <Group justify="space-between" gap="sm">
        <Where novelId={novelId} novel={novel} q={search.q} />
        {novel !== undefined && <ChapterNavigation novel={novel} chapterId={chapterId} />}
      </Group>
      <Chapter key={chapterId} novelId={novelId} chapterId={chapterId} novel={novel} search={search} />
    </Stack>
  )
}

/** The way back: to the novel, or to the search that led here. */
function Where({
  novelId,
  novel,
  q,
}: {
  novelId: string
  novel: NovelOutline | undefined
  q: string | undefined
}) {
  const t = useTranslations('novels')
  return (
    <Group gap="md" component="nav" aria-label={t('where')}>
      <TextLink to="/novels/$novelId" params={{ novelId }} size="sm">
        {novel?.title ?? t('title')}
      </TextLink>
      {q !== undefined && (
        <TextLink to="/novels/$novelId" params={{ novelId }} search={{ q }} size="sm">
          {t('search.back', { query: q })}
        </TextLink>
      )}
    </Group>
  )
}

interface ChapterProps {
  novelId: string
  chapterId: string
  novel: NovelOutline | undefined
  search: ChapterSearch
}

function Chapter({ novelId, chapterId, novel, search }: ChapterProps) {
  const t = useTranslations()
  const { data: chapter, error, refetch } = useChapter(novelId, chapterId)
  if (chapter === undefined)
    return error ? <ErrorNotice error={error} onRetry={() => void refetch()} /> : <Loading lines={8} />
  const title =
    chapter.title === '' ? t('novels.chapterNumber', { number: chapter.position + 1 }) : chapter.title
  const navigation = novel && <ChapterNavigation novel={novel} chapterId={chapterId} />
  return (
    <>
      <PageTitle
        title={title}
        below={
          <span className="numbers">
            {[
              t('units.words', { count: chapter.words }),
              t('units.scenes', { count: chapter.scenes.length }),
            ].join(' · ')}
          </span>
        }
      />
      <Scenes
        novelId={novelId}
        chapterId={chapterId}
        scenes={chapter.scenes}
        language={novel?.language}
        search={search}
      />
      <Group justify="space-between">
        <AddScene novelId={novelId} chapterId={chapterId} />
        {navigation}
      </Group>
    </>
  )
}

interface ScenesProps {
  novelId: string
  chapterId: string
  scenes: readonly SceneEntry[]
  language: string | undefined
  search: ChapterSearch
}

function Scenes({ novelId, chapterId, scenes, language, search }: ScenesProps) {
  const t = useTranslations('novels.reader')
  const place = usePlace(novelId, chapterId, search.scene)
  if (scenes.length === 0) return <Empty title={t('emptyTitle')} text={t('emptyText')} />
  return (
    <Stack gap="xl" ref={place.container}>
      {scenes.map(scene => (
        <SceneReading
          key={scene.id}
          scene={scene}
          language={language}
          isOnly={scenes.length === 1}
          target={targetIn(scene, search)}
          isWanted={scene.id === place.sceneId}
          onShown={place.shown}
        />
      ))}
    </Stack>
  )
}

/** The passage of a scene that the address asks for; of a scene that is asked for without one, its beginning. */
function targetIn({ id }: SceneEntry, { scene, from = 0, to = 0 }: ChapterSearch) {
  return scene === id ? { start: from, end: to } : undefined
}
