import { Button, Collapse, Group, MultiSelect, Select, Stack, Switch } from '@mantine/core'
import { useDisclosure, useMediaQuery } from '@mantine/hooks'
import { IconFilter, IconX } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { isStatus, statuses } from '../api/statuses.ts'
import { useTaskTypeName } from '../parts/task-type.ts'
import type { TasksSearch } from '../queries/search.ts'
import type { FilterProps } from './filter-props.ts'
import { MoreFilters } from './more-filters.tsx'

/** Whether anything is filtered; the order is no filter. */
export function isFiltered({ order: _order, ...filters }: TasksSearch): boolean {
  return Object.keys(filters).length > 0
}

/** Which tasks are listed, and in which order. The rarer filters open when they are asked for, or used. */
export function TaskFilters(props: FilterProps) {
  const { search, onSearch } = props
  const t = useTranslations('tasks')
  const isUsed = ['user', 'lane', 'tag', 'after', 'before'].some(name => name in search)
  const isWide = useMediaQuery('(min-width: 48em)', undefined, { getInitialValueInEffect: false })
  // On a phone they would push the list off the screen.
  const [isOpen, more] = useDisclosure(isUsed && isWide)
  return (
    <Stack gap="xs">
      <Group gap="sm" align="flex-end">
        {isWide && <FirstFilters {...props} />}
        <Button
          variant="default"
          leftSection={<IconFilter size={16} aria-hidden />}
          aria-expanded={isOpen}
          onClick={more.toggle}
        >
          {t(isWide ? 'moreFilters' : 'allFilters')}
        </Button>
        <Switch
          py="xs"
          label={t('withSubTasks')}
          checked={search.all === true}
          onChange={({ currentTarget }) => onSearch(withAll(search, currentTarget.checked))}
        />
        {isFiltered(search) && (
          <Button
            variant="subtle"
            px="xs"
            leftSection={<IconX size={16} aria-hidden />}
            onClick={() => onSearch(search.order === undefined ? {} : { order: search.order })}
          >
            {t('clearFilters')}
          </Button>
        )}
      </Group>
      <Collapse expanded={isOpen}>
        <Stack gap="sm">
          {!isWide && <FirstFilters {...props} />}
          <MoreFilters {...props} />
        </Stack>
      </Collapse>
    </Stack>
  )
}

function FirstFilters(props: FilterProps) {
  return (
    <>
      <StatusFilter {...props} />
      <TypeFilter {...props} />
      <OrderChoice {...props} />
    </>
  )
}

function withAll({ all: _all, ...others }: TasksSearch, isOn: boolean): TasksSearch {
  return isOn ? { ...others, all: true } : others
}

function StatusFilter({ search, onSearch }: FilterProps) {
  const t = useTranslations()
  const { status: chosen = [], ...others } = search
  return (
    <MultiSelect
      flex={{ sm: '1 1 9rem' }}
      miw={0}
      label={t('tasks.filters.status')}
      {...(chosen.length === 0 ? { placeholder: t('tasks.filters.any') } : {})}
      data={statuses.map(status => ({ value: status, label: t(`status.${status}`) }))}
      value={chosen}
      clearable
      clearButtonProps={{ 'aria-label': t('tasks.clearFilters') }}
      onChange={values => {
        const status = values.filter(isStatus)
        onSearch(status.length === 0 ? others : { ...others, status })
      }}
    />
  )
}

function TypeFilter({ search, onSearch }: FilterProps) {
  const t = useTranslations('tasks')
  const nameOf = useTaskTypeName()
  const { type: chosen = [], ...others } = search
  const { data } = useQuery({
    queryKey: keys.capabilities,
    queryFn: ({ signal }) => dataOf(api.GET('/v1/capabilities', { signal })),
  })
  // A type that this server does not know any more is still one that tasks may have.
  const types = [...new Set([...(data?.taskTypes.map(({ type }) => type) ?? []), ...chosen])]
  return (
    <MultiSelect
      flex={{ sm: '1 1 9rem' }}
      miw={0}
      label={t('filters.type')}
      {...(chosen.length === 0 ? { placeholder: t('filters.any') } : {})}
      data={types.map(type => ({ value: type, label: nameOf(type) }))}
      value={chosen}
      clearable
      clearButtonProps={{ 'aria-label': t('clearFilters') }}
      onChange={type => onSearch(type.length === 0 ? others : { ...others, type })}
    />
  )
}

function OrderChoice({ search, onSearch }: FilterProps) {
  const t = useTranslations('tasks')
  const { order, ...others } = search
  return (
    <Select
      w={{ base: '100%', sm: '9rem' }}
      label={t('filters.order')}
      allowDeselect={false}
      value={order ?? 'newest'}
      data={[
        { value: 'newest', label: t('filters.newest') },
        { value: 'oldest', label: t('filters.oldest') },
      ]}
      onChange={value => onSearch(value === 'oldest' ? { ...others, order: 'oldest' } : others)}
    />
  )
}
