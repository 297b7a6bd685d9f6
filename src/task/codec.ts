/**
 * Values as text and back, so that what a schema describes comes back as what it was: JSON, in which a date, a bigint, `undefined`
 * and the numbers that JSON lacks are written as `{"~quill":[kind, text]}`. Plain JSON data, the usual case, is written as itself.
 * Anything else (functions, symbols, class instances, cycles) is refused with the path of the value.
 */
import { QuillworkError } from './errors.ts'

const tag = '~quill'
/** Deeper values are refused: they are a mistake, and would overflow the stack of other readers. */
const deepest = 500

/** Returns the text of a value. Throws VALUE_NOT_STORABLE with the path of the first value that cannot come back as it was. */
export function encode(value: unknown): string {
  return isPlain(value, 0) ? JSON.stringify(value) : JSON.stringify(toTagged(value, [], []))
}

/** Returns the value of a text that `encode` made. Throws RECORD_UNREADABLE when it is not such a text. */
export function decode(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    // Without its quotes it is found seven times as fast: there are many in a text of JSON.
    return text.includes(tag) ? fromTagged(value) : value
  } catch (cause) {
    const message = 'A stored value is not the text that this version writes.'
    throw new QuillworkError('RECORD_UNREADABLE', message, { cause })
  }
}

/** Returns the value of a text that `encode` made; undefined when it is not such a text. */
export function readable(text: string): unknown {
  try {
    return decode(text)
  } catch {
    return undefined
  }
}

/** Returns a value as plain JSON without tags: dates as RFC 3339, bigints and the numbers that JSON lacks as text. */
export function plainOf(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (Array.isArray(value)) return value.map(plainOf)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainOf(item)]))
}

/** Returns whether a value of JSON has no more levels than what is stored may have; deeper ones would overflow the stack of their readers. */
export function isStorablyDeep(value: unknown, depth = 0): boolean {
  if (typeof value !== 'object' || value === null) return true
  return depth < deepest && Object.values(value).every(item => isStorablyDeep(item, depth + 1))
}

/** Returns the value of codec text as plain JSON data. Text that cannot be read is returned as it is. */
export function plainOfText(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : plainOf(decode(text))
  } catch {
    return text
  }
}

/** Whether JSON keeps the value as it is. */
function isPlain(value: unknown, depth: number): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0)
  if (typeof value !== 'object' || depth >= deepest) return false
  if (Array.isArray(value)) return value.every(item => isPlain(item, depth + 1)) && !hasHoles(value)
  if (!isRecord(value) || 'toJSON' in value || Object.getOwnPropertySymbols(value).length > 0) return false
  // A list of the keys would be an object more for each value.
  for (const key in value) if (key === tag || !isPlain(value[key], depth + 1)) return false
  return true
}

function hasHoles(list: readonly unknown[]): boolean {
  for (let index = 0; index < list.length; index++) if (!(index in list)) return true
  return false
}

function isRecord(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function toTagged(value: unknown, path: readonly (string | number)[], above: readonly object[]): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : tagged('number', Object.is(value, -0) ? '-0' : `${value}`)
    case 'bigint':
      return tagged('bigint', `${value}`)
    case 'undefined':
      return tagged('undefined', '')
    case 'object':
      return value === null ? null : objectToTagged(value, path, above)
    default:
      throw refusal(path, `a ${typeof value}`)
  }
}

function objectToTagged(
  value: object,
  path: readonly (string | number)[],
  above: readonly object[],
): unknown {
  if (value instanceof Date) return tagged('date', Number.isNaN(value.getTime()) ? '' : value.toISOString())
  if (above.includes(value)) throw refusal(path, 'a reference to a value that contains it')
  if (above.length >= deepest) throw refusal(path, `nested deeper than ${deepest} levels`)
  const within = [...above, value]
  if (Array.isArray(value))
    return Array.from(value, (item, index) => toTagged(item, [...path, index], within))
  if (!isRecord(value)) throw refusal(path, `an instance of ${value.constructor?.name || 'a class'}`)
  const symbol = Object.getOwnPropertySymbols(value)[0]
  if (symbol !== undefined) throw refusal(path, `a value under the symbol ${String(symbol)}`)
  const entries = Object.entries(value)
  const copy = Object.fromEntries(
    entries.map(([key, item]) => [
      key,
      key === 'toJSON' && typeof item === 'function' ? item : toTagged(item, [...path, key], within),
    ]),
  )
  if (typeof copy['toJSON'] === 'function') throw refusal([...path, 'toJSON'], 'a function')
  return Object.hasOwn(value, tag) ? { [tag]: ['object', entries.map(([key]) => [key, copy[key]])] } : copy
}

function tagged(kind: string, text: string): unknown {
  return { [tag]: [kind, text] }
}

function fromTagged(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(fromTagged)
  const mark: unknown = Object.hasOwn(value, tag) ? (value as Record<string, unknown>)[tag] : undefined
  if (Array.isArray(mark)) return revive(mark[0], mark[1])
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fromTagged(item)]))
}

function revive(kind: unknown, content: unknown): unknown {
  switch (kind) {
    case 'number':
      return Number(content)
    case 'bigint':
      return BigInt(content as string)
    case 'undefined':
      return undefined
    case 'date':
      return new Date(content === '' ? Number.NaN : (content as string))
    case 'object':
      return Object.fromEntries(
        (content as [string, unknown][]).map(([key, item]) => [key, fromTagged(item)]),
      )
    default: {
      const message = `A stored value has the unknown kind ${JSON.stringify(kind)}.`
      throw new QuillworkError('RECORD_UNREADABLE', message)
    }
  }
}

function refusal(path: readonly (string | number)[], what: string): QuillworkError {
  const place =
    path.length === 0
      ? 'The value'
      : `The value at ${path.map(part => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('')}`
  const message = `${place} is ${what}; store plain data, dates or bigints instead.`
  return new QuillworkError('VALUE_NOT_STORABLE', message, { details: { path } })
}
