import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconDots, IconPlus } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { newIdempotencyKey } from '../api/request-key.ts'
import { Dialog, useUnsaved } from '../parts/dialog.tsx'
import { Form } from '../parts/form.tsx'
import { TextLink } from '../parts/links.tsx'
import { LongText } from '../parts/long-text.tsx'
import { May } from '../parts/may.tsx'
import { Page } from '../parts/page.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { useShape } from '../parts/shaping.ts'
import { Empty, ErrorNotice, Pending } from '../parts/states.tsx'
import { useChapter, useIsReference, useOutline, useReadSceneAgain } from '../queries/novel-queries.ts'
import type { ChapterSearch } from '../queries/search.ts'
import { ChapterNavigation, useChapterKeys } from './chapter-navigation.tsx'
import { chaptersOf, type NovelOutline, type SceneEntry } from './novel.ts'
import { useFollowNovel } from './novel-tasks.ts'
import { usePlace } from './reading-place.ts'
import { SceneReading } from './scene-reading.tsx'
import { ChapterSummary } from './story-so-far.tsx'
import { TargetProgress } from './target-words.tsx'
import { ChapterDialog } from './unit-dialog.tsx'

const route = getRouteApi('/novels/$novelId/chapters/$chapterId')

/** A chapter to read: its scenes, each with its summary. */
export function ChapterPage() {
  const { novelId, chapterId } = route.useParams()
  const search = route.useSearch()
  const { data: novel } = useOutline(novelId)
  useFollowNovel(novelId)
  useChapterKeys(novel, chapterId)
  return (
    <Page>
      <Group justify="space-between" gap="sm">
        <Where novelId={novelId} novel={novel} q={search.q} />
        {novel !== undefined && <ChapterNavigation novel={novel} chapterId={chapterId} />}
      </Group>
      <Chapter key={chapterId} novelId={novelId} chapterId={chapterId} novel={novel} search={search} />
    </Page>
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
  if (chapter === undefined) return <Pending error={error} onRetry={refetch} lines={8} />
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
      >
        <May need="write">{novel !== undefined && <ChangeChapter novel={novel} chapterId={chapterId} />}</May>
      </PageTitle>
      <TargetProgress words={chapter.words} target={chapter.targetWords} />
      <ChapterSummary novelId={novelId} chapterId={chapterId} language={novel?.language} />
      <Scenes
        novelId={novelId}
        chapterId={chapterId}
        scenes={chapter.scenes}
        language={novel?.language}
        search={search}
      />
      <Group justify="space-between">
        <May need="write">
          <AddScene novelId={novelId} chapterId={chapterId} />
        </May>
        {navigation}
      </Group>
    </>
  )
}

/** Opens what changes the chapter. Once it is deleted, the page goes to the novel. */
function ChangeChapter({ novel, chapterId }: { novel: NovelOutline; chapterId: string }) {
  const t = useTranslations('novels.shape')
  const navigate = useNavigate()
  const shape = useShape(novel.id)
  const [isOpen, opened] = useDisclosure()
  const chapter = chaptersOf(novel).find(({ id }) => id === chapterId)
  if (chapter === undefined) return null
  return (
    <>
      <Button variant="default" leftSection={<IconDots size={18} aria-hidden />} onClick={opened.open}>
        {t('changeChapter')}
      </Button>
      {isOpen && (
        <ChapterDialog
          novel={novel}
          chapter={chapter}
          shape={shape}
          onDeleted={() => navigate({ to: '/novels/$novelId', params: { novelId: novel.id } })}
          onClose={opened.close}
        />
      )}
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
          scenes={scenes}
          target={targetIn(scene, search)}
          isWanted={scene.id === place.sceneId}
          onShown={place.shown}
        />
      ))}
    </Stack>
  )
}

/** Returns the passage of a scene that the address asks for; of a scene that is asked for without one, its beginning. */
function targetIn({ id }: SceneEntry, { scene, from = 0, to = 0, q: query }: ChapterSearch) {
  return scene === id ? { start: from, end: to, query } : undefined
}

interface AddSceneProps {
  novelId: string
  chapterId: string
}

/** What a scene is to be. */
interface NewScene {
  title: string
  /** What is to happen in it. */
  brief: string
  key: string
}

/** Adds a scene to the end of a chapter and goes to its page, where it is written. */
function AddScene(props: AddSceneProps) {
  const t = useTranslations('novels.addScene')
  const [isOpen, opened] = useDisclosure()
  return (
    <>
      <Button variant="default" leftSection={<IconPlus size={18} aria-hidden />} onClick={opened.open}>
        {t('open')}
      </Button>
      {isOpen && (
        <Dialog onClose={opened.close} title={t('open')} centered>
          <AddSceneForm {...props} />
        </Dialog>
      )}
    </>
  )
}

function AddSceneForm({ novelId, chapterId }: AddSceneProps) {
  const t = useTranslations('novels.addScene')
  const isReference = useIsReference(novelId)
  const [scene, setScene] = useState<NewScene>({ title: '', brief: '', key: newIdempotencyKey() })
  // The same request sent twice adds one scene; a changed request adds another one.
  const change = (part: Partial<NewScene>) => setScene({ ...scene, ...part, key: newIdempotencyKey() })
  const { mutate, error, isPending } = useAdd({ novelId, chapterId })
  const question = useUnsaved(`${scene.title}${scene.brief}`.trim() !== '' && !isPending)
  return (
    <Form onSubmit={() => mutate(scene)}>
      <Stack>
        <TextInput
          label={t('title')}
          value={scene.title}
          maxLength={300}
          onChange={({ currentTarget }) => change({ title: currentTarget.value })}
          data-autofocus
        />
        <LongText
          label={t('brief')}
          {...(!isReference && { description: t('briefText') })}
          value={scene.brief}
          maxLength={10_000}
          onType={text => change({ brief: text })}
          minRows={3}
          maxRows={12}
        />
        {error !== null && <ErrorNotice error={error} />}
        <Text size="sm" c="dimmed">
          {t(isReference ? 'thenByHand' : 'then')}
        </Text>
        <Button type="submit" loading={isPending}>
          {t('add')}
        </Button>
      </Stack>
      {question}
    </Form>
  )
}

function useAdd({ novelId, chapterId }: AddSceneProps) {
  const navigate = useNavigate()
  const readAgain = useReadSceneAgain({ id: '', novelId })
  return useMutation({
    mutationFn: ({ title, brief, key }: NewScene) => {
      const body = { ...given('title', title), ...given('summary', brief) }
      const header = { 'idempotency-key': key }
      return dataOf(
        api.POST('/v1/chapters/{chapterId}/scenes', { params: { path: { chapterId }, header }, body }),
      )
    },
    async onSuccess({ id }) {
      void readAgain()
      await navigate({ to: '/novels/$novelId/scenes/$sceneId', params: { novelId, sceneId: id } })
    },
  })
}

function given<Name extends string>(name: Name, text: string): { [Key in Name]?: string } {
  const meant = text.trim()
  return (meant === '' ? {} : { [name]: meant }) as { [Key in Name]?: string }
}
