import { Stack, Switch } from '@mantine/core'
import type { UseQueryResult } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import { useSummaryModel } from '../api/capabilities.ts'
import type { Choice, useChoice } from './choice.ts'
import { BudgetChoice, ImportCost } from './import-cost.tsx'
import type { Estimate } from './import-estimate.ts'

interface SpendingChoiceProps {
  choice: Choice
  onChange: ReturnType<typeof useChoice>[1]
  estimate: UseQueryResult<Estimate>
}

/** Whether scenes are summarised, by whom, what that costs, and how much it may cost. */
export function SpendingChoice({ choice, onChange, estimate }: SpendingChoiceProps) {
  const t = useTranslations('imports')
  const model = useSummaryModel()
  return (
    <Stack gap="sm">
      <Switch
        label={t('summarise')}
        description={
          model === undefined
            ? undefined
            : model.method === 'extractive'
              ? t('extractive')
              : t('generative', { model: model.id })
        }
        checked={choice.summarise}
        onChange={({ currentTarget }) => onChange({ summarise: currentTarget.checked })}
      />
      <ImportCost estimate={estimate} />
      <BudgetChoice
        estimate={estimate.data}
        budget={choice.budget}
        onBudget={budget => onChange({ budget })}
      />
    </Stack>
  )
}
