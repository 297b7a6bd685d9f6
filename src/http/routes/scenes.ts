import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { sceneNotFound } from '../../novel/library/refusal.ts'
import type { Scene, SceneWritten } from '../../novel/library/scenes.ts'
import { previewScene } from '../../novel/preview-scene.ts'
import { queryVector } from '../../novel/search-novel.ts'
import { modelsOf } from '../../novel/services.ts'
import { defined } from '../../task/defined.ts'
import { QuillworkError } from '../../task/errors.ts'
import {
  createdIdOf,
  etagOf,
  idempotencyKeyHeader,
  noneMatchNames,
  requiredVersion,
  tagged,
} from '../request-headers.ts'
import { type NovelContext, routesOf } from '../route.ts'
import { ifMatch, pageOf, pageQuery } from '../schemas/fields.ts'
import { previewBody, previewSchema } from '../schemas/preview.ts'
import {
  entryParams,
  historyEntrySchema,
  historyNoteSchema,
  newScene,
  ownChapterParams,
  presentEntry,
  presentScene,
  restoreBody,
  sceneEdit,
  sceneParams,
  sceneSchema,
} from '../schemas/scene.ts'

/** Throws SCENE_NOT_FOUND, SCENE_CHANGED. */
export function refuseUnlessApplied(sceneId: string, written: SceneWritten): void {
  if (written.outcome === 'missing') throw sceneNotFound(sceneId)
  if (written.outcome === 'applied') return
  const { version } = written
  throw new QuillworkError(
    'SCENE_CHANGED',
    `Scene ${sceneId} was changed since you read it and is now at version ${version}. Read it again.`,
    { details: { version } },
  )
}

/** Responds with a scene and its text; the entity tag is the version. */
export function sendScene(reply: FastifyReply, scene: Scene) {
  return presentScene(tagged(reply, scene))
}

const { get, post, patch } = routesOf<NovelContext>('novels')

/** The scenes: read, edit, append, and the history with restore. */
export const sceneRoutes = [
  get('/v1/scenes/:sceneId', {
    summary: 'Read a scene with its text',
    params: sceneParams,
    headers: z.object({ 'if-none-match': z.string().optional() }),
    sends: { 200: sceneSchema, 304: z.undefined().describe('The scene still has this version') },
    refuses: ['SCENE_NOT_FOUND'],
    handle: async ({ novels, userId }, { params, headers }, reply) => {
      const scene = await novels.library.scenes.scene(userId, params.sceneId)
      const sent = sendScene(reply.header('cache-control', 'private, no-cache'), scene)
      const isKnown = noneMatchNames(headers['if-none-match'], etagOf(scene.version))
      return isKnown ? reply.code(304).send() : sent
    },
  }),
  patch('/v1/scenes/:sceneId', {
    summary: 'Edit a scene',
    description:
      'If-Match names the version that was read. If somebody changed the scene since, nothing is overwritten: 412. A summary that was ' +
      'written meanwhile does not prevent an edit of the text.',
    params: sceneParams,
    headers: z.object(ifMatch),
    body: sceneEdit,
    sends: { 200: sceneSchema },
    refuses: ['OPTION_INVALID', 'IF_MATCH_INVALID', 'IF_MATCH_REQUIRED', 'SCENE_NOT_FOUND', 'SCENE_CHANGED'],
    handle: async ({ novels, userId }, { params: { sceneId }, headers, body }, reply) => {
      const { scenes } = novels.library
      const edit = {
        sceneId,
        expectedVersion: requiredVersion(headers['if-match'], 'scene'),
        ...defined(body),
      }
      refuseUnlessApplied(sceneId, await scenes.editScene(userId, edit))
      return sendScene(reply, await scenes.scene(userId, sceneId))
    },
  }),
  post('/v1/scenes/:sceneId([^:]+)::preview', {
    summary: 'Show what GenerateScene would show a model of a scene, and what that would cost',
    needs: 'read',
    description:
      'Every block of the prompt with its tokens, where it comes from and why, and what was left out and why. Nothing is changed, and nothing is paid but, ' +
      'where the novel has vectors, the vector of what the scene is about, as by a search.',
    params: sceneParams,
    body: previewBody,
    sends: { 200: previewSchema },
    refuses: ['SCENE_NOT_FOUND', 'PROVIDER_NOT_CONFIGURED', 'PROMPT_INVALID'],
    handle: ({ engine, novels, userId }, { params: { sceneId }, body, signal }) => {
      const { model, part, ...request } = body
      const { library, now } = novels
      const models = modelsOf({ userId, services: novels })
      const search = { library, now, models, limiter: engine.limiter }
      return previewScene(novels, {
        ...{ userId, sceneId, request, part, model, signal },
        vectorOf: (kind, query) => queryVector(search, kind, { query, userId, signal }),
      })
    },
  }),
  post('/v1/chapters/:chapterId/scenes', {
    summary: 'Add an empty scene at the end of a chapter',
    description:
      'GenerateScene can write it from its summary. With an Idempotency-Key, a repeated request finds the first scene.',
    params: ownChapterParams,
    headers: z.object(idempotencyKeyHeader),
    body: newScene,
    sends: { 201: sceneSchema },
    refuses: ['CHAPTER_NOT_FOUND', 'CHAPTER_FULL', 'IDEMPOTENCY_KEY_REUSED'],
    handle: async ({ novels, userId }, { params: { chapterId }, headers, body }, reply) => {
      const { title, summary = '' } = body ?? {}
      const scene = await novels.library.scenes.appendScene({
        userId,
        chapterId,
        id: createdIdOf(headers, 'scene', userId, chapterId),
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
      return sendScene(reply.code(201).header('location', `/v1/scenes/${scene.id}`), scene)
    },
  }),
  get('/v1/scenes/:sceneId/history', {
    summary: 'List the former texts and summaries of a scene, newest first',
    description:
      'What was overwritten, and summaries that a task wrote while somebody edited the scene: then `why` is `conflict`. What was imported, and what a ' +
      'person wrote, accepted, restored or wrote over, is never dropped. Of other texts and summaries that models made, the newest 20 each are kept. A ' +
      'page has at most 100 entries.',
    params: sceneParams,
    querystring: pageQuery,
    sends: { 200: pageOf(historyNoteSchema) },
    refuses: ['PAGE_TOKEN_INVALID', 'SCENE_NOT_FOUND'],
    handle: async ({ novels, userId }, { params, query }) => {
      const page = await novels.library.scenes.history(userId, params.sceneId, defined(query))
      return { ...page, items: page.items.map(presentEntry) }
    },
  }),
  get('/v1/scenes/:sceneId/history/:entryId', {
    summary: 'Read an entry of the history with its whole text',
    params: entryParams,
    sends: { 200: historyEntrySchema },
    refuses: ['SCENE_NOT_FOUND', 'HISTORY_ENTRY_NOT_FOUND'],
    handle: async ({ novels, userId }, { params }) =>
      presentEntry(await novels.library.scenes.historyEntry(userId, params)),
  }),
  post('/v1/scenes/:sceneId([^:]+)::restore', {
    summary: 'Restore an entry of the history',
    description:
      'The current text goes into the history, and the entry stays there. If-Match names the version that was read. If the scene changed ' +
      'since, nothing is overwritten: 412. The restored text keeps its origin, and says that it was restored.',
    params: sceneParams,
    headers: z.object(ifMatch),
    body: restoreBody,
    sends: { 200: sceneSchema },
    refuses: [
      'IF_MATCH_INVALID',
      'IF_MATCH_REQUIRED',
      'SCENE_NOT_FOUND',
      'HISTORY_ENTRY_NOT_FOUND',
      'SCENE_CHANGED',
    ],
    handle: async ({ novels, userId }, { params: { sceneId }, headers, body }, reply) => {
      const { scenes } = novels.library
      const expectedVersion = requiredVersion(headers['if-match'], 'scene')
      const { entryId } = body
      refuseUnlessApplied(sceneId, await scenes.restore(userId, { sceneId, entryId, expectedVersion }))
      return sendScene(reply, await scenes.scene(userId, sceneId))
    },
  }),
]
