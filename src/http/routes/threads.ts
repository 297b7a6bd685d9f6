import { z } from 'zod'
import type { ThreadThere, ThreadWritten } from '../../novel/library/threads.ts'
import { defined } from '../../task/defined.ts'
import { QuillworkError } from '../../task/errors.ts'
import { etagOf, requiredVersion } from '../request-headers.ts'
import { type NovelContext, routesOf } from '../route.ts'
import { ifMatch, pageOf } from '../schemas/fields.ts'
import { novelParams } from '../schemas/novel.ts'
import { threadBody, threadParams, threadQuery, threadSchema, threadsQuery } from '../schemas/threads.ts'

const { get, put, delete: remove } = routesOf<NovelContext>('novels')

/** Throws THREAD_CHANGED. */
function refuseConflict(threadId: string, { outcome, version }: ThreadWritten): void {
  if (outcome === 'applied') return
  throw new QuillworkError(
    'THREAD_CHANGED',
    `The thread ${threadId} was changed since you read it and is now at version ${version}. Read it again.`,
    { details: { version } },
  )
}

/** Returns a thread as the API sends it. */
function presentThread({ events, isOverdue: overdue, isDue: due, ...thread }: ThreadThere) {
  const shown = events.map(({ place: _, isQuoted, ...event }) => ({ ...event, outOfDate: !isQuoted }))
  return { ...thread, events: shown, overdue, due }
}

/** The threads of the story of a novel: what is planned, and what the text does with it. */
export const threadRoutes = [
  get('/v1/novels/:novelId/threads', {
    summary: 'List the threads of the story of a novel, and how far each is',
    description:
      'In the order in which they were made. How far a thread is at a place follows from the events before that place whose quotations the text still has.',
    params: novelParams,
    querystring: threadsQuery,
    sends: { 200: pageOf(threadSchema) },
    refuses: ['PAGE_TOKEN_INVALID', 'NOVEL_NOT_FOUND', 'SCENE_NOT_FOUND'],
    handle: async ({ novels, userId }, { params: { novelId }, query: { before, ...page } }) => {
      const found = await novels.library.threads.threads(userId, { novelId, before }, defined(page))
      return { ...found, items: found.items.map(presentThread) }
    },
  }),
  get('/v1/novels/:novelId/threads/:threadId', {
    summary: 'Read a thread of the story',
    params: threadParams,
    querystring: threadQuery,
    sends: { 200: threadSchema },
    refuses: ['NOVEL_NOT_FOUND', 'SCENE_NOT_FOUND', 'THREAD_NOT_FOUND'],
    handle: async ({ novels, userId }, { params, query: { before } }, reply) => {
      const thread = await novels.library.threads.thread(userId, { ...params, before })
      reply.header('etag', etagOf(thread.version))
      return presentThread(thread)
    },
  }),
  put('/v1/novels/:novelId/threads/:threadId', {
    summary: 'Write a thread of the story, or add one under an id of your own',
    description:
      'If-Match names the version that was read, `"0"` for a new thread. If somebody changed it since, nothing is overwritten: 412. The text of the scene of a ' +
      'new event must have its quotation.',
    params: threadParams,
    headers: z.object(ifMatch),
    body: threadBody,
    sends: { 200: threadSchema },
    refuses: [
      ...(['OPTION_INVALID', 'IF_MATCH_INVALID', 'IF_MATCH_REQUIRED', 'NOVEL_NOT_FOUND'] as const),
      ...(['SCENE_NOT_FOUND', 'THREAD_NOT_FOUND', 'THREAD_CHANGED', 'THREADS_FULL'] as const),
      'QUOTATION_NOT_FOUND',
    ],
    handle: async ({ novels, userId }, { params, headers, body }, reply) => {
      const { threads } = novels.library
      const expectedVersion = requiredVersion(headers['if-match'], 'thread')
      refuseConflict(params.threadId, await threads.put(userId, { ...params, expectedVersion }, body))
      const thread = await threads.thread(userId, params)
      reply.header('etag', etagOf(thread.version))
      return presentThread(thread)
    },
  }),
  remove('/v1/novels/:novelId/threads/:threadId', {
    summary: 'Delete a thread of the story',
    description: 'If-Match names the version that was read. A thread that is gone counts as deleted.',
    params: threadParams,
    headers: z.object(ifMatch),
    sends: { 204: z.undefined().describe('It is deleted') },
    refuses: ['IF_MATCH_INVALID', 'IF_MATCH_REQUIRED', 'NOVEL_NOT_FOUND', 'THREAD_CHANGED'],
    handle: async ({ novels, userId }, { params, headers }, reply) => {
      const expectedVersion = requiredVersion(headers['if-match'], 'thread')
      const read = { ...params, expectedVersion }
      refuseConflict(params.threadId, await novels.library.threads.remove(userId, read))
      return reply.code(204).send()
    },
  }),
]
