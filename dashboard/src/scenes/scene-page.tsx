import { Breadcrumbs, type ButtonProps, Grid, Group, Stack, Tabs, Text } from '@mantine/core'
import { IconArrowLeft, IconArrowRight } from '@tabler/icons-react'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { unitOf } from '../parts/instructions.ts'
import { ButtonLink, TextLink } from '../parts/links.tsx'
import { May } from '../parts/may.tsx'
import { Page } from '../parts/page.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { Pending } from '../parts/states.tsx'
import {
  type Scene,
  type SceneTasks,
  useChapter,
  useOutline,
  useReadAgainAfterTasks,
  useScene,
  useSceneTasks,
} from '../queries/novel-queries.ts'
import { useWriting } from '../text/format.ts'
import { BriefPart } from './brief-part.tsx'
import { HistoryPart } from './history-part.tsx'
import { NarrationPart } from './narration-part.tsx'
import { SummaryPart } from './summary-part.tsx'
import { TextPart } from './text-part.tsx'
import { WritePart } from './write-part.tsx'

const from = '/novels/$novelId/scenes/$sceneId'
/** The kinds of tasks that write for the text of a scene. */
const writers = ['GenerateScene', 'RewriteSelection'] as const

/** A scene to read, write and edit. */
export function ScenePage() {
  const t = useTranslations('scenes')
  const { novelId, sceneId } = useParams({ from })
  const { data: scene, error, refetch } = useScene(sceneId)
  const tasks = useSceneTasks(sceneId)
  const known = tasks.isKnown ? [tasks.newest(...writers), tasks.newest('GenerateSummary')] : undefined
  useReadAgainAfterTasks({ id: sceneId, novelId }, known)
  if (scene === undefined)
    return (
      <Page>
        <PageTitle title={t('title')} />
        <Pending error={error} onRetry={refetch} lines={8} />
      </Page>
    )
  return (
    <Page>
      <SceneHead scene={scene} />
      <Grid gap="xl">
        <Grid.Col span={{ base: 12, lg: 7 }}>
          <Parts key={scene.id} scene={scene} tasks={tasks} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 5 }}>
          <Stack key={scene.id}>
            <SummaryPart scene={scene} making={tasks.newest('GenerateSummary')} />
            <NarrationPart scene={scene} />
            <May need="write">
              <WritePart scene={scene} tasks={tasks} />
            </May>
          </Stack>
        </Grid.Col>
      </Grid>
    </Page>
  )
}

/** The text, the brief, the history: one of them is open. The text stays as it is while another one is open. */
function Parts({ scene, tasks }: { scene: Scene; tasks: SceneTasks }) {
  const t = useTranslations('scenes.parts')
  const { part = 'text', entry } = useSearch({ from })
  const navigate = useNavigate({ from })
  const open = (to: string | null) =>
    navigate({ search: to === 'brief' || to === 'history' ? { part: to } : {}, resetScroll: false })
  return (
    <Tabs value={part} onChange={to => void open(to)}>
      <Tabs.List mb="md">
        <Tabs.Tab value="text">{t('text')}</Tabs.Tab>
        <Tabs.Tab value="brief">{t('brief')}</Tabs.Tab>
        <Tabs.Tab value="history">{t('history')}</Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="text">
        <TextPart scene={scene} writing={tasks.newest(...writers)} />
      </Tabs.Panel>
      <Tabs.Panel value="brief">{part === 'brief' && <BriefPart scene={scene} tasks={tasks} />}</Tabs.Panel>
      <Tabs.Panel value="history">
        {part === 'history' && <HistoryPart scene={scene} open={entry} />}
      </Tabs.Panel>
    </Tabs>
  )
}

/** The name of a scene, where in the novel it is, and the way to the scenes before and after it. */
function SceneHead({ scene }: { scene: Scene }) {
  const t = useTranslations('scenes')
  const writing = useWriting()
  const { novelId } = scene
  const { data: outline } = useOutline(novelId)
  const { data: chapter } = useChapter(novelId, scene.chapterId)
  const count =
    unitOf(outline?.language) === 'words'
      ? t('words', { count: scene.words })
      : t('characters', { count: scene.characters })
  return (
    <>
      <Breadcrumbs separatorMargin="xs" mih="1.5rem" aria-label={t('place')} component="nav">
        <TextLink to="/novels/$novelId" params={{ novelId }} size="sm">
          {outline?.title ?? t('novel')}
        </TextLink>
        <TextLink
          to="/novels/$novelId/chapters/$chapterId"
          params={{ novelId, chapterId: scene.chapterId }}
          size="sm"
        >
          {chapter?.title ?? t('chapter')}
        </TextLink>
        <Text size="sm">{t('number', { number: writing.number(scene.position + 1) })}</Text>
      </Breadcrumbs>
      <PageTitle
        title={scene.title ?? t('numbered', { number: writing.number(scene.position + 1) })}
        below={<span className="numbers">{count}</span>}
      >
        <Neighbours scene={scene} />
      </PageTitle>
    </>
  )
}

function Neighbours({ scene }: { scene: Scene }) {
  const t = useTranslations('scenes')
  const { before, after } = useNeighbours(scene)
  const { novelId } = scene
  return (
    <Group gap="xs" component="nav" aria-label={t('neighbours')}>
      <Neighbour novelId={novelId} sceneId={before} leftSection={<IconArrowLeft size={16} aria-hidden />}>
        {t('previous')}
      </Neighbour>
      <Neighbour novelId={novelId} sceneId={after} rightSection={<IconArrowRight size={16} aria-hidden />}>
        {t('next')}
      </Neighbour>
    </Group>
  )
}

/** The way to a scene beside this one, if there is one. */
function Neighbour({
  novelId,
  sceneId,
  ...rest
}: { novelId: string; sceneId: string | undefined } & Pick<
  ButtonProps,
  'children' | 'leftSection' | 'rightSection'
>) {
  if (sceneId === undefined) return null
  return (
    <ButtonLink
      size="xs"
      variant="default"
      to="/novels/$novelId/scenes/$sceneId"
      params={{ novelId, sceneId }}
      {...rest}
    />
  )
}

/** Returns the ids of the scenes right before and after one, also in the chapters beside it; undefined at the ends of the novel. */
function useNeighbours({ novelId, chapterId, position }: Scene): {
  before: string | undefined
  after: string | undefined
} {
  const { data: outline } = useOutline(novelId)
  const { data: chapter } = useChapter(novelId, chapterId)
  const scenes = chapter?.scenes ?? []
  const isFirst = position === 0
  const isLast = chapter !== undefined && position >= scenes.length - 1
  const chapters = outline?.outline.flatMap(volume => volume.chapters) ?? []
  const at = chapters.findIndex(({ id }) => id === chapterId)
  const chapterBefore = useChapter(novelId, isFirst && at > 0 ? chapters[at - 1]?.id : undefined)
  const chapterAfter = useChapter(novelId, isLast && at >= 0 ? chapters[at + 1]?.id : undefined)
  return {
    before: isFirst ? chapterBefore.data?.scenes.at(-1)?.id : scenes[position - 1]?.id,
    after: isLast ? chapterAfter.data?.scenes[0]?.id : scenes[position + 1]?.id,
  }
}
