import { SimpleGrid, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { usePreferences } from '../browser/preferences.ts'
import type { TasksSearch } from '../queries/search.ts'
import type { FilterProps } from './filter-props.ts'
import { timeOfTyped, typedTimeOf } from './local-time.ts'

/** The filters that are typed: user, lane, tag, and when a task was submitted. */
export function MoreFilters({ search, onSearch }: FilterProps) {
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
