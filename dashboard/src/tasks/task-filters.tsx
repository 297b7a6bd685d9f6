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
  TextInput,
  UnstyledButton,
} from '@mantine/core'
import { useDisclosure, useMediaQuery } from '@mantine/hooks'
import { IconFilter, IconX } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { useCapabilities } from '../api/capabilities.ts'
import { isStatus, statuses } from '../api/task.ts'
import { usePreferences } from '../browser/preferences.ts'
import { StatusBadge } from '../parts/status-badge.tsx'
import { useTaskTypeName } from '../parts/task-name.tsx'
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

/** The filters that are typed: user, lane, tag, and when a task was submitted. */
function MoreFilters({ search, onSearch }: FilterProps) {
  const { zone } = usePreferences()
  const put = (name: 'user' | 'lane' | 'tag' | 'after' | 'before', value: string | undefined) => {
    const { [name]: _before, ...others } = search
    onSearch(value === undefined ? others : ({ ...others, [name]: value } as TasksSearch))
  }
  return (
    <SimpleGrid cols={{ base: 1, xs: 2, md: 3, xl: 5 }} spacing="sm">
      {(['user', 'lane', 'tag'] as const).map(name => (
        <TypedFilter
          key={name}
          name={name}
          value={search[name] ?? ''}
          onTyped={typed => put(name, typed === '' ? undefined : typed)}
        />
      ))}
      {(['after', 'before'] as const).map(name => (
        <TypedFilter
          key={name}
          name={name}
          type="datetime-local"
          value={typedTimeOf(search[name], zone)}
          onTyped={typed => put(name, timeOfTyped(typed, zone))}
        />
      ))}
    </SimpleGrid>
  )
}

/** A filter that takes effect when one is done with typing it: on Enter, or when the field is left. */
function TypedFilter({
  name,
  value,
  type = 'text',
  onTyped,
}: {
  name: 'user' | 'lane' | 'tag' | 'after' | 'before'
  value: string
  type?: 'text' | 'datetime-local'
  onTyped: (typed: string) => void
}) {
  const t = useTranslations('tasks')
  const [typed, setTyped] = useState(value)
  const [shown, setShown] = useState(value)
  // Cleared or gone back from elsewhere.
  if (shown !== value) {
    setShown(value)
    setTyped(value)
  }
  const done = () => {
    if (typed.trim() !== value) onTyped(typed.trim())
  }
  return (
    <TextInput
      label={t(`filters.${name}`)}
      type={type}
      value={typed}
      onChange={({ currentTarget }) => setTyped(currentTarget.value)}
      onBlur={done}
      onKeyDown={({ key }) => {
        if (key === 'Enter') done()
      }}
    />
  )
}

/** Between the times of addresses (RFC 3339) and those that are typed, which are in the person's zone and name none. */

/** Returns a time as a field for date and time takes it, such as `2026-01-31T12:00`; empty for none. */
function typedTimeOf(at: string | undefined, zone: 'local' | 'utc'): string {
  if (at === undefined) return ''
  const date = new Date(at)
  const offset = zone === 'utc' ? 0 : date.getTimezoneOffset()
  return new Date(date.getTime() - offset * 60_000).toISOString().slice(0, 16)
}

/** Returns the time that was typed; undefined for none, or for what is none. */
function timeOfTyped(typed: string, zone: 'local' | 'utc'): string | undefined {
  const at = Date.parse(zone === 'utc' ? `${typed}Z` : typed)
  return Number.isNaN(at) ? undefined : new Date(at).toISOString()
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
