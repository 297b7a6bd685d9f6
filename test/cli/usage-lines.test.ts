import { describe, expect, test } from 'vitest'
import { estimateLines, type UsageRow, usageLines } from '../../src/cli/usage-lines.ts'
import type { EstimateJson } from '../../src/http/routes/estimates.ts'

const row = (key: string, changes: Partial<UsageRow> = {}): UsageRow => ({
  key,
  calls: 2,
  inputTokens: 1_000,
  cachedInputTokens: 0,
  outputTokens: 20,
  cost: 0.5,
  unpricedCalls: 0,
  estimatedCalls: 0,
  ...changes,
})
const table = { title: 'MODEL', currency: 'USD', isPart: false, columns: undefined }

describe('a table of usage', () => {
  test('ends with the sum of all, where all is shown', () => {
    const rows = [row('large', { cost: 1.25 }), row('small')]
    expect(usageLines(rows, table)).toEqual([
      'MODEL  CALLS  INPUT  OUTPUT  COST USD',
      'large      2  1,000      20      1.25',
      'small      2  1,000      20      0.50',
      'all        4  2,000      40      1.75',
    ])
    expect(usageLines(rows, { ...table, isPart: true })).toHaveLength(3)
    expect(usageLines(rows.slice(0, 1), table)).toHaveLength(2)
  })

  test('tells what came from a cache, where anything did', () => {
    expect(usageLines([row('large', { cachedInputTokens: 900 }), row('small')], table)).toEqual([
      'MODEL  CALLS  INPUT  CACHED  OUTPUT  COST USD',
      'large      2  1,000     900      20      0.50',
      'small      2  1,000       0      20      0.50',
      'all        4  2,000     900      40      1.00',
    ])
  })

  test('does not take what is not known for nothing', () => {
    const unknown = { cost: undefined, unpricedCalls: 2 }
    const { cost: _, ...unpriced } = row('b', unknown)
    expect(usageLines([row('a', { unpricedCalls: 1 }), unpriced], table).slice(1)).toEqual([
      'a          2  1,000      20      0.50+',
      'b          2  1,000      20  not known',
      'all        4  2,000      40      0.50+',
      '+ = more than this: some of the calls have no known price.',
    ])
    const known = usageLines([row('a'), unpriced], { ...table, currency: undefined })
    expect(known[0]).toMatch(/ COST$/)
    expect(known.at(-2)).toMatch(/^all .* 0\.50\+$/)
    expect(usageLines([unpriced], table).at(-1)).toMatch(/not known$/)
  })

  test('names novels by their titles, and calls that name none', () => {
    const lines = usageLines([row(''), row('id-1'), row('id-2')], {
      ...table,
      title: 'NOVEL',
      titles: new Map([['id-1', 'Two\nBooks']]),
    })
    expect(lines[0]).toMatch(/^NOVEL .* COST USD {2}TITLE$/)
    expect(lines[1]).toMatch(/^\(none\) .* 0\.50$/)
    expect(lines[2]).toMatch(/^id-1 .* 0\.50 {2}Two Books$/)
    expect(lines[3]).toMatch(/^id-2 .* 0\.50$/)
  })
})

describe('an estimate', () => {
  const model = {
    model: 'a',
    limit: 'key',
    calls: 10,
    inputTokens: 5_000,
    outputTokens: 1_000,
    cost: 0.0125,
    currency: 'USD',
    seconds: 270,
  }
  const all: EstimateJson = { ...model, byModel: [model] }

  test('of nothing says so', () => {
    const nothing = { calls: 0, inputTokens: 0, outputTokens: 0, seconds: 0, byModel: [] }
    expect(estimateLines(nothing, undefined)).toEqual(['It calls no model, so it costs nothing.'])
  })

  test('tells calls, tokens, money and time', () => {
    expect(estimateLines(all, undefined)).toEqual([
      'MODEL  CALLS  INPUT  OUTPUT        COST',
      'a         10  5,000   1,000  0.0125 USD',
      'It will use about this much at most, without fallbacks to other models.',
      'Rate limits delay it by at least 4m 30s.',
    ])
  })

  test('of several models has their sum, which may not be known', () => {
    const { cost: _, currency: _none, ...unpriced } = { ...model, model: 'b', seconds: 0 }
    const { cost: _cost, currency: _currency, ...sum } = all
    const lines = estimateLines({ ...sum, calls: 20, seconds: 0, byModel: [model, unpriced] }, undefined)
    expect(lines[2]).toMatch(/^b .* not known$/)
    expect(lines[3]).toMatch(/^all +20 .* not known$/)
    expect(lines).toHaveLength(5)
  })
})
