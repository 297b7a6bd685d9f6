import { api, dataOf } from '../api/client.ts'
import { ApiError } from '../api/problem.ts'
import type { Task } from '../live/event.ts'
import { mostPerPage, readTasks } from './task-query.ts'

/** Characters of an id after which it is whole. */
const idLength = 36
/** Hexadecimal digits at the beginning of an id (UUID of version 7, RFC 9562) that tell when the task was submitted, in milliseconds. */
const timeDigits = 12
/** Fewer of them stand for more tasks than one could look through. */
const fewestDigits = 8

/**
 * The tasks whose id begins with a text: one of the rows that are shown, the task of a whole id, or, since the ids of tasks without a parent
 * begin with the time of their submission, one that was submitted then. Empty where there is none, or too little was given. Throws ApiError.
 */
export async function findTasks(
  beginning: string,
  shown: readonly Task[],
  signal: AbortSignal,
): Promise<string[]> {
  const given = beginning.trim().toLowerCase()
  if (given.length >= idLength) return taskWithId(given, signal)
  const rows = shown.filter(({ id }) => given !== '' && id.startsWith(given))
  if (rows.length > 0) return rows.map(({ id }) => id)
  const window = timesOf(given)
  if (window === undefined) return []
  const { items } = await readTasks({ ...window, rootsOnly: 'true' }, { pageSize: mostPerPage }, signal)
  return items.filter(({ id }) => id.startsWith(given)).map(({ id }) => id)
}

async function taskWithId(taskId: string, signal: AbortSignal): Promise<string[]> {
  try {
    return [(await dataOf(api.GET('/v1/tasks/{taskId}', { params: { path: { taskId } }, signal }))).id]
  } catch (error) {
    if (error instanceof ApiError && (error.status === 404 || error.status === 400)) return []
    throw error
  }
}

/** Between which times tasks with such ids were submitted; both bounds are outside. */
function timesOf(beginning: string): { createdAfter: string; createdBefore: string } | undefined {
  const digits = beginning.replaceAll('-', '').slice(0, timeDigits)
  if (digits.length < fewestDigits || !/^[\da-f]+$/.test(digits)) return undefined
  const [from, to] = ['0', 'f'].map(digit => Number.parseInt(digits.padEnd(timeDigits, digit), 16))
  if (from === undefined || to === undefined || to > lastTime) return undefined
  return { createdAfter: timeText(from - 1), createdBefore: timeText(to + 1) }
}

/** The end of the year 9999: times after it are written in another way. */
const lastTime = Date.parse('9999-12-31T00:00:00Z')

function timeText(at: number): string {
  return new Date(Math.max(at, 0)).toISOString()
}
