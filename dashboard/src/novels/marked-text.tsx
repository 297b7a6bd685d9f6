import { Mark } from '@mantine/core'
import { pieces, type Span } from './spans.ts'

/** A text with stretches of it marked; `marks` ascend. Shown as text, whatever it holds. */
export function MarkedText({ text, marks }: { text: string; marks: readonly Span[] }) {
  return pieces(text.length, marks).map(({ start, end, isMarked }) =>
    isMarked ? <Mark key={start}>{text.slice(start, end)}</Mark> : text.slice(start, end),
  )
}
