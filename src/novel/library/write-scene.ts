/** One scene: reading it, its history, and the guarded writes. */
import { add, getOne, insert, replace, type Stored, write } from '../../records/records.ts'
import { defined } from '../../task/defined.ts'
import { measure } from '../words.ts'
import { checkAppend, checkLength, checkWritten, firstVersions } from './draft-pieces.ts'
import {
  type KeptEntry,
  overwrittenSummary,
  overwrittenText,
  refusedSummary,
  refusedText,
  restoredOrigin,
  restoredSummary,
} from './history.ts'
import { findEntry, historyEntryOf, keep, keepRefused, listHistory, type ReadEntry } from './keep-history.ts'
import {
  chapters,
  type LibraryParts,
  novels,
  type SceneRecord,
  scenes,
  shelvedNovel,
  texts,
} from './kinds.ts'
import { provenanceOf, type Writer } from './provenance.ts'
import { overviewOf } from './read-scenes.ts'
import { chapterFull, chapterNotFound, notTaken, sceneNotFound } from './refusal.ts'
import {
  decideEdit,
  decideRestore,
  decideSummary,
  decideText,
  type GuardedText,
  type KeptSummary,
  shownOf,
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
    async writeText(given) {
      checkWritten(given.content)
      const find = () => findFullScene(library, given.sceneId)
      return writing(library, find, (found, at) => textOfTask(found, given, at))
    },
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
      checkAppend(append)
      await appendScene(library, append)
      return sceneOf(await ownScene(library, append.userId, append.id))
    },
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
interface ReadScene {
  scene: Stored<SceneRecord>
  userId: string
}

/** The same with its text, which is read after the scene: it may be newer than the version says, and is never older. */
interface FullScene extends ReadScene {
  text: GuardedText
}

/** The scene without its text, which a summary does not overwrite; undefined when there is none in a published novel. */
async function findScene({ records }: LibraryParts, sceneId: string): Promise<ReadScene | undefined> {
  const scene = await getOne(records, scenes, sceneId)
  const novel = scene && (await getOne(records, novels, scene.novelId))
  return scene && novel?.status === 'published' ? { scene, userId: novel.userId } : undefined
}

/** The scene with its text; where a user is named, of that user's novel. */
async function findFullScene(
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
async function ownScene(library: LibraryParts, userId: string, sceneId: string): Promise<FullScene> {
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
type Decided = 'unchanged' | 'conflict' | KeptEntry | SceneChange

/** A change of a scene, by whom. */
interface SceneChange {
  /** Undefined takes a field away. */
  fields: Partial<Omit<SceneRecord, Removable>> & { [F in Removable]?: SceneRecord[F] | undefined }
  text?: GuardedText
  by: Writer
  /** The entry of the history that is put in place. */
  restores?: ReadEntry
}

type Removable = 'title' | 'summary' | 'summaryOf' | 'summarised'

/** Reads a scene, decides and writes; begins again for as long as the scene is no longer what was read. */
async function writing<Found extends ReadScene>(
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
    const written = await ('fields' in decided
      ? apply(library, found, decided, at)
      : keepRefused(library, scene, decided))
    if (written !== undefined) return written
  }
}

/** Writes a change with what follows from it; undefined when the scene is no longer what was read. */
async function apply(
  library: LibraryParts,
  { scene: before, text: overwritten }: ReadScene & Partial<FullScene>,
  { fields, text, by, restores }: SceneChange,
  at: number,
): Promise<SceneWritten | undefined> {
  const { summaryVersion = before.summaryVersion } = fields
  const entries = [
    ...(text && overwritten ? overwrittenText(before, overwritten, { by, at }) : []),
    ...(summaryVersion > before.summaryVersion ? overwrittenSummary(before, { by, at }) : []),
  ]
  const kept = await keep(library, before, { entries, restores })
  const changed = { version: before.version + 1, updatedAt: at, history: kept.history }
  const scene = defined({ ...before, ...fields, ...changed })
  const { id, novelId, version, textVersion } = scene
  const [words, characters] = [scene.words - before.words, scene.characters - before.characters]
  const more = text === undefined ? {} : { by: { words, characters, textVersion: 1 } }
  // The novel shows when it was changed: by a text, or by a person.
  const isNovelChanged = text !== undefined || 'userId' in by
  const committed = await library.records.commit([
    replace(scenes, scene),
    ...(text === undefined ? [] : write(texts, [{ id, ...text }])),
    ...(isNovelChanged ? [add(novels, novelId, { ...more, raise: { updatedAt: at } })] : []),
    ...kept.changes,
  ])
  return committed === 'applied' ? { outcome: 'applied', version, textVersion } : undefined
}

function textFields(content: string, version: number) {
  const { words, characters } = measure(content)
  return { textVersion: version, edited: 1, words, characters }
}

function summaryFields<Summary extends KeptSummary | undefined>(summary: Summary, version: number) {
  const summaryOf = summary?.ofTextVersion
  return { summary, summaryVersion: version, summaryOf, summarised: summary && 1 }
}

/** A summary that a task made is written if the scene is what was read, and otherwise kept. Sent again, it finds itself. */
function summaryOfTask({ scene }: ReadScene, given: SummaryWrite, at: number): Decided {
  const decision = decideSummary(scene, given)
  if (decision === 'conflict') return refusedSummary(given, at)
  if (decision === 'unchanged') return decision
  const { summary: text, language, sentences, expectedVersion, writer } = given
  const written = { ofTextVersion: scene.textVersion, expectedVersion, writtenBy: writer, writtenAt: at }
  const summary = { ...provenanceOf(given), text, ...defined({ language, sentences }), ...written }
  return { fields: summaryFields(summary, scene.version + 1), by: writer }
}

/** The same of a text, which only needs the text to be what was read. */
function textOfTask({ scene, text }: FullScene, given: TextWrite, at: number): Decided {
  const decision = decideText(scene, text, given)
  if (decision === 'conflict') return refusedText(given, at)
  if (decision === 'unchanged') return decision
  const { content, provenance, writer, expectedVersion, fromSummary = false } = given
  const origin = { ...provenanceOf(provenance), writtenBy: writer, writtenAt: at, expectedVersion }
  const version = scene.version + 1
  const { summary } = scene
  const isOfThatSummary = fromSummary && summary !== undefined && scene.summaryVersion <= expectedVersion
  const described = isOfThatSummary
    ? { summary: { ...summary, ofTextVersion: version }, summaryOf: version }
    : {}
  return {
    fields: { ...textFields(content, version), ...described },
    text: { content, origin },
    by: writer,
  }
}

/** What a person edited is written, unless what it overwrites changed since it was read. Sent again, it finds itself. */
function edited({ scene, text, userId }: FullScene, edit: SceneEdit, at: number): Decided {
  const changes = decideEdit(scene, text, edit)
  if (typeof changes === 'string') return changes
  const { title, content = '', summary: words, expectedVersion } = edit
  if (changes.text) checkLength(content, text.content)
  const version = scene.version + 1
  const by = { userId }
  const origin = { method: 'person', writtenBy: by, writtenAt: at, expectedVersion } as const
  const ofTextVersion = changes.text ? version : scene.textVersion
  const summary = words ? { ...origin, text: words, ofTextVersion } : undefined
  return {
    fields: {
      ...(changes.title && { title: title || undefined, titleVersion: version }),
      ...(changes.text && textFields(content, version)),
      ...(changes.summary && summaryFields(summary, version)),
    },
    ...(changes.text && { text: { content, origin } }),
    by,
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
  const version = scene.version + 1
  const by = { userId }
  if (entry.what === 'summary')
    return { fields: summaryFields(restoredSummary(entry, restoring, scene), version), by, restores: entry }
  const { text: content } = entry
  const origin = restoredOrigin(entry, restoring)
  return { fields: textFields(content, version), text: { content, origin }, by, restores: entry }
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
    const novel = chapter && (await shelvedNovel(records, userId, chapter.novelId))
    if (chapter === undefined || novel === undefined) throw chapterNotFound(chapterId)
    if (there?.chapterId === chapterId) return
    if (there !== undefined)
      throw notTaken(`The id ${id} belongs to a scene of another chapter; choose another one.`)
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
  const written = { ofTextVersion: 1, expectedVersion: 1, writtenBy: writer, writtenAt: at }
  const planned = summary && summaryFields({ ...summary, ...written }, firstVersions.version)
  const empty = { words: 0, characters: 0, ...firstVersions }
  return defined({ id, ...place, title, ...empty, ...planned, updatedAt: at })
}
