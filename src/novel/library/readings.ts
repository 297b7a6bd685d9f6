/** What a model read in the scenes of a novel: entries that its codex could have, and what speaks against those that it has. */
import type { FoundContradiction } from '../codex/read-contradictions.ts'
import type { FoundEntry } from '../codex/read-entries.ts'
import type { PromptNote } from '../fields.ts'
import type { UsageNote } from './provenance.ts'
import type { ScenePlace } from './shelf.ts'

/** What is read for, and what is found. */
export interface ReadItems {
  readonly entries: FoundEntry
  readonly contradictions: FoundContradiction
}

/** What a scene is read for. */
export type ReadingKind = keyof ReadItems

/** What a model read in a scene. A later reading of the scene takes its place. */
export interface SceneReading<Kind extends ReadingKind = ReadingKind> {
  readonly sceneId: string
  readonly what: Kind
  /** Of the scene. */
  readonly place: ScenePlace
  /** What was read: another value where the scene, or what it was compared with, was changed since. */
  readonly of: string
  readonly items: readonly ReadItems[Kind][]
  /** Items of the answer that code did not find in the text. */
  readonly dropped: number
  /** Id of the model. */
  readonly model: string
  readonly prompt: PromptNote
  /** Usage of the calls. */
  readonly usage: UsageNote
  readonly taskId: string
  /** Epoch milliseconds. */
  readonly at: number
}

/** What a model has just read in a scene. */
export type NewReading<Kind extends ReadingKind = ReadingKind> = Omit<SceneReading<Kind>, 'at' | 'place'>

/** The readings of the novels of a library: at most one of a scene and kind. */
export interface ReadingStore {
  /** In reading order, at most a page of them in memory. Throws NOVEL_NOT_FOUND. */
  all<Kind extends ReadingKind>(
    userId: string,
    novelId: string,
    what: Kind,
  ): AsyncIterable<SceneReading<Kind>>
  /** Those of some scenes, by the id of the scene. Throws NOVEL_NOT_FOUND. */
  ofScenes<Kind extends ReadingKind>(
    userId: string,
    novelId: string,
    which: { what: Kind; sceneIds: readonly string[] },
  ): Promise<ReadonlyMap<string, SceneReading<Kind>>>
  /** Takes the place of an earlier one; of a scene that is gone nothing is kept. Throws NOVEL_NOT_FOUND. */
  keep(userId: string, novelId: string, reading: NewReading): Promise<void>
}
