import { Paper, Stack, Text, Title } from '@mantine/core'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { useCapabilities, whyOff } from '../api/capabilities.ts'
import { ErrorNotice } from '../parts/error-notice.tsx'
import { Loading } from '../parts/states.tsx'
import { type Scene, type SceneTasks, useOutline } from '../queries/scene-queries.ts'
import { NoModel } from './no-model.tsx'
import { noWishes, unitOf, type Wishes } from './wishes.ts'
import { WriteForm, type WriteFormProps } from './write-form.tsx'

/** Having a scene written: the form, why there is none without a model, or that it is being written. */
export function WritePart({ scene, tasks }: { scene: Scene; tasks: SceneTasks }) {
  const t = useTranslations('scenes.write')
  // Here and not in the form, which is away while the scene is written: who tries again has the same wishes.
  const [wishes, setWishes] = useState(noWishes)
  const change = (part: Partial<Wishes>) => setWishes(now => ({ ...now, ...part }))
  return (
    <Paper withBorder p="md" component="section" aria-labelledby="write-title" data-write>
      <Stack gap="sm">
        <Title order={2} id="write-title">
          {scene.content === '' ? t('title') : t('titleAgain')}
        </Title>
        <Content scene={scene} tasks={tasks} wishes={wishes} onChange={change} />
      </Stack>
    </Paper>
  )
}

interface ContentProps extends Pick<WriteFormProps, 'scene' | 'wishes' | 'onChange'> {
  tasks: SceneTasks
}

function Content({ tasks, ...form }: ContentProps) {
  const { scene } = form
  const t = useTranslations('scenes.write')
  const { data: capabilities, error, refetch } = useCapabilities()
  const { data: outline } = useOutline(scene.novelId)
  if (error !== null) return <ErrorNotice error={error} onRetry={() => void refetch()} />
  if (capabilities === undefined || outline === undefined || !tasks.isKnown) return <Loading lines={5} />
  const off = whyOff(capabilities, 'GenerateScene')
  if (off !== undefined) return <NoModel off={off} scene={scene} />
  if (tasks.newest('GenerateScene')?.done === false) return <Text size="sm">{t('isWriting')}</Text>
  return <WriteForm {...form} capabilities={capabilities} unit={unitOf(outline.language)} />
}
