import { TextInput } from '@mantine/core'
import { useState } from 'react'

/** A filter that takes effect when one is done with typing it: on Enter, or when the field is left. */
export function TypedFilter({
  label,
  value,
  type = 'text',
  onTyped,
}: {
  label: string
  value: string
  type?: 'text' | 'datetime-local'
  onTyped: (typed: string) => void
}) {
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
      label={label}
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
export function typedTimeOf(at: string | undefined, zone: 'local' | 'utc'): string {
  if (at === undefined) return ''
  const date = new Date(at)
  const offset = zone === 'utc' ? 0 : date.getTimezoneOffset()
  return new Date(date.getTime() - offset * 60_000).toISOString().slice(0, 16)
}

/** Returns the time that was typed; undefined for none, or for what is none. */
export function timeOfTyped(typed: string, zone: 'local' | 'utc'): string | undefined {
  const at = Date.parse(zone === 'utc' ? `${typed}Z` : typed)
  return Number.isNaN(at) ? undefined : new Date(at).toISOString()
}
