import { z } from 'zod'
import { sceneNotFound } from '../../novel/library/refusal.ts'
import { QuillworkError } from '../../task/errors.ts'
import { etagOf, ifMatchVersion, noneMatchNames } from '../conditional.ts'
import type { App, NovelContext } from '../context.ts'
import { pageRequest } from '../page-request.ts'
import { timeText } from '../present.ts'
import { presentScene } from '../present-novel.ts'
import { ifMatch, pageOf } from '../schemas/fields.ts'
import { overwrittenSchema, pageQuery, sceneEdit, sceneParams, sceneSchema } from '../schemas/novel.ts'
import { problems } from '../schemas/problem.ts'
import { withoutUndefined } from './tasks.ts'

const tags = ['novels']

/** One scene: read it, edit it, see what was overwritten. */
export function addSceneRoutes(app: App, context: NovelContext): void {
  getScene(app, context)
  editScene(app, context)
  listHistory(app, context)
}

const getSchema = {
  tags,
  summary: 'A scene with its text',
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
    'If-Match names the version that was read. What somebody else changed since is not overwritten: 412. A summary that arrived ' +
    'meanwhile does not stand in the way of an edit of the text.',
  params: sceneParams,
  headers: z.object(ifMatch),
  body: sceneEdit,
  response: {
    200: sceneSchema,
    ...problems(
      'REQUEST_INVALID',
      'OPTION_INVALID',
      'IF_MATCH_INVALID',
      'IF_MATCH_REQUIRED',
      'SCENE_NOT_FOUND',
      'SCENE_CHANGED',
      'REQUEST_TOO_LARGE',
      'REQUEST_TIMEOUT',
      'MEDIA_TYPE_UNSUPPORTED',
    ),
  },
}

function editScene(app: App, { novels, settings }: NovelContext): void {
  const { scenes } = novels.library
  const { userId } = settings
  app.patch('/v1/scenes/:sceneId', { schema: editSchema }, async (request, reply) => {
    const { sceneId } = request.params
    const expectedVersion = ifMatchVersion(request.headers['if-match'])
    if (expectedVersion === undefined)
      throw new QuillworkError(
        'IF_MATCH_REQUIRED',
        'Send the version of the scene that you have read as If-Match.',
      )
    const written = await scenes.editScene(userId, {
      sceneId,
      expectedVersion,
      ...withoutUndefined(request.body as { title?: string; content?: string; summary?: string }),
    })
    if (written.outcome === 'missing') throw sceneNotFound(sceneId)
    if (written.outcome === 'conflict') throw changed(sceneId, written.version)
    const scene = await scenes.scene(userId, sceneId)
    reply.header('etag', etagOf(scene.version))
    return { ...presentScene(scene), content: scene.content }
  })
}

function changed(sceneId: string, version: number): QuillworkError {
  return new QuillworkError(
    'SCENE_CHANGED',
    `Scene ${sceneId} was changed since you read it and is now at version ${version}; look at it again.`,
    { details: { version } },
  )
}

const historySchema = {
  tags,
  summary: 'The texts and summaries of a scene that were overwritten, newest first',
  params: sceneParams,
  querystring: pageQuery,
  response: {
    200: pageOf(overwrittenSchema),
    ...problems('REQUEST_INVALID', 'PAGE_TOKEN_INVALID', 'SCENE_NOT_FOUND'),
  },
}

function listHistory(app: App, { novels, settings }: NovelContext): void {
  app.get('/v1/scenes/:sceneId/history', { schema: historySchema }, async request => {
    const page = await novels.library.scenes.history(
      settings.userId,
      request.params.sceneId,
      pageRequest(request.query),
    )
    const items = page.items.map(({ what, text, version, keptAt }) => ({
      what,
      text,
      version,
      overwrittenAt: timeText(keptAt),
    }))
    return { ...page, items }
  })
}
