import type { ErrorInfo } from './errors.ts'

const longest = 160

/**
 * Returns what equal failures have in common: task type, code and the message with its ids, numbers and quoted texts blanked, so that a thousand tasks
 * that failed for one reason are one line.
 */
export function fingerprintOf(taskType: string, error: Pick<ErrorInfo, 'code' | 'message'>): string {
  const message = error.message
    .slice(0, 500)
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, '#')
    .replace(/"[^"]{0,200}"|'[^']{0,200}'/g, '"…"')
    .replace(/\d+/g, '#')
  return `${taskType} ${error.code} ${message}`.slice(0, longest)
}
