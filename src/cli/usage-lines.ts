import type { z } from 'zod'
import type { EstimateJson } from '../http/routes/estimates.ts'
import type { usageSchema } from '../http/routes/usage.ts'
import { type Column, tableLines } from './text.ts'
import { costText, numberText, waitText } from './words.ts'

/** One line of a report, as the API returns it. */
export type UsageRow = z.output<typeof usageSchema>

/** How a report is shown. */
export interface UsageTable {
  /** What the calls are summed by, as the title of the first column. */
  title: string
  /** ISO 4217, of the price list; undefined where no price is known. */
  currency: string | undefined
  /** Titles of novels by id. With them, the last column is the title. */
  titles?: ReadonlyMap<string, string> | undefined
  /** Whether there are more rows. Then there is no line with the sum. */
  isPart: boolean
  /** Width of the terminal; undefined: lines are not cut. */
  columns: number | undefined
}

/** The calls of a line; an estimate knows of no cached input. */
type Counts = Pick<UsageRow, 'calls' | 'inputTokens' | 'outputTokens'> &
  Partial<Pick<UsageRow, 'cachedInputTokens'>>

/** Returns the columns of every table of calls. The input that came from a cache has one where there was any. */
function countColumns(rows: readonly Counts[]): readonly Column<Counts>[] {
  const isCached = rows.some(({ cachedInputTokens = 0 }) => cachedInputTokens > 0)
  const column = (title: string, count: (row: Counts) => number) => ({
    title,
    text: (row: Counts) => numberText(count(row)),
    right: true,
  })
  return [
    column('CALLS', ({ calls }) => calls),
    column('INPUT', ({ inputTokens }) => inputTokens),
    ...(isCached ? [column('CACHED', ({ cachedInputTokens = 0 }) => cachedInputTokens)] : []),
    column('OUTPUT', ({ outputTokens }) => outputTokens),
  ]
}

/** Returns a report as a table, with the sum below it. */
export function usageLines(rows: readonly UsageRow[], table: UsageTable): string[] {
  const { title, currency, titles, isPart, columns } = table
  const all = rows.length > 1 && !isPart ? [...rows, sumOf(rows)] : rows
  const shown: Column<UsageRow>[] = [
    { title, text: ({ key }) => (key === '' ? '(none)' : key) },
    ...countColumns(all),
    { title: currency === undefined ? 'COST' : `COST ${currency}`, text: knownCost, right: true },
    ...(titles === undefined ? [] : [{ title: 'TITLE', text: ({ key }: UsageRow) => titles.get(key) ?? '' }]),
  ]
  const hasPartOfCost = all.some(({ cost, unpricedCalls }) => cost !== undefined && unpricedCalls > 0)
  return [
    ...tableLines(all, shown, columns),
    ...(all.some(({ estimatedCalls }) => estimatedCalls > 0)
      ? [
          'The tokens of some calls are estimates: they were cut off, or their provider reported what cannot be right.',
        ]
      : []),
    ...(hasPartOfCost ? ['+ = more than this: some of the calls have no known price.'] : []),
  ]
}

function knownCost({ cost, unpricedCalls }: UsageRow): string {
  if (cost === undefined) return 'not known'
  return `${costText(cost)}${unpricedCalls > 0 ? '+' : ''}`
}

function sumOf(rows: readonly UsageRow[]): UsageRow {
  const sum = (part: (row: UsageRow) => number) => rows.reduce((sofar, row) => sofar + part(row), 0)
  const isPriced = rows.some(({ cost }) => cost !== undefined)
  return {
    key: 'all',
    calls: sum(({ calls }) => calls),
    inputTokens: sum(({ inputTokens }) => inputTokens),
    cachedInputTokens: sum(({ cachedInputTokens }) => cachedInputTokens),
    outputTokens: sum(({ outputTokens }) => outputTokens),
    ...(isPriced ? { cost: sum(({ cost = 0 }) => cost) } : {}),
    unpricedCalls: sum(({ unpricedCalls }) => unpricedCalls),
    estimatedCalls: sum(({ estimatedCalls }) => estimatedCalls),
  }
}

type EstimateRow = Omit<EstimateJson, 'byModel'> & { model: string }

/** Returns an estimate as a table. */
export function estimateLines({ byModel, ...all }: EstimateJson, columns: number | undefined): string[] {
  if (byModel.length === 0) return ['It calls no model, so it costs nothing.']
  const rows: EstimateRow[] = byModel.length > 1 ? [...byModel, { ...all, model: 'all' }] : byModel
  return [
    ...tableLines(
      rows,
      [
        { title: 'MODEL', text: ({ model }) => model },
        ...countColumns(rows),
        {
          title: 'COST',
          text: ({ cost, currency = '' }) =>
            cost === undefined ? 'not known' : `${costText(cost)} ${currency}`.trim(),
          right: true,
        },
      ],
      columns,
    ),
    'It will use about this much at most, without fallbacks to other models.',
    ...(all.seconds === 0 ? [] : [`Rate limits delay it by at least ${waitText(all.seconds)}.`]),
  ]
}
