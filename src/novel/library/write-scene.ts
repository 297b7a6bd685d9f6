/** One scene: reading it, its history, and the guarded writes. */
import { add, getOne, insert, replace, type Stored, write } from '../../records/records.ts'
import { measure } from '../words.ts'
import { checkAppend, checkLength, checkWritten } from './draft-pieces.ts'
import {
  historyEntryOf,
  type KeptEntry,
  overwrittenSummary,
  overwrittenText,
  refusedSummary,
  refusedText,
  restoredOrigin,
  restoredSummary,
} from './history.ts'
import { findEntry, keep, keepRefused, listHistory, notes } from './keep-history.ts'
import { chapters, type LibraryParts, novels, type SceneRecord, scenes, texts } from './kinds.ts'
import { provenanceOf } from './provenance.ts'
import { overviewOf } from './read-scenes.ts'
import { chapterFull, chapterNotFound, entryNotFound, idOfOtherChapter, sceneNotFound } from './refusal.ts'
import {
  decideEdit,
  decideRestore,
  decideSummary,
  decideText,
  type KeptOrigin,
  type KeptSummary,
  originOf,
  storedSummaryOf,
} from './scene-guard.ts'
import {
  type Scene,
  type SceneAppend,
  type SceneEdit,
  type SceneRestore,
  type SceneStore,
  type SceneWritten,
  type SummaryWrite,
  scenesPerChapter,
  type TextWrite,
} from './scenes.ts'
import { firstVersions } from './write-draft.ts'

/** The scenes of a library. */
export function sceneStore(library: LibraryParts): SceneStore {
  return {
    scene: async (userId, sceneId) => sceneOf(await ownScene(library, userId, sceneId)),
    writeSummary: given => writeSummary(library, given),
    async writeText(given) {
      checkWritten(given.content)
      return writeText(library, given)
    },
    async editScene(userId, edit) {
      checkLength(edit.content ?? '')
      checkLength(edit.summary ?? '')
      return editScene(library, userId, edit)
    },
    restore: (userId, wanted) => restore(library, userId, wanted),
    async appendScene(append) {
      checkAppend(append)
      await appendScene(library, append)
      return sceneOf(await ownScene(library, append.userId, append.id))
    },
    async history(userId, sceneId, page) {
      await ownScene(library, userId, sceneId)
      return listHistory(library, sceneId, page)
    },
    async historyEntry(userId, wanted) {
      const { sceneId, entryId } = wanted
      await ownScene(library, userId, sceneId)
      const entry = await findEntry(library, sceneId, entryId)
      if (entry === undefined) throw entryNotFound(wanted)
      return historyEntryOf(sceneId, entry)
    },
  }
}

/** A scene of a published novel. */
interface ReadScene {
  scene: Stored<SceneRecord>
  userId: string
}

/** The same with its text. */
interface FullScene extends ReadScene {
  content: string
  textOrigin?: KeptOrigin
}

/** The scene without its text, which a summary does not overwrite; undefined when there is none in a published novel. */
async function findScene({ records }: LibraryParts, sceneId: string): Promise<ReadScene | undefined> {
  const scene = await getOne(records, scenes, sceneId)
  const novel = scene && (await getOne(records, novels, scene.novelId))
  return scene && novel?.status === 'published' ? { scene, userId: novel.userId } : undefined
}

/** The same with its text, which is read after the scene: it may be newer than the version says, and is never older. */
async function findFullScene({ records }: LibraryParts, sceneId: string): Promise<FullScene | undefined> {
  const scene = await getOne(records, scenes, sceneId)
  if (scene === undefined) return undefined
  const [novel, text] = await Promise.all([
    getOne(records, novels, scene.novelId),
    getOne(records, texts, sceneId),
  ])
  if (novel?.status !== 'published') return undefined
  const origin = text?.origin === undefined ? {} : { textOrigin: text.origin }
  return { scene, userId: novel.userId, content: text?.content ?? '', ...origin }
}

/** Throws SCENE_NOT_FOUND. */
async function ownScene(library: LibraryParts, userId: string, sceneId: string): Promise<FullScene> {
  const found = await findFullScene(library, sceneId)
  if (found?.userId !== userId) throw sceneNotFound(sceneId)
  return found
}

function sceneOf({ scene, userId, content, textOrigin }: FullScene): Scene {
  const { summaryVersion, summary, updatedAt } = scene
  return {
    ...overviewOf(scene),
    ...{ userId, content },
    ...(textOrigin === undefined ? {} : { textOrigin: originOf(textOrigin) }),
    summaryVersion,
    ...(summary === undefined ? {} : { summary: storedSummaryOf(summary) }),
    updatedAt,
  }
}

/** What decides whether a scene may be overwritten. */
function guardedOf({ scene, content, textOrigin }: FullScene) {
  return { ...scene, content, ...(textOrigin === undefined ? {} : { textOrigin }) }
}

/** Writes a summary that a task made, if the scene is what it was when that was decided; otherwise decides again. */
async function writeSummary(library: LibraryParts, given: SummaryWrite): Promise<SceneWritten> {
  for (;;) {
    const found = await findScene(library, given.sceneId)
    if (found === undefined) return { outcome: 'missing' }
    const { scene } = found
    const { version, textVersion } = scene
    const decision = decideSummary(scene, given)
    if (decision === 'repeated') return { outcome: 'applied', version, textVersion }
    const at = library.now()
    const written =
      decision === 'conflict'
        ? await keepRefused(library, scene, given, refusedSummary(given, at))
        : await apply(library, {
            scene: { ...scene, ...summaryFields(newSummary(scene, given, at), version + 1), updatedAt: at },
            kept: overwrittenSummary(scene, { by: given.writer, at }),
          })
    if (written !== undefined) return written
  }
}

function newSummary({ textVersion }: SceneRecord, given: SummaryWrite, at: number): KeptSummary {
  const { summary: text, language, sentences, expectedVersion, writer } = given
  return {
    ...provenanceOf(given),
    text,
    ...(language === undefined ? {} : { language }),
    ...(sentences === undefined ? {} : { sentences }),
    ...{ ofTextVersion: textVersion, expectedVersion, writtenBy: writer, writtenAt: at },
  }
}

/** Writes a text that a task made, if the one that is there is what was read; otherwise keeps it. Sent again, it finds itself. */
async function writeText(library: LibraryParts, given: TextWrite): Promise<SceneWritten> {
  for (;;) {
    const found = await findFullScene(library, given.sceneId)
    if (found === undefined) return { outcome: 'missing' }
    const { version, textVersion } = found.scene
    const decision = decideText(guardedOf(found), given)
    if (decision === 'repeated') return { outcome: 'applied', version, textVersion }
    const at = library.now()
    const written =
      decision === 'conflict'
        ? await keepRefused(library, found.scene, given, refusedText(given, at))
        : await apply(library, textChange(found, given, at))
    if (written !== undefined) return written
  }
}

function textChange(found: FullScene, given: TextWrite, at: number): SceneChange {
  const { content, provenance, writer: by, expectedVersion, fromSummary = false } = given
  const origin = { ...provenanceOf(provenance), writtenBy: by, writtenAt: at, expectedVersion }
  const { scene } = found
  const version = scene.version + 1
  const { summary } = scene
  const isOfThatSummary = fromSummary && summary !== undefined && scene.summaryVersion <= expectedVersion
  const described = isOfThatSummary
    ? { summary: { ...summary, ofTextVersion: version }, summaryOf: version }
    : {}
  return {
    scene: { ...scene, ...textFields(content, version), ...described, updatedAt: at },
    text: { content, origin, before: scene },
    kept: overwrittenText(guardedOf(found), { by, at }),
  }
}

/** Writes an edit, unless what it overwrites changed since it was read. Sent again, it finds itself. */
async function editScene(library: LibraryParts, userId: string, edit: SceneEdit): Promise<SceneWritten> {
  for (;;) {
    const found = await findFullScene(library, edit.sceneId)
    if (found?.userId !== userId) return { outcome: 'missing' }
    const decision = decideEdit(guardedOf(found), edit)
    if (decision.outcome !== 'write') return notWritten(found, decision.outcome)
    const written = await apply(library, editChange(found, edit, decision.changes, library.now()))
    if (written !== undefined) return written
  }
}

function editChange(
  found: FullScene,
  edit: SceneEdit,
  changes: { title: boolean; text: boolean; summary: boolean },
  at: number,
): SceneChange {
  const { scene, userId } = found
  const { title: before, ...untitled } = scene
  const version = scene.version + 1
  const { content = '', expectedVersion, title = before ?? '' } = edit
  const by = { userId }
  const origin = { method: 'person', writtenBy: by, writtenAt: at, expectedVersion } as const
  const ofTextVersion = changes.text ? version : scene.textVersion
  const words = edit.summary ?? ''
  const summary = words === '' ? undefined : { ...origin, text: words, ofTextVersion }
  const changed = {
    ...untitled,
    ...(title === '' ? {} : { title }),
    ...{ version, updatedAt: at },
    ...(changes.title ? { titleVersion: version } : {}),
    ...(changes.text ? textFields(content, version) : {}),
  }
  return {
    scene: changes.summary ? withSummary(changed, summary, version) : changed,
    ...(changes.text ? { text: { content, origin, before: scene } } : {}),
    touchesNovel: true,
    kept: [
      ...(changes.text ? overwrittenText(guardedOf(found), { by, at }) : []),
      ...(changes.summary ? overwrittenSummary(scene, { by, at }) : []),
    ],
  }
}

/** Puts an entry of the history in place. Throws HISTORY_ENTRY_NOT_FOUND. */
async function restore(library: LibraryParts, userId: string, wanted: SceneRestore): Promise<SceneWritten> {
  for (;;) {
    const found = await findFullScene(library, wanted.sceneId)
    if (found?.userId !== userId) return { outcome: 'missing' }
    const entry = await findEntry(library, wanted.sceneId, wanted.entryId)
    if (entry === undefined) throw entryNotFound(wanted)
    const decision = decideRestore(guardedOf(found), entry, wanted.expectedVersion)
    if (decision !== 'write') return notWritten(found, decision)
    const written = await apply(library, restoration(found, entry, wanted, library.now()))
    if (written !== undefined) return written
  }
}

function restoration(
  found: FullScene,
  entry: KeptEntry,
  { entryId, expectedVersion }: SceneRestore,
  at: number,
): SceneChange {
  const { scene, userId } = found
  const restoring = { entryId, userId, expectedVersion, at }
  const overwriting = { by: { userId }, at }
  const version = scene.version + 1
  if (entry.what === 'text') {
    return {
      scene: { ...scene, ...textFields(entry.text, version), updatedAt: at },
      text: { content: entry.text, origin: restoredOrigin(entry, restoring), before: scene },
      kept: overwrittenText(guardedOf(found), overwriting),
    }
  }
  const summary = restoredSummary(entry, restoring, scene)
  return {
    scene: { ...scene, ...summaryFields(summary, version), updatedAt: at },
    touchesNovel: true,
    kept: overwrittenSummary(scene, overwriting),
  }
}

function notWritten({ scene }: ReadScene, decision: 'unchanged' | 'conflict'): SceneWritten {
  const { version, textVersion } = scene
  return { outcome: decision === 'conflict' ? 'conflict' : 'applied', version, textVersion }
}

function textFields(content: string, version: number) {
  const { words, characters } = measure(content)
  return { version, textVersion: version, edited: 1, words, characters }
}

function summaryFields(summary: KeptSummary, version: number) {
  return { version, summary, summaryVersion: version, summaryOf: summary.ofTextVersion, summarised: 1 }
}

function withSummary(
  scene: Stored<SceneRecord>,
  summary: KeptSummary | undefined,
  version: number,
): Stored<SceneRecord> {
  if (summary !== undefined) return { ...scene, ...summaryFields(summary, version) }
  const { summary: _, summaryOf: __, summarised: ___, ...rest } = scene
  return { ...rest, summaryVersion: version }
}

/** A change of a scene with what follows from it. */
interface SceneChange {
  /** The scene as it will be, with the revision that was read. */
  scene: Stored<SceneRecord>
  /** A new text; the novel's counts follow from what the scene had before. */
  text?: { content: string; origin: KeptOrigin; before: SceneRecord }
  /** The novel shows when it was changed. */
  touchesNovel?: boolean
  /** What is overwritten, oldest first. */
  kept: readonly KeptEntry[]
}

/** Writes all of it; undefined when the scene is no longer what was read. */
async function apply(library: LibraryParts, change: SceneChange): Promise<SceneWritten | undefined> {
  const { scene, text, kept, touchesNovel = false } = change
  const { id, novelId, version, textVersion, updatedAt } = scene
  const more = (field: 'words' | 'characters') => scene[field] - (text?.before[field] ?? 0)
  const by =
    text === undefined ? {} : { words: more('words'), characters: more('characters'), textVersion: 1 }
  const novel = add(novels, novelId, { by, raise: { updatedAt } })
  const committed = await library.records.commit([
    replace(scenes, scene),
    ...(text === undefined ? [] : write(texts, [{ id, content: text.content, origin: text.origin }])),
    ...(text !== undefined || touchesNovel ? [novel] : []),
    ...(kept.length === 0 ? [] : keep(id, await notes(library, id), kept)),
  ])
  return committed === 'applied' ? { outcome: 'applied', version, textVersion } : undefined
}

/** Adds an empty scene at the end of a chapter, unless the id is there. The guard of the novel keeps the positions without gaps. */
async function appendScene(library: LibraryParts, append: SceneAppend): Promise<void> {
  const { records, now } = library
  const { userId, chapterId, id } = append
  for (;;) {
    const [chapter, there] = await Promise.all([
      getOne(records, chapters, chapterId),
      getOne(records, scenes, id, ['summary']),
    ])
    const novel = chapter && (await getOne(records, novels, chapter.novelId))
    if (chapter === undefined || novel?.userId !== userId || novel.status !== 'published')
      throw chapterNotFound(chapterId)
    if (there?.chapterId === chapterId) return
    if (there !== undefined) throw idOfOtherChapter(id)
    const { novelId, position: at, generation } = chapter
    const [last] = await records.find(
      scenes,
      { equal: { novelId, chapter: at }, order: ['position'], reverse: true, limit: 1 },
      ['summary'],
    )
    const position = (last?.position ?? -1) + 1
    if (position >= scenesPerChapter) throw chapterFull(chapterId, scenesPerChapter)
    const place = { novelId, chapterId, chapter: at, position, generation }
    const committed = await records.commit([
      replace(novels, { ...novel, scenes: novel.scenes + 1, updatedAt: now() }),
      insert(scenes, appended(append, place, now())),
      ...write(texts, [{ id, content: '' }]),
    ])
    if (committed === 'applied') return
  }
}

function appended(
  { id, title, summary, writer }: SceneAppend,
  place: Pick<SceneRecord, 'novelId' | 'chapterId' | 'chapter' | 'position' | 'generation'>,
  at: number,
): SceneRecord {
  const plan = summary && {
    ...summary,
    ofTextVersion: 1,
    expectedVersion: 1,
    writtenBy: writer,
    writtenAt: at,
  }
  return {
    ...{ id, ...place },
    ...(title === undefined ? {} : { title }),
    ...{ words: 0, characters: 0, ...firstVersions },
    ...(plan === undefined ? {} : summaryFields(plan, 1)),
    updatedAt: at,
  }
}
