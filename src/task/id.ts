import { hash, randomFillSync } from 'node:crypto'

/**
 * Returns a new task id: a UUID of version 7 (RFC 9562), so that ids sort by the time of submission. Those of one millisecond sort by their
 * order in this process: a counter of 26 bits that begins anywhere (section 6.2, method 1). An index by id thus grows at its end, which costs
 * a store half of what it costs to write into its middle.
 */
export function newTaskId(now: number): string {
  if (now === begun.now && counter < lastOfCounter) counter += 1
  else counter = Number.parseInt(randomHex(6), 16)
  const place = counter >>> 12
  if (now !== begun.now || place !== begun.place) begun = { now, place, text: beginningOf(now, place) }
  return `${begun.text}${threeDigits[counter & 0xfff]}-${randomHex(12)}`
}

const lastOfCounter = 0x3ff_ffff
let counter = 0

/** How the last id began: many tasks are submitted in one millisecond. */
let begun = { now: Number.NaN, place: 0, text: '' }

/** Returns an id up to the last twelve bits of the counter. `place`: the bits before them, of which two stand behind the variant of the RFC. */
function beginningOf(now: number, place: number): string {
  const time = Math.floor(now).toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${threeDigits[place >>> 2]}-${'89ab'.charAt(place & 3)}`
}

const threeDigits = Array.from({ length: 0x1000 }, (_, number) => number.toString(16).padStart(3, '0'))

/** Returns when a task with this id was submitted, epoch milliseconds; undefined of a sub-task, and of what is no id of a task. */
export function submissionTimeOf(taskId: string): number | undefined {
  const [, high, low] = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-/.exec(taskId) ?? []
  return high === undefined ? undefined : Number.parseInt(`${high}${low}`, 16)
}

/** Random bytes are drawn, and written in hexadecimal, for many ids at once. */
const pool = Buffer.alloc(6 * 600)
let digits = ''
let drawn = 0

function randomHex(length: number): string {
  if (drawn + length > digits.length) {
    digits = randomFillSync(pool).toString('hex')
    drawn = 0
  }
  drawn += length
  return digits.slice(drawn - length, drawn)
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
