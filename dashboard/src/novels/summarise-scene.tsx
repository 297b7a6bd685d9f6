import { Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { Confirm } from '../parts/confirm.tsx'
import { CostNotice } from '../parts/cost-notice.tsx'
import { HowToSummarise, useSummaryModel } from './how-to-summarise.tsx'
import type { SceneEntry } from './novel.ts'
import { plannedSummary, type SummaryWishes } from './summary-task.ts'

/** Most characters of a wish for the style. */
const longestStyle = 1_000

/** Asks how a scene is to be summarised, and says what that costs. */
export function SummariseScene({
  scene,
  onSubmit,
  onClose,
}: {
  scene: SceneEntry
  onSubmit: (wishes: SummaryWishes) => void
  onClose: () => void
}) {
  const t = useTranslations('novels.how')
  const [chosen, choose] = useState<string>()
  const [style, setStyle] = useState('')
  const { model, writes } = useSummaryModel(chosen)
  const wishes: SummaryWishes = { model, ...(writes && style.trim() !== '' ? { style: style.trim() } : {}) }
  return (
    <Confirm
      title={t('titleOne')}
      action={t('action')}
      onConfirm={() => {
        onSubmit(wishes)
        onClose()
      }}
      onClose={onClose}
    >
      <HowToSummarise value={model} onChange={choose} />
      {writes && (
        <TextInput
          label={t('style')}
          placeholder={t('styleExample')}
          value={style}
          maxLength={longestStyle}
          onChange={({ currentTarget }) => setStyle(currentTarget.value)}
        />
      )}
      <CostNotice planned={plannedSummary(scene, { model })} />
      {scene.summary !== undefined && <Text size="sm">{t('oldIsKept')}</Text>}
    </Confirm>
  )
}
