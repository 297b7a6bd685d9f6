/** Columns that a text takes on a terminal: Chinese, Japanese and Korean characters take two, combining marks none. */
export function columnsOf(text: string): number {
  let columns = 0
  for (const character of text) columns += columnsOfCharacter(character)
  return columns
}

/** The text, cut to so many columns; `…` stands for what is left out. */
export function cut(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text
  let kept = ''
  let used = 0
  for (const character of text) {
    const width = columnsOfCharacter(character)
    if (used + width > columns - 1) break
    kept += character
    used += width
  }
  return `${kept}…`
}

/** The text, filled up with spaces to so many columns. */
export function pad(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - columnsOf(text)))
}

/** What may come from a manuscript or from anywhere, made safe to print: no control character reaches the terminal. */
export function printable(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '\uFFFD')
}

/** As `printable`, of a text that keeps its lines. */
export function printableText(text: string): string {
  return text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, character => {
    if (character === '\n' || character === '\t') return character
    return character === '\r' ? '' : '\uFFFD'
  })
}

function columnsOfCharacter(character: string): number {
  if (/^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]$/u.test(character)) return 0
  return isWide(character.codePointAt(0) ?? 0) ? 2 : 1
}

/** East Asian Width W and F (Unicode Standard Annex 11), as blocks. */
function isWide(code: number): boolean {
  return (
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0x303e) ||
    (code >= 0x3041 && code <= 0xa4cf) ||
    (code >= 0xa960 && code <= 0xa97c) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0xffe0 && code <= 0xffe6) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd)
  )
}

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
