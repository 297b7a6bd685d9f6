import { SegmentedControl, Stack, Table, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { useCurrency } from '../api/capabilities.ts'
import type { Task } from '../api/task.ts'
import { Empty, Pending } from '../parts/states.tsx'
import { type ModelUse, useTaskUsage } from '../queries/task-queries.ts'
import { useWriting } from '../text/format.ts'
import { belowOf } from './below.ts'
import { BudgetPart } from './budget.tsx'

/** What the calls of models of a task used, by model, and what its tree may use. */
export function UsagePart({ task }: { task: Task }) {
  const t = useTranslations('task.usage')
  const hasBelow = belowOf(task).total > 0
  const [scope, setScope] = useState<'own' | 'tree'>(hasBelow ? 'tree' : 'own')
  return (
    <Stack>
      {hasBelow && (
        <SegmentedControl
          size="xs"
          w="fit-content"
          aria-label={t('scope')}
          value={scope}
          onChange={value => setScope(value === 'tree' ? 'tree' : 'own')}
          data={[
            { value: 'tree', label: t('tree') },
            { value: 'own', label: t('own') },
          ]}
        />
      )}
      <Use taskId={task.id} tree={scope === 'tree' ? 'true' : 'false'} />
      <BudgetPart task={task} />
    </Stack>
  )
}

function Use({ taskId, tree }: { taskId: string; tree: 'true' | 'false' }) {
  const t = useTranslations('task.usage')
  const writing = useWriting()
  const { data, error, refetch } = useTaskUsage(taskId, tree)
  if (data === undefined) return <Pending error={error} onRetry={refetch} lines={3} />
  const { items, since } = data
  const older = since === undefined ? undefined : t('older', { since: writing.dateTime(since) })
  if (items.length === 0)
    return <Empty title={t(older === undefined ? 'empty' : 'notKept')} text={older ?? t('emptyText')} />
  return (
    <>
      <UseTable uses={items} />
      {older !== undefined && (
        <Text size="sm" c="dimmed">
          {older}
        </Text>
      )}
    </>
  )
}

const sums = ['calls', 'inputTokens', 'cachedInputTokens', 'outputTokens'] as const

/** Returns the sum; its cost only where every part of it is known. */
function sumOf(uses: readonly ModelUse[]): Omit<ModelUse, 'model'> {
  const isPriced = uses.every(({ cost }) => cost !== undefined)
  const total = { calls: 0, inputTokens: 0, cachedInputTokens: 0, outputTokens: 0 }
  for (const use of uses) for (const name of sums) total[name] += use[name]
  return isPriced ? { ...total, cost: uses.reduce((sum, { cost = 0 }) => sum + cost, 0) } : total
}

function UseTable({ uses }: { uses: readonly ModelUse[] }) {
  const t = useTranslations('task.usage')
  return (
    <Table.ScrollContainer minWidth={520}>
      <Table aria-label={t('caption')}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">{t('model')}</Table.Th>
            {(['calls', 'input', 'cached', 'output', 'cost'] as const).map(name => (
              <Table.Th key={name} scope="col" ta="right">
                {t(name)}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {uses.map(use => (
            <UseRow key={use.model} name={use.model} use={use} />
          ))}
        </Table.Tbody>
        {uses.length > 1 && (
          <Table.Tfoot>
            <UseRow name={t('sum')} use={sumOf(uses)} />
          </Table.Tfoot>
        )}
      </Table>
    </Table.ScrollContainer>
  )
}

function UseRow({ name, use }: { name: string; use: Omit<ModelUse, 'model'> }) {
  const t = useTranslations('task.usage')
  const writing = useWriting()
  const currency = useCurrency()
  return (
    <Table.Tr>
      <Table.Th scope="row" fw={500}>
        {name}
      </Table.Th>
      {sums.map(sum => (
        <Table.Td key={sum} ta="right" className="numbers">
          {writing.number(use[sum])}
        </Table.Td>
      ))}
      <Table.Td ta="right" className="numbers">
        {use.cost === undefined ? t('unknownCost') : writing.money(use.cost, currency)}
      </Table.Td>
    </Table.Tr>
  )
}
