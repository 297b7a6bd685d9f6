import { Mark } from '@mantine/core'
import { useMemo } from 'react'
import { marksOf } from '../../../src/novel/search/terms.ts'
import classes from './reader.module.css'
import { type Paragraph, paragraphsOf, pieces, type Span } from './text-spans.ts'

/** A passage that was found, and what was searched for. */
export interface Passage extends Span {
  query?: string | undefined
}

/** The text of a scene, set as prose. `mark`: a passage that is marked, with the words of the search in it. */
export function Prose({
  text,
  language,
  mark,
}: {
  text: string
  language: string | undefined
  mark?: Passage | undefined
}) {
  const paragraphs = useMemo(() => paragraphsOf(text), [text])
  const { start = 0, end = 0, query = '' } = mark ?? {}
  const words = useMemo(() => marksOf(text.slice(start, end), query), [text, start, end, query])
  return (
    <div className={`prose ${classes['text']} ${classes['passage']}`} lang={language}>
      {paragraphs.map(each => (
        <p key={each.start}>
          <MarkedText
            text={shown(text, each)}
            marks={marksIn(each, mark)}
            words={words.map(word => ({
              start: word.start + start - each.start,
              end: word.end + start - each.start,
            }))}
          />
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

interface MarkedTextProps {
  text: string
  marks: readonly Span[]
  /** Within the marks: what is told from the rest of them. */
  words?: readonly Span[]
}

/** A text with stretches of it marked; `marks` and `words` ascend. Shown as text, whatever it holds. */
export function MarkedText({ text, marks, words = [] }: MarkedTextProps) {
  return pieces(text.length, marks).map(({ start, end, isMarked }) => {
    const part = text.slice(start, end)
    if (!isMarked) return part
    const within = words.map(word => ({ start: word.start - start, end: word.end - start }))
    return <Mark key={start}>{withWords(part, within)}</Mark>
  })
}

function withWords(text: string, words: readonly Span[]) {
  return pieces(text.length, words).map(({ start, end, isMarked }) =>
    isMarked ? <strong key={start}>{text.slice(start, end)}</strong> : text.slice(start, end),
  )
}
