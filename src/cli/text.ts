/** Text as a terminal shows it: its width, without control characters, in tables. */
import stringWidth from 'string-width'

const segmenter = new Intl.Segmenter()

/** Returns the columns that a text takes on a terminal: Chinese, Japanese and Korean characters take two, combining marks none. */
export function columnsOf(text: string): number {
  return stringWidth(text)
}

/** Returns the text cut to at most that many columns; `…` stands for the rest. */
export function cut(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text
  let kept = ''
  let used = 0
  for (const { segment } of segmenter.segment(text)) {
    used += columnsOf(segment)
    if (used > columns - 1) break
    kept += segment
  }
  return `${kept}…`
}

/** Returns the text with spaces after it, up to that many columns. */
export function pad(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - columnsOf(text)))
}

/** Returns text from a manuscript or from elsewhere on one line and safe to print: no control character reaches the terminal. */
export function printable(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '\uFFFD')
}

/** Returns the text safe to print, with its line ends and tabs. */
export function printableText(text: string): string {
  return text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, character => {
    if (character === '\n' || character === '\t') return character
    return character === '\r' ? '' : '\uFFFD'
  })
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
