import { z } from 'zod'
import { appendToNovel, appendUpload } from '../../novel/append-to-novel.ts'
import { type Comparison, compareUpload } from '../../novel/compare-upload.ts'
import { subjectTags } from '../../novel/subject-tags.ts'
import { cooperate, type Steps } from '../../runtime/cooperate.ts'
import { defined } from '../../task/defined.ts'
import { listSteps } from '../list-steps.ts'
import { type NovelContext, routesOf } from '../route.ts'
import {
  appendBody,
  comparedChapters,
  comparisonQuery,
  uploadComparisonSchema,
  uploadParams,
} from '../schemas/upload.ts'
import { traceparentFor } from '../trace.ts'

const { get, post } = routesOf<NovelContext>('novels')

/** What is refused where the file of an upload is read. */
export const unreadableUpload = [
  ...(['ENCODING_UNKNOWN', 'ENCODING_FIXED', 'TEXT_UNREADABLE', 'FILE_KIND_UNSUPPORTED'] as const),
  ...(['FILE_PROTECTED', 'FILE_DAMAGED', 'FILE_LIMIT_EXCEEDED', 'UPLOAD_NOT_FOUND'] as const),
] as const

/** Returns a comparison as JSON. Yields in between. */
function* comparisonSteps({ novelId, counts, chapters, missing }: Comparison): Steps<string> {
  const { missing: missingSchema } = uploadComparisonSchema.shape
  const around = JSON.stringify({ novelId, counts }).slice(0, -1)
  const inFile = yield* listSteps(comparedChapters, chapters)
  return `${around},"chapters":${inFile},"missing":${yield* listSteps(missingSchema, missing)}}`
}

/** What an upload adds to a novel that is there: compare, then add. */
export const additionRoutes = [
  get('/v1/uploads/:uploadId/comparison', {
    summary: 'Compare an upload with a novel, chapter by chapter',
    description:
      'Each chapter of the file is known, changed or new. Texts are the same where their lines are, without the white space around them: blank lines, and where ' +
      'scenes begin, do not count. Nothing is kept.',
    params: uploadParams,
    querystring: comparisonQuery,
    sends: { 200: uploadComparisonSchema },
    refuses: [...unreadableUpload, 'OPTION_INVALID', 'NOVEL_NOT_FOUND'],
    handle: async ({ novels, userId }, { params, query, signal }, reply) => {
      const { novelId, encoding } = query
      const compared = await compareUpload(novels, { ...params, userId, novelId, encoding, signal })
      const text = await cooperate(comparisonSteps(compared), signal)
      return reply.type('application/json; charset=utf-8').send(text)
    },
  }),
  post('/v1/uploads/:uploadId([^:]+)::append', {
    summary: 'Add the chapters of an upload to a novel',
    description:
      'Starts AppendToNovel, and confirms the upload. A repeated request with the same choices returns the same task. Other choices are refused while the task is kept.',
    params: uploadParams,
    body: appendBody,
    sends: { 202: z.object({ taskId: z.string(), novelId: z.string() }) },
    refuses: [
      'PARAMETERS_INVALID',
      'UPLOAD_NOT_FOUND',
      'UPLOAD_CONFIRMED',
      'NOVEL_NOT_FOUND',
      'SNAPSHOTS_FULL',
      'PROVIDER_NOT_CONFIGURED',
      'OPTION_INVALID',
      'IDEMPOTENCY_KEY_REUSED',
      'USER_QUEUE_FULL',
    ],
    handle: async ({ engine, novels, userId }, request, reply) => {
      const { uploadId } = request.params
      const { budget, novelId, ...choice } = request.body
      const begun = await appendUpload(engine, novels, {
        ...defined(choice),
        ...defined({ budget: budget && defined(budget) }),
        ...{ userId, uploadId, novelId },
        derivedTags: subjectTags(appendToNovel.type, { novelId }),
        traceparent: traceparentFor(request),
      })
      reply.code(202).header('location', `/v1/tasks/${begun.taskId}`)
      return begun
    },
  }),
]
