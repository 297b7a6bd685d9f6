import { Select, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { defined } from '../../../src/task/defined.ts'
import { CostWhenStill, InstructionsField } from '../parts/asking.tsx'
import { useUnsaved } from '../parts/dialog.tsx'
import { DialogForm } from '../parts/form.tsx'
import { MoreInstructions, type MoreInstructionsProps } from '../parts/instruction-fields.tsx'
import {
  type BatchReview,
  batchParametersOf,
  batchReviews,
  budgetOf,
  type Instructions,
  isTyped,
  noInstructions,
  unitOf,
} from '../parts/instructions.ts'
import { ModelTaskDialog } from '../parts/model-task-dialog.tsx'
import { useSubmitAndOpen } from '../queries/task-queries.ts'
import type { NovelOutline } from './novel.ts'

/** Asks how the scenes are to be written that have a summary and no text, in story order, and says what that costs. */
export function WriteScenes({ novel, onClose }: { novel: NovelOutline; onClose: () => void }) {
  const t = useTranslations('novels.write')
  return (
    <ModelTaskDialog title={t('title')} taskType={taskType} onClose={onClose}>
      {capabilities => <WriteForm novel={novel} capabilities={capabilities} />}
    </ModelTaskDialog>
  )
}

const taskType = 'BatchGenerateScene'

/** What a form about writing is given. */
export interface WriteFormProps extends Pick<MoreInstructionsProps, 'capabilities'> {
  novel: NovelOutline
}

function WriteForm({ novel, capabilities }: WriteFormProps) {
  const t = useTranslations('novels.write')
  const [wanted, setWanted] = useState(noInstructions)
  const [review, setReview] = useState<BatchReview>('none')
  const change = (part: Partial<Instructions>) => setWanted(now => ({ ...now, ...part }))
  const unit = unitOf(novel.language)
  const parameters = batchParametersOf(wanted, { novelId: novel.id, unit, review })
  const write = useSubmitAndOpen({ taskType, parameters, ...defined({ budget: budgetOf(wanted) }) })
  const question = useUnsaved(isTyped(wanted) && !write.isPending)
  return (
    <DialogForm
      onSubmit={() => write.mutate()}
      error={write.error}
      action={t('action')}
      isBusy={write.isPending}
      isDisabled={false}
    >
      <Text size="sm">{t('text')}</Text>
      <ReviewChoice value={review} onChange={setReview} />
      <InstructionsField label={t('instructions')} wanted={wanted} onChange={change} />
      <MoreInstructions wanted={wanted} onChange={change} capabilities={capabilities} unit={unit} />
      <CostWhenStill planned={{ taskType, parameters }} />
      {question}
    </DialogForm>
  )
}

/** Asks what the author reads before the batch goes on. */
export function ReviewChoice({
  value,
  onChange,
}: {
  value: BatchReview
  onChange: (value: BatchReview) => void
}) {
  const t = useTranslations('novels.write')
  return (
    <Select
      label={t('accept')}
      data={batchReviews.map(each => ({ value: each, label: t(`reviews.${each}`) }))}
      value={value}
      onChange={chosen => onChange(batchReviews.find(each => each === chosen) ?? 'none')}
      allowDeselect={false}
    />
  )
}
