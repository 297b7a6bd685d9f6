/** What a task plans at the end of a chapter, or of a novel. */
import { type Change, getOne, insert, replace, write } from '../../records/records.ts'
import { defined } from '../../task/defined.ts'
import { checkAppend, firstVersions } from './draft-pieces.ts'
import { idsOf } from './ids.ts'
import {
  chapters,
  type LibraryParts,
  novels,
  type SceneRecord,
  scenes,
  shelvedNovel,
  texts,
} from './kinds.ts'
import { chapterFull, chapterNotFound, notTaken, novelNotFound } from './refusal.ts'
import { summaryFields } from './scene-guard.ts'
import { type ChapterAppend, type SceneAppend, scenesPerChapter } from './scenes.ts'

/** Adds an empty scene at the end of a chapter, unless the id is there. The guard of the novel keeps the positions without gaps. */
export async function appendScene(library: LibraryParts, append: SceneAppend): Promise<void> {
  checkAppend(append)
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
      ...planned(append, place, now()),
    ])
    if (committed === 'applied') return
  }
}

/** Most scenes that one commit adds. */
const scenesPerCommit = 100

/** Adds a chapter with its scenes at the end of a novel, unless it is there. The guard of the novel keeps the positions without gaps. */
export async function appendChapter(library: LibraryParts, append: ChapterAppend): Promise<void> {
  const { records, now } = library
  const { userId, novelId, id, title, writer } = append
  for (const scene of append.scenes) checkAppend({ ...scene, userId, chapterId: id, writer })
  if (append.scenes.length > scenesPerCommit)
    throw notTaken(`A new chapter has ${append.scenes.length} scenes; at most ${scenesPerCommit} are taken.`)
  for (;;) {
    const novel = await shelvedNovel(records, userId, novelId)
    if (novel === undefined) throw novelNotFound(novelId)
    // Scenes first: where they are found, the chapter that was added with them is found after them.
    const taken = await records.get(scenes, idsOf(append.scenes), ['summary'])
    const [there, [last]] = await Promise.all([
      getOne(records, chapters, id),
      records.find(chapters, { equal: { novelId }, order: ['position'], reverse: true, limit: 1 }),
    ])
    if (there?.novelId === novelId) return
    if (there !== undefined || taken.size > 0)
      throw notTaken(`The id ${id}, or that of one of its scenes, is taken; choose another one.`)
    if (last === undefined) throw notTaken(`The novel ${novelId} has no chapter to go on from.`)
    const { volumeId, generation } = last
    const chapter = last.position + 1
    const place = { novelId, chapterId: id, chapter, generation }
    const counts = { chapters: novel.chapters + 1, scenes: novel.scenes + append.scenes.length }
    const committed = await records.commit([
      replace(novels, { ...novel, ...counts, updatedAt: now() }),
      insert(chapters, { id, novelId, generation, volumeId, position: chapter, title }),
      ...append.scenes.flatMap((scene, position) =>
        planned({ ...scene, writer }, { ...place, position }, now()),
      ),
    ])
    if (committed === 'applied') return
  }
}

/** Returns the changes that make a scene without a text. */
function planned(
  { id, title, summary, writer }: Pick<SceneAppend, 'id' | 'title' | 'summary' | 'writer'>,
  place: Pick<SceneRecord, 'novelId' | 'chapterId' | 'chapter' | 'position' | 'generation'>,
  at: number,
): Change[] {
  const written = { ofTextVersion: 1, expectedVersion: 1, writtenBy: writer, writtenAt: at }
  const told = summary && summaryFields({ ...summary, ...written }, firstVersions.version)
  const empty = { words: 0, characters: 0, ...firstVersions }
  const scene: SceneRecord = defined({ id, ...place, title, ...empty, ...told, updatedAt: at })
  return [insert(scenes, scene), ...write(texts, [{ id, content: '' }])]
}
