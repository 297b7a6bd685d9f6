import type { Span } from './spans.ts'

/** A stretch of a text with its marks, which count from its beginning. */
export interface Stretch {
  start: number
  text: string
  marks: Span[]
}

/** Letters of a word that is given up at most; a script without spaces has no words to cut. */
const longestWord = 24

/** A stretch without the words that were cut in two at its ends; never without a mark. `cut`: at which ends the text goes on. */
export function wholeWords(stretch: Stretch, cut: { start: boolean; end: boolean }): Stretch {
  const { text, marks } = stretch
  const firstMark = marks[0]?.start ?? text.length
  const lastMark = marks.at(-1)?.end ?? 0
  const begun = cut.start ? (/^\S*\s+/.exec(text.slice(0, longestWord))?.[0].length ?? 0) : 0
  const ended = cut.end ? (/\s+\S*$/.exec(text.slice(-longestWord))?.[0].length ?? 0) : 0
  const start = begun <= firstMark ? begun : 0
  const end = text.length - ended >= lastMark ? text.length - ended : text.length
  if (end <= start) return stretch
  return {
    start: stretch.start + start,
    text: text.slice(start, end),
    marks: marks.map(mark => ({ start: mark.start - start, end: mark.end - start })),
  }
}
