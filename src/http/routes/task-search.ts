import { Readable } from 'node:stream'
import { z } from 'zod'
import type { Engine } from '../../engine/engine.ts'
import type { TaskFilter, TaskListRequest } from '../../store/store.ts'
import { defined } from '../../task/defined.ts'
import { QuillworkError } from '../../task/errors.ts'
import type { TaskRecord } from '../../task/task.ts'
import { attachment } from '../file-headers.ts'
import { userIn } from '../identity.ts'
import { checked, presentAll } from '../listing.ts'
import { routesOf } from '../route.ts'
import { csvColumns, csvLine } from '../schemas/csv.ts'
import { filterFrom, presentListed, type TaskJson, taskQuery, taskSchema } from '../schemas/task.ts'

const { get } = routesOf('tasks')

/** Tasks that one answer about a prefix names. */
const mostFound = 10
/** Characters of a prefix where the tasks of one user are picked out of all: the ids of about a minute begin so. */
const leastOfOwn = 8

/** The formats of an export of a listing, with their media types. */
const formats = {
  csv: 'text/csv; charset=utf-8; header=present',
  ndjson: 'application/x-ndjson; charset=utf-8',
} as const

/** Tasks that are read from the store at a time. */
const perPage = 200

/** Finding tasks by the beginning of an id, and taking a listing along as a file. */
export const taskSearchRoutes = [
  get('/v1/tasks::find', {
    summary: 'Find tasks by the beginning of their id',
    description: `At most ${mostFound}, by id; \`more\` says that there are others. Who sees its own user alone gives at least ${leastOfOwn} characters.`,
    querystring: z.strictObject({
      idPrefix: z.string().regex(/^[\w-]{4,100}$/, 'Give at least four characters of an id.'),
    }),
    sends: { 200: z.object({ items: z.array(taskSchema), more: z.boolean() }) },
    handle: async ({ engine, identity }, { query: { idPrefix } }) => {
      const userId = userIn(identity, undefined, 'see')
      if (userId !== undefined && idPrefix.length < leastOfOwn)
        throw new QuillworkError('REQUEST_INVALID', `Give at least ${leastOfOwn} characters of an id.`)
      const found = await engine.tasks.withIdPrefix(idPrefix.toLowerCase(), mostFound + 1, userId)
      const items = await presentAll(found.slice(0, mostFound), presentListed)
      return { items, more: found.length > mostFound }
    },
  }),
  get('/v1/tasks::export', {
    summary: 'Download a listing of tasks as CSV or as lines of JSON',
    description:
      "All tasks that the filters let through, read from the store page by page while they are sent. CSV has the main fields, and a `'` before what a spreadsheet would take for a formula; a line of JSON is a task as the listing has it. A file whose connection breaks is not whole.",
    querystring: z.strictObject({
      ...taskQuery,
      format: z.enum(['csv', 'ndjson']),
      limit: z.coerce.number().int().min(1).max(10_000_000).optional().describe('Most tasks; default all'),
    }),
    exposeHeadRoute: false,
    sends: {
      200: {
        description: 'The tasks',
        content: { 'text/csv': { schema: z.string() }, 'application/x-ndjson': { schema: z.string() } },
      },
    },
    handle: async ({ engine, identity, settings, log, authenticator }, request, reply) => {
      const { query, raw } = request
      const { format, order, limit = Number.POSITIVE_INFINITY, ...given } = query
      const filter = filterFrom({ ...given, userId: userIn(identity, given.userId, 'see') })
      const mayStay = () => authenticator.isStill(request, identity)
      const lines = linesOf(engine, {
        format,
        limit,
        filter,
        order,
        mayStay,
        askedEveryMs: settings.heartbeatMs,
      })
      // What is wrong with the filter is an answer, not a broken file.
      const first = await lines.next()
      reply.headers({ 'content-type': formats[format], 'content-disposition': attachment(`tasks.${format}`) })
      reply.raw.setTimeout(settings.bodyTimeoutMs)
      const content = Readable.from(withFirst(first, lines))
      content.once('error', error => log.warn({ err: error }, 'export of tasks failed'))
      raw.once('close', () => content.destroy())
      return reply.send(content)
    },
  }),
]

interface Wanted {
  format: keyof typeof formats
  limit: number
  filter: TaskFilter
  order: TaskListRequest['order']
  /** Returns whether the credential of the request still holds. */
  mayStay(): Promise<boolean>
  askedEveryMs: number
}

/** Yields the lines of a file, a page at a time. Throws UNAUTHENTICATED once the credential does not hold any more. */
async function* linesOf(
  engine: Engine,
  { format, limit, filter, order, mayStay, askedEveryMs }: Wanted,
): AsyncGenerator<string, void> {
  if (format === 'csv') yield csvLine(csvColumns)
  let left = limit
  let pageToken: string | undefined
  let askedAt = performance.now()
  do {
    if (performance.now() - askedAt >= askedEveryMs) {
      if (!(await mayStay())) throw new QuillworkError('UNAUTHENTICATED', 'The credential was revoked.')
      askedAt = performance.now()
    }
    const asked = defined({ pageSize: Math.min(perPage, left), pageToken, order })
    const page = await engine.tasks.list(filter, asked)
    const lines = await presentAll(page.items, record => lineOf(record, format))
    left -= page.items.length
    pageToken = left > 0 ? page.nextPageToken : undefined
    yield lines.join('')
  } while (pageToken !== undefined)
}

function lineOf(record: TaskRecord, format: Wanted['format']): string {
  const task = checked(taskSchema, presentListed(record), {
    method: 'GET',
    url: '/v1/tasks:export',
  }) as TaskJson
  return format === 'ndjson' ? `${JSON.stringify(task)}\n` : csvLine(cellsOf(task))
}

/** Returns the cells of a task, in the order of the columns. */
function cellsOf({ timestamps, ...task }: TaskJson): (string | number | undefined)[] {
  const { errorInfo, tags, waitingFor } = task
  const cells: Record<(typeof csvColumns)[number], string | number | undefined> = {
    ...timestamps,
    ...{ id: task.id, taskType: task.taskType, status: task.status, userId: task.userId, lane: task.lane },
    ...{ priority: task.priority, tags: tags.join(' '), attempt: task.attempt, retryCount: task.retryCount },
    ...{ parentTaskId: task.parentTaskId, rootTaskId: task.rootTaskId },
    ...{ errorCode: errorInfo?.code, errorMessage: errorInfo?.message, waitingFor: waitingFor?.kind },
    ...{ startedAt: timestamps.startedAt, completedAt: timestamps.completedAt },
  }
  return csvColumns.map(column => cells[column])
}

async function* withFirst<T>(
  first: IteratorResult<T, void>,
  rest: AsyncGenerator<T, void>,
): AsyncGenerator<T, void> {
  if (first.done !== true) yield first.value
  yield* rest
}
