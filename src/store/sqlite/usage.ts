/** What calls of models used: one row each, kept also when the task is gone, and their sums. */

import { nextRevision } from '../../records/records.ts'
import { unitMs } from '../../task/duration.ts'
import { liveStatuses, retryableStatuses } from '../../task/status.ts'
import { pageKey, pageOf, pageToken } from '../pages.ts'
import {
  type CallRow,
  goesDown,
  type Page,
  type RollUp,
  shownCall,
  type UsageFilter,
  type UsageKind,
  type UsagePlace,
  type UsageReportRequest,
  type UsageRow,
  type UsageSum,
} from '../store.ts'
import type { TransferredUsage } from '../transfer.ts'
import {
  addSum,
  coversDays,
  keepFirst,
  placeAfter,
  shownSum,
  sumByDay,
  type UsageDay,
  type UsageSums,
  usageDays,
} from '../usage-days.ts'
import type { Statements } from './database.ts'
import { Conditions } from './listings.ts'
import { withoutNulls } from './rows.ts'
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
  const { cachedInputTokens = null, cost = null, subject = null, call = null, isEstimated } = row
  sql(`INSERT INTO usage (task_id, root_id, user_id, at, attempt, model, input_tokens, cached_input_tokens, output_tokens, cost, subject, call, is_estimated)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (task_id, call) WHERE call IS NOT NULL
    DO UPDATE SET at = excluded.at, attempt = excluded.attempt, model = excluded.model, input_tokens = excluded.input_tokens,
      cached_input_tokens = excluded.cached_input_tokens, output_tokens = excluded.output_tokens, cost = excluded.cost, subject = excluded.subject, is_estimated = NULL
    WHERE is_estimated = 1 AND excluded.is_estimated IS NULL`).run(
    taskId,
    rootTaskId,
    userId,
    at,
    attempt,
    model,
    inputTokens,
    cachedInputTokens,
    outputTokens,
    cost,
    subject,
    call,
    isEstimated === true ? 1 : null,
  )
}

/** A call as its row has it. */
export type StoredCall = Omit<TransferredUsage, 'isEstimated'> & { isEstimated: 1 | null }

/** Returns the call of a row. */
export function callOf({ isEstimated, ...call }: StoredCall): TransferredUsage {
  return { ...withoutNulls(call), ...(isEstimated === 1 && { isEstimated: true }) }
}

/** Rows that are summed before the event loop may run other work. */
const rowsPerTurn = 2_000
const dayMs = unitMs.d

/** A table with sums, or with calls, which are sums of one. */
interface Source {
  table: 'usage' | 'usage_days'
  keys: Readonly<Partial<Record<UsageKind, string>>>
  userId: string
  /** The columns of a sum. */
  sums: string
}

const keys = { subject: "coalesce(subject, '')", day: `at / ${dayMs}`, model: 'model' }

const calls: Source = {
  table: 'usage',
  keys: { ...keys, task: 'task_id', user: 'user_id' },
  userId: 'user_id',
  sums: `count(*) AS calls, sum(input_tokens) AS inputTokens, coalesce(sum(cached_input_tokens), 0) AS cachedInputTokens,
    sum(output_tokens) AS outputTokens, sum(cost) AS cost, count(*) - count(cost) AS unpricedCalls, count(is_estimated) AS estimatedCalls`,
}

const summed = [
  'calls',
  'inputTokens',
  'cachedInputTokens',
  'outputTokens',
  'cost',
  'unpricedCalls',
  'estimatedCalls',
] as const

const days: Source = {
  table: 'usage_days',
  keys: { ...keys, user: '"userId"' },
  userId: '"userId"',
  // Earlier versions did not count cached tokens.
  sums: summed
    .map(field => `coalesce(sum("${field}"), ${field === 'cost' ? 'NULL' : 0}) AS "${field}"`)
    .join(', '),
}

/**
 * Sums calls by a key. However many there are, they are read newest first along one index, some thousand before each yield to the event loop, and
 * no more keys are remembered than the page shows. A step of the roll-up waits until it has ended: it would see some calls twice.
 */
export function reportUsage(session: Session, filter: UsageFilter, request: UsageReportRequest) {
  const read = () => report(session, filter, request)
  return coversDays(filter, request.by) ? session.usageTurns.read(read) : read()
}

async function report(
  session: Session,
  filter: UsageFilter,
  request: UsageReportRequest,
): Promise<Page<UsageSum>> {
  const { by, pageSize } = request
  const bound = { listing: 'usage', by, ...filter }
  const shown = pageKey(bound, request.pageToken, ['string'])?.[0]
  const sums: UsageSums = new Map()
  await addAll(session, walkOf(calls, filter, request, shown), sums)
  if (coversDays(filter, by)) await addAll(session, walkOf(days, filter, request, shown), sums)
  return pageOf([...sums.values()], pageSize, {
    item: shownSum,
    token: ({ key }) => pageToken(bound, [key]),
  })
}

async function addAll({ file, sql }: Session, walk: Walk, sums: UsageSums): Promise<void> {
  let before: number | undefined = walk.before
  do {
    const until: number = before
    const next = await file.read(() => {
      const cut = cutOf(sql, walk, until)
      for (const sum of sumRange(sql, walk, cut ?? walk.after, until)) addSum(sums, sum)
      return cut
    })
    keepFirst(sums, walk.by, walk.limit)
    before = next === undefined || isBehind(sums, walk, next) ? undefined : next
  } while (before !== undefined)
}

/** Whether no row before a time counts: days go by with the rows, and the last of a full page only says that there are more. */
function isBehind(sums: UsageSums, { by, limit }: Walk, before: number): boolean {
  const last = [...sums.keys()].at(limit - 1)
  return by === 'day' && last !== undefined && before <= Date.parse(last) + dayMs
}

/** A way through the rows. */
interface Walk {
  by: UsageKind
  source: Source
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
function walkOf(
  source: Source,
  filter: UsageFilter,
  { by, pageSize }: UsageReportRequest,
  shown: string | undefined,
): Walk {
  const { taskId, treeOf, userId, subject, model, after, before } = filter
  const conditions = new Conditions().equal('task_id', taskId)
  if (treeOf !== undefined) conditions.add(`(root_id = ? OR task_id IN (${below}))`, treeOf, treeOf)
  conditions.equal('subject', subject).equal(source.userId, userId).equal('model', model)
  if (shown !== undefined && by !== 'day')
    conditions.add(`${source.keys[by]} ${goesDown(by) ? '<' : '>'} ?`, shown)
  const beyond = shown === undefined || by !== 'day' ? Number.MAX_SAFE_INTEGER : Date.parse(shown)
  return {
    by,
    source,
    along: alongOf(source, filter),
    conditions,
    after: after ?? Number.MIN_SAFE_INTEGER,
    before: Math.min(before ?? Number.MAX_SAFE_INTEGER, beyond),
    limit: pageSize + 1,
  }
}

function alongOf({ table, userId: column }: Source, filter: UsageFilter): Walk['along'] {
  const { taskId, treeOf, subject, userId } = filter
  if (taskId !== undefined || treeOf !== undefined) return undefined
  const part = new Conditions()
  if (subject !== undefined) return { index: `${table}_subject`, part: part.equal('subject', subject) }
  if (userId !== undefined) return { index: `${table}_user`, part: part.equal(column, userId) }
  return { index: `${table}_time`, part }
}

function spanOf({ texts }: Conditions): string {
  return [...texts, 'at >= ?', 'at < ?'].join(' AND ')
}

/** The time of the row that is so many rows further on; undefined when fewer are left. Rows of one time stay together. */
function cutOf(sql: Statements, { source, along, after }: Walk, before: number): number | undefined {
  if (along === undefined) return undefined
  const { index, part } = along
  const further = sql(`SELECT at FROM ${source.table} INDEXED BY ${index} WHERE ${spanOf(part)}
    ORDER BY at DESC LIMIT 1 OFFSET ${rowsPerTurn}`)
  return further.pluck().get(...part.values, after, before) as number | undefined
}

type Columns = Omit<UsageSum, 'key' | 'cost'> & { key: string | number; cost: number | null }

function sumRange(sql: Statements, walk: Walk, from: number, before: number): UsageSum[] {
  const { by, source, along, conditions, limit } = walk
  const index = along === undefined ? '' : ` INDEXED BY ${along.index}`
  const rows =
    sql(`SELECT ${source.keys[by]} AS key, ${source.sums} FROM ${source.table}${index} WHERE ${spanOf(conditions)}
    GROUP BY 1 ORDER BY 1${goesDown(by) ? ' DESC' : ''} LIMIT ?`)
  return (rows.all(...conditions.values, from, before, limit) as Columns[]).map(({ key, cost, ...sum }) => ({
    key: typeof key === 'number' ? new Date(key * dayMs).toISOString().slice(0, 10) : key,
    ...sum,
    ...(cost === null ? {} : { cost }),
  }))
}

/** Adds old calls to the sums of their days, see `UsageStore`. */
export function rollUpUsage(session: Session, request: RollUp): Promise<UsagePlace | undefined> {
  return session.usageTurns.write(() => session.file.write(() => rollUp(session, request)))
}

type OldCall = StoredCall & { row: number; mayRun: 0 | 1 }

const mayRun = [...liveStatuses, ...retryableStatuses].map(status => `'${status}'`).join(', ')

function rollUp({ sql }: Session, request: RollUp): UsagePlace | undefined {
  const { before, from = { at: Number.MIN_SAFE_INTEGER, skip: 0 }, limit } = request
  const old = sql(`SELECT rowid AS row, at, user_id AS userId, subject, model, input_tokens AS inputTokens,
      cached_input_tokens AS cachedInputTokens, output_tokens AS outputTokens, cost, is_estimated AS isEstimated,
      EXISTS (SELECT 1 FROM tasks WHERE tasks.id = usage.root_id AND tasks.status IN (${mayRun})) AS mayRun
    FROM usage INDEXED BY usage_time WHERE at >= ? AND at < ? ORDER BY at LIMIT ? OFFSET ?`)
  const found = old.all(from.at, before, limit, from.skip) as OldCall[]
  const taken = found.filter(call => call.mayRun === 0)
  for (const day of sumByDay(taken.map(callOf))) addDay(sql, day)
  const rows = JSON.stringify(taken.map(({ row }) => row))
  sql('DELETE FROM usage WHERE rowid IN (SELECT value FROM json_each(?))').run(rows)
  return placeAfter(
    request,
    found.map(call => ({ at: call.at, isLeft: call.mayRun === 1 })),
  )
}

const identifying = ['id', 'at', 'userId', 'subject', 'model'] as const
const columns = [...identifying, ...summed]

const adding = `INSERT INTO ${usageDays.name} (revision, body, ${columns.map(field => `"${field}"`).join(', ')})
  VALUES (?, '{}', ${columns.map(() => '?').join(', ')}) ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, ${summed
    .map(field => `"${field}" = coalesce("${field}" + excluded."${field}", "${field}", excluded."${field}")`)
    .join(', ')}`

/** Adds to the sum of a day; its cost is null until a call has one. */
function addDay(sql: Statements, day: UsageDay): void {
  sql(adding).run(nextRevision(), ...columns.map(field => day[field] ?? null))
}

/** Reads the last calls of a task, the oldest of them first. */
export function readCalls(sql: Statements, taskId: string, limit: number): CallRow[] {
  const rows =
    sql(`SELECT at, attempt, model, input_tokens AS inputTokens, cached_input_tokens AS cachedInputTokens,
      output_tokens AS outputTokens, cost, is_estimated AS isEstimated
    FROM usage INDEXED BY usage_task WHERE task_id = ? ORDER BY at DESC LIMIT ?`).all(taskId, limit)
  return (rows as StoredCall[]).map(row => shownCall(callOf(row))).reverse()
}
