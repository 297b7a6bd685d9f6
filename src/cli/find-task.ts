/** Tasks that a person names by the beginning of their id. */
import type { TaskJson } from '../http/index.ts'
import { QuillworkError } from '../index.ts'
import type { Client } from './client.ts'

/** Characters of a whole id. */
const idLength = 36

/**
 * Returns the id that begins with a text; of a whole id, and where no task has one, the text itself, which the server refuses in its own words. Throws
 * TASK_NOT_FOUND, with those that there are, where several begin so.
 */
export async function findTaskId(client: Client, given: string): Promise<string> {
  if (given.length >= idLength || !/^[\w-]{4,}$/.test(given)) return given
  const { items, more } = await client.get<{ items: TaskJson[]; more: boolean }>('/v1/tasks:find', {
    idPrefix: given,
  })
  const [only] = items
  if (only === undefined || items.some(({ id }) => id === given)) return given
  if (items.length === 1) return only.id
  const which = items.map(({ id, taskType, status }) => `${id} (${taskType}, ${status})`).join(', ')
  throw new QuillworkError(
    'TASK_NOT_FOUND',
    `${more ? 'More than ' : ''}${items.length} tasks have an id that begins with ${given}: ${which}${more ? ', …' : ''}. Give more of the id.`,
  )
}
