import { hash, randomFillSync } from 'node:crypto'

/** Returns a new task id: a UUID of version 7 (RFC 9562), so that ids sort by the time of submission. */
export function newTaskId(now: number): string {
  const random = randomHex()
  return `${timeOf(now)}-7${random.slice(0, 3)}-${variant(random)}${random.slice(4, 7)}-${random.slice(7, 19)}`
}

/** The last time that was written, and its text: many tasks are submitted in one millisecond. */
let written = { now: Number.NaN, text: '' }

function timeOf(now: number): string {
  if (now !== written.now) {
    const time = Math.floor(now).toString(16).padStart(12, '0')
    written = { now, text: `${time.slice(0, 8)}-${time.slice(8)}` }
  }
  return written.text
}

/** Returns when a task with this id was submitted, epoch milliseconds; undefined of a sub-task, and of what is no id of a task. */
export function submissionTimeOf(taskId: string): number | undefined {
  const [, high, low] = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-/.exec(taskId) ?? []
  return high === undefined ? undefined : Number.parseInt(`${high}${low}`, 16)
}

/** Random bytes are drawn, and written in hexadecimal, for many ids at once. */
const pool = Buffer.alloc(10 * 400)
let digits = ''
let drawn = 0

function randomHex(): string {
  if (drawn === digits.length) {
    digits = randomFillSync(pool).toString('hex')
    drawn = 0
  }
  drawn += 20
  return digits.slice(drawn - 20, drawn)
}

/** The two bits that mark the variant of the RFC, before two random ones. */
function variant(random: string): string {
  return '89ab'.charAt(Number.parseInt(random.charAt(3), 16) & 3)
}

/**
 * Returns the id of a sub-task: a UUID of version 8 made of the parent's id and the sub-task's key, so that a later attempt of the parent
 * names the same sub-task again.
 */
export function subTaskId(parentTaskId: string, key: string): string {
  return hashedId(`${parentTaskId}\n${key}`)
}

/** Returns a UUID of version 8 that is always the same for the same text. */
export function hashedId(text: string): string {
  const hex = hash('sha256', text)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
