/** Two entries made one, and what leads to them. */
import { isBefore, type ScenePlace } from '../library/shelf.ts'
import type { CodexFields } from './entry.ts'
import { textAt } from './select-entries.ts'

/** The places of the scenes that entries name; a scene that is gone has none. */
type Places = ReadonlyMap<string, ScenePlace>

/** Returns the fields of an entry that takes another one in: its kind, its name and when it is in the prompt stay. */
export function mergedFields(
  kept: CodexFields & { readonly id: string },
  other: CodexFields & { readonly id: string },
  places: Places,
): CodexFields {
  const { kind, name, matchCase, when } = kept
  const both = (one: readonly string[], two: readonly string[]) => [...new Set([...one, ...two])]
  const relations = both(kept.relations, other.relations).filter(id => id !== kept.id && id !== other.id)
  return {
    ...{ kind, name, matchCase, when, relations },
    aliases: both(kept.aliases, [other.name, ...other.aliases]).filter(alias => alias !== name),
    exclusions: both(kept.exclusions, other.exclusions),
    text: joined(kept.text, other.text),
    note: joined(kept.note, other.note),
    changes: mergedChanges(kept, other, places),
    begins: kept.begins || other.begins,
    ends: kept.ends || other.ends,
  }
}

/** Returns the changes of both. Of those at the same scene the ones of the entry that takes the other in come first. */
function mergedChanges(kept: CodexFields, other: CodexFields, places: Places): CodexFields['changes'] {
  const before = (scene: ScenePlace, from: ScenePlace) => isBefore(from, scene)
  const until = (scene: ScenePlace, from: ScenePlace) => !isBefore(scene, from)
  const behind = (own: string, text: string) => joined(text, own)
  return [
    ...kept.changes.map(change => withTextOf(other, { change, places, isEarlier: before }, joined)),
    ...other.changes.map(change => withTextOf(kept, { change, places, isEarlier: until }, behind)),
  ]
}

function joined(one: string, two: string): string {
  return [one.trim(), two.trim()].filter(text => text !== '').join('\n\n')
}

/** Returns a change that replaces the text of its own entry alone, and keeps what the entry beside it says at that scene. */
function withTextOf(
  beside: CodexFields,
  {
    change,
    places,
    isEarlier,
  }: {
    change: CodexFields['changes'][number]
    places: Places
    isEarlier(scene: ScenePlace, from: ScenePlace): boolean
  },
  join: typeof joined,
): CodexFields['changes'][number] {
  const place = places.get(change.from)
  if (change.how === 'add' || place === undefined) return change
  const changes = beside.changes.filter(({ from }) => {
    const start = places.get(from)
    return start !== undefined && isEarlier(place, start)
  })
  return { ...change, text: join(change.text, textAt({ text: beside.text, changes }, { place, places })) }
}

/** Returns relations that lead to the entry in place of the one that it has taken in. */
export function repointed(
  relations: readonly string[],
  { from, to, of }: { from: string; to: string; of: string },
): string[] {
  return [...new Set(relations.map(id => (id === from ? to : id)))].filter(id => id !== of)
}
