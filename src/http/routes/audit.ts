import { Readable } from 'node:stream'
import { z } from 'zod'
import { type AuditFilter, type AuditRecord, auditOutcomes } from '../../store/store.ts'
import { defined } from '../../task/defined.ts'
import { everyPage } from '../../task/page.ts'
import { presentAll } from '../listing.ts'
import { routesOf } from '../route.ts'
import { csvLine } from '../schemas/csv.ts'
import { givenTime, named, pageOf, paging, plainText, time, timeText } from '../schemas/fields.ts'

const fields = z.record(z.string(), z.unknown())

const lineSchema = named(
  'AuditLine',
  z.object({
    id: z.string().describe('Ascends by time'),
    at: time.describe('When it was answered'),
    action: z
      .string()
      .describe('The method and the address as this document names it: `POST /v1/lanes/{lane}:pause`'),
    identity: z.string().describe('Who asked: see `id` of `Me`'),
    name: z.string(),
    role: z.string(),
    userId: z.string().describe('The user for whom the request acted'),
    target: z
      .string()
      .optional()
      .describe('What was acted on: the last id of the address, else the id of what was made'),
    within: z
      .string()
      .optional()
      .describe('The first id of an address with several, such as the novel of a chapter'),
    ids: fields.optional().describe('The ids of the address, by name'),
    query: fields.optional(),
    body: z
      .unknown()
      .optional()
      .describe('The body without secrets and texts: of these the length, as of bodies above 2,000 bytes'),
    before: fields.optional().describe('A few fields as they were, where it is known'),
    after: fields.optional().describe('The same fields as they are'),
    status: z.int().describe('The HTTP status of the answer'),
    code: z.string().optional().describe('The code of the error'),
    made: z
      .string()
      .optional()
      .describe('The id of what was made, such as a task, where it is not the target'),
    from: z.string().describe('The address of the client'),
    userAgent: z.string().optional(),
    traceId: z.string().describe('As in the log, and of the answer where it is a problem'),
  }),
)

const filters = {
  identity: plainText(200).min(1).optional(),
  action: plainText(300).min(1).optional(),
  target: plainText(200).min(1).optional().describe('What was acted on, or what that is in, such as a novel'),
  outcome: z
    .enum(auditOutcomes)
    .optional()
    .describe('`refused`: with 401, 403, 409 or 412; `failed`: by an error of the server'),
  after: givenTime.optional().describe('At this time or later'),
  before: givenTime.optional().describe('Earlier than this time'),
}

const hasOneOfFour = ({ identity, action, target, outcome }: AuditFilter) =>
  [identity, action, target, outcome].filter(each => each !== undefined).length <= 1

/** Each of the four has an index, two of them have none. */
const oneOfFour = 'Give one of identity, action, target and outcome.'

/** The formats of a file, with their media types. */
const formats = { ndjson: 'application/x-ndjson', csv: 'text/csv; charset=utf-8; header=present' } as const

/** The columns of a file of CSV. */
const columns = [
  ...(['at', 'name', 'role', 'identity', 'userId', 'action', 'target', 'within', 'status', 'code'] as const),
  ...(['made', 'from', 'userAgent', 'traceId', 'ids', 'query', 'body', 'before', 'after', 'id'] as const),
] as const

/** Lines that are read at once for a file. */
const perPage = 200

const { get } = routesOf('identities')

/** Who changed what, when, and from where. */
export const auditRoutes = [
  get('/v1/audit', {
    summary: 'List the changes that were made over the API, the newest first',
    description:
      'Each request that changed something or downloaded a backup, or was refused with 401 for a key that holds no more, 403, 409 or 412. Kept as long as the setting `auditRetention` says.',
    needs: 'administer',
    querystring: z
      .strictObject({ ...filters, ...paging })
      .refine(query => hasOneOfFour(defined(query) as AuditFilter), oneOfFour),
    sends: { 200: pageOf(lineSchema) },
    refuses: ['PAGE_TOKEN_INVALID', 'STORE_FAILED'],
    handle: async ({ engine }, { query: { pageSize, pageToken, ...filter } }) => {
      const page = await engine.store.audit.list(
        defined(filter) as AuditFilter,
        defined({ pageSize, pageToken }),
      )
      return { ...page, items: await presentAll(page.items, line => line) }
    },
  }),
  get('/v1/audit::export', {
    summary: 'Download the changes that were made over the API, the newest first',
    description:
      'As `GET /v1/audit` has them in `items`: one JSON object on each line, or CSV with a line of titles, in which fields with parts are JSON.',
    needs: 'administer',
    querystring: z
      .strictObject({ ...filters, format: z.enum(['ndjson', 'csv']).default('ndjson') })
      .refine(query => hasOneOfFour(defined(query) as AuditFilter), oneOfFour),
    sends: {
      200: {
        description: 'The lines',
        content: { 'application/x-ndjson': { schema: z.unknown() }, 'text/csv': { schema: z.string() } },
      },
    },
    refuses: ['STORE_FAILED'],
    exposeHeadRoute: false,
    handle: async ({ engine, settings, log }, { query: { format, ...given } }, reply) => {
      const filter = defined(given) as AuditFilter
      const pages = everyPage(perPage, page => engine.store.audit.list(filter, page))
      // The first page is read here, so that a store that is away is a problem and no broken file.
      const first = await pages.next()
      // A reader that takes nothing for that long loses the connection, and one that goes away ends the reading.
      reply.raw.setTimeout(settings.bodyTimeoutMs, () => reply.raw.destroy())
      const content = Readable.from(textOf(first, pages, format), { objectMode: false })
      content.once('error', error => log.warn({ err: error }, 'export of the audit trail failed'))
      return reply.type(formats[format]).send(content)
    },
  }),
]

/** Yields the lines, a page at a time. */
async function* textOf(
  first: IteratorResult<readonly AuditRecord[], void>,
  pages: AsyncGenerator<readonly AuditRecord[], void>,
  format: keyof typeof formats,
): AsyncGenerator<string> {
  if (format === 'csv') yield csvLine(columns)
  const written = format === 'csv' ? csvOf : jsonOf
  for (let page = first; page.done !== true; page = await pages.next()) yield page.value.map(written).join('')
}

function jsonOf({ at, ...line }: AuditRecord): string {
  return `${JSON.stringify({ ...line, at: timeText(at) })}\n`
}

function csvOf({ at, ...line }: AuditRecord): string {
  const shown = { ...line, at: timeText(at) }
  return csvLine(columns.map(column => cellOf(shown[column])))
}

function cellOf(value: unknown): string | number | undefined {
  if (value === undefined || typeof value === 'string' || typeof value === 'number') return value
  return JSON.stringify(value)
}
