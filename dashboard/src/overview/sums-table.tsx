import { Button, Stack, Table, Title } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useId } from 'react'
import { useTranslations } from 'use-intl'
import { useCurrency } from '../api/capabilities.ts'
import { WideTable } from '../parts/wide-table.tsx'
import type { OverviewSearch } from '../queries/search.ts'
import { useWriting } from '../text/format.ts'
import { useDuration } from './durations.ts'
import type { Sums } from './overview-query.ts'

/** A lane or a task type, what it did, and what the address says when the charts show it alone. */
export interface SumsRow {
  readonly name: string
  readonly sums: Sums
  /** Absent for what cannot be shown alone. */
  readonly search?: OverviewSearch
}

const columns = ['completed', 'failed', 'retries', 'waitP95Ms', 'runP50Ms', 'runP95Ms', 'cost'] as const

/** What was done by each lane, or each task type. A name narrows the charts to it. */
export function SumsTable({ title, rows }: { title: string; rows: readonly SumsRow[] }) {
  const t = useTranslations('overview')
  const navigate = useNavigate({ from: '/overview' })
  const id = useId()
  if (rows.length === 0) return null
  return (
    <Stack gap="xs" component="section" aria-labelledby={id} miw={0}>
      <Title order={2} size="h4" id={id}>
        {title}
      </Title>
      <WideTable label={title} minWidth="44rem">
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">{t('name')}</Table.Th>
            {columns.map(column => (
              <Table.Th key={column} scope="col" ta="right">
                {t(`columns.${column}`)}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map(({ name, sums, search }) => (
            <Table.Tr key={name}>
              <Table.Th scope="row" fw={400}>
                {search === undefined ? (
                  name
                ) : (
                  <Button
                    variant="subtle"
                    size="compact-sm"
                    aria-label={t('onlyLabel', { name })}
                    onClick={() => void navigate({ search: before => ({ ...before, ...search }) })}
                  >
                    {name}
                  </Button>
                )}
              </Table.Th>
              <Cells sums={sums} />
            </Table.Tr>
          ))}
        </Table.Tbody>
      </WideTable>
    </Stack>
  )
}

function Cells({ sums }: { sums: Sums }) {
  const writing = useWriting()
  const duration = useDuration()
  const currency = useCurrency()
  return columns.map(column => {
    const value = sums[column]
    const text =
      value === undefined
        ? '–'
        : column === 'cost'
          ? writing.money(value, currency)
          : column.endsWith('Ms')
            ? duration(value)
            : writing.number(value)
    return (
      <Table.Td key={column} ta="right" className="numbers">
        {text}
      </Table.Td>
    )
  })
}
