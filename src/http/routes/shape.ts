import { z } from 'zod'
import { chapterNotFound, volumeNotFound } from '../../novel/library/refusal.ts'
import { markDeleted } from '../../novel/services.ts'
import { defined } from '../../task/defined.ts'
import {
  createdIdOf,
  idempotencyKeyHeader,
  ifMatchVersion,
  requiredVersion,
  tagged,
} from '../request-headers.ts'
import { type Asker, type NovelContext, routesOf } from '../route.ts'
import { ifMatch } from '../schemas/fields.ts'
import { chapterParams, novelParams, novelSchema } from '../schemas/novel.ts'
import { presentScene, sceneParams, sceneSchema } from '../schemas/scene.ts'
import {
  binEntrySchema,
  binParams,
  chapterEditBody,
  chapterMoveBody,
  chapterPlaceSchema,
  mergeBody,
  newChapterBody,
  newNovelBody,
  newVolumeBody,
  novelNamesBody,
  sceneMergeBody,
  sceneMoveBody,
  sceneSplitBody,
  splitBody,
  titleBody,
  volumeMoveBody,
  volumeParams,
  volumeSchema,
} from '../schemas/shape.ts'
import { refuseUnlessApplied, sendScene } from './scenes.ts'

const { get, post, patch, delete: remove } = routesOf<NovelContext>('novels')

const keyed = { headers: z.object(idempotencyKeyHeader) }
const guarded = {
  description:
    'With If-Match, the version that was read: if somebody changed it since, nothing is overwritten: 412.',
  headers: z.object(ifMatch),
}

/** Returns what a change must find, where its request says so. Throws IF_MATCH_INVALID. */
function seenIn(headers: { 'if-match'?: string | undefined }) {
  return defined({ expectedVersion: ifMatchVersion(headers['if-match']) })
}

/** Whose novel, and of which library. */
type Own = Pick<NovelContext, 'novels'> & Pick<Asker, 'userId'>

/** Throws NOVEL_NOT_FOUND, VOLUME_NOT_FOUND. */
async function volumeOf({ novels, userId }: Own, novelId: string, volumeId: string) {
  const volumes = await novels.library.shelf.volumes(userId, novelId)
  const found = volumes.find(({ id }) => id === volumeId)
  if (found === undefined) throw volumeNotFound(volumeId)
  return found
}

/** Throws CHAPTER_NOT_FOUND. */
async function chapterOf({ novels, userId }: Own, novelId: string, chapterId: string) {
  const chapter = await novels.library.shelf.chapter(userId, chapterId)
  if (chapter.novelId !== novelId) throw chapterNotFound(chapterId)
  return chapter
}

/** The shape of a novel: made, named, its volumes, chapters and scenes added, moved, split, merged, deleted and put back. */
export const shapeRoutes = [
  post('/v1/novels', {
    summary: 'Begin a novel: one chapter with one empty scene',
    description: 'With an Idempotency-Key, a repeated request finds the first novel.',
    ...keyed,
    body: newNovelBody,
    sends: { 201: novelSchema },
    refuses: ['OPTION_INVALID'],
    handle: async ({ novels, userId }, { headers, body }, reply) => {
      const id = createdIdOf(headers, 'novel', userId)
      const { title, ...more } = body
      const novel = await novels.library.shape.create({ id, userId, title, ...defined(more) })
      reply.code(201).header('location', `/v1/novels/${id}`)
      return tagged(reply, novel)
    },
  }),
  patch('/v1/novels/:novelId', {
    summary:
      'Change the title, the author, the language or the target of words of a novel, whether it is a reference, and the references that it names',
    ...guarded,
    params: novelParams,
    body: novelNamesBody,
    sends: { 200: novelSchema },
    refuses: [
      ...(['IF_MATCH_INVALID', 'OPTION_INVALID', 'NOVEL_NOT_FOUND', 'NOVEL_CHANGED'] as const),
      ...(['NOVEL_IS_REFERENCE', 'NOVEL_NOT_REFERENCE'] as const),
    ],
    handle: async ({ novels, userId }, { params: { novelId }, headers, body }, reply) => {
      const names = { ...defined(body), ...seenIn(headers) }
      return tagged(reply, await novels.library.shape.rename(userId, novelId, names))
    },
  }),
  post('/v1/novels/:novelId/volumes', {
    summary: 'Add a volume, without chapters',
    description: 'With an Idempotency-Key, a repeated request finds the first volume.',
    params: novelParams,
    ...keyed,
    body: newVolumeBody,
    sends: { 201: volumeSchema },
    refuses: ['OPTION_INVALID', 'NOVEL_NOT_FOUND', 'VOLUME_NOT_FOUND'],
    handle: async ({ novels, userId }, { params: { novelId }, headers, body }, reply) => {
      const { title, ...place } = body
      const id = createdIdOf(headers, 'volume', userId, novelId)
      const volume = await novels.library.shape.addVolume(userId, { novelId, id, title, ...defined(place) })
      reply.code(201)
      return tagged(reply, volume)
    },
  }),
  patch('/v1/novels/:novelId/volumes/:volumeId', {
    summary: 'Change the title of a volume',
    ...guarded,
    params: volumeParams,
    body: titleBody,
    sends: { 200: volumeSchema },
    refuses: ['IF_MATCH_INVALID', 'NOVEL_NOT_FOUND', 'VOLUME_NOT_FOUND', 'VOLUME_CHANGED'],
    handle: async (context, { params, headers, body: { title } }, reply) => {
      const { novels, userId } = context
      await novels.library.shape.renameVolume(userId, { ...params, title, ...seenIn(headers) })
      return tagged(reply, await volumeOf(context, params.novelId, params.volumeId))
    },
  }),
  post('/v1/novels/:novelId/volumes/:volumeId([^:]+)::move', {
    summary: 'Move a volume with its chapters',
    params: volumeParams,
    body: volumeMoveBody,
    sends: { 200: volumeSchema },
    refuses: ['NOVEL_NOT_FOUND', 'VOLUME_NOT_FOUND'],
    handle: async (context, { params, body }, reply) => {
      const { novels, userId } = context
      await novels.library.shape.moveVolume(userId, { ...params, ...defined({ ...body }) })
      return tagged(reply, await volumeOf(context, params.novelId, params.volumeId))
    },
  }),
  remove('/v1/novels/:novelId/volumes/:volumeId', {
    summary: 'Put a volume with its chapters into the bin',
    description: 'It can be put back for 30 days.',
    params: volumeParams,
    sends: { 200: binEntrySchema },
    refuses: ['NOVEL_NOT_FOUND', 'VOLUME_NOT_FOUND'],
    handle: ({ novels, userId }, { params: { novelId, volumeId } }) =>
      novels.library.bin.remove(userId, { novelId, what: 'volume', id: volumeId }),
  }),
  post('/v1/novels/:novelId/chapters', {
    summary: 'Add a chapter, without scenes',
    description: 'With an Idempotency-Key, a repeated request finds the first chapter.',
    params: novelParams,
    ...keyed,
    body: newChapterBody,
    sends: { 201: chapterPlaceSchema },
    refuses: ['OPTION_INVALID', 'NOVEL_NOT_FOUND', 'VOLUME_NOT_FOUND', 'CHAPTER_NOT_FOUND'],
    handle: async ({ novels, userId }, { params: { novelId }, headers, body }, reply) => {
      const { title, ...place } = body
      const id = createdIdOf(headers, 'chapter', userId, novelId)
      reply.code(201).header('location', `/v1/novels/${novelId}/chapters/${id}`)
      const chapter = { novelId, id, title, ...defined(place) }
      return tagged(reply, await novels.library.shape.addChapter(userId, chapter))
    },
  }),
  patch('/v1/novels/:novelId/chapters/:chapterId', {
    summary: 'Change the title or the target of words of a chapter',
    ...guarded,
    params: chapterParams,
    body: chapterEditBody,
    sends: { 200: chapterPlaceSchema },
    refuses: ['IF_MATCH_INVALID', 'NOVEL_NOT_FOUND', 'CHAPTER_NOT_FOUND', 'CHAPTER_CHANGED'],
    handle: async (context, { params, headers, body }, reply) => {
      const { novels, userId } = context
      await novels.library.shape.editChapter(userId, { ...params, ...defined(body), ...seenIn(headers) })
      return tagged(reply, await chapterOf(context, params.novelId, params.chapterId))
    },
  }),
  post('/v1/novels/:novelId/chapters/:chapterId([^:]+)::move', {
    summary: 'Move a chapter with its scenes',
    params: chapterParams,
    body: chapterMoveBody,
    sends: { 200: chapterPlaceSchema },
    refuses: ['OPTION_INVALID', 'NOVEL_NOT_FOUND', 'VOLUME_NOT_FOUND', 'CHAPTER_NOT_FOUND'],
    handle: async (context, { params, body }, reply) => {
      const { novels, userId } = context
      await novels.library.shape.moveChapter(userId, { ...params, ...defined({ ...body }) })
      return tagged(reply, await chapterOf(context, params.novelId, params.chapterId))
    },
  }),
  post('/v1/novels/:novelId/chapters/:chapterId([^:]+)::split', {
    summary: 'Cut a chapter in two: its scenes from one on become a chapter of their own, which is sent',
    description: 'With an Idempotency-Key, a repeated request finds the first new chapter.',
    params: chapterParams,
    ...keyed,
    body: splitBody,
    sends: { 201: chapterPlaceSchema },
    refuses: ['OPTION_INVALID', 'NOVEL_NOT_FOUND', 'CHAPTER_NOT_FOUND', 'SCENE_NOT_FOUND'],
    handle: async ({ novels, userId }, { params, headers, body }, reply) => {
      const { novelId, chapterId } = params
      const id = createdIdOf(headers, 'chapter', userId, novelId)
      reply.code(201).header('location', `/v1/novels/${novelId}/chapters/${id}`)
      const split = { novelId, chapterId, id, ...body }
      return tagged(reply, await novels.library.shape.splitChapter(userId, split))
    },
  }),
  post('/v1/novels/:novelId/chapters/:chapterId([^:]+)::merge', {
    summary: 'Put the scenes of the chapter that follows at the end of this one; that chapter is gone then',
    params: chapterParams,
    body: mergeBody,
    sends: { 200: chapterPlaceSchema },
    refuses: ['OPTION_INVALID', 'NOVEL_NOT_FOUND', 'CHAPTER_NOT_FOUND', 'CHAPTER_FULL'],
    handle: async (context, { params, body }, reply) => {
      const { novels, userId } = context
      await novels.library.shape.mergeChapters(userId, { ...params, ...body })
      return tagged(reply, await chapterOf(context, params.novelId, params.chapterId))
    },
  }),
  remove('/v1/novels/:novelId/chapters/:chapterId', {
    summary: 'Put a chapter with its scenes into the bin',
    description: 'It can be put back for 30 days.',
    params: chapterParams,
    sends: { 200: binEntrySchema },
    refuses: ['NOVEL_NOT_FOUND', 'CHAPTER_NOT_FOUND'],
    handle: ({ novels, userId }, { params: { novelId, chapterId } }) =>
      novels.library.bin.remove(userId, { novelId, what: 'chapter', id: chapterId }),
  }),
  post('/v1/scenes/:sceneId([^:]+)::move', {
    summary: 'Move a scene within its chapter, or into another one of its novel',
    params: sceneParams,
    body: sceneMoveBody,
    sends: { 200: sceneSchema },
    refuses: ['OPTION_INVALID', 'SCENE_NOT_FOUND', 'CHAPTER_NOT_FOUND', 'CHAPTER_FULL'],
    handle: async ({ novels, userId }, { params: { sceneId }, body }, reply) => {
      await novels.library.shape.moveScene(userId, { sceneId, ...defined({ ...body }) })
      return sendScene(reply, await novels.library.scenes.scene(userId, sceneId))
    },
  }),
  post('/v1/scenes/:sceneId([^:]+)::split', {
    summary: 'Cut a scene in two: what follows a place becomes a scene of its own, right behind',
    description:
      'If-Match names the version that was read. If the text changed since, nothing is cut: 412. Blank lines at the place go. The whole text is in the ' +
      'history of the first scene. With an Idempotency-Key, a repeated request finds the first new scene.',
    params: sceneParams,
    headers: z.object({ ...ifMatch, ...idempotencyKeyHeader }),
    body: sceneSplitBody,
    sends: { 201: z.object({ scene: sceneSchema, next: sceneSchema }) },
    refuses: [
      'OPTION_INVALID',
      'IF_MATCH_INVALID',
      'IF_MATCH_REQUIRED',
      'SCENE_NOT_FOUND',
      'SCENE_CHANGED',
      'CHAPTER_FULL',
    ],
    handle: async ({ novels, userId }, { params: { sceneId }, headers, body }, reply) => {
      const { shape, scenes } = novels.library
      const id = createdIdOf(headers, 'scene', userId, sceneId)
      const expectedVersion = requiredVersion(headers['if-match'], 'scene')
      const title = body.title || undefined
      const split = { sceneId, expectedVersion, at: body.at, id, ...defined({ title }) }
      refuseUnlessApplied(sceneId, await shape.splitScene(userId, split))
      reply.code(201).header('location', `/v1/scenes/${id}`)
      const [scene, next] = await Promise.all([scenes.scene(userId, sceneId), scenes.scene(userId, id)])
      return { scene: presentScene(scene), next: presentScene(next) }
    },
  }),
  post('/v1/scenes/:sceneId([^:]+)::merge', {
    summary: 'Put the text of the scene that follows behind that of this one; that scene goes into the bin',
    description: 'The text of this scene as it was is in its history.',
    params: sceneParams,
    body: sceneMergeBody,
    sends: { 200: z.object({ scene: sceneSchema, binned: binEntrySchema }) },
    refuses: ['OPTION_INVALID', 'SCENE_NOT_FOUND'],
    handle: async ({ novels, userId }, { params: { sceneId }, body: { next } }) => {
      const { shape, scenes } = novels.library
      const binned = await shape.mergeScenes(userId, { sceneId, next })
      return { scene: presentScene(await scenes.scene(userId, sceneId)), binned }
    },
  }),
  remove('/v1/scenes/:sceneId', {
    summary: 'Put a scene into the bin',
    description: 'It can be put back for 30 days.',
    params: sceneParams,
    sends: { 200: binEntrySchema },
    refuses: ['SCENE_NOT_FOUND'],
    handle: async ({ novels, userId }, { params: { sceneId } }) => {
      const { novelId } = await novels.library.scenes.scene(userId, sceneId)
      return novels.library.bin.remove(userId, { novelId, what: 'scene', id: sceneId })
    },
  }),
  get('/v1/novels/:novelId/bin', {
    summary: 'List what is in the bin of a novel, the newest first',
    params: novelParams,
    sends: { 200: z.object({ items: z.array(binEntrySchema) }) },
    refuses: ['NOVEL_NOT_FOUND'],
    handle: async ({ novels, userId }, { params }) => ({
      items: [...(await novels.library.bin.entries(userId, params.novelId))],
    }),
  }),
  post('/v1/novels/:novelId/bin/:entryId([^:]+)::restore', {
    summary: 'Put something back from the bin, where it was or as near as there is a place',
    params: binParams,
    sends: { 200: binEntrySchema },
    refuses: ['NOVEL_NOT_FOUND', 'BIN_ENTRY_NOT_FOUND', 'CHAPTER_NOT_FOUND', 'CHAPTER_FULL'],
    handle: ({ novels, userId }, { params }) => novels.library.bin.restore(userId, params),
  }),
  remove('/v1/novels/:novelId/bin/:entryId', {
    summary: 'Delete for good what is in the bin',
    description: 'This cannot be undone.',
    params: binParams,
    sends: { 204: z.undefined().describe('It is deleted') },
    refuses: ['NOVEL_NOT_FOUND', 'BIN_ENTRY_NOT_FOUND'],
    handle: async ({ novels, userId }, { params }, reply) => {
      while ((await novels.library.bin.discard(userId, params)) === 'more') {}
      markDeleted(novels.library)
      return reply.code(204).send()
    },
  }),
]
