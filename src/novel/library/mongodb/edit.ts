/** A person's edit of a scene. */
import type { UpdateFilter } from 'mongodb'
import { measure } from '../../words.ts'
import { decideEdit, type EditChanges } from '../scene-guard.ts'
import type { Overwritten, SceneEdit, SceneWritten } from '../scenes.ts'
import { type FullScene, findScene } from './full-scene.ts'
import { keep } from './history.ts'
import type { NovelDocument, SceneDocument } from './schema.ts'
import type { LibrarySession } from './session.ts'
import { overwrittenSummary } from './summary.ts'

/** Writes an edit, unless what it overwrites changed since it was read. Sent again, it finds itself. */
export async function editScene(
  library: LibrarySession,
  userId: string,
  edit: SceneEdit,
): Promise<SceneWritten> {
  for (;;) {
    const scene = await findScene(library, edit.sceneId)
    if (scene?.userId !== userId) return { outcome: 'missing' }
    const decision = decideEdit(scene, edit)
    if (decision.outcome !== 'write') {
      const outcome = decision.outcome === 'conflict' ? 'conflict' : 'applied'
      return { outcome, version: scene.version, textVersion: scene.textVersion }
    }
    const version = scene.version + 1
    const planned = planEdit(scene, edit, decision.changes, { version, at: library.now() })
    if (await apply(library, scene, planned)) {
      return { outcome: 'applied', version, textVersion: decision.changes.text ? version : scene.textVersion }
    }
  }
}

/** What an edit writes. */
interface PlannedEdit {
  scene: UpdateFilter<SceneDocument>
  novel: UpdateFilter<NovelDocument>
  /** Oldest first. */
  overwritten: readonly Overwritten[]
}

/** All of it, if the scene is what it was when that was decided. */
function apply(library: LibrarySession, read: FullScene, planned: PlannedEdit): Promise<boolean> {
  const { database, scenes, novels } = library
  return database.transaction('edit scene', async session => {
    const isUnchanged = { _id: read._id, version: read.version }
    const { matchedCount } = await scenes.updateOne(isUnchanged, planned.scene, { session })
    if (matchedCount === 0) return false
    await novels.updateOne({ _id: read.novelId }, planned.novel, { session })
    await keep(library, session, read, planned.overwritten)
    return true
  })
}

function planEdit(
  scene: FullScene,
  edit: SceneEdit,
  changes: EditChanges,
  { version, at }: { version: number; at: number },
): PlannedEdit {
  const by = { userId: scene.userId }
  const text = changes.text ? textOf(scene, edit.content ?? '', version) : undefined
  const textVersion = changes.text ? version : scene.textVersion
  const title = changes.title ? titleOf(edit.title ?? '', version) : undefined
  const summary = changes.summary ? summaryOf(edit, { by, textVersion, version, at }) : undefined
  const oldText: Overwritten[] =
    changes.text && scene.content !== ''
      ? [
          {
            what: 'text',
            text: scene.content,
            version: scene.textVersion,
            overwrittenAt: at,
            overwrittenBy: by,
          },
        ]
      : []
  return {
    scene: {
      $set: { version, updatedAt: at, ...title?.$set, ...text?.$set, ...summary?.$set },
      $unset: { ...title?.$unset, ...summary?.$unset },
    },
    novel: { $set: { updatedAt: at }, $inc: text?.novel ?? {} },
    overwritten: [...oldText, ...(changes.summary ? overwrittenSummary(scene, by, at) : [])],
  }
}

/** Fields that an edit sets, and that it removes. */
interface Fields {
  $set: Partial<SceneDocument>
  $unset: { title?: 1; summary?: 1; summaryOf?: 1 }
}

function titleOf(title: string, version: number): Fields {
  return title === ''
    ? { $set: { titleVersion: version }, $unset: { title: 1 } }
    : { $set: { titleVersion: version, title }, $unset: {} }
}

function textOf(scene: FullScene, content: string, version: number) {
  const { words, characters } = measure(content)
  return {
    $set: { content, textVersion: version, words, characters },
    novel: { words: words - scene.words, characters: characters - scene.characters, textVersion: 1 },
  }
}

/** An empty summary removes the one that is there. */
function summaryOf(
  { summary: text = '', expectedVersion }: SceneEdit,
  {
    by,
    textVersion,
    version,
    at,
  }: { by: { userId: string }; textVersion: number; version: number; at: number },
): Fields {
  if (text === '') return { $set: { summaryVersion: version }, $unset: { summary: 1, summaryOf: 1 } }
  const summary = {
    text,
    method: 'person',
    ofTextVersion: textVersion,
    expectedVersion,
    writtenBy: by,
    writtenAt: at,
  } as const
  return { $set: { summary, summaryVersion: version, summaryOf: textVersion }, $unset: {} }
}
