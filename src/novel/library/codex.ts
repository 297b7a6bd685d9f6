/**
 * The codex of a novel: what its author knows of people, places, things and facts. Every write of an entry names the version that its writer
 * has read, and is refused when the entry changed since.
 */
import type { Page, PageRequest } from '../../task/page.ts'
import type { CodexEntry, CodexFields, SceneCodex } from '../codex/entry.ts'
import type { ScenePlace, StoryPlace } from './shelf.ts'

/** An entry to add, under an id that its writer chooses: adding it again finds it. */
export interface NewCodexEntry {
  readonly id: string
  readonly fields: CodexFields
}

/** An entry that somebody has read. */
export interface CodexEntryRead {
  readonly novelId: string
  readonly entryId: string
  readonly expectedVersion: number
}

/** What became of a change of an entry. `conflict`: somebody changed it since it was read; `version` is the one that is there now. */
export interface CodexWritten {
  readonly outcome: 'applied' | 'conflict'
  readonly version: number
}

/** What of an entry a model may be told: its note is left out. */
export type ToldEntry = Omit<CodexEntry, 'note'>

/** A codex as it is at a place. */
export interface CodexAtPlace {
  readonly entries: readonly ToldEntry[]
  readonly place: ScenePlace
  /** The places of the scenes that changes of entries name; a scene that is gone has none. */
  readonly places: ReadonlyMap<string, ScenePlace>
  /** What the author decided for the scene. */
  readonly chosen?: SceneCodex
}

/** An entry that is to take another one in. */
export interface CodexMerge extends CodexEntryRead {
  readonly other: Omit<CodexEntryRead, 'novelId'>
}

/** An entry that is to be cut in two. */
export interface CodexSplit extends CodexEntryRead {
  /** What becomes of it. */
  readonly stays: Partial<CodexFields>
  /** The other one. */
  readonly into: NewCodexEntry
}

/** What the author has decided about: it is not shown again. */
export interface Dismissal {
  /** Id of a finding that is intended; or a name that is to become no entry. */
  readonly key: string
  readonly what: 'finding' | 'name'
  readonly reason: string
  /** Epoch milliseconds. */
  readonly at: number
}

/** Most dismissals of a novel. */
export const mostDismissals = 5_000

/** The entries of the novels of a library. */
export interface CodexStore {
  /** In the order in which they were made. Throws NOVEL_NOT_FOUND. */
  entries(userId: string, novelId: string, page: PageRequest): Promise<Page<CodexEntry>>
  /** Throws CODEX_ENTRY_NOT_FOUND. */
  entry(userId: string, which: { novelId: string; entryId: string }): Promise<CodexEntry>
  /** All of them without their notes. Throws NOVEL_NOT_FOUND. */
  all(userId: string, novelId: string): Promise<readonly ToldEntry[]>
  /** The same, with the places that a prompt at a place needs. Throws SCENE_NOT_FOUND, NOVEL_NOT_FOUND. */
  atPlace(userId: string, place: StoryPlace): Promise<CodexAtPlace>
  /**
   * Adds entries, those whose id is not there yet; returns the ids of those that it added. Throws NOVEL_NOT_FOUND, CODEX_FULL, and for an entry
   * that is not taken OPTION_INVALID, SCENE_NOT_FOUND, CODEX_ENTRY_NOT_FOUND (of a relation).
   */
  add(userId: string, novelId: string, entries: readonly NewCodexEntry[]): Promise<ReadonlySet<string>>
  /** Throws CODEX_ENTRY_NOT_FOUND, and as `add` does for fields that are not taken. */
  edit(userId: string, read: CodexEntryRead, fields: Partial<CodexFields>): Promise<CodexWritten>
  /** Removes an entry and the relations to it. An entry that is gone counts as removed. Throws NOVEL_NOT_FOUND. */
  remove(userId: string, read: CodexEntryRead): Promise<CodexWritten>
  /**
   * Has an entry take another one in, which is gone then: names, texts, notes, changes and relations are joined, relations to the other lead to it,
   * and it is pinned to the scenes of the other and barred from them.
   * Throws CODEX_ENTRY_NOT_FOUND, and OPTION_INVALID where both together are too large for one.
   */
  merge(userId: string, merge: CodexMerge): Promise<CodexWritten>
  /** Cuts an entry in two. The new one that is there already is found. Throws as `add` and `edit` do. */
  split(userId: string, split: CodexSplit): Promise<CodexWritten>
  /** What the author has dismissed. Throws NOVEL_NOT_FOUND. */
  dismissals(userId: string, novelId: string): Promise<readonly Dismissal[]>
  /** Dismisses something, or gives it another reason. Throws NOVEL_NOT_FOUND, and CODEX_FULL for too many. */
  dismiss(userId: string, novelId: string, given: Omit<Dismissal, 'at'>): Promise<void>
  /** Takes a dismissal back; one that is not there is taken back. Throws NOVEL_NOT_FOUND. */
  restore(userId: string, novelId: string, given: Pick<Dismissal, 'key' | 'what'>): Promise<void>
}
