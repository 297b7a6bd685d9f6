import { escapeControls } from '../task/controls.ts'

/** Returns one JSON line of the log as a plain line for people. A line that is not JSON stays as it is, without controls. */
export function plainLine(json: string): string {
  let fields: Record<string, unknown>
  try {
    fields = JSON.parse(json) as Record<string, unknown>
  } catch {
    return `${escapeControls(json.trimEnd())}\n`
  }
  const { time, level, message, err, error, ...rest } = fields
  const clock = typeof time === 'string' ? time.slice(11, 19) : ''
  const cause = errorText(error) ?? errorText(err)
  const others = Object.entries(rest)
    .filter(([name, value]) => value !== undefined && !jsonOnly.has(name))
    .map(([name, value]) => `${name}=${valueText(value)}`)
  const words = [
    clock,
    String(level).toUpperCase().padEnd(5),
    String(message) + (cause === undefined ? '' : `: ${cause}`),
  ]
  return `${escapeControls([...words, ...others].join(' '))}\n`
}

/** Fields that only the JSON lines have. */
const jsonOnly = new Set([
  'event',
  'sequence',
  'traceId',
  'spanId',
  'rootTaskId',
  'version',
  'depth',
  'userId',
])

function errorText(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { code, message } = error as { code?: unknown; message?: unknown }
  return [code, message].filter(part => part !== undefined).join(' ')
}

function valueText(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return /^[\w./:@+-]+$/.test(text) ? text : JSON.stringify(value)
}
