import { Alert, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { Panel } from '../parts/panel.tsx'
import { NotCounted, Sources } from '../parts/prompt-blocks.tsx'
import { ScenePicker } from '../parts/scene-picker.tsx'
import { Pending } from '../parts/states.tsx'
import { usePreview } from './codex-queries.ts'

/** Shows for a scene which entries its prompt would have, which it would not, and why. */
export function InPrompt({ novelId }: { novelId: string }) {
  const t = useTranslations('codex.prompt')
  const [sceneId, setSceneId] = useState('')
  const { data, error, refetch } = usePreview(novelId, sceneId === '' ? undefined : sceneId)
  const block = data?.blocks.find(({ kind }) => kind === 'codex')
  return (
    <Panel title={t('title')} hint={t('text')} data-in-prompt>
      <ScenePicker novelId={novelId} label={t('scene')} sceneId={sceneId} onPick={setSceneId} />
      {sceneId !== '' && data === undefined && <Pending error={error} onRetry={refetch} />}
      {data?.problem?.code === 'CODEX_TOO_LARGE' && <Alert color="red">{t('tooLarge')}</Alert>}
      {data !== undefined && <NotCounted preview={data} />}
      {data !== undefined && (block?.shown.length ?? 0) === 0 && <Text size="sm">{t('none')}</Text>}
      {block !== undefined && <Sources block={block} />}
    </Panel>
  )
}
