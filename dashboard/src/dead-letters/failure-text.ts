import type { Task } from '../api/task.ts'
import { useTask } from '../queries/task-queries.ts'
import type { LetterGroup } from './letter-queries.ts'

/** What failed, in the words for authors where there are any. */
export function failureOf({ deadLetter, errorInfo }: Task): string {
  const error = deadLetter?.error ?? errorInfo
  return error?.authorMessage ?? error?.message ?? ''
}

/** What failed in a group, by one of its tasks; undefined until that is read. Where it cannot be, the code has to do. */
export function useGroupFailure({ sampleTaskId, code }: LetterGroup): string | undefined {
  const { data, error } = useTask(sampleTaskId)
  if (data !== undefined) return failureOf(data) || code
  return error === null ? undefined : code
}
