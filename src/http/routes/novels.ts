import { z } from 'zod'
import { batchGenerateSummary } from '../../novel/batch-generate-summary.ts'
import { findWords } from '../../novel/codex/find-places.ts'
import { binNovel, deleteNovel } from '../../novel/delete-novel.ts'
import { chapterNotFound, novelNotFound } from '../../novel/library/refusal.ts'
import type { ChapterOverview } from '../../novel/library/shelf.ts'
import { searchNovel } from '../../novel/search-novel.ts'
import { modelsOf } from '../../novel/services.ts'
import { defined } from '../../task/defined.ts'
import { QuillworkError } from '../../task/errors.ts'
import { everyItem } from '../../task/page.ts'
import { idempotencyKeyHeader, requiredVersion, tagged } from '../request-headers.ts'
import { type NovelContext, routesOf } from '../route.ts'
import { placeSchema } from '../schemas/codex.ts'
import { ifMatch, pageOf, pageQuery } from '../schemas/fields.ts'
import {
  binnedNovelSchema,
  chapterParams,
  chapterSchema,
  narrationBody,
  narrationSchema,
  novelParams,
  novelSchema,
  outlineSchema,
  presentOutline,
  searchAnswer,
  searchQuery,
  summariseBody,
  wordsBody,
} from '../schemas/novel.ts'
import { presentScene } from '../schemas/scene.ts'
import { presentTask, taskSchema } from '../schemas/task.ts'
import { traceparentFor } from '../trace.ts'
import { accepted, submissionRefusals, submitFor } from './tasks.ts'

const { get, post, put, delete: remove } = routesOf<NovelContext>('novels')

/** Chapters read at a time. */
const perPage = 500

/** The novels: list, outline, chapters, search, summaries, deletion. */
export const novelRoutes = [
  get('/v1/novels', {
    summary: 'List the novels, newest first',
    querystring: pageQuery,
    sends: { 200: pageOf(novelSchema) },
    refuses: ['PAGE_TOKEN_INVALID'],
    handle: ({ novels, userId }, { query }) => novels.library.shelf.novels(userId, defined(query)),
  }),
  get('/v1/novels/:novelId', {
    summary: 'Read a novel with its outline',
    params: novelParams,
    sends: { 200: outlineSchema },
    refuses: ['NOVEL_NOT_FOUND'],
    handle: async ({ novels, userId }, { params: { novelId } }, reply) => {
      const { shelf, index } = novels.library
      const novel = await shelf.novel(userId, novelId)
      const volumes = await shelf.volumes(userId, novelId)
      const chapters: ChapterOverview[] = []
      for await (const chapter of everyItem(perPage, page => shelf.chapters(userId, { novelId }, page)))
        chapters.push(chapter)
      const state = await index.state(userId, novelId)
      return tagged(reply, { ...novel, outline: presentOutline(volumes, chapters), index: state })
    },
  }),
  get('/v1/novels/:novelId/chapters/:chapterId', {
    summary: 'Read a chapter: its scenes with their summaries, each with its origin',
    params: chapterParams,
    sends: { 200: chapterSchema },
    refuses: ['CHAPTER_NOT_FOUND'],
    handle: async ({ novels, userId }, { params: { novelId, chapterId } }, reply) => {
      const chapter = await novels.library.shelf.chapter(userId, chapterId)
      if (chapter.novelId !== novelId) throw chapterNotFound(chapterId)
      const scenes = []
      for (const sceneId of chapter.sceneIds)
        scenes.push(presentScene(await novels.library.scenes.scene(userId, sceneId)))
      return tagged(reply, { ...chapter, scenes })
    },
  }),
  get('/v1/novels/:novelId/narration', {
    summary: 'Read how a novel is told: point of view, tense, style sheet, voice sample',
    params: novelParams,
    sends: { 200: narrationSchema },
    refuses: ['NOVEL_NOT_FOUND'],
    handle: async ({ novels, userId }, { params }, reply) =>
      tagged(reply, await novels.library.shelf.narration(userId, params.novelId)),
  }),
  put('/v1/novels/:novelId/narration', {
    summary: 'Write how a novel is told',
    description:
      'A scene that says nothing else is told so. If-Match names the version that was read, `"0"` where there is none. If somebody changed it ' +
      'since, nothing is overwritten: 412.',
    params: novelParams,
    headers: z.object(ifMatch),
    body: narrationBody,
    sends: { 200: narrationSchema },
    refuses: ['IF_MATCH_INVALID', 'IF_MATCH_REQUIRED', 'NOVEL_NOT_FOUND', 'NARRATION_CHANGED'],
    handle: async ({ novels, userId }, { params: { novelId }, headers, body }, reply) => {
      const { shelf } = novels.library
      const given = { narration: body, expectedVersion: requiredVersion(headers['if-match'], 'narration') }
      const { outcome, version } = await shelf.setNarration(userId, novelId, given)
      if (outcome === 'conflict')
        throw new QuillworkError(
          'NARRATION_CHANGED',
          `The narration of the novel was changed since you read it and is now at version ${version}. Read it again.`,
          { details: { version } },
        )
      return tagged(reply, await shelf.narration(userId, novelId))
    },
  }),
  get('/v1/novels/:novelId/search', {
    summary: 'Search a novel by words, and by meaning where its index has vectors of an embedding model',
    params: novelParams,
    querystring: searchQuery,
    sends: { 200: searchAnswer },
    refuses: ['OPTION_INVALID', 'NOVEL_NOT_FOUND'],
    handle: ({ engine, novels, userId }, { params, query: { q, ...span }, signal }) => {
      const { library, now } = novels
      const models = modelsOf({ userId, services: novels })
      return searchNovel(
        { library, models, now, limiter: engine.limiter },
        { userId, novelId: params.novelId, query: q, ...span, signal },
      )
    },
  }),
  post('/v1/novels/:novelId([^:]+)::places', {
    summary: 'Show every place of a novel where words would be replaced',
    needs: 'read',
    description:
      'With the text around each, and what it becomes. Nothing is changed: ReplaceInNovel does that, for all places or for those that are chosen. A page ends ' +
      'with a scene; in a long novel it may have no place and not be the last.',
    params: novelParams,
    body: wordsBody,
    sends: { 200: pageOf(placeSchema) },
    refuses: ['PAGE_TOKEN_INVALID', 'NOVEL_NOT_FOUND'],
    handle: ({ novels, userId }, { params, body: { pageSize, pageToken, ...request } }) =>
      findWords(novels, { userId, ...params, ...request }, { pageSize, ...defined({ pageToken }) }),
  }),
  post('/v1/novels/:novelId([^:]+)::summarise', {
    summary: 'Summarise the scenes of a range of chapters',
    description: 'With an Idempotency-Key, a repeated request finds the first task.',
    params: novelParams,
    headers: z.object(idempotencyKeyHeader),
    body: summariseBody,
    sends: { 202: taskSchema },
    refuses: [
      'PARAMETERS_INVALID',
      'PROVIDER_NOT_CONFIGURED',
      'NOVEL_NOT_FOUND',
      'CHAPTER_NOT_FOUND',
      ...submissionRefusals,
    ],
    handle: async ({ engine, novels, userId }, request, reply) => {
      const { shelf } = novels.library
      const { novelId } = request.params
      const range = defined({ ...request.body })
      await shelf.novel(userId, novelId)
      for (const chapterId of [range.startChapterId, range.endChapterId])
        if (chapterId !== undefined) await shelf.chapter(userId, chapterId)
      const submission = { userId, taskType: batchGenerateSummary.type, parameters: { novelId, ...range } }
      return presentTask(await submitFor(engine, { request, reply }, submission))
    },
  }),
  remove('/v1/novels/:novelId', {
    summary: 'Put a novel into the bin',
    description:
      'First cancels the tasks that work on it: its import, and each task that is tagged with `novel:` and its id. From then on nobody finds the ' +
      'novel. It can be put back for 30 days; then it is deleted for good.',
    params: novelParams,
    sends: { 200: binnedNovelSchema },
    refuses: ['NOVEL_NOT_FOUND'],
    handle: ({ engine, novels, userId }, { params }) => binNovel(engine, novels, { userId, ...params }),
  }),
  get('/v1/bin', {
    summary: 'List the novels that are in the bin, the newest first',
    sends: { 200: z.object({ items: z.array(binnedNovelSchema) }) },
    refuses: [],
    handle: async ({ novels, userId }) => ({
      items: [...(await novels.library.binnedNovels.list(userId))],
    }),
  }),
  post('/v1/bin/:novelId([^:]+)::restore', {
    summary: 'Put a novel back on the shelf, as it was; tasks that were cancelled stay cancelled',
    params: novelParams,
    sends: { 200: novelSchema },
    refuses: ['NOVEL_NOT_FOUND'],
    handle: async ({ novels, userId }, { params: { novelId } }, reply) => {
      const { binnedNovels, shelf } = novels.library
      await binnedNovels.restore(userId, novelId)
      return tagged(reply, await shelf.novel(userId, novelId))
    },
  }),
  remove('/v1/bin/:novelId', {
    summary: 'Delete for good a novel that is in the bin',
    description:
      'The task deletes it, with its uploads and the tasks that are about it, and tells what was deleted; a repeated request finds it. This cannot be undone.',
    params: novelParams,
    sends: { 202: taskSchema },
    refuses: ['NOVEL_NOT_FOUND', 'USER_QUEUE_FULL', 'LANE_QUEUE_FULL'],
    handle: async ({ engine, novels, userId }, request, reply) => {
      const { novelId } = request.params
      const novel = await novels.library.drafts.find(novelId)
      if (novel?.status === 'published') throw novelNotFound(novelId)
      const asked = { userId, novelId, traceparent: traceparentFor(request) }
      return presentTask(accepted(reply, await deleteNovel(engine, novels, asked)))
    },
  }),
]
