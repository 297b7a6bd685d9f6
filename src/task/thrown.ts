/**
 * Reads what was thrown. Anything can be: no value, a symbol, an error whose properties throw when they are read, a proxy that throws whatever
 * is done with it. None of these functions throws.
 */

/** Returns whether it is an instance of the class; false where that cannot be found out. */
export function isA<T>(thrown: unknown, type: abstract new (...args: never[]) => T): thrown is T {
  try {
    return thrown instanceof type
  } catch {
    return false
  }
}

/** Returns a property; undefined where there is none, or where it cannot be read. */
export function fieldOf(thrown: unknown, name: string): unknown {
  if ((typeof thrown !== 'object' && typeof thrown !== 'function') || thrown === null) return undefined
  try {
    return (thrown as Record<string, unknown>)[name]
  } catch {
    return undefined
  }
}

/** Returns a property that is a text; else undefined. */
export function textIn(thrown: unknown, name: string): string | undefined {
  const value = fieldOf(thrown, name)
  return typeof value === 'string' ? value : undefined
}

/** Returns a property that is a finite number; else undefined. */
export function numberIn(thrown: unknown, name: string): number | undefined {
  const value = fieldOf(thrown, name)
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

/** Returns the message of an error, or the text of anything else that was thrown; never an empty one. */
export function messageOf(thrown: unknown): string {
  // Also of an error of another realm, and of a library that throws objects.
  const said =
    textIn(thrown, 'message') ?? (isA(thrown, Error) ? (fieldOf(thrown, 'message') ?? unreadable) : thrown)
  return textOf(said) || 'The error has no message.'
}

const unreadable = 'The error cannot be read.'

/** Returns a value as text, an object as JSON; empty for none. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (value === undefined || value === null) return ''
  try {
    return (typeof value === 'object' ? JSON.stringify(value) : undefined) ?? String(value)
  } catch {
    return unreadable
  }
}
