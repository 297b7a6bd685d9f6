import { QuillworkError } from '../index.ts'

/** The parameters of a task as they were typed. Throws USAGE_INVALID. */
export function parametersOf(text = '{}'): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new QuillworkError(
      'USAGE_INVALID',
      '--parameters is not JSON; put it in single quotes for the shell.',
    )
  }
}
