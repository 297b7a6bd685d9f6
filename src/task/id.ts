import { createHash, randomUUID } from 'node:crypto'

/** A new task id: a UUID of version 7 (RFC 9562), so that ids sort by the time of submission. */
export function newTaskId(now: number): string {
  const time = Math.floor(now).toString(16).padStart(12, '0')
  const random = randomUUID()
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(15)}`
}

/**
 * The id of a sub-task: a UUID of version 8 made of the parent's id and the sub-task's key, so that a later attempt of the parent
 * names the same sub-task again.
 */
export function subTaskId(parentTaskId: string, key: string): string {
  return hashedId(`${parentTaskId}\n${key}`)
}

/** A UUID of version 8 that is always the same for the same text. */
export function hashedId(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
