/** Between the times of addresses (RFC 3339) and those that are typed, which are in the person's zone and name none. */

/** A time as a field for date and time takes it, such as `2026-01-31T12:00`; empty for none. */
export function typedTimeOf(at: string | undefined, zone: 'local' | 'utc'): string {
  if (at === undefined) return ''
  const date = new Date(at)
  const offset = zone === 'utc' ? 0 : date.getTimezoneOffset()
  return new Date(date.getTime() - offset * 60_000).toISOString().slice(0, 16)
}

/** The time that was typed; undefined for none, or for what is none. */
export function timeOfTyped(typed: string, zone: 'local' | 'utc'): string | undefined {
  const at = Date.parse(zone === 'utc' ? `${typed}Z` : typed)
  return Number.isNaN(at) ? undefined : new Date(at).toISOString()
}
