import {
  Box,
  Button,
  Collapse,
  Group,
  MultiSelect,
  Select,
  SimpleGrid,
  Stack,
  Switch,
  Text,
  UnstyledButton,
} from '@mantine/core'
import { useDisclosure, useMediaQuery } from '@mantine/hooks'
import { IconFilter, IconX } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import { useCapabilities } from '../api/capabilities.ts'
import { isStatus, statuses } from '../api/task.ts'
import { usePreferences } from '../browser/preferences.ts'
import { StatusBadge } from '../parts/status-badge.tsx'
import { useTaskTypeName } from '../parts/task-name.tsx'
import { TypedFilter, timeOfTyped, typedTimeOf } from '../parts/typed-filter.tsx'
import type { TasksSearch } from '../queries/search.ts'
import { useTaskCounts } from '../queries/task-queries.ts'
import { useWriting } from '../text/format.ts'
import classes from './tasks.module.css'

/** What the list shows, and what to do when that is changed. */
export interface FilterProps {
  search: TasksSearch
  onSearch: (search: TasksSearch) => void
}

/** Returns whether anything is filtered; the order is no filter. */
export function isFiltered({ order: _order, ...filters }: TasksSearch): boolean {
  return Object.keys(filters).length > 0
}

/** Which tasks are listed, and in which order. The rarer filters open when they are asked for, or used. */
export function TaskFilters(props: FilterProps) {
  const { search, onSearch } = props
  const t = useTranslations('tasks')
  const isUsed = [...typed, 'after', 'before'].some(name => name in search)
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
  const { data } = useCapabilities()
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

/** The filters that are typed beside times. */
const typed = ['user', 'lane', 'tag', 'novel', 'code'] as const
type Typed = (typeof typed)[number]

/** The filters that are typed: user, lane, tag, novel, error code, and when a task was submitted. */
function MoreFilters({ search, onSearch }: FilterProps) {
  const t = useTranslations('tasks')
  const { zone } = usePreferences()
  const put = (name: Typed | 'after' | 'before', value: string | undefined) => {
    const { [name]: _before, ...rest } = search
    const others: TasksSearch = rest
    // A task is found by one tag, and that of a novel is one.
    if (value !== undefined && name === 'tag') delete others.novel
    if (value !== undefined && name === 'novel') delete others.tag
    onSearch(value === undefined ? others : ({ ...others, [name]: value } as TasksSearch))
  }
  return (
    <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }} spacing="sm">
      {typed.map(name => (
        <TypedFilter
          key={name}
          label={t(`filters.${name}`)}
          value={search[name] ?? ''}
          onTyped={typed => put(name, typed === '' ? undefined : typed)}
        />
      ))}
      {(['after', 'before'] as const).map(name => (
        <TypedFilter
          key={name}
          label={t(`filters.${name}`)}
          type="datetime-local"
          value={typedTimeOf(search[name], zone)}
          onTyped={typed => put(name, timeOfTyped(typed, zone))}
        />
      ))}
    </SimpleGrid>
  )
}

/**
 * How many tasks there are by status, sub-tasks included. A tile shows what it counts: the tasks of that status, sub-tasks too; pressed
 * again, it shows all again.
 */
export function StatusTiles({ search, onSearch }: FilterProps) {
  const t = useTranslations('tasks')
  const { counts, atLeast, isKnown } = useTaskCounts()
  const { status: shown, all: _all, ...others } = search
  return (
    <Box className={classes['tiles'] ?? ''} role="group" aria-label={t('counts')}>
      {statuses.map(status => {
        const isShown = shown?.length === 1 && shown[0] === status
        return (
          <UnstyledButton
            key={status}
            className={classes['tile']}
            aria-pressed={isShown}
            onClick={() => onSearch(isShown ? others : { ...others, status: [status], all: true })}
          >
            <Count value={isKnown ? (counts[status] ?? 0) : undefined} isMore={atLeast.includes(status)} />
            <StatusBadge status={status} />
          </UnstyledButton>
        )
      })}
    </Box>
  )
}

/** A dash until the server answers, so that nothing jumps. `isMore`: there are more than were counted. */
function Count({ value, isMore }: { value: number | undefined; isMore: boolean }) {
  const writing = useWriting()
  return (
    <Text fw={650} size="lg" className="numbers" {...(value === 0 ? { c: 'dimmed' } : {})}>
      {value === undefined ? '–' : writing.number(value)}
      {isMore && '+'}
    </Text>
  )
}
