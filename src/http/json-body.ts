import { QuillworkError } from '../task/errors.ts'

/**
 * What JSON text may hold beyond being JSON: nesting that no reader overflows on, and numbers that come back as they were sent.
 * A scan of the text, before anything is built from it.
 */

const quote = 0x22
const backslash = 0x5c
const minus = 0x2d
const numberForm = /-?\d[\d.eE+-]*/y

/** Throws REQUEST_INVALID for text nested deeper than `deepest`, or with a number that would be read as another one. */
export function checkJsonText(text: string, deepest: number): void {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) at = endOfString(text, at)
    else if (code === 0x7b || code === 0x5b) {
      depth += 1
      if (depth > deepest) throw refused(`The body is nested deeper than ${deepest} levels.`)
    } else if (code === 0x7d || code === 0x5d) depth -= 1
    else if (code === minus || (code >= 0x30 && code <= 0x39)) at += checkNumber(text, at) - 1
  }
}

/** The place of the closing quote, or the end of the text. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) return at
    if (code === backslash) at += 1
  }
  return text.length
}

/** Returns the length of the number at that place, at least 1. */
function checkNumber(text: string, at: number): number {
  numberForm.lastIndex = at
  const [number = ''] = numberForm.exec(text) ?? []
  const value = Number(number)
  const shown = number.length > 40 ? `${number.slice(0, 40)}...` : number
  if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY)
    throw refused(`The number ${shown} is too large; send it as text.`)
  if (/^-?\d+$/.test(number) && Math.abs(value) > Number.MAX_SAFE_INTEGER && !isExact(number, value))
    throw refused(`The number ${shown} would not be kept exactly; send it as text.`)
  return Math.max(1, number.length)
}

/** Whether it is the number that will be read, or how JavaScript writes that one. */
function isExact(number: string, value: number): boolean {
  return String(value) === number || BigInt(value) === BigInt(number)
}

function refused(message: string): QuillworkError {
  return new QuillworkError('REQUEST_INVALID', message)
}
