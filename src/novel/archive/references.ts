/** References between the rows of an archive: where they are in a row, and how they are written. */

/** What a reference names: a row, or who wrote something. */
export type Target =
  | 'binned'
  | 'volume'
  | 'chapter'
  | 'scene'
  | 'candidate'
  | 'history'
  | 'entry'
  | 'writer'
  | 'unit'

/** The references of a kind of rows, by their paths; `*` is every element of a list. A source of a prompt says itself what its id names. */
export type References = Readonly<Record<string, Target | 'source'>>

/** What the id of a source names; of others it is an id within the novel, or a name. */
const ofSources: Readonly<Record<string, Target>> = {
  ...{ entry: 'entry', scene: 'scene', chapter: 'chapter', volume: 'volume' },
  // No row has their ids.
  ...{ stretch: 'unit', book: 'unit' },
}

function refsOfSource(source: unknown): References {
  const target = ofSources[String(Reflect.get(Object(source), 'of'))]
  return { ...(target && { id: target }), 'reason.to.*': 'entry' }
}

/** Returns a row with other references. An empty one names nothing and stays. */
export function rewritten(
  row: object,
  refs: References,
  change: (target: Target, value: unknown) => unknown,
): object {
  let changed: unknown = row
  for (const [path, target] of Object.entries(refs))
    changed = changedAt(changed, path.split('.'), value => {
      if (target === 'source') return rewritten(value as object, refsOfSource(value), change)
      return value === '' ? value : change(target, value)
    })
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
