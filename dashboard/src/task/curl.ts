import { defined } from '../../../src/task/defined.ts'
import type { Task } from '../api/task.ts'

/** Where the API is, and whether it wants a token; the token itself is nothing to paste around. */
export interface ApiPlace {
  origin: string
  wantsToken: boolean
}

/** Returns the command that reads a task. */
export function curlToRead({ id }: Pick<Task, 'id'>, place: ApiPlace): string {
  return lines(['curl', ...tokenOf(place), quoted(`${place.origin}/v1/tasks/${id}`)])
}

/** Returns the command that submits the same task once more. */
export function curlToSubmit(task: Task, place: ApiPlace): string {
  const { taskType, parameters, lane, priority, tags } = task
  const body = defined({
    taskType,
    parameters,
    lane,
    priority: priority === 'normal' ? undefined : priority,
    tags: tags.length === 0 ? undefined : tags,
  })
  return lines([
    'curl -X POST',
    ...tokenOf(place),
    `-H ${quoted('content-type: application/json')}`,
    `-d ${quoted(JSON.stringify(body))}`,
    quoted(`${place.origin}/v1/tasks`),
  ])
}

/** Within double quotes, so that the shell fills the token in. */
function tokenOf({ wantsToken }: ApiPlace): string[] {
  return wantsToken ? ['-H "authorization: Bearer $QUILLWORK_TOKEN"'] : []
}

/** Returns a word that a POSIX shell takes as it stands, whatever is in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

function lines(parts: readonly string[]): string {
  return parts.join(' \\\n  ')
}
