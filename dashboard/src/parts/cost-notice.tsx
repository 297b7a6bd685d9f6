import { Alert, Loader, Text } from '@mantine/core'
import { IconCoin, IconCoinOff } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { components } from '../api/schema.ts'
import { useWriting } from '../text/format.ts'
import { useErrorText } from './states.tsx'

/** A task as it would be submitted. */
export interface PlannedTask {
  taskType: string
  parameters: object
}

/** Returns what a task will ask of models, rather too high than too low. Read again for each planned task, since limits and texts change. */
function useEstimate(planned: PlannedTask) {
  return useQuery({
    queryKey: keys.estimate(planned),
    queryFn: ({ signal }) => dataOf(api.POST('/v1/estimates', { body: planned, signal })),
    staleTime: 5_000,
    gcTime: 5_000,
  })
}

/** Says before a task is submitted what it will cost, that it costs nothing, or why it would be refused. */
export function CostNotice({ planned }: { planned: PlannedTask }) {
  const text = useErrorText()
  const { data, error } = useEstimate(planned)
  if (error)
    return (
      <Alert color="red" role="alert">
        {text(error)}
      </Alert>
    )
  const Icon = data?.calls === 0 ? IconCoinOff : IconCoin
  return (
    <Alert color="gray" icon={<Icon aria-hidden />} role="status" data-cost={data?.calls}>
      <Cost estimate={data} />
    </Alert>
  )
}

/** What the calls of models will cost, that it costs nothing, or that this is being found out. */
export function Cost({ estimate }: { estimate: components['schemas']['Estimate'] | undefined }) {
  const t = useTranslations('novels.cost')
  const writing = useWriting()
  if (estimate === undefined) return <Loader size="xs" type="dots" role="img" aria-label={t('asking')} />
  const { calls, inputTokens, outputTokens, cost, currency, seconds, byModel } = estimate
  if (calls === 0) return <Text size="sm">{t('nothing')}</Text>
  const models = byModel.map(({ model }) => model).join(', ')
  return (
    <>
      <Text size="sm">
        {cost === undefined
          ? t('unpriced', { calls, models })
          : t('priced', { calls, models, cost: writing.money(cost, currency) })}
      </Text>
      <Text size="sm" c="dimmed">
        {t('tokens', { input: inputTokens, output: outputTokens })}
        {seconds >= 1 && ` · ${t('wait', { time: writing.duration(seconds * 1_000) })}`}
      </Text>
    </>
  )
}
