import path from 'node:path'
import { sqlite } from 'quillwork/sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call, lastError, lastJson, requireBuilt, serve, story, temporaryFolder } from './cli/quillwork.ts'

const patience = 120_000
const day = 86_400_000

let folder: ReturnType<typeof temporaryFolder>
let data: string
let server: Awaited<ReturnType<typeof serve>>
let begun: { taskId: string; novelId: string }

beforeAll(async () => {
  requireBuilt()
  folder = temporaryFolder()
  data = path.join(`${folder}`, 'data')
  begun = lastJson(await on(['import', story, '--yes', '--json']))
  // As tasks on paid models leave it behind.
  const store = sqlite({ file: path.join(data, 'quillwork.db') })
  const call = { attempt: 1, model: 'large', inputTokens: 1_000, outputTokens: 200, subject: begun.novelId }
  await store.attempts.usage(begun.taskId, [
    { ...call, at: Date.parse('2026-01-31T23:59:59Z'), cost: 0.0125 },
    { ...call, at: Date.parse('2026-02-01T00:00:00Z'), cost: 1.25 },
    { ...call, at: Date.now() - 2 * day, model: 'unpriced' },
  ])
  await store.attempts.usage('gone', [
    { at: Date.now(), attempt: 1, model: 'small', inputTokens: 7, outputTokens: 1 },
  ])
  await store.tasks.close()
  server = await serve(data, [], { QUILLWORK_USAGE_RETENTION: '{"calls":"3650d"}' })
}, patience)
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  folder[Symbol.dispose]()
})

/** Runs a command on the data directory. */
function on(args: readonly string[]) {
  return call([...args, '--data', data])
}

interface Report {
  items: { key: string; calls: number; cost?: number; unpricedCalls: number }[]
  nextPageToken?: string
}

describe('quillwork usage', { timeout: patience }, () => {
  test('is by day, with a sum; a cost that is not known is no zero', async () => {
    const { code, stdout } = await on(['usage'])
    expect(code).toBe(0)
    const lines = stdout.trimEnd().split('\n')
    expect(lines[0]).toMatch(/^DAY +CALLS +INPUT +OUTPUT +COST$/)
    expect(lines.slice(1)).toEqual([
      expect.stringMatching(/^\d{4}-\d\d-\d\d +1 +7 +1 +not known$/),
      expect.stringMatching(/^\d{4}-\d\d-\d\d +1 +1,000 +200 +not known$/),
      expect.stringMatching(/^2026-02-01 +1 +1,000 +200 +1\.25$/),
      expect.stringMatching(/^2026-01-31 +1 +1,000 +200 +0\.0125$/),
      expect.stringMatching(/^all +4 +3,007 +601 +1\.2625\+$/),
      '+ = more than this: some of the calls have no known price.',
    ])
  })

  test('by novel names the novel, and takes part of its title', async () => {
    const { stdout } = await on(['usage', '--by', 'novel'])
    expect(stdout).toMatch(/^NOVEL .* TITLE$/m)
    expect(stdout).toMatch(/^\(none\) +1 +7 +1 +not known$/m)
    expect(stdout).toMatch(new RegExp(`^${begun.novelId} +3 +3,000 +600 +1\\.2625\\+ +The Salt Ledger$`, 'm'))
    const named = lastJson<Report>(await on(['usage', '--novel', 'salt', '--by', 'model', '--json']))
    expect(named.items.map(({ key, calls }) => [key, calls])).toEqual([
      ['large', 2],
      ['unpriced', 1],
    ])
  })

  test.each<[string[], string[]]>([
    [['--since', '1d'], ['small']],
    [['--since', '2026-02-01', '--until', '2026-02-02T00:00:00+00:00'], ['large']],
    [['--until', '2026-01-31'], []],
    [
      ['--task', 'THE TASK'],
      ['large', 'unpriced'],
    ],
    [['--model', 'unpriced'], ['unpriced']],
    [['--user', 'nobody'], []],
  ])('%j counts the calls of %j', async (args, models) => {
    const given = args.map(each => (each === 'THE TASK' ? begun.taskId : each))
    const { items } = lastJson<Report>(await on(['usage', '--by', 'model', '--json', ...given]))
    expect(items.map(({ key }) => key)).toEqual(models)
  })

  test('of a task says how long its calls are kept', async () => {
    for (const args of [
      ['--by', 'task'],
      ['--task', 'nobody'],
    ])
      expect((await on(['usage', ...args])).stdout).toMatch(/kept by task for 30 days, unless.*\n$/)
    expect((await on(['usage', '--by', 'model'])).stdout).not.toContain('kept by task')
  })

  test('goes on after a page', async () => {
    const first = lastJson<Report>(await on(['usage', '--by', 'model', '--limit', '2', '--json']))
    const page = ['--page', String(first.nextPageToken)]
    const second = await on(['usage', '--by', 'model', '--limit', '2', ...page])
    expect(second.stdout.trimEnd().split('\n').slice(1)).toEqual([expect.stringMatching(/^unpriced /)])
    expect((await on(['usage', '--until', '2000-01-01'])).stdout).toBe('No model calls.\n')
  })

  test.each([
    [['usage', '--by', 'week'], 2, 'USAGE_INVALID'],
    [['usage', '--since', 'yesterday'], 2, 'USAGE_INVALID'],
    [['usage', '--since', '2026-13-01'], 2, 'USAGE_INVALID'],
    [['usage', '--novel', 'no such title'], 1, 'NOVEL_NOT_FOUND'],
    [['estimate', 'Nothing'], 2, 'TASK_TYPE_UNKNOWN'],
    [['estimate', 'ImportNovel', '--parameters', '{'], 2, 'USAGE_INVALID'],
    [['estimate', 'ImportNovel'], 2, 'PARAMETERS_INVALID'],
    [['estimate'], 2, 'USAGE_INVALID'],
  ] as const)('%j ends with %i %s', async (args, code, name) => {
    const ended = await on([...args, '--json'])
    expect(lastError(ended)).toMatchObject({ code: name, message: expect.stringMatching(/./) })
    expect(ended).toMatchObject({ code, stdout: '' })
  })
})

test('quillwork estimate tells what a task will ask of models', async () => {
  const parameters = JSON.stringify({ novelId: begun.novelId })
  const args = ['estimate', 'BatchGenerateSummary', '--parameters', parameters]
  expect(lastJson(await on([...args, '--json']))).toMatchObject({ calls: 0, byModel: [] })
  expect((await on(args)).stdout).toBe('It calls no model, so it costs nothing.\n')
}, 60_000)
