/** A stretch of a text, in UTF-16 code units, as the API counts. */
export interface Span {
  start: number
  end: number
}

interface Piece extends Span {
  isMarked: boolean
}

/** Cuts a text where marks begin and end. Marks that extend beyond the text, or into each other, are cut to fit. */
export function pieces(length: number, marks: readonly Span[]): Piece[] {
  const found: Piece[] = []
  let at = 0
  for (const mark of marks) {
    const start = Math.min(Math.max(mark.start, at), length)
    const end = Math.min(mark.end, length)
    if (end <= start) continue
    if (start > at) found.push({ start: at, end: start, isMarked: false })
    found.push({ start, end, isMarked: true })
    at = end
  }
  if (at < length) found.push({ start: at, end: length, isMarked: false })
  return found
}

/** A paragraph of a scene: where it stands in the text. */
export interface Paragraph extends Span {
  /** Its lines were broken in the file to fit a width: they are set as one. */
  isWrapped: boolean
}

/** Lines of files that were broken to fit a width are about this long, in code units. */
const wrapped = { shortest: 45, longest: 100 }
/** Lines of verse stay together; this long at most. */
const longestVerse = 60

/**
 * The paragraphs of a text. Empty lines part them. Lines in between are one paragraph where they were broken to fit a width, or are verse;
 * else each is a paragraph of its own, as in Chinese files. Offsets are those of the text, so that marks fit.
 */
export function paragraphsOf(text: string): Paragraph[] {
  const found: Paragraph[] = []
  for (const block of blocksOf(text)) {
    const lines = linesOf(text, block)
    if (isWrapped(text, lines)) found.push({ ...block, isWrapped: true })
    else if (isVerse(text, lines)) found.push({ ...block, isWrapped: false })
    else for (const line of lines) found.push({ ...line, isWrapped: false })
  }
  return found
}

/** Stretches without an empty line, without the line breaks around them. */
function blocksOf(text: string): Span[] {
  const blocks: Span[] = []
  let open: Span | undefined
  for (const line of linesOf(text, { start: 0, end: text.length })) {
    const isEmpty = text.slice(line.start, line.end).trim() === ''
    if (open !== undefined && !isEmpty) open.end = line.end
    else if (isEmpty) open = undefined
    else {
      open = { ...line }
      blocks.push(open)
    }
  }
  return blocks
}

function linesOf(text: string, { start, end }: Span): Span[] {
  const lines: Span[] = []
  for (let at = start; at <= end; ) {
    const next = text.indexOf('\n', at)
    const stop = next === -1 || next > end ? end : next
    lines.push({ start: at, end: stop })
    at = stop + 1
  }
  return lines
}

const wide = /[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]/

/** Returns whether lines were broken to fit a width: all but the last are about that long, and none is indented. Never where words need no spaces. */
function isWrapped(text: string, lines: readonly Span[]): boolean {
  if (lines.length < 2) return false
  return lines.every(({ start, end }, at) => {
    const line = text.slice(start, end)
    if (wide.test(line) || (at > 0 && /^\s/.test(line)) || line.length > wrapped.longest) return false
    return at === lines.length - 1 || line.length >= wrapped.shortest
  })
}

function isVerse(text: string, lines: readonly Span[]): boolean {
  return (
    lines.length > 1 &&
    lines.every(({ start, end }) => end - start <= longestVerse && !wide.test(text.slice(start, end)))
  )
}

/** A stretch of a text with its marks, which count from its beginning. */
interface Stretch {
  start: number
  text: string
  marks: Span[]
}

/** Letters of a word that is given up at most; a script without spaces has no words to cut. */
const longestWord = 24

/** Returns a stretch without the words that were cut in two at its ends; never without a mark. `cut`: at which ends the text goes on. */
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
