/**
 * The idempotency key of a task that a schedule submitted. It names the tick: one tick makes one task, and the task knows its tick. No other
 * task has a key of this form, for a caller's own is refused.
 */

const form = /^schedule .+ (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)$/s

/** Returns the key for a tick of a schedule. `tick`: epoch milliseconds. */
export function tickKey(scheduleId: string, tick: number): string {
  return `schedule ${scheduleId} ${new Date(tick).toISOString()}`
}

/** Returns the tick that a key names; undefined for any other key, and for none. */
export function tickOf(key: string | undefined): Date | undefined {
  const time = key === undefined ? undefined : form.exec(key)?.[1]
  return time === undefined ? undefined : new Date(time)
}
