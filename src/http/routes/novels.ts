import { z } from 'zod'
import { batchGenerateSummary } from '../../novel/batch-generate-summary.ts'
import { chapterNotFound } from '../../novel/library/refusal.ts'
import type { ChapterOverview } from '../../novel/library/shelf.ts'
import { searchNovel } from '../../novel/search-novel.ts'
import { withSubjectTags } from '../../novel/subject-tags.ts'
import { defined } from '../../task/defined.ts'
import { everyItem } from '../../task/page.ts'
import type { App, NovelContext } from '../context.ts'
import { idempotencyKeyHeader, idempotencyKeyOf } from '../request-headers.ts'
import { pageOf, pageQuery, pageRequest, timeText } from '../schemas/fields.ts'
import {
  chapterParams,
  chapterSchema,
  novelParams,
  novelSchema,
  outlineSchema,
  presentChapter,
  presentNovel,
  presentOutline,
  searchAnswer,
  searchQuery,
  summariseBody,
} from '../schemas/novel.ts'
import { bodyProblems, problems } from '../schemas/problem.ts'
import { presentScene } from '../schemas/scene.ts'
import { presentTask, taskSchema } from '../schemas/task.ts'
import { traceparentFor } from '../trace.ts'
import { refuseOtherSubmission } from './tasks.ts'

const tags = ['novels']

/** Adds the novels: list, outline, chapters, search, summaries, deletion. */
export function addNovelRoutes(app: App, context: NovelContext): void {
  listNovels(app, context)
  getNovel(app, context)
  getChapter(app, context)
  addSearch(app, context)
  summariseNovel(app, context)
  deleteNovel(app, context)
}

const listSchema = {
  tags,
  summary: 'List the novels, newest first',
  querystring: pageQuery,
  response: { 200: pageOf(novelSchema), ...problems('REQUEST_INVALID', 'PAGE_TOKEN_INVALID') },
}

function listNovels(app: App, { novels, settings }: NovelContext): void {
  app.get('/v1/novels', { schema: listSchema }, async request => {
    const page = await novels.library.shelf.novels(settings.userId, pageRequest(request.query))
    return { ...page, items: page.items.map(presentNovel) }
  })
}

const getSchema = {
  tags,
  summary: 'Read a novel with its outline',
  params: novelParams,
  response: { 200: outlineSchema, ...problems('REQUEST_INVALID', 'NOVEL_NOT_FOUND') },
}

/** Chapters read at a time. */
const perPage = 500

function getNovel(app: App, { novels, settings }: NovelContext): void {
  const { shelf, index } = novels.library
  const { userId } = settings
  app.get('/v1/novels/:novelId', { schema: getSchema }, async request => {
    const { novelId } = request.params
    const novel = await shelf.novel(userId, novelId)
    const volumes = await shelf.volumes(userId, novelId)
    const chapters: ChapterOverview[] = []
    for await (const chapter of everyItem(perPage, page => shelf.chapters(userId, { novelId }, page)))
      chapters.push(chapter)
    const { builtAt, ...state } = await index.state(userId, novelId)
    return {
      ...presentNovel(novel),
      outline: presentOutline(volumes, chapters),
      index: { ...state, builtAt: timeText(builtAt) },
    }
  })
}

const chapterRouteSchema = {
  tags,
  summary: 'Read a chapter: its scenes with their summaries, each with its origin',
  params: chapterParams,
  response: { 200: chapterSchema, ...problems('REQUEST_INVALID', 'CHAPTER_NOT_FOUND') },
}

function getChapter(app: App, { novels, settings }: NovelContext): void {
  const { shelf, scenes } = novels.library
  const { userId } = settings
  app.get('/v1/novels/:novelId/chapters/:chapterId', { schema: chapterRouteSchema }, async request => {
    const { novelId, chapterId } = request.params
    const chapter = await shelf.chapter(userId, chapterId)
    if (chapter.novelId !== novelId) throw chapterNotFound(chapterId)
    const found = []
    for (const sceneId of chapter.sceneIds) found.push(presentScene(await scenes.scene(userId, sceneId)))
    return { ...presentChapter(chapter), novelId, scenes: found }
  })
}

const searchSchema = {
  tags,
  summary: 'Search a novel by words, and by meaning where its index has vectors of an embedding model',
  params: novelParams,
  querystring: searchQuery,
  response: { 200: searchAnswer, ...problems('REQUEST_INVALID', 'NOVEL_NOT_FOUND') },
}

function addSearch(app: App, { engine, novels, settings }: NovelContext): void {
  app.get('/v1/novels/:novelId/search', { schema: searchSchema }, async request => {
    const { q: query, limit } = request.query
    const disconnected = new AbortController()
    request.raw.once('close', () => disconnected.abort())
    const { library, models, now } = novels
    const answer = await searchNovel(
      { library, models, now, limiter: engine.limiter },
      { userId: settings.userId, novelId: request.params.novelId, query, limit, signal: disconnected.signal },
    )
    const hits = answer.hits.map(hit => ({
      ...hit,
      snippet: { ...hit.snippet, marks: [...hit.snippet.marks] },
    }))
    return { ...answer, hits }
  })
}

const summariseSchema = {
  tags,
  summary: 'Summarise the scenes of a range of chapters',
  description: 'With an Idempotency-Key, a repeated request finds the first task.',
  params: novelParams,
  headers: z.object(idempotencyKeyHeader),
  body: summariseBody,
  response: {
    202: taskSchema,
    ...problems(
      ...bodyProblems,
      'PARAMETERS_INVALID',
      'NOVEL_NOT_FOUND',
      'CHAPTER_NOT_FOUND',
      'IDEMPOTENCY_KEY_REUSED',
      'USER_QUEUE_FULL',
      'LANE_QUEUE_FULL',
    ),
  },
}

function summariseNovel(app: App, { engine, novels, settings }: NovelContext): void {
  const { userId } = settings
  const { shelf } = novels.library
  app.post('/v1/novels/:novelId([^:]+)::summarise', { schema: summariseSchema }, async (request, reply) => {
    const { novelId } = request.params
    const range = defined({ ...request.body })
    await shelf.novel(userId, novelId)
    for (const chapterId of [range.startChapterId, range.endChapterId])
      if (chapterId !== undefined) await shelf.chapter(userId, chapterId)
    const options = defined({
      userId,
      tags: withSubjectTags(batchGenerateSummary.type, { novelId }),
      idempotencyKey: idempotencyKeyOf(request.headers['idempotency-key']),
      traceparent: traceparentFor(request),
    })
    const asked = { novelId, ...range }
    const { record, isNew } = await engine.tasks.submit(batchGenerateSummary.type, asked, options)
    if (!isNew) {
      refuseOtherSubmission(record, options)
      reply.header('idempotency-replayed', 'true')
    }
    reply.code(202).header('location', `/v1/tasks/${record.id}`)
    return presentTask(record)
  })
}

const deleteSchema = {
  tags,
  summary: 'Delete a novel',
  params: novelParams,
  response: {
    204: z.undefined().describe('It is deleted'),
    ...problems('REQUEST_INVALID', 'NOVEL_NOT_FOUND'),
  },
}

function deleteNovel(app: App, { novels, settings }: NovelContext): void {
  const { shelf, drafts } = novels.library
  app.delete('/v1/novels/:novelId', { schema: deleteSchema }, async (request, reply) => {
    const { novelId } = request.params
    // The first step hides the novel. What a crash leaves behind, the clean-up deletes.
    let left: string = await shelf.remove(settings.userId, novelId)
    while (left === 'more') left = await drafts.discard(novelId)
    return reply.code(204).send()
  })
}
