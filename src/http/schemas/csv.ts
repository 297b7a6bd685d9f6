/** Comma-separated values (RFC 4180). */

/** The columns of an export of tasks. */
export const csvColumns = [
  ...(['id', 'taskType', 'status', 'userId', 'lane', 'priority', 'tags'] as const),
  ...(['createdAt', 'startedAt', 'completedAt', 'updatedAt', 'attempt', 'retryCount'] as const),
  ...(['waitingFor', 'errorCode', 'errorMessage', 'parentTaskId', 'rootTaskId'] as const),
] as const

/** Returns a line of cells. */
export function csvLine(cells: readonly (string | number | undefined)[]): string {
  return `${cells.map(cellText).join()}\r\n`
}

/** A text that begins so is a formula to a spreadsheet, and could send the others elsewhere (OWASP, "CSV Injection"). */
const formula = /^[=+\-@\t\r]/

function cellText(value: string | number | undefined = ''): string {
  if (typeof value === 'number') return String(value)
  const text = formula.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
