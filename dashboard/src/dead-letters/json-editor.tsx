import { Anchor, List, Stack, Textarea } from '@mantine/core'
import { useRef } from 'react'
import { useTranslations } from 'use-intl'
import { jsonPlaces, lineOf, placeOf } from './json-places.ts'

/** What a server found wrong with a value. */
export interface JsonIssue {
  /** JSON Pointer into the value that is edited. */
  pointer: string
  detail: string
}

/** What was written, as a value, or why it is none. */
export type JsonReading = { isValid: true; value: unknown } | { isValid: false; reason: string }

/** Reads what was written. */
export function readJson(text: string): JsonReading {
  try {
    return { isValid: true, value: JSON.parse(text) as unknown }
  } catch (error) {
    return { isValid: false, reason: error instanceof Error ? error.message : '' }
  }
}

/** Lets a value be edited as JSON. `issues` are told with their line, and lead to it. */
export function JsonEditor(props: {
  label: string
  text: string
  onText: (text: string) => void
  issues?: readonly JsonIssue[]
}) {
  const { label, text, onText, issues = [] } = props
  const t = useTranslations('deadLetters.editor')
  const area = useRef<HTMLTextAreaElement>(null)
  const reading = readJson(text)
  return (
    <Stack gap="xs">
      <Textarea
        ref={area}
        label={label}
        value={text}
        onChange={({ currentTarget }) => onText(currentTarget.value)}
        error={
          reading.isValid
            ? issues.length > 0 && t('refused', { count: issues.length })
            : t('invalid', { reason: reading.reason })
        }
        autosize
        minRows={8}
        maxRows={20}
        spellCheck={false}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
        data-autofocus
      />
      {reading.isValid && issues.length > 0 && <Issues text={text} issues={issues} area={area} />}
    </Stack>
  )
}

function Issues({
  text,
  issues,
  area,
}: {
  text: string
  issues: readonly JsonIssue[]
  area: React.RefObject<HTMLTextAreaElement | null>
}) {
  const t = useTranslations('deadLetters.editor')
  const places = jsonPlaces(text)
  const show = (pointer: string) => {
    const place = placeOf(pointer, places)
    if (area.current === null || place === undefined) return
    area.current.focus()
    area.current.setSelectionRange(place.from, place.to)
    const lines = text.split('\n').length
    area.current.scrollTop = (area.current.scrollHeight * (lineOf(text, place.from) - 3)) / lines
  }
  return (
    <List size="sm" role="alert">
      {issues.map(({ pointer, detail }) => (
        <List.Item key={`${pointer} ${detail}`}>
          <Anchor component="button" type="button" inherit onClick={() => show(pointer)}>
            {t('line', { line: lineOf(text, placeOf(pointer, places)?.from ?? 0) })}
          </Anchor>
          {t('issue', { pointer: pointer === '' ? '/' : pointer, detail })}
        </List.Item>
      ))}
    </List>
  )
}
