import { Alert, NumberInput, Stack, Text } from '@mantine/core'
import { IconCoin, IconCoinOff } from '@tabler/icons-react'
import type { UseQueryResult } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { useErrorText } from '../parts/error-notice.tsx'
import { useWriting } from '../text/format.ts'
import type { Estimate } from './import-estimate.ts'

/** Says what the import will cost, or plainly that it costs nothing. */
export function ImportCost({ estimate }: { estimate: UseQueryResult<Estimate> }) {
  const t = useTranslations('imports.cost')
  const errorText = useErrorText()
  const { data, error } = estimate
  if (error !== null && data === undefined)
    return (
      <Alert color="yellow" variant="light" icon={<IconCoin aria-hidden />} title={t('unknown')}>
        {errorText(error)}
      </Alert>
    )
  const Icon = data?.calls === 0 ? IconCoinOff : IconCoin
  return (
    <Alert color="gray" variant="light" icon={<Icon aria-hidden />} data-cost={data?.calls}>
      {data === undefined ? (
        <Text size="sm">{t('asking')}</Text>
      ) : data.calls === 0 ? (
        <Text size="sm">{t('nothing')}</Text>
      ) : (
        <CostOfModels estimate={data} />
      )}
    </Alert>
  )
}

function CostOfModels({ estimate }: { estimate: Estimate }) {
  const t = useTranslations('imports.cost')
  const writing = useWriting()
  const { calls, inputTokens, outputTokens, cost, currency, seconds, byModel } = estimate
  const models = byModel.map(({ model }) => model).join(', ')
  return (
    <Stack gap={4}>
      <Text size="sm">
        {cost === undefined
          ? t('unpriced', { calls, models })
          : t('priced', { calls, models, cost: writing.money(cost, currency) })}
      </Text>
      <Text size="sm" c="dimmed" className="numbers">
        {t('tokens', { input: inputTokens, output: outputTokens })}
      </Text>
      {seconds >= 1 && (
        <Text size="sm" c="dimmed">
          {t('wait', { time: writing.duration(seconds * 1_000) })}
        </Text>
      )}
    </Stack>
  )
}

interface BudgetChoiceProps {
  estimate: Estimate | undefined
  budget: number | undefined
  onBudget: (budget: number | undefined) => void
}

/** A bound on what the import may spend: in money where the price is known, else in tokens. Nothing where nothing is spent. */
export function BudgetChoice({ estimate, budget, onBudget }: BudgetChoiceProps) {
  const t = useTranslations('imports.budget')
  // What is half typed, such as "0.", is no amount yet and must stay as it is.
  const [typed, setTyped] = useState<string | number>(budget ?? '')
  if (estimate === undefined || estimate.calls === 0) return null
  const { cost, currency, inputTokens, outputTokens } = estimate
  const isMoney = currency !== undefined
  const expected = isMoney ? (cost ?? 0) : inputTokens + outputTokens
  const pauses = budget !== undefined && budget < expected
  return (
    <NumberInput
      label={isMoney ? t('money', { currency }) : t('tokens')}
      description={pauses ? t('belowEstimate') : t('text')}
      placeholder={t('none')}
      value={typed}
      onChange={value => {
        setTyped(value)
        onBudget(value === '' ? undefined : Number(value))
      }}
      min={0}
      max={9_000_000_000}
      clampBehavior="strict"
      allowNegative={false}
      decimalScale={isMoney ? 6 : 0}
      hideControls
    />
  )
}
