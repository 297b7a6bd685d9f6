import type { IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { confirmUpload, importNovel } from '../../novel/import-novel.ts'
import { type Preview, previewUpload } from '../../novel/preview.ts'
import { withSubjectTags } from '../../novel/subject-tags.ts'
import { removeUpload, storeUpload } from '../../novel/upload-files.ts'
import { defined } from '../../task/defined.ts'
import type { App, NovelContext } from '../context.ts'
import { refuseSocket } from '../errors.ts'
import { pageOf, pageQuery, pageRequest, plainText } from '../schemas/fields.ts'
import { bodyProblems, problems } from '../schemas/problem.ts'
import { confirmBody, presentUpload, uploadParams, uploadSchema } from '../schemas/upload.ts'
import { traceparentFor } from '../trace.ts'

const tags = ['novels']

/** Adds the files that become novels: upload, preview, confirm. */
export function addUploadRoutes(app: App, context: NovelContext): void {
  receiveUpload(app, context)
  listUploads(app, context)
  previewOfUpload(app, context)
  confirm(app, context)
  deleteUpload(app, context)
}

const docxType = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'

const receiveSchema = {
  tags,
  summary: 'Upload a book: text, Markdown, EPUB or DOCX',
  description:
    'The body is the file, and is written to the disk as it arrives. GET shows what the file holds.',
  consumes: ['application/octet-stream', 'text/plain', 'application/epub+zip', docxType],
  querystring: z.strictObject({
    fileName: plainText(500)
      .min(1)
      .default('untitled.txt')
      .describe('Name of the file, which may hold the title'),
  }),
  body: z.unknown(),
  response: {
    201: uploadSchema,
    ...problems(
      'REQUEST_INVALID',
      'UPLOAD_TOO_LARGE',
      'REQUEST_TIMEOUT',
      'MEDIA_TYPE_UNSUPPORTED',
      'STORE_FULL',
    ),
  },
}

function receiveUpload(app: App, { novels, settings }: NovelContext): void {
  app.register(async scope => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    const options = { schema: receiveSchema, config: { streams: true } }
    ;(scope as unknown as App).post('/v1/uploads', options, async (request, reply) => {
      const upload = await storeUpload(novels, {
        userId: settings.userId,
        fileName: request.query.fileName,
        content: arriving(request.raw, settings.bodyTimeoutMs),
        largest: settings.uploadLimit,
      }).finally(() => discardRest(request))
      reply.code(201).header('location', `/v1/uploads/${upload.id}`)
      return presentUpload(upload)
    })
  })
}

/** Yields the bytes as they arrive. After too long without any, responds on the socket: the rest will not arrive either. */
async function* arriving(request: IncomingMessage, stallMs: number): AsyncGenerator<Uint8Array> {
  const stalled = () => refuseSocket({ code: 'ERR_HTTP_REQUEST_TIMEOUT' }, request.socket)
  const timer = setTimeout(stalled, stallMs)
  try {
    // Destroying the request would destroy the socket, and the response with it.
    for await (const piece of request.iterator({ destroyOnReturn: false })) {
      timer.refresh()
      yield piece as Buffer
    }
  } finally {
    clearTimeout(timer)
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

const listSchema = {
  tags,
  summary: 'List the uploads, newest first',
  querystring: pageQuery,
  response: { 200: pageOf(uploadSchema), ...problems('REQUEST_INVALID', 'PAGE_TOKEN_INVALID') },
}

function listUploads(app: App, { novels, settings }: NovelContext): void {
  app.get('/v1/uploads', { schema: listSchema }, async request => {
    const page = await novels.library.uploads.uploads(settings.userId, pageRequest(request.query))
    return { ...page, items: page.items.map(upload => presentUpload(upload)) }
  })
}

const previewSchema = {
  tags,
  summary: 'Preview an upload: encoding, title, volumes, chapters, warnings',
  params: uploadParams,
  querystring: z.strictObject({
    encoding: plainText(40)
      .min(1)
      .optional()
      .describe('Read the file in this encoding; default: the detected one'),
  }),
  response: {
    200: uploadSchema,
    ...problems(
      'REQUEST_INVALID',
      'ENCODING_UNKNOWN',
      'ENCODING_FIXED',
      'TEXT_UNREADABLE',
      'FILE_KIND_UNSUPPORTED',
      'FILE_PROTECTED',
      'FILE_DAMAGED',
      'FILE_LIMIT_EXCEEDED',
      'UPLOAD_NOT_FOUND',
    ),
  },
}

function previewOfUpload(app: App, { novels, settings }: NovelContext): void {
  const running = new Map<string, Promise<Preview>>()
  const { userId } = settings
  app.get('/v1/uploads/:uploadId', { schema: previewSchema }, async request => {
    const { uploadId } = request.params
    const { encoding } = request.query
    const upload = await novels.library.uploads.upload(userId, uploadId)
    const key = `${uploadId} ${encoding ?? ''}`
    // Requests that arrive while a file is read share one preview.
    let preview = running.get(key)
    if (preview === undefined) {
      preview = previewUpload(novels, { userId, uploadId, ...defined({ encoding }) }).finally(() =>
        running.delete(key),
      )
      running.set(key, preview)
    }
    return presentUpload(upload, await preview)
  })
}

const confirmSchema = {
  tags,
  summary: 'Import an upload as a novel',
  description:
    'A repeated request with the same choices returns the same task and novel. Other choices are refused while the task is kept.',
  params: uploadParams,
  body: confirmBody,
  response: {
    202: z.object({ taskId: z.string(), novelId: z.string() }),
    ...problems(
      ...bodyProblems,
      'PARAMETERS_INVALID',
      'UPLOAD_NOT_FOUND',
      'CHAPTER_NOT_FOUND',
      'PROVIDER_NOT_CONFIGURED',
      'OPTION_INVALID',
      'IDEMPOTENCY_KEY_REUSED',
      'USER_QUEUE_FULL',
      'STORE_FULL',
    ),
  },
}

function confirm(app: App, { engine, novels, settings }: NovelContext): void {
  app.post('/v1/uploads/:uploadId([^:]+)::confirm', { schema: confirmSchema }, async (request, reply) => {
    const { uploadId } = request.params
    const { budget, ...choice } = defined({ ...request.body })
    const tags = withSubjectTags(importNovel.type, { uploadId })
    const asked = { userId: settings.userId, uploadId, tags, traceparent: traceparentFor(request) }
    const limits = defined({ budget: budget && defined(budget) })
    const confirmation = await confirmUpload(engine, novels, { ...choice, ...asked, ...limits })
    const { taskId, novelId } = confirmation
    reply.code(202).header('location', `/v1/tasks/${taskId}`)
    return { taskId, novelId }
  })
}

const deleteSchema = {
  tags,
  summary: 'Delete an upload that was not confirmed',
  params: uploadParams,
  response: {
    204: z.undefined().describe('It is deleted'),
    ...problems('REQUEST_INVALID', 'UPLOAD_NOT_FOUND', 'UPLOAD_CONFIRMED'),
  },
}

function deleteUpload(app: App, { novels, settings }: NovelContext): void {
  app.delete('/v1/uploads/:uploadId', { schema: deleteSchema }, async (request, reply) => {
    await removeUpload(novels, settings.userId, request.params.uploadId)
    return reply.code(204).send()
  })
}
