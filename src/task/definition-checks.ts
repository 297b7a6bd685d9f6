/** What `defineTask` checks of options that the compiler cannot hold callers in plain JavaScript to. */
import { type Duration, durationMs } from './duration.ts'
import { QuillworkError } from './errors.ts'

/** Throws OPTION_INVALID where a schema is missing: the first attempt would fail again and again. */
export function requireSchemas(task: {
  type: string
  parameters: unknown
  result: unknown
  progress?: unknown
}): void {
  const { type, parameters, result, progress } = task
  for (const [name, schema] of Object.entries({ parameters, result, progress })) {
    if (schema === undefined && name === 'progress') continue
    if ('~standard' in Object(schema)) continue
    const message = `The task ${type} has no schema of its ${name}; give one that follows Standard Schema, such as one of Zod.`
    throw new QuillworkError('OPTION_INVALID', message)
  }
}

/** Returns the URL of the module whose handlers run in a thread; undefined where they run on the main thread. Throws OPTION_INVALID. */
export function moduleOf(task: { type: string; runIn?: unknown; module?: unknown }): string | undefined {
  const { type, runIn, module } = task
  if (runIn === undefined && module === undefined) return undefined
  const url = String(module)
  if (runIn === 'thread' && url.startsWith('file:')) return url
  const message = `The task ${type} has runIn ${JSON.stringify(runIn)} and module ${JSON.stringify(module)}; give runIn: 'thread' with module: import.meta.url, or neither.`
  throw new QuillworkError('OPTION_INVALID', message)
}

/** Names of lanes. */
export const lanePattern = /^[a-z0-9_-]{1,60}$/i

/** Returns what a submission takes from its task type. Throws OPTION_INVALID for what makes no sense. */
export function submissionDefaults(task: {
  type: string
  lane?: string
  deadline?: Duration
  parametersVersion?: number
}) {
  const { type, lane = 'default', deadline, parametersVersion = 1 } = task
  if (!Number.isInteger(parametersVersion) || parametersVersion < 1) {
    const message = `parametersVersion of ${type} is ${parametersVersion}; give a whole number of at least 1.`
    throw new QuillworkError('OPTION_INVALID', message)
  }
  if (!lanePattern.test(lane)) {
    const message = `The lane ${JSON.stringify(lane)} of ${type} must be 1 to 60 letters, digits, '_' or '-'.`
    throw new QuillworkError('OPTION_INVALID', message)
  }
  const deadlineMs = deadline === undefined ? undefined : durationMs(deadline, `deadline of ${type}`)
  return { lane, deadlineMs, parametersVersion }
}
