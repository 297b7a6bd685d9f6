import { Textarea, type TextareaProps } from '@mantine/core'
import type { Ref } from 'react'

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

/** Longest text, in UTF-16 code units, that is edited here: it is read at each key. */
export const largestEdited = 300_000

interface JsonInputProps extends Omit<TextareaProps, 'value' | 'onChange'> {
  ref?: Ref<HTMLTextAreaElement>
  text: string
  onText: (text: string) => void
}

/** Lets a value be edited as JSON. */
export function JsonInput({ text, onText, ...props }: JsonInputProps) {
  return (
    <Textarea
      value={text}
      onChange={({ currentTarget }) => onText(currentTarget.value)}
      autosize
      maxRows={20}
      spellCheck={false}
      styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
      data-autofocus
      {...props}
    />
  )
}
