import { type DestinationStream, type Logger as PinoLogger, pino, stdTimeFunctions } from 'pino'
import type { Engine, ErrorInfo, TaskEvent, TaskEventName } from '../index.ts'
import { escapeControls } from '../task/controls.ts'
import { defined } from '../task/defined.ts'
import { readTraceparent } from '../task/trace-context.ts'

/** How much is logged; `info` leaves out what every task that goes well does. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** How a log is written. */
export interface LogOptions {
  /** Default `info`. */
  level?: LogLevel
  /** Default standard error, so that what a command prints stays apart. */
  destination?: DestinationStream
}

/** What never belongs in a log, wherever in the fields it is. */
const secrets = ['token', 'authorization', 'apiKey', 'password'].flatMap(name => [
  name,
  `*.${name}`,
  `*.*.${name}`,
])

/**
 * A log of one JSON line per event: `time` as RFC 3339, `level` as a word, the ids of the task and its trace, and `message`. JSON escapes
 * C0 controls only; the log escapes the others as well, so that a terminal can show it.
 */
export function createLog(options: LogOptions = {}): PinoLogger {
  const { level = 'info', destination = pino.destination(2) } = options
  return pino(
    {
      level,
      base: null,
      messageKey: 'message',
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      redact: { paths: secrets, censor: '[redacted]' },
    },
    { write: line => destination.write(`${escapeControls(line.slice(0, -1))}\n`) },
  )
}

/** The level and the words of each event. */
const lines: Record<TaskEventName, { level: Exclude<LogLevel, 'silent'>; message: string }> = {
  submitted: { level: 'debug', message: 'task submitted' },
  started: { level: 'debug', message: 'attempt started' },
  progress: { level: 'debug', message: 'progress' },
  waiting: { level: 'debug', message: 'task waits for its sub-tasks' },
  completed: { level: 'debug', message: 'task completed' },
  retrying: { level: 'info', message: 'attempt ended, another one follows' },
  givenBack: { level: 'info', message: 'attempt given back' },
  reopened: { level: 'info', message: 'ended task runs again' },
  cancelled: { level: 'info', message: 'task cancelled' },
  failed: { level: 'warn', message: 'task failed' },
  deadLettered: { level: 'warn', message: 'task dead-lettered' },
}

/**
 * Logs what happens to the tasks of an engine. Only events that the level lets through are listened to, so that a quiet log costs the
 * tasks nothing. Returns an unsubscribe function.
 */
export function logEvents(engine: Pick<Engine, 'events'>, log: PinoLogger): () => void {
  const stops = Object.entries(lines)
    .filter(([, { level }]) => log.isLevelEnabled(level))
    .map(([name, { level, message }]) =>
      engine.events.on(name as TaskEventName, event => log[level](fieldsOf(event as TaskEvent), message)),
    )
  return () => {
    for (const stop of stops) stop()
  }
}

/** The fields of a line. Progress and stacks stay out: they may be large, and a manuscript may be in them. */
function fieldsOf(event: TaskEvent): object {
  const {
    name,
    at: _at,
    traceparent,
    progress: _progress,
    errorInfo,
    ...fields
  } = event as TaskEvent & { progress?: unknown; errorInfo?: ErrorInfo }
  const { traceId, spanId } = readTraceparent(traceparent) ?? {}
  const { code, message, errorClass } = errorInfo ?? {}
  const error = errorInfo && { code, message, errorClass }
  return { event: name, ...fields, ...defined({ traceId, spanId, error }) }
}
