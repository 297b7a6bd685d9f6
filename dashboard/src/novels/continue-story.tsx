import { Checkbox, SimpleGrid, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { defined } from '../../../src/task/defined.ts'
import { CostWhenStill, InstructionsField } from '../parts/asking.tsx'
import { useUnsaved } from '../parts/dialog.tsx'
import { DialogForm } from '../parts/form.tsx'
import { MoreInstructions } from '../parts/instruction-fields.tsx'
import {
  type BatchReview,
  batchParametersOf,
  budgetOf,
  type Instructions,
  isTyped,
  noInstructions,
  unitOf,
} from '../parts/instructions.ts'
import { LongText } from '../parts/long-text.tsx'
import { ModelTaskDialog } from '../parts/model-task-dialog.tsx'
import { NumberField } from '../parts/number-field.tsx'
import { useSubmitAndOpen } from '../queries/task-queries.ts'
import type { NovelOutline } from './novel.ts'
import { ReviewChoice, type WriteFormProps } from './write-scenes.tsx'

const taskType = 'ContinueWriting'

/** Asks how the story is to go on: chapters, plan, scenes; and says what that costs. */
export function ContinueStory({ novel, onClose }: { novel: NovelOutline; onClose: () => void }) {
  const t = useTranslations('novels.continue')
  return (
    <ModelTaskDialog title={t('title')} taskType={taskType} onClose={onClose}>
      {capabilities => <ContinueForm novel={novel} capabilities={capabilities} />}
    </ModelTaskDialog>
  )
}

/** What is asked of the plan; as it is typed. */
interface Plan {
  chapters: number | ''
  scenesPerChapter: number | ''
  outlineInstructions: string
  reviewOutlines: boolean
}

function planParametersOf({ chapters, scenesPerChapter, outlineInstructions, reviewOutlines }: Plan) {
  const said = outlineInstructions.trim()
  return {
    reviewOutlines,
    ...(chapters === '' ? {} : { chapters }),
    ...(scenesPerChapter === '' ? {} : { scenesPerChapter }),
    ...(said === '' ? {} : { outlineInstructions: said }),
  }
}

function ContinueForm({ novel, capabilities }: WriteFormProps) {
  const t = useTranslations('novels.continue')
  const write = useTranslations('novels.write')
  const [plan, setPlan] = useState<Plan>({
    ...{ chapters: 1, scenesPerChapter: '', outlineInstructions: '', reviewOutlines: true },
  })
  const [wanted, setWanted] = useState(noInstructions)
  const [review, setReview] = useState<BatchReview>('none')
  const change = (part: Partial<Instructions>) => setWanted(now => ({ ...now, ...part }))
  const unit = unitOf(novel.language)
  const scenes = batchParametersOf(wanted, { novelId: novel.id, unit, review })
  const parameters = { ...scenes, ...planParametersOf(plan) }
  const begin = useSubmitAndOpen({ taskType, parameters, ...defined({ budget: budgetOf(wanted) }) })
  const isAnyTyped = isTyped(wanted) || plan.outlineInstructions.trim() !== ''
  const question = useUnsaved(isAnyTyped && !begin.isPending)
  return (
    <DialogForm
      onSubmit={() => begin.mutate()}
      error={begin.error}
      action={t('action')}
      isBusy={begin.isPending}
      isDisabled={false}
    >
      <Text size="sm">{t('text')}</Text>
      <PlanFields plan={plan} onChange={part => setPlan(now => ({ ...now, ...part }))} />
      <ReviewChoice value={review} onChange={setReview} />
      <InstructionsField label={write('instructions')} wanted={wanted} onChange={change} />
      <MoreInstructions wanted={wanted} onChange={change} capabilities={capabilities} unit={unit} />
      <CostWhenStill planned={{ taskType, parameters }} />
      {question}
    </DialogForm>
  )
}

function PlanFields({ plan, onChange }: { plan: Plan; onChange: (part: Partial<Plan>) => void }) {
  const t = useTranslations('novels.continue')
  return (
    <>
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        <NumberField
          label={t('chapters')}
          value={plan.chapters}
          onChange={chapters => onChange({ chapters })}
          min={1}
          max={20}
          allowDecimal={false}
        />
        <NumberField
          label={t('scenesPerChapter')}
          placeholder={t('asNeeded')}
          value={plan.scenesPerChapter}
          onChange={scenesPerChapter => onChange({ scenesPerChapter })}
          min={1}
          max={12}
          allowDecimal={false}
        />
      </SimpleGrid>
      <LongText
        label={t('outlineInstructions')}
        maxLength={4_000}
        value={plan.outlineInstructions}
        onType={text => onChange({ outlineInstructions: text })}
      />
      <Checkbox
        label={t('reviewOutlines')}
        checked={plan.reviewOutlines}
        onChange={({ currentTarget }) => onChange({ reviewOutlines: currentTarget.checked })}
      />
    </>
  )
}
