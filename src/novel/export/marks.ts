/**
 * How the parts of a book are marked in Markdown, so that they can be read back exactly. The two directions are beside each other: whatever
 * `escape…` returns, `unescape…` turns back.
 *
 * Headings of the levels 1 to 3 are volumes, chapters and titles of scenes; `* * *` separates scenes without titles. A line of the text that
 * looks like one of these has a backslash before it. Characters that no line of a file can hold are references, such as `&#xD;`.
 */
import { withoutControls } from '../../task/controls.ts'
import type { BookPart } from './book.ts'

/** Rises when an earlier release would read files as other books than they are. */
export const formatVersion = 1

/** Separates a scene without a title from the one before. */
export const sceneMark = '* * *'

/** A scene without a text, and the first of the blank lines that are all of a text. */
export const emptyLine = '\\'

/** Longest line that is a heading, in UTF-16 units. */
const longestHeading = 1_000

const kinds = ['volume', 'chapter', 'scene'] as const satisfies readonly BookPart['kind'][]

const mark = String.raw`#{1,3}(?: |$)|\* \* \*$`
const isMark = new RegExp(`^(?:${mark})`)
const marks = new RegExp(`^(?=${mark})`, 'gm')
const seemingEscapes = new RegExp(String.raw`^\\(?=${mark}|$)`, 'gm')

/** A mark, as the kind of part that it begins. A scene may have no title. */
export type Mark =
  | { readonly kind: 'volume' | 'chapter'; readonly title: string }
  | { readonly kind: 'scene'; readonly title: string | undefined }

/** Returns the line of a heading. Controls, which no title may have, are left out. */
export function headingOf(kind: BookPart['kind'], title: string): string {
  const level = '#'.repeat(kinds.indexOf(kind) + 1)
  const plain = withoutControls(title)
  return plain === '' ? level : `${level} ${escapeCharacters(plain)}`
}

/** Returns the mark that a whole line is; undefined for a line of the text. */
export function readMark(line: string): Mark | undefined {
  if (line === sceneMark) return { kind: 'scene', title: undefined }
  const found = line.length > longestHeading ? null : /^(#{1,3})(?: (.*))?$/.exec(line)
  if (found === null) return undefined
  const title = withoutControls(unescapeCharacters(found[2] ?? ''))
  const kind = kinds[(found[1] ?? '').length - 1] ?? 'scene'
  return kind === 'scene' ? { kind, title: title || undefined } : { kind, title }
}

/** Returns a text as its lines are in the file. */
export function escapeText(text: string): string {
  return escapeCharacters(text).replace(seemingEscapes, '&#x5C;').replace(marks, '\\')
}

/** Returns a line of the file, or the first piece of a long one, as it is in the text, but for its references. */
export function unescapeLine(line: string): string {
  return line.startsWith('\\') && (line === emptyLine || isMark.test(line.slice(1))) ? line.slice(1) : line
}

const reference = '#x([0-9A-F]{1,5}|10[0-9A-F]{4});'
const unsafe = new RegExp(String.raw`[^\P{Cc}\t\n]|[\u2028\u2029]|&(?=${reference})`, 'gu')
const references = new RegExp(`&${reference}`, 'g')

/** Returns a text with references for all controls but tabs and line ends. NUL and half surrogate pairs, which no library holds, become U+FFFD. */
function escapeCharacters(text: string): string {
  return text
    .replace(/[\0\p{Surrogate}]/gu, '\ufffd')
    .replace(unsafe, found => `&#x${found.charCodeAt(0).toString(16).toUpperCase()};`)
}

/** Returns a text with the characters that its references name. One to NUL or half a surrogate pair stays what it is. */
export function unescapeCharacters(text: string): string {
  return text.replace(references, (found, digits: string) => {
    const code = Number.parseInt(digits, 16)
    return code === 0 || (code >= 0xd800 && code <= 0xdfff) ? found : String.fromCodePoint(code)
  })
}
