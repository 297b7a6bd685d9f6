import type { Logger } from '../runtime/log.ts'

/** One line of the process log. */
export interface CapturedLine {
  level: keyof Logger
  message: string
  fields: object
}

/** A logger that keeps its lines, for tests that ask what was said. */
export interface CapturedLog extends Logger {
  readonly lines: readonly CapturedLine[]
  /** The messages of a level, oldest first. */
  messages(level: keyof Logger): readonly string[]
}

/** A logger that keeps its lines. */
export function createCapturedLog(): CapturedLog {
  const lines: CapturedLine[] = []
  const keep = (level: keyof Logger) => (fields: object, message: string) => {
    lines.push({ level, message, fields })
  }
  return {
    lines,
    info: keep('info'),
    warn: keep('warn'),
    error: keep('error'),
    messages: level => lines.filter(line => line.level === level).map(line => line.message),
  }
}
