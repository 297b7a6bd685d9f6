import { Grid, Stack, Tabs } from '@mantine/core'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { ErrorNotice } from '../parts/error-notice.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { Loading } from '../parts/states.tsx'
import {
  type Scene,
  type SceneTasks,
  useReadAgainAfterTasks,
  useScene,
  useSceneTasks,
} from '../queries/scene-queries.ts'
import { BriefPart } from './brief-part.tsx'
import { HistoryPart } from './history-part.tsx'
import { SceneHead } from './scene-head.tsx'
import { SummaryPart } from './summary-part.tsx'
import { TextPart } from './text-part.tsx'
import { WritePart } from './write-part.tsx'

const from = '/novels/$novelId/scenes/$sceneId'

/** A scene to read, write and edit. */
export function ScenePage() {
  const t = useTranslations('scenes')
  const { novelId, sceneId } = useParams({ from })
  const { data: scene, error, refetch } = useScene(sceneId)
  const tasks = useSceneTasks(sceneId)
  const known = tasks.isKnown ? [tasks.newest('GenerateScene'), tasks.newest('GenerateSummary')] : undefined
  useReadAgainAfterTasks({ id: sceneId, novelId }, known)
  if (scene === undefined)
    return (
      <Stack>
        <PageTitle title={t('title')} />
        {error === null ? (
          <Loading lines={8} />
        ) : (
          <ErrorNotice error={error} onRetry={() => void refetch()} />
        )}
      </Stack>
    )
  return (
    <Stack>
      <SceneHead scene={scene} />
      <Grid gap="xl">
        <Grid.Col span={{ base: 12, lg: 7 }}>
          <Parts key={scene.id} scene={scene} tasks={tasks} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 5 }}>
          <Stack key={scene.id}>
            <SummaryPart scene={scene} making={tasks.newest('GenerateSummary')} />
            <WritePart scene={scene} tasks={tasks} />
          </Stack>
        </Grid.Col>
      </Grid>
    </Stack>
  )
}

/** The text, the brief, the history: one of them is open. The text stays as it is while another one is looked at. */
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
        <TextPart scene={scene} writing={tasks.newest('GenerateScene')} />
      </Tabs.Panel>
      <Tabs.Panel value="brief">
        {part === 'brief' && <BriefPart scene={scene} making={tasks.newest('SceneBrief')} />}
      </Tabs.Panel>
      <Tabs.Panel value="history">
        {part === 'history' && <HistoryPart scene={scene} open={entry} />}
      </Tabs.Panel>
    </Tabs>
  )
}
