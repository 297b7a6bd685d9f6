/** A scene of a published novel with all that is known of it. */
import type { Document } from 'mongodb'
import { collections, type NovelDocument, type SceneDocument } from './schema.ts'
import type { LibrarySession } from './session.ts'

/** A scene's document with whose it is. */
export type FullScene = SceneDocument & Pick<NovelDocument, 'userId'>

const withNovel = {
  $lookup: {
    from: collections.novels,
    localField: 'novelId',
    foreignField: '_id',
    pipeline: [{ $match: { status: 'published' } }, { $project: { userId: 1 } }],
    as: 'novels',
  },
}

/** The scene, or undefined when there is no such scene in a published novel. */
export function findScene(library: LibrarySession, sceneId: string): Promise<FullScene | undefined> {
  return readScene<FullScene>(library, sceneId, [])
}

/** The same without the text of the scene, which a summary does not overwrite. */
export function findSceneWithoutText(
  library: LibrarySession,
  sceneId: string,
): Promise<Omit<FullScene, 'content'> | undefined> {
  return readScene<Omit<FullScene, 'content'>>(library, sceneId, [{ $project: { content: 0 } }])
}

async function readScene<Read extends { userId: string }>(
  { database, scenes }: LibrarySession,
  sceneId: string,
  projection: readonly Document[],
): Promise<Read | undefined> {
  const [found] = await database.run('find scene', () =>
    scenes
      .aggregate<Omit<Read, 'userId'> & { novels: Pick<NovelDocument, 'userId'>[] }>([
        { $match: { _id: sceneId } },
        ...projection,
        withNovel,
      ])
      .toArray(),
  )
  if (found === undefined) return undefined
  const { novels, ...scene } = found
  const [novel] = novels
  return novel === undefined ? undefined : ({ ...scene, userId: novel.userId } as unknown as Read)
}
