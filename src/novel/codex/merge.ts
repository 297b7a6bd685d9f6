/** Two entries made one, and what leads to them. */
import type { CodexFields } from './entry.ts'

/** Returns the fields of an entry that takes another one in: its kind, its name and when it is in the prompt stay. */
export function mergedFields(
  kept: CodexFields & { readonly id: string },
  other: CodexFields & { readonly id: string },
): CodexFields {
  const { kind, name, matchCase, when } = kept
  const joined = (one: string, two: string) =>
    [one.trim(), two.trim()].filter(text => text !== '').join('\n\n')
  const both = (one: readonly string[], two: readonly string[]) => [...new Set([...one, ...two])]
  const relations = both(kept.relations, other.relations).filter(id => id !== kept.id && id !== other.id)
  return {
    ...{ kind, name, matchCase, when, relations },
    aliases: both(kept.aliases, [other.name, ...other.aliases]).filter(alias => alias !== name),
    exclusions: both(kept.exclusions, other.exclusions),
    text: joined(kept.text, other.text),
    note: joined(kept.note, other.note),
    changes: [...kept.changes, ...other.changes],
    begins: kept.begins || other.begins,
    ends: kept.ends || other.ends,
  }
}

/** Returns relations that lead to the entry in place of the one that it has taken in. */
export function repointed(
  relations: readonly string[],
  { from, to, of }: { from: string; to: string; of: string },
): string[] {
  return [...new Set(relations.map(id => (id === from ? to : id)))].filter(id => id !== of)
}
