/** One scene: reading it, its history, and the guarded writes. */
import { add, type Change, getOne, replace, type Stored, write } from '../../records/records.ts'
import { defined } from '../../task/defined.ts'
import { measure } from '../words.ts'
import { appendChapter, appendScene } from './append.ts'
import { checkLength } from './draft-pieces.ts'
import {
  type KeptEntry,
  overwrittenSummary,
  overwrittenText,
  refusedSummary,
  restoredOrigin,
  restoredSummary,
} from './history.ts'
import { findEntry, historyEntryOf, keep, keepRefused, listHistory, type ReadEntry } from './keep-history.ts'
import { type LibraryParts, novels, type SceneRecord, scenes, texts } from './kinds.ts'
import { provenanceOf, type Writer } from './provenance.ts'
import { overviewOf } from './read-scenes.ts'
import { sceneNotFound } from './refusal.ts'
import {
  decideEdit,
  decideRestore,
  decideSummary,
  type GuardedText,
  shownOf,
  summaryFields,
} from './scene-guard.ts'
import type { Scene, SceneEdit, SceneRestore, SceneStore, SceneWritten, SummaryWrite } from './scenes.ts'

/** The scenes of a library. */
export function sceneStore(library: LibraryParts): SceneStore {
  return {
    scene: async (userId, sceneId) => sceneOf(await ownScene(library, userId, sceneId)),
    writeSummary: given =>
      writing(
        library,
        () => findScene(library, given.sceneId),
        (found, at) => summaryOfTask(found, given, at),
      ),
    async editScene(userId, edit) {
      checkLength(edit.summary ?? '')
      const find = () => findFullScene(library, edit.sceneId, userId)
      return writing(library, find, (found, at) => edited(found, edit, at))
    },
    restore(userId, wanted) {
      const find = () => findFullScene(library, wanted.sceneId, userId)
      return writing(library, find, async (found, at) =>
        restored(found, await findEntry(library, wanted), wanted, at),
      )
    },
    async appendScene(append) {
      await appendScene(library, append)
      return sceneOf(await ownScene(library, append.userId, append.id))
    },
    appendChapter: append => appendChapter(library, append),
    async history(userId, sceneId, page) {
      await ownScene(library, userId, sceneId)
      return listHistory(library, sceneId, page)
    },
    async historyEntry(userId, wanted) {
      await ownScene(library, userId, wanted.sceneId)
      return historyEntryOf(await findEntry(library, wanted))
    },
  }
}

/** A scene of a published novel. */
export interface ReadScene {
  scene: Stored<SceneRecord>
  userId: string
}

/** The same with its text, which is read after the scene: it may be newer than the version says, and is never older. */
export interface FullScene extends ReadScene {
  text: GuardedText
}

/** The scene without its text, which a summary does not overwrite; undefined when there is none in a published novel, where a user is named of that user. */
export async function findScene(
  { records }: LibraryParts,
  sceneId: string,
  ofUser?: string,
): Promise<ReadScene | undefined> {
  const scene = await getOne(records, scenes, sceneId)
  const novel = scene && (await getOne(records, novels, scene.novelId))
  if (novel?.status !== 'published' || novel.userId !== (ofUser ?? novel.userId)) return undefined
  return scene && { scene, userId: novel.userId }
}

/** The scene with its text; where a user is named, of that user's novel. */
export async function findFullScene(
  { records }: LibraryParts,
  sceneId: string,
  ofUser?: string,
): Promise<FullScene | undefined> {
  const scene = await getOne(records, scenes, sceneId)
  if (scene === undefined) return undefined
  const [novel, text = { content: '' }] = await Promise.all([
    getOne(records, novels, scene.novelId),
    getOne(records, texts, sceneId),
  ])
  if (novel?.status !== 'published' || novel.userId !== (ofUser ?? novel.userId)) return undefined
  return { scene, userId: novel.userId, text }
}

/** Throws SCENE_NOT_FOUND. */
export async function ownScene(library: LibraryParts, userId: string, sceneId: string): Promise<FullScene> {
  const found = await findFullScene(library, sceneId, userId)
  if (found === undefined) throw sceneNotFound(sceneId)
  return found
}

function sceneOf({ scene, userId, text: { content, origin } }: FullScene): Scene {
  const { summaryVersion, summary, updatedAt } = scene
  const shown = { textOrigin: origin && shownOf(origin), summary: summary && shownOf(summary) }
  return { ...overviewOf(scene), userId, content, ...defined(shown), summaryVersion, updatedAt }
}

/** What is to be done: nothing, which is no conflict where it is there already; or what a task made is kept; or the scene changes. */
export type Decided = 'unchanged' | 'conflict' | KeptEntry | SceneChange | ChangeBeside

/** A change of what hangs on a scene, which itself stays what it is but for a count. */
interface ChangeBeside {
  beside: readonly Change[]
  openCandidates: number | undefined
}

/** A change of a scene, by whom. */
export interface SceneChange {
  /** Undefined takes a field away. */
  fields: Partial<Omit<SceneRecord, Removable>> & { [F in Removable]?: SceneRecord[F] | undefined }
  text?: GuardedText
  by: Writer
  /** The entry of the history that is put in place. */
  restores?: ReadEntry
  /** What is written with it. */
  also?: readonly Change[]
}

type Removable = 'openCandidates' | 'title' | 'narration' | 'codex' | 'summary' | 'summaryOf' | 'summarised'

/** Reads a scene, decides and writes; begins again for as long as the scene is no longer what was read. */
export async function writing<Found extends ReadScene>(
  library: LibraryParts,
  find: () => Promise<Found | undefined>,
  decide: (found: Found, at: number) => Decided | Promise<Decided>,
): Promise<SceneWritten> {
  for (;;) {
    const found = await find()
    if (found === undefined) return { outcome: 'missing' }
    const { scene } = found
    const at = library.now()
    const decided = await decide(found, at)
    if (typeof decided === 'string') {
      const { version, textVersion } = scene
      return { outcome: decided === 'conflict' ? decided : 'applied', version, textVersion }
    }
    const written = await carryOut(library, found, decided, at)
    if (written !== undefined) return written
  }
}

/** Writes what was decided; undefined when the scene is no longer what was read. */
async function carryOut(
  library: LibraryParts,
  found: ReadScene & Partial<FullScene>,
  decided: Exclude<Decided, string>,
  at: number,
): Promise<SceneWritten | undefined> {
  const { scene } = found
  if ('fields' in decided) return apply(library, found, decided, at)
  if (!('beside' in decided)) return keepRefused(library, scene, decided)
  const { beside, openCandidates } = decided
  const counted = replace(scenes, defined({ ...scene, openCandidates }))
  const committed = await library.records.commit([counted, ...beside])
  const { version, textVersion } = scene
  return committed === 'applied' ? { outcome: 'applied', version, textVersion } : undefined
}

/** Writes a change with what follows from it; undefined when the scene is no longer what was read. */
async function apply(
  library: LibraryParts,
  found: ReadScene & Partial<FullScene>,
  change: SceneChange,
  at: number,
): Promise<SceneWritten | undefined> {
  const { scene: before } = found
  const { text, by } = change
  const { scene, changes, beside } = await changesOf(library, found, change, at)
  const { novelId, version, textVersion } = scene
  const [words, characters] = [scene.words - before.words, scene.characters - before.characters]
  const more = text === undefined ? {} : { by: { words, characters, textVersion: 1 } }
  // The novel shows when it was changed: by a text, or by a person.
  const isNovelChanged = text !== undefined || 'userId' in by
  const committed = await library.records.commit([
    ...changes,
    ...(isNovelChanged ? [add(novels, novelId, { ...more, raise: { updatedAt: at } })] : []),
    ...beside,
  ])
  return committed === 'applied' ? { outcome: 'applied', version, textVersion } : undefined
}

/** Returns a scene as a change makes it, the changes of it and its text, and what is written beside them; what the novel counts is not among that. */
export async function changesOf(
  library: LibraryParts,
  { scene: before, text: overwritten }: ReadScene & Partial<FullScene>,
  { fields, text, by, restores, also = [] }: SceneChange,
  at: number,
): Promise<Record<'changes' | 'beside', readonly Change[]> & { scene: Stored<SceneRecord> }> {
  const { summaryVersion = before.summaryVersion } = fields
  const entries = [
    ...(text && overwritten ? overwrittenText(before, overwritten, { by, at }) : []),
    ...(summaryVersion > before.summaryVersion ? overwrittenSummary(before, { by, at }) : []),
  ]
  const kept = await keep(library, before, { entries, restores })
  const changed = { version: before.version + 1, updatedAt: at, history: kept.history }
  const scene = defined({ ...before, ...fields, ...changed }) as Stored<SceneRecord>
  const texted = text === undefined ? [] : write(texts, [{ id: scene.id, ...text }])
  return { scene, changes: [replace(scenes, scene), ...texted], beside: [...kept.changes, ...also] }
}

/** The fields of a scene that tell of its text. */
export function textFields(content: string, version: number) {
  const { words, characters } = measure(content)
  return { textVersion: version, edited: 1, words, characters }
}

/** A summary that a task made is written if the scene is what was read, and otherwise kept. Sent again, it finds itself. */
function summaryOfTask({ scene }: ReadScene, given: SummaryWrite, at: number): Decided {
  const decision = decideSummary(scene, given)
  if (decision === 'conflict') return refusedSummary(given, at)
  if (decision === 'unchanged') return decision
  const {
    summary: text,
    language,
    sentences,
    ofTextVersion = scene.textVersion,
    expectedVersion,
    writer,
  } = given
  const written = { ofTextVersion, expectedVersion, writtenBy: writer, writtenAt: at }
  const summary = { ...provenanceOf(given), text, ...defined({ language, sentences }), ...written }
  return { fields: summaryFields(summary, scene.version + 1), by: writer }
}

/** What a person edited is written, unless what it overwrites changed since it was read. Sent again, it finds itself. */
function edited({ scene, text, userId }: FullScene, edit: SceneEdit, at: number): Decided {
  const changes = decideEdit(scene, text, edit)
  if (typeof changes === 'string') return changes
  const { title, content = '', summary: words, narration = {}, codex, expectedVersion } = edit
  const isPlain = Object.values(defined(narration)).length === 0
  const chosen = [...(codex?.pinned ?? []), ...(codex?.barred ?? [])]
  if (changes.text) checkLength(content, text.content)
  const version = scene.version + 1
  const by = { userId }
  const origin = { method: 'person', writtenBy: by, writtenAt: at, expectedVersion } as const
  const ofTextVersion = changes.text ? version : scene.textVersion
  const summary = words ? { ...origin, text: words, ofTextVersion } : undefined
  return {
    fields: {
      ...(changes.title && { title: title || undefined, titleVersion: version }),
      ...(changes.narration && { narration: isPlain ? undefined : narration, narrationVersion: version }),
      ...(changes.codex && { codex: chosen.length === 0 ? undefined : codex, codexVersion: version }),
      ...(changes.text && textFields(content, version)),
      ...(changes.summary && summaryFields(summary, version)),
    },
    ...(changes.text && { text: { content, origin } }),
    by,
  }
}

/** A text of the history comes back, or none where there was none. */
export function putBack(
  { scene }: FullScene,
  entry: ReadEntry | undefined,
  { userId, at, expectedVersion = scene.version }: { userId: string; at: number; expectedVersion?: number },
): SceneChange {
  const content = entry?.text ?? ''
  const origin = entry && restoredOrigin(entry, { entryId: entry.id, userId, expectedVersion, at })
  return {
    fields: textFields(content, scene.version + 1),
    text: { content, ...defined({ origin }) },
    by: { userId },
    ...defined({ restores: entry }),
  }
}

/** An entry of the history is put in place. */
function restored(
  { scene, text, userId }: FullScene,
  entry: ReadEntry,
  { entryId, expectedVersion }: SceneRestore,
  at: number,
): Decided {
  const decision = decideRestore(scene, text, entry, expectedVersion)
  if (decision !== 'write') return decision
  const restoring = { entryId, userId, expectedVersion, at }
  if (entry.what === 'text') return putBack({ scene, text, userId }, entry, restoring)
  const summary = restoredSummary(entry, restoring, scene)
  return { fields: summaryFields(summary, scene.version + 1), by: { userId }, restores: entry }
}
