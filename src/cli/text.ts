/** Text as a terminal shows it: its width, on one line, in tables. */
import { createRequire } from 'node:module'
import { escapeControls } from '../task/controls.ts'

const require = createRequire(import.meta.url)
/** Latin text and the lines of trees and tables, each of whose characters takes one column. */
const plain = /^[ -~\u00a1-\u00ac\u00ae-\u024f–—‘’“”…→─-╿]*$/
let measure: ((text: string) => number) | undefined

/** Returns the columns of a text. To load the library takes as long as many a command, so it is loaded for the first text that needs it. */
function widthOf(text: string): number {
  if (plain.test(text)) return text.length
  measure ??= (require('string-width') as typeof import('string-width')).default
  return measure(text)
}

const segmenter = new Intl.Segmenter()
/** Code units that are cut into characters at once: the time for each character grows with the text. */
const windowUnits = 1_000

/** Yields what a terminal shows as one character, some at a time. */
function* charactersOf(text: string): Generator<string[], void> {
  for (let start = 0; start < text.length; ) {
    const found = Array.from(segmenter.segment(text.slice(start, start + windowUnits)), each => each.segment)
    // The last character may go on behind the window.
    if (start + windowUnits < text.length && found.length > 1) found.pop()
    yield found
    start += found.reduce((sum, { length }) => sum + length, 0)
  }
}

/** Returns the columns that a text takes on a terminal: Chinese, Japanese and Korean characters take two, combining marks none. */
export function columnsOf(text: string): number {
  if (text.length <= windowUnits) return widthOf(text)
  let columns = 0
  for (const characters of charactersOf(text)) columns += widthOf(characters.join(''))
  return columns
}

/** Returns the text cut to at most that many columns; `…` stands for the rest. */
export function cut(text: string, columns: number): string {
  let kept = ''
  let used = 0
  let open: string[] = []
  for (const characters of charactersOf(text)) {
    open.push(...characters)
    used += widthOf(characters.join(''))
    if (used > columns) return `${withoutEnd(kept, open, columns - 1)}…`
    // With less, the sign would have no column.
    if (used === columns) continue
    kept += open.join('')
    open = []
  }
  return text
}

/** Returns a text with as many of further characters as fit. */
function withoutEnd(text: string, characters: readonly string[], columns: number): string {
  let used = columnsOf(text)
  let length = 0
  for (const character of characters) {
    used += widthOf(character)
    if (used > columns) break
    length += 1
  }
  return text + characters.slice(0, length).join('')
}

/** Returns the text with spaces after it, up to that many columns. */
export function pad(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - columnsOf(text)))
}

/** Returns text from a manuscript or from elsewhere on one line, as the terminal prints it. */
export function printable(text: string): string {
  return escapeControls(text.replace(/\s+/g, ' '))
}

/** A column of a table. */
export interface Column<Row> {
  readonly title: string
  readonly text: (row: Row) => string
  /** Aligned at the right, as numbers are. */
  readonly right?: boolean
}

/** Returns the rows in aligned columns under their titles. With `widest`, each line is cut to that many columns of the terminal. */
export function tableLines<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  widest?: number,
): string[] {
  const cells = rows.map(row => columns.map(({ text }) => printable(text(row))))
  const widths = columns.map(({ title }, index) =>
    Math.max(columnsOf(title), ...cells.map(row => columnsOf(row[index] ?? ''))),
  )
  const lineOf = (row: readonly string[]) => {
    const texts = row.map((text, index) => {
      const width = widths[index] ?? 0
      if (columns[index]?.right === true) return ' '.repeat(Math.max(0, width - columnsOf(text))) + text
      return index === columns.length - 1 ? text : pad(text, width)
    })
    const line = texts.join('  ').trimEnd()
    return widest === undefined ? line : cut(line, widest)
  }
  return [lineOf(columns.map(({ title }) => title)), ...cells.map(lineOf)]
}
