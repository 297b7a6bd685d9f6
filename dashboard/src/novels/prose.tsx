import { Mark } from '@mantine/core'
import { useMemo } from 'react'
import classes from './reader.module.css'
import { type Paragraph, paragraphsOf, pieces, type Span } from './text-spans.ts'

/** The text of a scene, set as prose. `mark`: a passage that is marked. */
export function Prose({
  text,
  language,
  mark,
}: {
  text: string
  language: string | undefined
  mark?: Span | undefined
}) {
  const paragraphs = useMemo(() => paragraphsOf(text), [text])
  return (
    <div className={`prose ${classes['text']} ${classes['passage']}`} lang={language}>
      {paragraphs.map(each => (
        <p key={each.start}>
          <MarkedText text={shown(text, each)} marks={marksIn(each, mark)} />
        </p>
      ))}
    </div>
  )
}

/** Returns the text of a paragraph. A line break that only fitted a width becomes a space, which is as long, so that offsets stay. */
function shown(text: string, { start, end, isWrapped }: Paragraph): string {
  const own = text.slice(start, end)
  return isWrapped ? own.replaceAll('\n', ' ') : own
}

function overlaps(paragraph: Span, mark: Span): boolean {
  return mark.start < paragraph.end && mark.end > paragraph.start
}

function marksIn(paragraph: Span, mark: Span | undefined): Span[] {
  if (mark === undefined || !overlaps(paragraph, mark)) return []
  return [
    {
      start: Math.max(0, mark.start - paragraph.start),
      end: Math.min(mark.end, paragraph.end) - paragraph.start,
    },
  ]
}

/** A text with stretches of it marked; `marks` ascend. Shown as text, whatever it holds. */
export function MarkedText({ text, marks }: { text: string; marks: readonly Span[] }) {
  return pieces(text.length, marks).map(({ start, end, isMarked }) =>
    isMarked ? <Mark key={start}>{text.slice(start, end)}</Mark> : text.slice(start, end),
  )
}
