import { Alert, Stack, Switch } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconCoin, IconCoinOff } from '@tabler/icons-react'
import { keepPreviousData, type UseQueryResult, useQuery } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import { useSummaryModel } from '../api/capabilities.ts'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { Cost } from '../parts/cost-notice.tsx'
import { NumberField } from '../parts/number-field.tsx'
import { useErrorText } from '../parts/states.tsx'
import type { Bound, Choice, Estimate, PlannedImport, useChoice } from './choice.ts'

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
      {choice.summarise && (
        <BudgetChoice
          estimate={estimate.data}
          budget={choice.budget}
          onBudget={budget => onChange({ budget })}
        />
      )}
    </Stack>
  )
}

/** Says what the import will cost, or plainly that it costs nothing. */
function ImportCost({ estimate }: { estimate: UseQueryResult<Estimate> }) {
  const t = useTranslations('imports.cost')
  const errorText = useErrorText()
  const { data, error } = estimate
  if (error !== null && data === undefined)
    return (
      <Alert color="yellow" icon={<IconCoin aria-hidden />} title={t('unknown')}>
        {errorText(error)}
      </Alert>
    )
  const Icon = data?.calls === 0 ? IconCoinOff : IconCoin
  return (
    <Alert color="gray" icon={<Icon aria-hidden />} data-cost={data?.calls}>
      <Cost estimate={data} />
    </Alert>
  )
}

interface BudgetChoiceProps {
  estimate: Estimate | undefined
  budget: Bound | undefined
  onBudget: (budget: Bound | undefined) => void
}

/**
 * A bound on what the import may spend: in money where the price is known, else in tokens. Nothing where nothing is spent. One that was given
 * stays in sight while the cost is not known.
 */
function BudgetChoice({ estimate, budget, onBudget }: BudgetChoiceProps) {
  const t = useTranslations('imports.budget')
  if (budget === undefined && (estimate === undefined || estimate.calls === 0)) return null
  const { cost = 0, inputTokens = 0, outputTokens = 0 } = estimate ?? {}
  const { currency } = budget ?? estimate ?? {}
  const isMoney = currency !== undefined
  const expected = isMoney ? cost : inputTokens + outputTokens
  const pauses = budget !== undefined && budget.amount < expected
  return (
    <NumberField
      label={isMoney ? t('money', { currency }) : t('tokens')}
      description={pauses ? t('belowEstimate') : t('text')}
      placeholder={t('none')}
      value={budget?.amount ?? ''}
      onChange={amount => onBudget(amount === '' ? undefined : { amount, currency })}
      min={0}
      max={9_000_000_000}
      clampBehavior="strict"
      allowNegative={false}
      decimalScale={isMoney ? 6 : 0}
      hideControls
    />
  )
}

/** Somebody who chooses chapters goes on choosing. */
const restMs = 500

/** Returns what the import as it is chosen will ask of models, a moment after the last change. What was known before stays until then. */
export function useImportEstimate(planned: PlannedImport) {
  const [parameters] = useDebouncedValue(planned, restMs)
  const body = { taskType: 'ImportNovel', parameters }
  return useQuery({
    queryKey: keys.estimate(body),
    queryFn: ({ signal }) => dataOf(api.POST('/v1/estimates', { body, signal })),
    placeholderData: keepPreviousData,
    gcTime: 10_000,
  })
}
