import { z } from 'zod'
import { etagOf } from '../conditional.ts'
import type { App, NovelContext } from '../context.ts'
import { pageRequest } from '../page-request.ts'
import { presentScene } from '../present-novel.ts'
import { presentEntry, presentNote } from '../present-provenance.ts'
import { ifMatch, pageOf } from '../schemas/fields.ts'
import { entryParams, pageQuery, restoreBody, sceneParams, sceneSchema } from '../schemas/novel.ts'
import { problems } from '../schemas/problem.ts'
import { historyEntrySchema, historyNoteSchema } from '../schemas/provenance.ts'
import { refuseUnlessApplied, versionRead } from './scenes.ts'

const tags = ['novels']

/** The history of a scene: what was overwritten, what models made beside an edit, and putting it back. */
export function addSceneHistoryRoutes(app: App, context: NovelContext): void {
  listHistory(app, context)
  getEntry(app, context)
  restoreEntry(app, context)
}

const listSchema = {
  tags,
  summary: 'The texts and summaries of a scene that are not in their place, newest first',
  description:
    'What was overwritten, and what a task made from a scene that somebody edited meanwhile: `why` is `conflict` then. Kept are the ' +
    'newest 20 that a person wrote and 20 others, of texts and of summaries.',
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
  summary: 'An entry of the history with its whole text',
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
  summary: 'Put an entry of the history in place',
  description:
    'What is there goes into the history; the entry stays. If-Match names the version that was read: what changed since is not ' +
    'overwritten, 412. The text still says which model and attempt wrote it, and that it was restored.',
  params: sceneParams,
  headers: z.object(ifMatch),
  body: restoreBody,
  response: {
    200: sceneSchema,
    ...problems(
      'REQUEST_INVALID',
      'IF_MATCH_INVALID',
      'IF_MATCH_REQUIRED',
      'SCENE_NOT_FOUND',
      'HISTORY_ENTRY_NOT_FOUND',
      'SCENE_CHANGED',
      'REQUEST_TOO_LARGE',
      'REQUEST_TIMEOUT',
      'MEDIA_TYPE_UNSUPPORTED',
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
