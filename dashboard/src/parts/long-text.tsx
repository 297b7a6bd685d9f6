import { Textarea, type TextareaProps } from '@mantine/core'

interface LongTextProps
  extends Pick<TextareaProps, 'label' | 'description' | 'aria-label' | 'maxLength' | 'minRows' | 'maxRows'> {
  value: string
  onType: (text: string) => void
}

/** A field for a text of several lines; it grows with the text. */
export function LongText({ onType, ...field }: LongTextProps) {
  return (
    <Textarea
      autosize
      minRows={2}
      maxRows={10}
      {...field}
      onChange={({ currentTarget }) => onType(currentTarget.value)}
    />
  )
}
