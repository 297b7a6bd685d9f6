import type { Outcome } from './decide.ts'
import type { NewTask, TaskRecord } from './task.ts'

/** Traces tasks, for distributed traces. An engine without a tracer pays nothing. */
export interface Tracer {
  /**
   * Tasks are about to be written together. Replaces the trace context of each, which is the caller's, by that of this step. Returns
   * what to call when the write has ended, with the error if there was one.
   */
  submitting(tasks: readonly NewTask[]): (error?: unknown) => void
  /** An attempt begins. */
  attempt(record: TaskRecord): AttemptTrace
}

/** The trace of one attempt. */
export interface AttemptTrace {
  /** W3C trace context of the handler's run: what it calls and submits belongs to it. */
  readonly traceparent: string | undefined
  /** Runs the handler within that context. */
  run<T>(handler: () => T): T
  /** The handler has ended and its outcome is about to be written; undefined where the lease was lost. */
  settling(outcome: Outcome | undefined): void
  /** The outcome is durable, or found stale. */
  settled(): void
}

/**
 * Returns a tracer that never throws: where the given one does, the trace is incomplete, and no task knows of it.
 *
 * @param failed Called with what the given one threw.
 */
export function guardTracer(tracer: Tracer, failed: (error: unknown) => void): Tracer {
  const quietly = <T>(step: () => T): T | undefined => {
    try {
      return step()
    } catch (error) {
      failed(error)
      return undefined
    }
  }
  return {
    submitting(tasks) {
      const ended = quietly(() => tracer.submitting(tasks))
      return error => quietly(() => ended?.(error))
    },
    attempt(record) {
      const attempt = quietly(() => tracer.attempt(record))
      return {
        traceparent: quietly(() => attempt?.traceparent),
        run(handler) {
          const ran: { value?: ReturnType<typeof handler>; thrown?: { error: unknown } }[] = []
          const once = () => {
            try {
              ran.push({ value: handler() })
            } catch (error) {
              // The tracer must not take it for its own.
              ran.push({ thrown: { error } })
            }
          }
          quietly(() => attempt?.run(once))
          if (ran.length === 0) once()
          const [{ value, thrown } = {}] = ran
          if (thrown !== undefined) throw thrown.error
          return value as ReturnType<typeof handler>
        },
        settling: outcome => quietly(() => attempt?.settling(outcome)),
        settled: () => quietly(() => attempt?.settled()),
      }
    },
  }
}

/** Writes new tasks as one step of their trace. */
export async function traceSubmission<T>(
  trace: Tracer | undefined,
  tasks: readonly NewTask[],
  write: () => Promise<T>,
): Promise<T> {
  if (trace === undefined) return write()
  const ended = trace.submitting(tasks)
  try {
    const written = await write()
    ended()
    return written
  } catch (error) {
    ended(error)
    throw error
  }
}
