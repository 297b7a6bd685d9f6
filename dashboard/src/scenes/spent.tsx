import { Group, Progress, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import { currencyOf, useCapabilities } from '../api/capabilities.ts'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { useWriting } from '../text/format.ts'
import { type BudgetUse, useBudget } from './raise-budget.tsx'

/** What a task has cost so far, and how much of its budget that is. */
export function Spent({ taskId }: { taskId: string }) {
  const t = useTranslations('scenes.spent')
  const writing = useWriting()
  const { data: items = [] } = useQuery({
    queryKey: [...keys.taskUsage(taskId), 'false'],
    queryFn: async () =>
      (
        await dataOf(
          api.GET('/v1/tasks/{taskId}/usage', { params: { path: { taskId }, query: { tree: 'false' } } }),
        )
      ).items,
  })
  const { data: budget } = useBudget(taskId)
  const { data: capabilities } = useCapabilities()
  const currency = currencyOf(capabilities)
  const tokens = items.reduce((sum, each) => sum + each.inputTokens + each.outputTokens, 0)
  const calls = items.reduce((sum, each) => sum + each.calls, 0)
  const priced = items.filter(({ cost }) => cost !== undefined)
  const cost = priced.reduce((sum, each) => sum + (each.cost ?? 0), 0)
  return (
    <Stack gap={4}>
      <Text size="sm" className="numbers" data-spent={calls}>
        {calls === 0
          ? t('nothing')
          : priced.length === 0
            ? t('tokens', { calls, tokens })
            : t('cost', { calls, tokens, cost: writing.money(cost, currency) })}
      </Text>
      {budget?.budget !== undefined && <BudgetBars use={budget} currency={currency} />}
    </Stack>
  )
}

function BudgetBars({ use, currency }: { use: BudgetUse; currency: string | undefined }) {
  const t = useTranslations('scenes.spent')
  const writing = useWriting()
  const { budget = {}, spent, reserved } = use
  const { tokens, cost } = budget
  return (
    <>
      {cost !== undefined && (
        <BudgetBar
          label={t('ofBudget', { budget: writing.money(cost, currency) })}
          share={shareOf(spent.cost + reserved.cost, cost)}
        />
      )}
      {tokens !== undefined && (
        <BudgetBar
          label={t('ofTokens', { budget: tokens })}
          share={shareOf(spent.tokens + reserved.tokens, tokens)}
        />
      )}
    </>
  )
}

function shareOf(part: number, whole: number): number {
  return whole <= 0 ? 1 : part / whole
}

function BudgetBar({ label, share }: { label: string; share: number }) {
  const writing = useWriting()
  return (
    <Group gap="xs" wrap="nowrap">
      <Progress
        value={Math.min(share, 1) * 100}
        color={share >= 1 ? 'yellow' : 'ink'}
        size="sm"
        flex={1}
        miw={0}
        aria-label={label}
      />
      <Text size="xs" c="dimmed" className="numbers">
        {writing.percent(share)} {label}
      </Text>
    </Group>
  )
}
