/** References between the rows of an archive: where they are in a row, and how they are written. */

/** What a reference names: a row, or who wrote something. */
export type Target = 'binned' | 'volume' | 'chapter' | 'scene' | 'candidate' | 'history' | 'entry' | 'writer'

/** The references of a kind of rows, by their paths; `*` is every element of a list. */
export type References = Readonly<Record<string, Target>>

/** Returns a row with other references. An empty one names nothing and stays. */
export function rewritten(
  row: object,
  refs: References,
  change: (target: Target, value: unknown) => unknown,
): object {
  let changed: unknown = row
  for (const [path, target] of Object.entries(refs))
    changed = changedAt(changed, path.split('.'), value => (value === '' ? value : change(target, value)))
  return changed as object
}

function changedAt(
  value: unknown,
  [step, ...rest]: readonly string[],
  change: (value: unknown) => unknown,
): unknown {
  if (step === undefined) return value === undefined ? value : change(value)
  if (step === '*') return Array.isArray(value) ? value.map(each => changedAt(each, rest, change)) : value
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return value
  return { ...value, [step]: changedAt(Reflect.get(value, step), rest, change) }
}
