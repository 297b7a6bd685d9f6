/** What calls of models used: one row each, kept also when the task is gone, and their sums. */
import { pageKey, pageOf, pageToken } from '../pages.ts'
import {
  goesDown,
  type UsageFilter,
  type UsageKind,
  type UsageReportRequest,
  type UsageRow,
  type UsageSum,
} from '../store.ts'
import type { TransferredUsage } from '../transfer.ts'
import type { Statements } from './database.ts'
import { Conditions } from './listings.ts'
import type { Session } from './session.ts'

/** Adds calls of a task, whether its attempt still holds it or not. */
export function addUsage({ sql }: Session, taskId: string, rows: readonly UsageRow[]): void {
  const task = sql('SELECT coalesce(root_id, id) AS root_id, user_id FROM tasks WHERE id = ?').get(taskId) as
    | { root_id: string; user_id: string }
    | undefined
  const whose = { taskId, rootTaskId: task?.root_id ?? taskId, userId: task?.user_id ?? '' }
  for (const row of rows) insertUsage(sql, { ...row, ...whose })
}

/** Writes one row. Where there is one of the same call, it takes the place of an estimate only. */
export function insertUsage(sql: Statements, row: TransferredUsage): void {
  const { taskId, rootTaskId, userId, at, attempt, model, inputTokens, outputTokens } = row
  const { cost = null, subject = null, call = null, isEstimated } = row
  sql(`INSERT INTO usage (task_id, root_id, user_id, at, attempt, model, input_tokens, output_tokens, cost, subject, call, is_estimated)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (task_id, call) WHERE call IS NOT NULL
    DO UPDATE SET at = excluded.at, attempt = excluded.attempt, model = excluded.model, input_tokens = excluded.input_tokens,
      output_tokens = excluded.output_tokens, cost = excluded.cost, is_estimated = NULL
    WHERE is_estimated = 1 AND excluded.is_estimated IS NULL`).run(
    taskId,
    rootTaskId,
    userId,
    at,
    attempt,
    model,
    inputTokens,
    outputTokens,
    cost,
    subject,
    call,
    isEstimated === true ? 1 : null,
  )
}

/** Rows that are summed before the event loop may run other work. */
const rowsPerTurn = 4_000
const dayMs = 86_400_000

const keys: Readonly<Record<UsageKind, string>> = {
  task: 'task_id',
  user: 'user_id',
  subject: "coalesce(subject, '')",
  day: `at / ${dayMs}`,
  model: 'model',
}

/**
 * Sums calls by a key. However many there are, they are read newest first along one index, some thousand before each yield to the event loop, and
 * no more keys are remembered than the page shows.
 */
export async function reportUsage({ file, sql }: Session, filter: UsageFilter, request: UsageReportRequest) {
  const { by, pageSize } = request
  const bound = { listing: 'usage', by, ...filter }
  const shown = pageKey(bound, request.pageToken, ['string'])?.[0]
  const walk = walkOf(filter, request, shown)
  const sums = new Map<string, UsageSum>()
  let before: number | undefined = walk.before
  do {
    const until: number = before
    const next = await file.read(() => {
      const cut = cutOf(sql, walk, until)
      for (const sum of sumRange(sql, walk, cut ?? walk.after, until)) addSum(sums, sum)
      return cut
    })
    keepFirst(sums, by, pageSize + 1)
    // The days go by with the rows, so a page of them needs no earlier row.
    before = by === 'day' && sums.size > pageSize ? undefined : next
  } while (before !== undefined)
  return pageOf([...sums.values()], pageSize, {
    item: sum => sum,
    token: ({ key }) => pageToken(bound, [key]),
  })
}

/** A way through the rows. */
interface Walk {
  by: UsageKind
  /** The index that is walked, and the part of it; without one all rows are read at once. */
  along: { index: string; part: Conditions } | undefined
  /** Which rows count. */
  conditions: Conditions
  after: number
  before: number
  limit: number
}

/** The calls of a root are known by it, those of another task by the tasks below it. */
const below = `WITH RECURSIVE below (id) AS (SELECT ? UNION ALL SELECT tasks.id FROM tasks JOIN below ON tasks.parent_id = below.id)
  SELECT id FROM below`

/** @param shown The last key of the page before. */
function walkOf(filter: UsageFilter, { by, pageSize }: UsageReportRequest, shown: string | undefined): Walk {
  const { taskId, treeOf, userId, subject, model, after, before } = filter
  const conditions = new Conditions().equal('task_id', taskId)
  if (treeOf !== undefined) conditions.add(`(root_id = ? OR task_id IN (${below}))`, treeOf, treeOf)
  conditions.equal('subject', subject).equal('user_id', userId).equal('model', model)
  if (shown !== undefined && by !== 'day') conditions.add(`${keys[by]} ${goesDown(by) ? '<' : '>'} ?`, shown)
  const beyond = shown === undefined || by !== 'day' ? Number.MAX_SAFE_INTEGER : Date.parse(shown)
  return {
    by,
    along: alongOf(filter),
    conditions,
    after: after ?? Number.MIN_SAFE_INTEGER,
    before: Math.min(before ?? Number.MAX_SAFE_INTEGER, beyond),
    limit: pageSize + 1,
  }
}

function alongOf({ taskId, treeOf, subject, userId }: UsageFilter): Walk['along'] {
  if (taskId !== undefined || treeOf !== undefined) return undefined
  const part = new Conditions()
  if (subject !== undefined) return { index: 'usage_subject', part: part.equal('subject', subject) }
  if (userId !== undefined) return { index: 'usage_user', part: part.equal('user_id', userId) }
  return { index: 'usage_time', part }
}

function spanOf({ texts }: Conditions): string {
  return [...texts, 'at >= ?', 'at < ?'].join(' AND ')
}

/** The time of the row that is so many rows further on; undefined when fewer are left. Rows of one time stay together. */
function cutOf(sql: Statements, { along, after }: Walk, before: number): number | undefined {
  if (along === undefined) return undefined
  const { index, part } = along
  const further = sql(`SELECT at FROM usage INDEXED BY ${index} WHERE ${spanOf(part)}
    ORDER BY at DESC LIMIT 1 OFFSET ${rowsPerTurn}`)
  return further.pluck().get(...part.values, after, before) as number | undefined
}

type Columns = Omit<UsageSum, 'key' | 'cost'> & { key: string | number; cost: number | null }

function sumRange(sql: Statements, walk: Walk, from: number, before: number): UsageSum[] {
  const { by, along, conditions, limit } = walk
  const index = along === undefined ? '' : ` INDEXED BY ${along.index}`
  const rows = sql(`SELECT ${keys[by]} AS key, count(*) AS calls, sum(input_tokens) AS inputTokens,
      sum(output_tokens) AS outputTokens, sum(cost) AS cost, count(*) - count(cost) AS unpricedCalls,
      count(is_estimated) AS estimatedCalls
    FROM usage${index} WHERE ${spanOf(conditions)}
    GROUP BY 1 ORDER BY 1${goesDown(by) ? ' DESC' : ''} LIMIT ?`)
  return (rows.all(...conditions.values, from, before, limit) as Columns[]).map(({ key, cost, ...sum }) => ({
    key: typeof key === 'number' ? new Date(key * dayMs).toISOString().slice(0, 10) : key,
    ...sum,
    ...(cost === null ? {} : { cost }),
  }))
}

function addSum(sums: Map<string, UsageSum>, sum: UsageSum): void {
  const sofar = sums.get(sum.key)
  if (sofar === undefined) {
    sums.set(sum.key, sum)
    return
  }
  sofar.calls += sum.calls
  sofar.inputTokens += sum.inputTokens
  sofar.outputTokens += sum.outputTokens
  sofar.unpricedCalls += sum.unpricedCalls
  sofar.estimatedCalls += sum.estimatedCalls
  if (sum.cost !== undefined) sofar.cost = (sofar.cost ?? 0) + sum.cost
}

/** Keeps the first keys, in order: one that came behind so many others never comes among them again. */
function keepFirst(sums: Map<string, UsageSum>, by: UsageKind, limit: number): void {
  const direction = goesDown(by) ? -1 : 1
  // As the database compares texts, by their bytes.
  const first = [...sums]
    .map(([key, sum]) => ({ sum, bytes: Buffer.from(key) }))
    .sort((one, other) => direction * Buffer.compare(one.bytes, other.bytes))
    .slice(0, limit)
  sums.clear()
  for (const { sum } of first) sums.set(sum.key, sum)
}
