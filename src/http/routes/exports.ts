import { Readable } from 'node:stream'
import { z } from 'zod'
import { exportFormats, zip } from '../../novel/export/formats.ts'
import { openExport, removeExport } from '../../novel/export-files.ts'
import { QuillworkError } from '../../task/errors.ts'
import { attachment, rangeIn } from '../file-headers.ts'
import { type Identity, userActedAs, userIn } from '../identity.ts'
import { type NovelContext, routesOf } from '../route.ts'
import { exportParams, exportQuery, exportSchema } from '../schemas/export.ts'

const { get, delete: remove } = routesOf<NovelContext>('novels')

const mediaTypes = [...Object.values(exportFormats), zip].map(({ mediaType }) => mediaType)

/** Returns a response that is a file of one of the formats. */
function fileResponse(description: string) {
  const content = mediaTypes.map(type => [type.replace(/;.*/, ''), { schema: z.unknown() }])
  return { description, content: Object.fromEntries(content) as Record<string, { schema: z.ZodType }> }
}

/** Returns whose export is read. Throws FORBIDDEN. */
function exporterIn(identity: Identity, { userId }: { userId?: string | undefined }): string {
  return userIn(identity, userId, 'see') ?? identity.userId
}

const download = get('/v1/exports/:exportId/file', {
  summary: 'Download the file of an export',
  description:
    'With the name of the file in `Content-Disposition`, its length, and an entity tag. `Range` asks for a part of it, such as `bytes=1000-`, so that a download that ' +
    'broke off goes on; `If-Range` with the entity tag makes sure that it is of the same file.',
  params: exportParams,
  querystring: exportQuery,
  headers: z.object({
    range: z.string().optional().describe('One range of bytes; several are answered with the whole file'),
    'if-range': z.string().optional().describe('The entity tag of what `Range` continues'),
  }),
  sends: { 200: fileResponse('The file'), 206: fileResponse('The part that `Range` asks for') },
  refuses: ['EXPORT_NOT_FOUND', 'RANGE_NOT_SATISFIABLE'],
  handle: async (
    { novels, settings, identity, log },
    { params: { exportId }, query, headers, method },
    reply,
  ) => {
    const userId = exporterIn(identity, query)
    const { found, source } = await openExport(novels, { userId, exportId })
    const { size } = source
    const etag = `"${exportId}"`
    const isSame = (headers['if-range'] ?? etag) === etag
    const range = isSame ? rangeIn(headers.range, size) : undefined
    if (range === 'unsatisfiable') {
      reply.header('content-range', `bytes */${size}`)
      throw new QuillworkError('RANGE_NOT_SATISFIABLE', `The file has ${size} bytes; ask for a part of them.`)
    }
    const { from, to } = range ?? { from: 0, to: size }
    reply.headers({
      'content-type': found.mediaType,
      'content-length': to - from,
      'content-disposition': attachment(found.fileName),
      'accept-ranges': 'bytes',
      etag,
    })
    if (range !== undefined) reply.code(206).header('content-range', `bytes ${from}-${to - 1}/${size}`)
    if (method === 'HEAD') return reply.send(Readable.from([]))
    // A reader that takes nothing for that long loses the connection, and one that goes away ends the reading.
    reply.raw.setTimeout(settings.bodyTimeoutMs)
    const content = Readable.from(source.readRange(from, to))
    content.once('error', error => log.warn({ err: error, exportId }, 'download of an export failed'))
    return reply.send(content)
  },
})

/** The files that novels, or all that a user has, were exported to. The tasks ExportNovel and ExportUser make them. */
export const exportRoutes = [
  get('/v1/exports/:exportId', {
    summary: 'Read what is known of an export',
    description:
      'The task ExportNovel writes a novel as a file, and ExportUser all that a user has; its result names the export. A day later the file is deleted; then, and when ' +
      'the novel is deleted, there is no such export: submit the task again.',
    params: exportParams,
    querystring: exportQuery,
    sends: { 200: exportSchema },
    refuses: ['EXPORT_NOT_FOUND'],
    handle: async ({ novels, identity }, { params, query }) =>
      novels.library.exports.export(exporterIn(identity, query), params.exportId),
  }),
  download,
  remove('/v1/exports/:exportId', {
    summary: 'Delete an export with its file; the novel stays',
    params: exportParams,
    querystring: exportQuery,
    sends: { 204: z.undefined().describe('It is deleted') },
    refuses: ['EXPORT_NOT_FOUND'],
    handle: async ({ novels, identity }, { params: { exportId }, query }, reply) => {
      const userId = userActedAs(identity, query.userId)
      await removeExport(novels, { userId, exportId })
      return reply.code(204).send()
    },
  }),
]
