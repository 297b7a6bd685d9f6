/** Adding a scene to a chapter. */
import { chapterFull, chapterNotFound, idOfOtherChapter } from '../refusal.ts'
import { type SceneAppend, scenesPerChapter } from '../scenes.ts'
import { firstVersions } from './draft-rows.ts'
import type { ChapterDocument, SceneDocument } from './schema.ts'
import { type LibrarySession, lockNovel } from './session.ts'

/** Adds an empty scene at the end of a chapter, unless the id is there. The lock of the novel keeps the positions without gaps. */
export async function appendScene(library: LibrarySession, append: SceneAppend): Promise<void> {
  const { database, chapters, novels, scenes, now } = library
  const { userId, chapterId, id } = append
  const chapter = await database.run('find chapter', () => chapters.findOne({ _id: chapterId }))
  if (chapter === null) throw chapterNotFound(chapterId)
  const { novelId } = chapter
  const at = now()
  await database.transaction('append scene', async session => {
    const novel = await lockNovel(library, session, { _id: novelId, userId, status: 'published' })
    if (novel === null) throw chapterNotFound(chapterId)
    const there = await scenes.findOne({ _id: id }, { session, projection: { chapterId: 1 } })
    if (there?.chapterId === chapterId) return
    if (there !== null) throw idOfOtherChapter(id)
    const ofChapter = { novelId, chapter: chapter.position }
    const [last] = await scenes
      .find(ofChapter, { session, projection: { position: 1 } })
      .sort({ position: -1 })
      .limit(1)
      .toArray()
    const position = (last?.position ?? -1) + 1
    if (position >= scenesPerChapter) throw chapterFull(chapterId, scenesPerChapter)
    await scenes.insertOne(sceneOf(chapter, append, { position, at }), { session })
    await novels.updateOne({ _id: novelId }, { $inc: { scenes: 1 }, $set: { updatedAt: at } }, { session })
  })
}

function sceneOf(
  { novelId, position: chapter, generation }: ChapterDocument,
  { id, chapterId, title, summary, writer }: SceneAppend,
  { position, at }: { position: number; at: number },
): SceneDocument {
  const kept = summary && {
    summary: { ...summary, ofTextVersion: 1, expectedVersion: 1, writtenBy: writer, writtenAt: at },
    summaryVersion: 1,
    summaryOf: 1,
  }
  return {
    ...{ _id: id, novelId, chapterId, chapter, position, generation },
    ...(title === undefined ? {} : { title }),
    ...{ content: '', words: 0, characters: 0 },
    ...firstVersions,
    ...kept,
    updatedAt: at,
  }
}
