import { Select, SimpleGrid, Text } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { usePreferences } from '../browser/preferences.ts'
import { FoldedFilters } from '../parts/folded-filters.tsx'
import { TypedFilter, timeOfTyped, typedTimeOf } from '../parts/typed-filter.tsx'
import { type AuditSearch, auditOutcomes } from '../queries/search.ts'

const typed = ['who', 'action', 'target'] as const
const times = ['after', 'before'] as const

/** Returns the address with a filter changed. One of who, action, target and outcome is used at a time: each has an index of its own. */
function withFilter(
  search: AuditSearch,
  name: keyof AuditSearch,
  value: string | null | undefined,
): AuditSearch {
  const { after, before, ...by } = search
  const { [name]: _replaced, ...isAt } = { after, before, ...(isTime(name) ? by : {}) } as AuditSearch
  const given = value === undefined || value === null || value === '' ? {} : { [name]: value }
  const entries = Object.entries({ ...isAt, ...given }).filter(([, each]) => each !== undefined)
  return Object.fromEntries(entries) as AuditSearch
}

function isTime(name: keyof AuditSearch): boolean {
  return times.some(each => each === name)
}

/** Which lines are listed. */
export function AuditFilters({
  search,
  onSearch,
}: {
  search: AuditSearch
  onSearch: (search: AuditSearch) => void
}) {
  const t = useTranslations('audit')
  const { zone } = usePreferences()
  const put = (name: keyof AuditSearch, value: string | null | undefined) =>
    onSearch(withFilter(search, name, value))
  return (
    <FoldedFilters onClear={Object.keys(search).length > 0 ? () => onSearch({}) : undefined}>
      <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }} spacing="sm">
        {typed.map(name => (
          <TypedFilter
            key={name}
            label={t(`filters.${name}`)}
            value={search[name] ?? ''}
            onTyped={value => put(name, value)}
          />
        ))}
        <Select
          label={t('filters.outcome')}
          placeholder={t('filters.any')}
          clearable
          clearButtonProps={{ 'aria-label': t('clear') }}
          value={search.outcome ?? null}
          data={auditOutcomes.map(value => ({ value, label: t(`outcomes.${value}`) }))}
          onChange={value => put('outcome', value)}
        />
        {times.map(name => (
          <TypedFilter
            key={name}
            label={t(`filters.${name}`)}
            type="datetime-local"
            value={typedTimeOf(search[name], zone)}
            onTyped={value => put(name, timeOfTyped(value, zone))}
          />
        ))}
      </SimpleGrid>
      <Text size="xs" c="dimmed" mt="xs">
        {t('filters.note')}
      </Text>
    </FoldedFilters>
  )
}
