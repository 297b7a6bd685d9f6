import type { IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { confirmUpload, importNovel } from '../../novel/import-novel.ts'
import type { Upload } from '../../novel/library/uploads.ts'
import { chapterText, type Preview, previewUpload } from '../../novel/preview.ts'
import { subjectTags } from '../../novel/subject-tags.ts'
import { removeUpload, storeUpload } from '../../novel/upload-files.ts'
import { cooperate, type Steps } from '../../runtime/cooperate.ts'
import { defined } from '../../task/defined.ts'
import { QuillworkError } from '../../task/errors.ts'
import { refuseSocket } from '../errors.ts'
import { listSteps } from '../list-steps.ts'
import { type AddRoute, type NovelContext, routesOf } from '../route.ts'
import { pageOf, pageQuery, plainLine } from '../schemas/fields.ts'
import {
  chaptersSchema,
  chapterTextSchema,
  confirmBody,
  readAs,
  uploadParams,
  uploadSchema,
} from '../schemas/upload.ts'
import type { HttpSettings } from '../settings.ts'
import { traceparentFor } from '../trace.ts'
import { unreadableUpload } from './additions.ts'

const { get, post, delete: remove } = routesOf<NovelContext>('novels')

/** Media types of books that are no plain text. */
const bookTypes = [
  'text/html',
  'application/xhtml+xml',
  'application/rtf',
  'text/rtf',
  'application/epub+zip',
  'application/zip',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  'application/vnd.oasis.opendocument.text',
]

const receive = post('/v1/uploads', {
  summary: 'Upload a book: text, Markdown, HTML, RTF, EPUB, DOCX, ODT or Scrivener',
  description:
    'The body is the file, and is written to the disk as it arrives. GET shows what the file holds.',
  consumes: ['application/octet-stream', 'text/plain', ...bookTypes],
  querystring: z.strictObject({
    fileName: plainLine(500)
      .min(1)
      .default('untitled.txt')
      .describe('Name of the file, which may hold the title'),
  }),
  body: z.unknown(),
  sends: { 201: uploadSchema },
  refuses: [
    'UPLOAD_TOO_LARGE',
    'USER_UPLOADS_FULL',
    'UPLOAD_NOT_FOUND',
    'REQUEST_TIMEOUT',
    'MEDIA_TYPE_UNSUPPORTED',
  ],
  config: { streams: true },
  handle: async ({ novels, settings, userId }, request, reply) => {
    try {
      refuseForm(request.headers['content-type'])
      const upload = await storeUpload(novels, {
        userId,
        fileName: request.query.fileName,
        content: arriving(request.raw, settings),
        largest: settings.uploadLimit,
        allowance: { files: settings.uploadsPerUser, bytes: settings.uploadBytesPerUser },
      })
      reply.code(201).header('location', `/v1/uploads/${upload.id}`)
      return upload
    } finally {
      discardRest(request)
    }
  },
})

/** Throws MEDIA_TYPE_UNSUPPORTED for a form, whose parts would be stored as the text of the book. */
function refuseForm(contentType = ''): void {
  if (!/^\s*multipart\//i.test(contentType)) return
  throw new QuillworkError(
    'MEDIA_TYPE_UNSUPPORTED',
    'The body is a form. Send the file itself as the body, and its name as `fileName` in the query: `curl --data-binary @book.txt -H "content-type: text/plain"`, not `curl -F`.',
  )
}

/** Takes bodies of any type as streams. */
const addReceive: AddRoute<NovelContext> = (app, context) =>
  void app.register(async scope => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    receive(scope, context)
  })

/**
 * Yields the bytes as they arrive. After too long without any, with too few for that time, or in all, responds on the socket: the rest will
 * not arrive either.
 */
async function* arriving(
  request: IncomingMessage,
  { bodyTimeoutMs, uploadRate, uploadTimeoutMs }: HttpSettings,
): AsyncGenerator<Uint8Array> {
  const refuse = () => refuseSocket({ code: 'ERR_HTTP_REQUEST_TIMEOUT' }, request.socket)
  let bytes = 0
  const stalled = setTimeout(refuse, bodyTimeoutMs)
  const slow = setInterval(() => {
    if (bytes < (uploadRate * bodyTimeoutMs) / 1_000) refuse()
    bytes = 0
  }, bodyTimeoutMs)
  const late = setTimeout(refuse, uploadTimeoutMs)
  try {
    // Destroying the request would destroy the socket, and the response with it.
    for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      stalled.refresh()
      bytes += piece.length
      yield piece
    }
  } finally {
    for (const timer of [stalled, slow, late]) clearTimeout(timer)
  }
}

/** Time for a client to read why its upload was refused, milliseconds. What it still sends until then is discarded. */
const lingerMs = 2_000

function discardRest({ raw }: FastifyRequest): void {
  if (raw.complete) return
  raw.resume()
  setTimeout(() => {
    if (!raw.complete) raw.destroy()
  }, lingerMs).unref()
}

/** Returns an upload with its preview as JSON. Yields in between, for a book may have many thousand chapters. */
function* previewSteps(upload: Upload, { volumes, ...rest }: Preview): Steps<string> {
  yield
  const parts: string[] = []
  for (const { title, chapters } of volumes)
    parts.push(`{"title":${JSON.stringify(title)},"chapters":${yield* listSteps(chaptersSchema, chapters)}}`)
  const around = uploadSchema.parse({ ...upload, preview: { ...rest, volumes: [] } })
  // Within a text the quotation marks would be escaped.
  return JSON.stringify(around).replace('"volumes":[]', () => `"volumes":[${parts.join()}]`)
}

const preview = get('/v1/uploads/:uploadId', {
  summary: 'Preview an upload: encoding, title, volumes, chapters, warnings',
  params: uploadParams,
  querystring: readAs,
  sends: { 200: uploadSchema },
  refuses: [...unreadableUpload],
  handle: async ({ novels, userId }, { params: { uploadId }, query, signal }, reply) => {
    const upload = await novels.library.uploads.upload(userId, uploadId)
    const made = await previewUpload(novels, { userId, uploadId, ...defined(query), signal })
    const text = await cooperate(previewSteps(upload, made), signal)
    return reply.type('application/json; charset=utf-8').send(text)
  },
})

const text = get('/v1/uploads/:uploadId/chapters/:index', {
  summary: 'Read a chapter of a preview, before it is imported',
  description:
    'Its lines as the file has them, about 20,000 characters at most. Edits of the import name the lines at which chapters begin.',
  params: uploadParams.extend({ index: z.coerce.number().int().min(0).max(100_000) }),
  querystring: readAs.extend({
    from: z.coerce
      .number()
      .int()
      .min(0)
      .max(1_000_000_000)
      .default(0)
      .describe('Number of lines before the first one'),
  }),
  sends: { 200: chapterTextSchema },
  refuses: [...unreadableUpload, 'CHAPTER_NOT_FOUND'],
  handle: ({ novels, userId }, { params, query, signal }) =>
    chapterText(novels, { userId, ...params, ...defined(query), from: query.from, signal }),
})

/** The files that become novels: upload, preview, confirm. */
export const uploadRoutes = [
  addReceive,
  get('/v1/uploads', {
    summary: 'List the uploads, newest first',
    querystring: pageQuery,
    sends: { 200: pageOf(uploadSchema) },
    refuses: ['PAGE_TOKEN_INVALID'],
    handle: ({ novels, userId }, { query }) => novels.library.uploads.uploads(userId, defined(query)),
  }),
  preview,
  text,
  post('/v1/uploads/:uploadId([^:]+)::confirm', {
    summary: 'Import an upload as a novel',
    description:
      'A repeated request with the same choices returns the same task and novel. Other choices are refused while the task is kept.',
    params: uploadParams,
    body: confirmBody,
    sends: { 202: z.object({ taskId: z.string(), novelId: z.string() }) },
    refuses: [
      'PARAMETERS_INVALID',
      'UPLOAD_NOT_FOUND',
      'UPLOAD_CONFIRMED',
      'CHAPTER_NOT_FOUND',
      'PROVIDER_NOT_CONFIGURED',
      'OPTION_INVALID',
      'IDEMPOTENCY_KEY_REUSED',
      'USER_QUEUE_FULL',
    ],
    handle: async ({ engine, novels, userId }, request, reply) => {
      const { uploadId } = request.params
      const { budget, ...choice } = defined({ ...request.body })
      const { taskId, novelId } = await confirmUpload(engine, novels, {
        ...choice,
        ...defined({ budget: budget && defined(budget) }),
        userId,
        uploadId,
        derivedTags: subjectTags(importNovel.type, { uploadId }),
        traceparent: traceparentFor(request),
      })
      reply.code(202).header('location', `/v1/tasks/${taskId}`)
      return { taskId, novelId }
    },
  }),
  remove('/v1/uploads/:uploadId', {
    summary: 'Delete an upload',
    description:
      'Also after its import, which then cannot be retried; not while the import has yet to read it.',
    params: uploadParams,
    sends: { 204: z.undefined().describe('It is deleted') },
    refuses: ['UPLOAD_NOT_FOUND', 'UPLOAD_CONFIRMED'],
    handle: async ({ engine, novels, userId }, { params: { uploadId } }, reply) => {
      await removeUpload(engine, novels, { userId, uploadId })
      return reply.code(204).send()
    },
  }),
]
