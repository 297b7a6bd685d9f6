import { columnsOf, cut, pad, printable } from './width.ts'

/** A column of a table. */
export interface Column<Row> {
  readonly title: string
  readonly text: (row: Row) => string
  /** Numbers stand at the right. */
  readonly right?: boolean
}

const gap = '  '

/** Rows in aligned columns under their titles; the last column is cut to the width of the terminal. */
export function tableLines<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  widest: number | undefined,
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
    const line = texts.join(gap).trimEnd()
    return widest === undefined ? line : cut(line, widest)
  }
  return [lineOf(columns.map(({ title }) => title)), ...cells.map(lineOf)]
}
