import { Paper, SimpleGrid, Stack, Text } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { currencyOf, useCapabilities } from '../api/capabilities.ts'
import { useWriting } from '../text/format.ts'
import type { UsageSum } from './usage-queries.ts'

/** What all calls together used and cost. */
export function Totals({ total }: { total: Omit<UsageSum, 'key'> }) {
  const t = useTranslations('usage')
  const writing = useWriting()
  const { data: capabilities } = useCapabilities()
  const { calls, inputTokens, outputTokens, unpricedCalls, cost } = total
  return (
    <Stack gap="xs">
      <SimpleGrid cols={{ base: 1, xs: 3 }}>
        <Figure
          name={t('cost')}
          figure={cost === undefined ? t('unknown') : writing.money(cost, currencyOf(capabilities))}
        />
        <Figure name={t('calls')} figure={writing.number(calls)} />
        <Figure
          name={t('tokens')}
          figure={writing.number(inputTokens + outputTokens)}
          below={t('inAndOut', { input: inputTokens, output: outputTokens })}
        />
      </SimpleGrid>
      {unpricedCalls > 0 && (
        <Text size="sm" c="dimmed" data-unpriced={unpricedCalls}>
          {t('unpriced', { count: unpricedCalls })}
        </Text>
      )}
    </Stack>
  )
}

function Figure({ name, figure, below }: { name: string; figure: string; below?: string }) {
  return (
    <Paper withBorder p="md">
      <Text size="sm" c="dimmed">
        {name}
      </Text>
      <Text size="xl" fw={650} className="numbers">
        {figure}
      </Text>
      {below !== undefined && (
        <Text size="xs" c="dimmed" className="numbers">
          {below}
        </Text>
      )}
    </Paper>
  )
}
