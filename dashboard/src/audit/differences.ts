/** A field of what was changed: as it was, and as it is. Absent where nobody knows it, or where there is none. */
export interface Difference {
  readonly field: string
  readonly before: string | undefined
  readonly after: string | undefined
}

type Fields = Readonly<Record<string, unknown>>

/** Returns the fields that differ, the others left out. Where only one side is known, all of its fields are returned. */
export function differencesOf(before: Fields | undefined, after: Fields | undefined): Difference[] {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])]
  return names
    .map(field => ({ field, before: textOf(before?.[field]), after: textOf(after?.[field]) }))
    .filter(difference => difference.before !== difference.after)
}

function textOf(value: unknown): string | undefined {
  return value === undefined || typeof value === 'string' ? value : JSON.stringify(value)
}
