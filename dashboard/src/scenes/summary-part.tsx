import { Button, Group, Loader, Stack, Text } from '@mantine/core'
import { IconPencil, IconRefresh } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { type Task, wordsOf } from '../api/task.ts'
import { useFocusBack } from '../browser/use-focus-back.ts'
import { May } from '../parts/may.tsx'
import { Panel } from '../parts/panel.tsx'
import { Provenance } from '../parts/provenance.tsx'
import { ErrorNotice } from '../parts/states.tsx'
import { SummaryEditor } from '../parts/summary-editor.tsx'
import { type Scene, useOutline } from '../queries/novel-queries.ts'
import { isPast } from './outcome.tsx'
import { useSubmit } from './scene-writes.ts'
import styles from './scenes.module.css'

/** The summary of a scene with where it comes from; to edit, and to have made again. `making`: the task that last made it. */
export function SummaryPart({ scene, making }: { scene: Scene; making: Task | undefined }) {
  const t = useTranslations('scenes.summary')
  const { data: novel } = useOutline(scene.novelId)
  const [isEditing, setIsEditing] = useState(false)
  const opener = useFocusBack(isEditing)
  return (
    <Panel title={t('title')} data-summary>
      {isEditing ? (
        <SummaryEditor
          scene={scene}
          language={novel?.language}
          isBeingMade={making?.done === false}
          onClose={() => setIsEditing(false)}
        />
      ) : (
        <>
          <Shown scene={scene} />
          <May need="write">
            <Group gap="xs">
              <Button
                ref={opener}
                variant="default"
                size="xs"
                leftSection={<IconPencil size={16} aria-hidden />}
                onClick={() => setIsEditing(true)}
              >
                {scene.summary === undefined ? t('write') : t('edit')}
              </Button>
              <MakeAgain scene={scene} making={making} />
            </Group>
          </May>
        </>
      )}
    </Panel>
  )
}

function Shown({ scene: { summary } }: { scene: Scene }) {
  const t = useTranslations('scenes.summary')
  if (summary === undefined)
    return (
      <Text size="sm" c="dimmed">
        {t('none')}
      </Text>
    )
  return (
    <Stack gap="xs">
      <Text size="sm" className={styles['summary'] ?? ''}>
        {summary.text}
      </Text>
      <Provenance origin={summary} isOutOfDate={summary.outOfDate} />
    </Stack>
  )
}

/** Has the summary made again of the text as it is now. */
function MakeAgain({ scene, making }: { scene: Scene; making: Task | undefined }) {
  const t = useTranslations('scenes.summary')
  const submit = useSubmit(scene.id)
  if (scene.content.trim() === '') return null
  if (making?.done === false)
    return (
      <Group gap="xs" role="status">
        <Loader size="xs" aria-hidden />
        <Text size="sm">{t('making')}</Text>
      </Group>
    )
  return (
    <>
      <Button
        variant="default"
        size="xs"
        leftSection={<IconRefresh size={16} aria-hidden />}
        loading={submit.isPending}
        onClick={() =>
          submit.mutate({
            taskType: 'GenerateSummary',
            parameters: { novelId: scene.novelId, sceneId: scene.id },
          })
        }
      >
        {scene.summary === undefined ? t('make') : t('makeAgain')}
      </Button>
      {submit.error !== null && <ErrorNotice error={submit.error} />}
      {making !== undefined && making.status !== 'COMPLETED' && !isPast(making, scene.summary) && (
        <NotMade task={making} />
      )}
    </>
  )
}

function NotMade({ task: { errorInfo } }: { task: Task }) {
  const t = useTranslations('scenes.summary')
  return (
    <Text size="sm" c="red">
      {wordsOf(errorInfo) ?? t('notMade')}
    </Text>
  )
}
