const DECORATION = /^[\s=\-—–*＊•●○◆◇■□▲△★☆※~～#＃_+|>、]+/
const TRAILING_DECORATION = '=-—–*＊•●○◆◇■□▲△★☆※~～#＃_+|<'
const BRACKETS: Readonly<Record<string, string>> = {
  '【': '】',
  '〖': '〗',
  '〔': '〕',
  '[': ']',
  '［': '］',
  '(': ')',
  '（': '）',
  '《': '》',
  '〈': '〉',
  '「': '」',
  '『': '』',
}

/** A line without what surrounds a heading: === and *** on both sides, 【】, 《the book》 before it. */
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
  while (end > 0 && (TRAILING_DECORATION.includes(text[end - 1] ?? '') || isSpace(text, end - 1))) end--
  return text.slice(0, end)
}

function withoutBrackets(text: string): string {
  const open = text[0] ?? ''
  const close = BRACKETS[open]
  const end = close === undefined ? -1 : text.indexOf(close)
  if (end < 0) return text
  const inside = text.slice(1, end).trim()
  const after = text.slice(end + 1).trim()
  if (after === '') return inside
  if (open === '《' || open === '〈') return after.startsWith('第') ? after : text
  // A quoted word with more behind it is speech.
  if (open === '「' || open === '『') return text
  return /^[（(]?[\d一二三四五六七八九十]{1,3}[)）]?$/.test(text.slice(0, end + 1))
    ? text
    : `${inside} ${after}`
}

function isSpace(text: string, at: number): boolean {
  return (text[at] ?? '').trim() === ''
}

/** What follows a label: the name of the chapter. */
export interface HeadingName {
  readonly name: string
  readonly sureness: 'sure' | 'doubtful'
}

/** A name without the dots and the page number of a table of contents. */
export function withoutPageNumber(name: string): string {
  return name.replace(/[\s.…·．_]{2,40}\d{1,4}$/, '').trim()
}

/** White space within a heading made plain: one space for a run of them, full-width spaces kept. */
export function plainSpaces(text: string): string {
  return text.replace(/[\t\u00a0 ]+/g, ' ').trim()
}
