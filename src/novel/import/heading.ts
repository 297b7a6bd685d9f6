/** Longest line that can be a heading, in UTF-16 units. */
export const LONGEST_HEADING = 120

/** A line, read as a heading. The whole document decides whether it is one: see `chooseHeadings`. */
export interface Heading {
  /** The unit of the heading: 章, 卷, chapter, part; `named` for Prologue and the like; a kind of bare numeral. */
  readonly style: string
  /** 1 the largest part of a book, 4 a chapter, 5 a part of a chapter. */
  readonly depth: number
  /**
   * `sure`: prose rarely looks like this. `doubtful`: a sentence may start like this, so that the numbers around it decide. `weak`: a bare
   * numeral or a list item, a heading only when it numbers the whole text.
   */
  readonly sureness: 'sure' | 'doubtful' | 'weak'
  readonly number?: number | undefined
  /** The heading as printed, without decoration. */
  readonly title: string
  /** The text after label and number; '' without one. */
  readonly name: string
  /** The text before the label, such as the title of the book. */
  readonly prefix?: string | undefined
  /** The chapter in the same line, after its volume. */
  readonly inner?: Heading | undefined
}

const DECORATION = /^[\s=\-—–*＊•●○◆◇■□▲△★☆※~～#＃_+|>、]+/
const TRAILING_DECORATION = '=-—–*＊•●○◆◇■□▲△★☆※~～#＃_+|<'
/** The bracket that closes each one that opens. */
const BRACKETS = new Map(
  '【】 〖〗 〔〕 [] ［］ () （） 《》 〈〉 「」 『』'
    .split(' ')
    .map(pair => [pair.slice(0, 1), pair.slice(1)] as const),
)

/** Returns a line without the decoration of a heading: === and *** on both sides, 【】, 《the book》 before it. */
export function undecorate(line: string): string {
  let text = line
  for (let round = 0; round < 3; round++) {
    const before = text
    text = withoutBrackets(withoutTail(text.replace(DECORATION, '')))
    if (text === before) break
  }
  return text
}

function withoutTail(text: string): string {
  let end = text.length
  while (end > 0 && (TRAILING_DECORATION.includes(text[end - 1] ?? '') || text[end - 1]?.trim() === '')) end--
  return text.slice(0, end)
}

function withoutBrackets(text: string): string {
  const open = text[0] ?? ''
  const close = BRACKETS.get(open)
  const end = close === undefined ? -1 : text.indexOf(close)
  if (end < 0) return text
  const inside = text.slice(1, end).trim()
  const after = text.slice(end + 1).trim()
  if (after === '') return inside
  if (open === '《' || open === '〈') return after.startsWith('第') ? after : text
  // A quoted word with more text after it is speech.
  if (open === '「' || open === '『') return text
  return /^[（(]?[\d一二三四五六七八九十]{1,3}[)）]?$/.test(text.slice(0, end + 1))
    ? text
    : `${inside} ${after}`
}

/** The text after a label: the name of the chapter. */
export interface HeadingName {
  readonly name: string
  readonly sureness: 'sure' | 'doubtful'
}

/** Returns a name without the dots and the page number of a table of contents. */
export function withoutPageNumber(name: string): string {
  return name.replace(/[\s.…·．_]{2,40}\d{1,4}$/, '').trim()
}

/** Returns a heading with one space for each run of spaces; keeps full-width spaces. */
export function plainSpaces(text: string): string {
  return text.replace(/[\t\u00a0 ]+/g, ' ').trim()
}
