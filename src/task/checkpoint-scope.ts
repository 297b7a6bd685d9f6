/** Under which keys the values of steps are stored: a person can have steps run again, and the values of before no longer count. */

/** Which checkpoints count, once a person changed the parameters or had finished steps run again. */
export interface CheckpointScope {
  /** The last attempt with the parameters before; it begins the stored keys of the steps since. Absent where they never changed. */
  after?: number
  /** The steps before that a person kept, with their stored keys. */
  kept?: readonly NamedKey[]
  /** The steps that a person had run again, with their stored keys since. */
  repeated?: readonly NamedKey[]
}

/** What of a task says which of its checkpoints count. */
interface Scoped {
  checkpointScope?: CheckpointScope
}

type NamedKey = readonly [key: string, storedKey: string]

/** Ends the scope in a stored key; the keys of steps have none. */
export const scopeEnd = '\u001f'

/** Returns the key under which the checkpoint of a step is stored. */
export function storedKeyOf({ checkpointScope: scope }: Scoped, key: string): string {
  if (scope === undefined) return key
  const { after, kept = [], repeated = [] } = scope
  const named = [...repeated, ...kept].find(([name]) => name === key)
  return named?.[1] ?? (after === undefined ? key : keySince(after, key))
}

/** Returns the stored key of a step that first counts after an attempt. */
function keySince(attempt: number, key: string): string {
  return `${attempt}${scopeEnd}${key}`
}

/** Returns the checkpoints of a task that runs with other parameters from then on, and keeps these finished steps. */
export function scopeWithout(record: Scoped & { attempt: number }, kept: readonly string[]): CheckpointScope {
  const after = record.attempt
  return kept.length === 0 ? { after } : { after, kept: kept.map(key => [key, storedKeyOf(record, key)]) }
}

/** Returns the checkpoints of a task that runs these finished steps again. */
export function scopeRepeating(
  { attempt, checkpointScope: scope = {} }: Scoped & { attempt: number },
  steps: readonly string[],
): CheckpointScope {
  const others = (scope.repeated ?? []).filter(([name]) => !steps.includes(name))
  return { ...scope, repeated: [...others, ...steps.map(step => [step, keySince(attempt, step)] as const)] }
}

/** Returns the names of the finished steps that count, of the keys under which checkpoints of the task are stored. */
export function finishedSteps(record: Scoped, storedKeys: Iterable<string>): string[] {
  return [...storedKeys].flatMap(storedKey => {
    const name = storedKey.slice(storedKey.indexOf(scopeEnd) + 1)
    return storedKeyOf(record, name) === storedKey ? [name] : []
  })
}
