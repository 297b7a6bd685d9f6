import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { sceneNotFound } from '../../novel/library/refusal.ts'
import type { SceneWritten } from '../../novel/library/scenes.ts'
import { defined } from '../../task/defined.ts'
import { QuillworkError } from '../../task/errors.ts'
import { hashedId } from '../../task/id.ts'
import type { App, NovelContext } from '../context.ts'
import {
  etagOf,
  idempotencyKeyHeader,
  idempotencyKeyOf,
  ifMatchVersion,
  noneMatchNames,
} from '../request-headers.ts'
import { ifMatch, pageOf, pageQuery, pageRequest } from '../schemas/fields.ts'
import { bodyProblems, problems } from '../schemas/problem.ts'
import {
  entryParams,
  historyEntrySchema,
  historyNoteSchema,
  newScene,
  ownChapterParams,
  presentEntry,
  presentNote,
  presentScene,
  restoreBody,
  sceneEdit,
  sceneParams,
  sceneSchema,
} from '../schemas/scene.ts'

const tags = ['novels']

/** Adds the scenes: read, edit, append, and the history with restore. */
export function addSceneRoutes(app: App, context: NovelContext): void {
  getScene(app, context)
  editScene(app, context)
  appendScene(app, context)
  listHistory(app, context)
  getEntry(app, context)
  restoreEntry(app, context)
}

const getSchema = {
  tags,
  summary: 'Read a scene with its text',
  params: sceneParams,
  headers: z.object({ 'if-none-match': z.string().optional() }),
  response: {
    200: sceneSchema,
    304: z.undefined().describe('The scene still has this version'),
    ...problems('REQUEST_INVALID', 'SCENE_NOT_FOUND'),
  },
}

function getScene(app: App, { novels, settings }: NovelContext): void {
  app.get('/v1/scenes/:sceneId', { schema: getSchema }, async (request, reply) => {
    const scene = await novels.library.scenes.scene(settings.userId, request.params.sceneId)
    reply.header('etag', etagOf(scene.version)).header('cache-control', 'no-cache')
    if (noneMatchNames(request.headers['if-none-match'], scene.version)) return reply.code(304).send()
    return { ...presentScene(scene), content: scene.content }
  })
}

const editSchema = {
  tags,
  summary: 'Edit a scene',
  description:
    'If-Match names the version that was read. If somebody changed the scene since, nothing is overwritten: 412. A summary that was ' +
    'written meanwhile does not prevent an edit of the text.',
  params: sceneParams,
  headers: z.object(ifMatch),
  body: sceneEdit,
  response: {
    200: sceneSchema,
    ...problems(
      ...bodyProblems,
      'OPTION_INVALID',
      'IF_MATCH_INVALID',
      'IF_MATCH_REQUIRED',
      'SCENE_NOT_FOUND',
      'SCENE_CHANGED',
    ),
  },
}

function editScene(app: App, { novels, settings }: NovelContext): void {
  const { scenes } = novels.library
  const { userId } = settings
  app.patch('/v1/scenes/:sceneId', { schema: editSchema }, async (request, reply) => {
    const { sceneId } = request.params
    const expectedVersion = versionRead(request.headers['if-match'])
    const written = await scenes.editScene(userId, {
      sceneId,
      expectedVersion,
      ...defined(request.body),
    })
    refuseUnlessApplied(sceneId, written)
    const scene = await scenes.scene(userId, sceneId)
    reply.header('etag', etagOf(scene.version))
    return { ...presentScene(scene), content: scene.content }
  })
}

/** Returns the version that If-Match names. Throws IF_MATCH_REQUIRED without one, IF_MATCH_INVALID. */
function versionRead(ifMatch: string | undefined): number {
  const version = ifMatchVersion(ifMatch)
  if (version !== undefined) return version
  throw new QuillworkError(
    'IF_MATCH_REQUIRED',
    'Send the version of the scene that you have read in the header If-Match.',
  )
}

/** Throws SCENE_NOT_FOUND, SCENE_CHANGED. */
function refuseUnlessApplied(sceneId: string, written: SceneWritten): void {
  if (written.outcome === 'missing') throw sceneNotFound(sceneId)
  if (written.outcome === 'applied') return
  const { version } = written
  throw new QuillworkError(
    'SCENE_CHANGED',
    `Scene ${sceneId} was changed since you read it and is now at version ${version}. Read it again.`,
    { details: { version } },
  )
}

const appendSchema = {
  tags,
  summary: 'Add an empty scene at the end of a chapter',
  description:
    'GenerateScene can write it from its summary. With an Idempotency-Key, a repeated request finds the first scene.',
  params: ownChapterParams,
  headers: z.object(idempotencyKeyHeader),
  body: newScene,
  response: {
    201: sceneSchema,
    ...problems(...bodyProblems, 'CHAPTER_NOT_FOUND', 'CHAPTER_FULL', 'IDEMPOTENCY_KEY_REUSED'),
  },
}

function appendScene(app: App, { novels, settings }: NovelContext): void {
  const { userId } = settings
  app.post('/v1/chapters/:chapterId/scenes', { schema: appendSchema }, async (request, reply) => {
    const { chapterId } = request.params
    const { title, summary = '' } = request.body ?? {}
    const key = idempotencyKeyOf(request.headers['idempotency-key'])
    const scene = await novels.library.scenes.appendScene({
      userId,
      chapterId,
      id: key === undefined ? randomUUID() : hashedId(['scene', userId, chapterId, key].join('\n')),
      ...defined({
        title,
        summary: summary === '' ? undefined : { text: summary, method: 'person' as const },
      }),
      writer: { userId },
    })
    // At version 1, the scene still holds what the first request gave.
    const isOther = scene.title !== title || (scene.summary?.text ?? '') !== summary
    if (scene.version === 1 && isOther)
      throw new QuillworkError(
        'IDEMPOTENCY_KEY_REUSED',
        `The idempotency key belongs to scene ${scene.id}, which has another title or summary; use a new key.`,
      )
    reply.code(201).header('location', `/v1/scenes/${scene.id}`).header('etag', etagOf(scene.version))
    return { ...presentScene(scene), content: scene.content }
  })
}

const listSchema = {
  tags,
  summary: 'List the former texts and summaries of a scene, newest first',
  description:
    'What was overwritten, and what a task wrote while somebody edited the scene: then `why` is `conflict`. Of texts and of summaries, the ' +
    'newest 20 that a person wrote and the newest 20 others are kept.',
  params: sceneParams,
  querystring: pageQuery,
  response: {
    200: pageOf(historyNoteSchema),
    ...problems('REQUEST_INVALID', 'PAGE_TOKEN_INVALID', 'SCENE_NOT_FOUND'),
  },
}

function listHistory(app: App, { novels, settings }: NovelContext): void {
  app.get('/v1/scenes/:sceneId/history', { schema: listSchema }, async request => {
    const { sceneId } = request.params
    const page = await novels.library.scenes.history(settings.userId, sceneId, pageRequest(request.query))
    return { ...page, items: page.items.map(presentNote) }
  })
}

const entrySchema = {
  tags,
  summary: 'Read an entry of the history with its whole text',
  params: entryParams,
  response: {
    200: historyEntrySchema,
    ...problems('REQUEST_INVALID', 'SCENE_NOT_FOUND', 'HISTORY_ENTRY_NOT_FOUND'),
  },
}

function getEntry(app: App, { novels, settings }: NovelContext): void {
  app.get('/v1/scenes/:sceneId/history/:entryId', { schema: entrySchema }, async request =>
    presentEntry(await novels.library.scenes.historyEntry(settings.userId, request.params)),
  )
}

const restoreSchema = {
  tags,
  summary: 'Restore an entry of the history',
  description:
    'The current text goes into the history, and the entry stays there. If-Match names the version that was read. If the scene changed ' +
    'since, nothing is overwritten: 412. The restored text keeps its origin, and says that it was restored.',
  params: sceneParams,
  headers: z.object(ifMatch),
  body: restoreBody,
  response: {
    200: sceneSchema,
    ...problems(
      ...bodyProblems,
      'IF_MATCH_INVALID',
      'IF_MATCH_REQUIRED',
      'SCENE_NOT_FOUND',
      'HISTORY_ENTRY_NOT_FOUND',
      'SCENE_CHANGED',
    ),
  },
}

function restoreEntry(app: App, { novels, settings }: NovelContext): void {
  const { scenes } = novels.library
  const { userId } = settings
  app.post('/v1/scenes/:sceneId([^:]+)::restore', { schema: restoreSchema }, async (request, reply) => {
    const { sceneId } = request.params
    const expectedVersion = versionRead(request.headers['if-match'])
    const { entryId } = request.body
    refuseUnlessApplied(sceneId, await scenes.restore(userId, { sceneId, entryId, expectedVersion }))
    const scene = await scenes.scene(userId, sceneId)
    reply.header('etag', etagOf(scene.version))
    return { ...presentScene(scene), content: scene.content }
  })
}
