import { Paper, Stack, Text, Title } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { useCapabilities, whyOff } from '../api/capabilities.ts'
import { ErrorNotice } from '../parts/error-notice.tsx'
import { Loading } from '../parts/states.tsx'
import { type Scene, type SceneTasks, useOutline } from '../queries/scene-queries.ts'
import { NoModel } from './no-model.tsx'
import { unitOf } from './wishes.ts'
import { WriteForm } from './write-form.tsx'

/** Having a scene written: the form, why there is none without a model, or that it is being written. */
export function WritePart({ scene, tasks }: { scene: Scene; tasks: SceneTasks }) {
  const t = useTranslations('scenes.write')
  return (
    <Paper withBorder p="md" component="section" aria-labelledby="write-title" data-write>
      <Stack gap="sm">
        <Title order={2} id="write-title">
          {scene.content === '' ? t('title') : t('titleAgain')}
        </Title>
        <Content scene={scene} tasks={tasks} />
      </Stack>
    </Paper>
  )
}

function Content({ scene, tasks }: { scene: Scene; tasks: SceneTasks }) {
  const t = useTranslations('scenes.write')
  const { data: capabilities, error, refetch } = useCapabilities()
  const { data: outline } = useOutline(scene.novelId)
  if (error !== null) return <ErrorNotice error={error} onRetry={() => void refetch()} />
  if (capabilities === undefined || outline === undefined || !tasks.isKnown) return <Loading lines={5} />
  const off = whyOff(capabilities, 'GenerateScene')
  if (off !== undefined) return <NoModel off={off} scene={scene} />
  if (tasks.newest('GenerateScene')?.done === false) return <Text size="sm">{t('isWriting')}</Text>
  return <WriteForm scene={scene} capabilities={capabilities} unit={unitOf(outline.language)} />
}
