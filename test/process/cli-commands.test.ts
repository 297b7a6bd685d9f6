import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  call,
  lastError,
  lastJson,
  requireBuilt,
  run,
  serve,
  story,
  submit,
  temporaryFolder,
} from './cli/quillwork.ts'

const patience = 120_000

let folder: ReturnType<typeof temporaryFolder>
let server: Awaited<ReturnType<typeof serve>>
let data: string
let novelId: string

beforeAll(async () => {
  requireBuilt()
  folder = temporaryFolder()
  data = path.join(`${folder}`, 'data')
  server = await serve(data, [], { QUILLWORK_LIMITS: '{"vendor":{"requestsPerMinute":60}}' })
  novelId = String(lastJson(await on(['import', story, '--yes', '--watch', '--json']))['novelId'])
}, patience)
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  folder[Symbol.dispose]()
})

/** Runs a command on the data directory of the server. */
function on(args: readonly string[]) {
  return call([...args, '--data', data])
}

interface Task {
  id: string
  taskType: string
  status: string
}

interface Listing<T = Task> {
  items: T[]
  nextPageToken?: string
}

/** A task that fails for good: its upload does not exist. */
async function failing(): Promise<string> {
  const taskId = await submit(server.url, 'ParseFile', { uploadId: 'nowhere', novelId: 'nowhere' })
  const watched = await on(['tasks', 'show', taskId, '--watch', '--json'])
  expect(watched.code).toBe(1)
  expect(lastJson<Task>(watched).status).toBe('FAILED')
  return taskId
}

describe('quillwork tasks', { timeout: patience }, () => {
  test('list prints a page as JSON, and goes on after it', async () => {
    const first = lastJson<Listing>(await on(['tasks', 'list', '--json', '--limit', '3']))
    expect(Object.keys(first)).toEqual(['items', 'nextPageToken'])
    expect(first.items).toHaveLength(3)
    const rest = lastJson<Listing>(
      await on(['tasks', 'list', '--json', '--limit', '200', '--page', String(first.nextPageToken)]),
    )
    expect(rest.nextPageToken).toBeUndefined()
    const ids = [...first.items, ...rest.items].map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('list filters, and prints a table for people', async () => {
    const args = ['tasks', 'list', '--roots', '--type', 'ImportNovel', '--status', 'COMPLETED', 'FAILED']
    const { code, stdout } = await on(args)
    expect(code).toBe(0)
    expect(stdout.split('\n')[0]).toMatch(/^ID +TYPE +STATUS +DONE +CREATED +DETAIL$/)
    expect(stdout.split('\n')[1]).toMatch(
      /^\S{36} {2}ImportNovel {2}COMPLETED {3}3\/3 .*2 volumes, 5 chapters/,
    )
  })

  test('show tells the tree and the facts; --json the task alone', async () => {
    const [root] = lastJson<Listing>(
      await on(['tasks', 'list', '--roots', '--json', '--type', 'ImportNovel']),
    ).items
    const { code, stdout } = await on(['tasks', 'show', root?.id ?? ''])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^├─ BatchGenerateSummary +COMPLETED +\d+ summaries$/m)
    expect(stdout).toMatch(/^result +\{"novelId"/m)
    expect(lastJson<Task>(await on(['tasks', 'show', root?.id ?? '', '--json']))).toMatchObject({
      id: root?.id,
    })
  })

  test('cancel, retry and watch an import whose lane is paused', async () => {
    expect((await on(['lanes', 'pause', 'batch'])).stdout).toBe('The lane batch is paused.\n')
    const begun = lastJson(await on(['import', story, '--yes', '--json', '--title', 'Twice']))
    expect(begun['status']).toBe('QUEUED')
    const taskId = String(begun['taskId'])
    expect((await on(['doctor'])).stdout).toMatch(/^note +lanes +batch is paused/m)
    expect(await on(['tasks', 'cancel', taskId])).toMatchObject({ code: 0, stderr: '' })
    const cancelled = await on(['tasks', 'show', taskId, '--watch', '--json'])
    expect([cancelled.code, lastJson<Task>(cancelled).status]).toEqual([1, 'CANCELLED'])
    expect((await on(['tasks', 'retry', taskId])).stdout).toMatch(/^\d+ tasks? of \S+ will run again\.\n$/)
    expect((await on(['lanes', 'resume', 'batch'])).stdout).toBe('The lane batch is open.\n')
    expect((await on(['tasks', 'show', taskId, '--watch'])).code).toBe(0)
    const again = lastJson<{ id: string; rerunOf: string }>(await on(['tasks', 'rerun', taskId, '--json']))
    expect(again.rerunOf).toBe(taskId)
    expect((await on(['tasks', 'show', again.id])).stdout).toContain(`rerun of      ${taskId}`)
    // Its upload has become a novel already.
    expect((await on(['tasks', 'show', again.id, '--watch'])).code).toBe(1)
    await on(['dead-letters', 'purge', again.id, '--yes'])
    expect(await on(['tasks', 'run-now', taskId])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('TASK_NOT_WAITING'),
    })
  })

  test('the budget of an import is given, shown, changed and taken away', async () => {
    const given = ['--budget-tokens', '250,000', '--budget-cost', '2.5']
    const { taskId } = lastJson(await on(['import', story, '--yes', '--json', '--title', 'Thrift', ...given]))
    const budget = (...args: string[]) => on(['budget', String(taskId), ...args])
    expect((await budget()).stdout).toBe(
      'budget    250,000 tokens, cost 2.50\nspent     0 tokens, cost 0.00\nreserved  0 tokens, cost 0.00\n',
    )
    expect(lastJson(await budget('--tokens', '9', '--json'))).toMatchObject({
      budget: { tokens: 9 },
      waiting: 0,
    })
    expect((await budget('--remove')).stdout).toMatch(/^budget {4}none$/m)
    expect((await on(['tasks', 'show', String(taskId), '--watch'])).code).toBe(0)
  })

  test.each([
    [['budget', 'nothing'], 1, 'TASK_NOT_FOUND'],
    [['budget', 'nothing', '--tokens', '1', '--remove'], 2, 'USAGE_INVALID'],
    [['import', 'any.txt', '--yes', '--budget-tokens', 'many'], 2, 'USAGE_INVALID'],
    [['tasks', 'show', 'nothing'], 1, 'TASK_NOT_FOUND'],
    [['tasks', 'cancel', 'nothing'], 1, 'TASK_NOT_FOUND'],
    [['tasks', 'retry', 'not an id'], 2, 'REQUEST_INVALID'],
    [['tasks', 'list', '--status', 'DONE'], 2, 'USAGE_INVALID'],
    [['tasks', 'list', '--limit', '0'], 2, 'USAGE_INVALID'],
    [['tasks', 'list', '--page', 'nonsense'], 2, 'PAGE_TOKEN_INVALID'],
    [['tasks', 'submit', 'Nothing'], 2, 'TASK_TYPE_UNKNOWN'],
    [['tasks', 'submit', 'GenerateScene', '--watch'], 2, 'PARAMETERS_INVALID'],
    [['tasks', 'cancel'], 2, 'USAGE_INVALID'],
    [['tasks', 'explode'], 2, 'USAGE_INVALID'],
    [['lanes', 'pause', 'nowhere'], 2, 'LANE_NOT_FOUND'],
    [['lanes', 'set', 'default', '--slots', '0'], 2, 'REQUEST_INVALID'],
    [['lanes', 'set', 'default'], 2, 'USAGE_INVALID'],
    [['schedules', 'run', 'nowhere'], 2, 'SCHEDULE_NOT_FOUND'],
    [['schedules', 'ticks', 'soon'], 2, 'SCHEDULE_INVALID'],
    [['limits', 'reset', 'nowhere'], 2, 'LIMIT_UNKNOWN'],
    [['limits', 'reset'], 2, 'USAGE_INVALID'],
    [['limits', 'set', 'nowhere', '--requests', '3'], 2, 'LIMIT_NOT_FOUND'],
    [['limits', 'set', 'nowhere', '--requests', 'many'], 2, 'USAGE_INVALID'],
    [['limits', 'set', 'nowhere', '--reset', '--tokens', '3'], 2, 'USAGE_INVALID'],
    [['novels', 'read', 'no such title'], 1, 'NOVEL_NOT_FOUND'],
    [['dead-letters', 'show', 'nothing'], 1, 'DEAD_LETTER_NOT_FOUND'],
    [['dead-letters', 'retry', 'nothing'], 1, 'DEAD_LETTER_NOT_FOUND'],
    [['dead-letters', 'retry'], 2, 'USAGE_INVALID'],
    [['dead-letters', 'purge'], 2, 'USAGE_INVALID'],
    [['dead-letters', 'purge', '--all'], 2, 'USAGE_INVALID'],
    [['dead-letters', 'purge', '--yes', '--type', 'ParseFile', 'nothing'], 2, 'USAGE_INVALID'],
    [['dead-letters', 'retry', 'nothing', '--older-than', '1d'], 2, 'USAGE_INVALID'],
    [['dead-letters', 'retry', '--all', 'nothing'], 2, 'USAGE_INVALID'],
    [['dead-letters', 'list', '--older-than', 'long'], 2, 'OPTION_INVALID'],
    [['serve', '--port', 'http'], 2, 'CONFIG_INVALID'],
    [['doctor', '--config', 'nowhere.json'], 2, 'CONFIG_INVALID'],
    [['explode'], 2, 'USAGE_INVALID'],
    [['--explode'], 2, 'USAGE_INVALID'],
  ] as const)('%j ends with %i %s', async (args, code, name) => {
    const ended = await on([...args, '--json'])
    expect(ended).toMatchObject({ code, stdout: '' })
    expect(lastError(ended)).toMatchObject({ code: name, message: expect.stringMatching(/./) })
  })

  test('an error for people is one line, without a stack', async () => {
    for (const [args, code, name] of [
      [['tasks', 'show', 'nothing'], 1, 'TASK_NOT_FOUND'],
      [['tasks', 'list', '--status', 'DONE'], 2, 'USAGE_INVALID'],
    ] as const) {
      const ended = await run([...args, '--data', data])
      expect(ended).toMatchObject({ code, stdout: '' })
      expect(ended.stderr).toMatch(new RegExp(`^error ${name}: .+\n$`))
    }
  })
})

describe('quillwork dead-letters', { timeout: patience }, () => {
  test('list, show, retry and purge', async () => {
    const [first, second] = [await failing(), await failing()]
    const listed = lastJson<Listing>(await on(['dead-letters', 'list', '--json', '--type', 'ParseFile']))
    expect(listed.items.map(({ id }) => id)).toEqual([second, first])
    expect((await on(['dead-letters', 'list'])).stdout).toMatch(/ParseFile +permanent .*UPLOAD_NOT_FOUND/)
    expect((await on(['dead-letters', 'show', first])).stdout).toMatch(/^error +UPLOAD_NOT_FOUND/m)
    expect((await on(['dead-letters', 'retry', first])).stdout).toBe('1 dead letter will run again.\n')
    expect((await on(['tasks', 'show', first, '--watch'])).code).toBe(1)
    const types = ['--type', 'ImportNovel', '--type', 'ParseFile']
    const ofTwo = lastJson<Listing>(await on(['dead-letters', 'list', '--json', ...types]))
    expect(ofTwo.items).toHaveLength(2)
    const none = await on(['dead-letters', 'purge', '--older-than', '1d', '--yes', '--json'])
    expect(lastJson(none)).toEqual({ done: 0, failed: [] })
    const purged = await on(['dead-letters', 'purge', 'nothing', second, '--yes'])
    expect(purged).toMatchObject({ code: 1, stdout: '1 dead letter purged.\n' })
    expect(purged.stderr).toMatch(/^nothing: DEAD_LETTER_NOT_FOUND: /m)
    expect((await on(['dead-letters', 'purge', '--all', '--yes'])).stdout).toBe('1 dead letter purged.\n')
    expect((await on(['dead-letters', 'list'])).stdout).toBe('No dead letters.\n')
  })
})

describe('quillwork lanes, novels and doctor', { timeout: patience }, () => {
  test('lanes list', async () => {
    const { items } = lastJson<Listing<{ lane: string; slots: number; paused: boolean }>>(
      await on(['lanes', 'list', '--json']),
    )
    expect(items).toMatchObject([
      { lane: 'default', slots: 10, paused: false },
      { lane: 'batch', slots: 4, paused: false },
      { lane: 'bulk', slots: 10, paused: false },
      { lane: 'webhooks', slots: 10, paused: false },
    ])
    expect((await on(['lanes', 'list'])).stdout).toMatch(/^batch +open +4 /m)
  })

  test('limits list and reset', async () => {
    expect((await on(['limits', 'list'])).stdout).toMatch(/^vendor +open +0 +0 +0\/60 +0$/m)
    expect((await on(['limits', 'reset', 'vendor'])).stdout).toBe(
      'The limit vendor is open; what waits for it is called again.\n',
    )
    expect(lastJson(await on(['limits', 'reset', 'vendor', '--json']))).toMatchObject({ key: 'vendor' })
  })

  test('novels list, show, read and search', async () => {
    const { items } = lastJson<Listing<{ id: string }>>(await on(['novels', 'list', '--json']))
    expect(items.map(({ id }) => id)).toContain(novelId)
    const shown = await on(['novels', 'show', novelId])
    expect(shown.stdout).toMatch(/^search: lexical index \(BM25\) of \d+ passages$/m)
    expect(shown.stdout).toMatch(/^ +1 {2}Chapter 1: The Weighing House /m)
    expect(lastJson(await on(['novels', 'show', 'salt ledger', '--json']))).toMatchObject({ id: novelId })
    const read = await on(['novels', 'read', novelId, '--chapters', '1'])
    expect(read.stdout).toMatch(/^1 {2}Chapter 1: The Weighing House$/m)
    expect(read.stdout).toContain('[sentences of the text, extractive]')
    const text = await on(['novels', 'read', novelId, '--chapters', '1', '--text'])
    expect(text.stdout).toContain('The weighing house at Anderby Pans had two doors')
    const found = await on(['novels', 'search', novelId, 'weighing', 'house', '--limit', '1'])
    expect(found.stdout).toMatch(/^1 of \d+ places\. Answered by the lexical index \(BM25\)\.$/m)
    expect(found.stdout).toMatch(/\[[Ww]eighing\]/)
  })

  test('novels history and restore', async () => {
    const [chapter] = lastJson<{ outline: { chapters: { id: string }[] }[] }>(
      await on(['novels', 'show', novelId, '--json']),
    ).outline.flatMap(({ chapters }) => chapters)
    const read = await fetch(`${server.url}/v1/novels/${novelId}/chapters/${chapter?.id}`)
    const { scenes } = (await read.json()) as { scenes: { id: string; version: number }[] }
    const [scene] = scenes
    const edited = await fetch(`${server.url}/v1/scenes/${scene?.id}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json', 'if-match': `"${scene?.version}"` },
      body: JSON.stringify({ content: 'Edited.' }),
    })
    expect(edited.status).toBe(200)
    const text = await on(['novels', 'read', novelId, '--chapters', '1', '--text'])
    expect(text.stdout).toMatch(/^ {2}Edited\.\n {2}\[written by a person\]$/m)
    const place = [novelId, '1.1']
    const { items } = lastJson<Listing<{ id: string; why: string }>>(
      await on(['novels', 'history', ...place, '--json']),
    )
    const [entry] = items
    expect((await on(['novels', 'history', ...place])).stdout).toMatch(
      new RegExp(`^${entry?.id} +text +overwritten +\\d+\\w ago +[\\d,]+ +from the imported file +The`, 'm'),
    )
    const whole = await on(['novels', 'history', ...place, '--entry', entry?.id ?? ''])
    expect(whole.stdout).toContain('The weighing house at Anderby Pans had two doors')
    expect((await on(['novels', 'restore', ...place, entry?.id ?? ''])).stdout).toMatch(
      /^Restored\. Scene 1\.1 /,
    )
    const restored = await on(['novels', 'read', novelId, '--chapters', '1', '--text'])
    expect(restored.stdout).toContain('The weighing house at Anderby Pans had two doors')
    expect(await on(['novels', 'restore', ...place, 'nowhere'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('HISTORY_ENTRY_NOT_FOUND'),
    })
    for (const [wrong, code] of [
      ['1.99', 'SCENE_NOT_FOUND'],
      ['99.1', 'SCENE_NOT_FOUND'],
      ['x', 'USAGE_INVALID'],
    ] as const)
      expect((await on(['novels', 'history', novelId, wrong])).stderr).toContain(code)
  })

  test('doctor tells what is configured and reachable, and ends with 0', async () => {
    const told = await on(['doctor', '--json'])
    expect(told.code).toBe(0)
    const report = lastJson<{
      ok: boolean
      settings: object[]
      findings: { check: string; state: string }[]
    }>(told)
    expect(report.ok).toBe(true)
    expect(report.settings).toContainEqual({ name: 'data', value: data, origin: 'command line' })
    const checks = new Set(report.findings.map(({ check }) => check))
    for (const check of [
      'node',
      'data directory',
      'disk',
      'server',
      'store',
      'clock',
      'processes',
      'models',
      'tasks',
    ])
      expect(checks).toContain(check)
    const plain = (await on(['doctor'])).stdout
    expect(plain).toContain(`answers at ${server.url} (process ${server.child.pid}`)
    expect(plain).toMatch(/^ +roles +api, worker, maintenance/m)
  })

  test('help and version go to standard output and end with 0; no command at all ends with 2', async () => {
    const help = await run(['--help'])
    expect(help).toMatchObject({ code: 0, stderr: '' })
    for (const command of [
      'serve',
      'import',
      'novels',
      'tasks',
      'dead-letters',
      'lanes',
      'models',
      'topology',
      'doctor',
    ])
      expect(help.stdout).toMatch(new RegExp(`^ {2}${command}\\b`, 'm'))
    expect((await run(['tasks', 'list', '--help'])).stdout).toContain('--data <dir>')
    expect((await run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect(await run([])).toMatchObject({ code: 2, stdout: '' })
  })
})
