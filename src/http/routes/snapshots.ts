import { z } from 'zod'
import { defined } from '../../task/defined.ts'
import { QuillworkError } from '../../task/errors.ts'
import { createdIdOf, idempotencyKeyHeader } from '../request-headers.ts'
import { type NovelContext, routesOf } from '../route.ts'
import { pageOf, pageQuery } from '../schemas/fields.ts'
import { novelParams } from '../schemas/novel.ts'
import { comparisonSchema, newSnapshotBody, snapshotParams, snapshotSchema } from '../schemas/snapshot.ts'

const { get, post, delete: remove } = routesOf<NovelContext>('novels')

const refuses = ['NOVEL_NOT_FOUND', 'SNAPSHOT_NOT_FOUND'] as const

/** The named snapshots of a novel. The task RestoreSnapshot restores one. */
export const snapshotRoutes = [
  get('/v1/novels/:novelId/snapshots', {
    summary: 'List the snapshots of a novel, newest first',
    params: novelParams,
    querystring: pageQuery,
    sends: { 200: pageOf(snapshotSchema) },
    refuses: ['PAGE_TOKEN_INVALID', 'NOVEL_NOT_FOUND'],
    handle: ({ novels, userId }, { params, query }) =>
      novels.library.snapshots.snapshots(userId, params.novelId, defined(query)),
  }),
  post('/v1/novels/:novelId/snapshots', {
    summary: 'Name the state of a novel: which text every scene has',
    description:
      'Copies no text: the histories of the scenes keep what a snapshot names. The task RestoreSnapshot gives the scenes these texts again. With an ' +
      'Idempotency-Key, a repeated request finds the first snapshot.',
    params: novelParams,
    headers: z.object(idempotencyKeyHeader),
    body: newSnapshotBody,
    sends: { 201: snapshotSchema },
    refuses: ['OPTION_INVALID', 'NOVEL_NOT_FOUND', 'SNAPSHOTS_FULL', 'IDEMPOTENCY_KEY_REUSED'],
    handle: async ({ novels, userId }, { params: { novelId }, headers, body }, reply) => {
      const id = createdIdOf(headers, 'snapshot', userId, novelId)
      const snapshot = await novels.library.snapshots.create(userId, { id, novelId, name: body.name })
      if (snapshot.name !== body.name)
        throw new QuillworkError(
          'IDEMPOTENCY_KEY_REUSED',
          `The idempotency key belongs to snapshot ${id}, which has another name; use a new key.`,
        )
      reply.code(201).header('location', `/v1/novels/${novelId}/snapshots/${id}`)
      return snapshot
    },
  }),
  get('/v1/novels/:novelId/snapshots/:snapshotId', {
    summary: 'Read a snapshot',
    params: snapshotParams,
    sends: { 200: snapshotSchema },
    refuses,
    handle: ({ novels, userId }, { params }) => novels.library.snapshots.snapshot(userId, params),
  }),
  get('/v1/novels/:novelId/snapshots/:snapshotId/comparison', {
    summary: 'Compare a novel with a snapshot, scene by scene',
    params: snapshotParams,
    sends: { 200: comparisonSchema },
    refuses,
    handle: ({ novels, userId }, { params }) => novels.library.snapshots.compare(userId, params),
  }),
  remove('/v1/novels/:novelId/snapshots/:snapshotId', {
    summary: 'Delete a snapshot; the novel stays as it is',
    params: snapshotParams,
    sends: { 204: z.undefined().describe('It is deleted') },
    refuses,
    handle: async ({ novels, userId }, { params }, reply) => {
      await novels.library.snapshots.remove(userId, params)
      return reply.code(204).send()
    },
  }),
]
