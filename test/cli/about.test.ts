import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { createTerminal } from '../../src/cli/terminal.ts'
import { version } from '../../src/runtime/version.ts'
import { type Api, serve } from '../http/api.ts'

let folder: string
let api: Api
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'quillwork-about-'))
  api = await serve()
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})
let data: string
beforeEach(() => {
  data = path.join(folder, String(Math.random()))
})

/** Runs `quillwork ARGS` in this process, with a text on standard input. */
async function quillwork(args: readonly string[], input = '') {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  stdin.end(input)
  const code = await main(args, { stdin, stdout, stderr })
  return { code, out: String(stdout.read() ?? ''), said: String(stderr.read() ?? '') }
}

const onServer = (...args: string[]) => [...args, '--url', api.url, '--data', data]

describe('what a command is', () => {
  test.each([[['--version']], [['version']]])('%s prints the version', async args => {
    expect(await quillwork(args)).toEqual({ code: 0, out: `${version}\n`, said: '' })
  })

  test('help of a command is what its --help and -h print', async () => {
    const { out } = await quillwork(['tasks', 'list', '--help'])
    expect(out).toContain('Usage: quillwork tasks list')
    expect((await quillwork(['help', 'tasks', 'list'])).out).toBe(out)
    expect((await quillwork(['tasks', 'list', '-h'])).out).toBe(out)
    expect((await quillwork(['help'])).out).toContain('Exit codes:')
    expect(await quillwork(['help', 'task', 'list'])).toMatchObject({
      code: 2,
      said: expect.stringContaining('There is no command "task list"'),
    })
  })

  test('bash completes commands, options and values', async () => {
    const { out: script } = await quillwork(['completion', 'bash'])
    const file = path.join(folder, 'completion.bash')
    const completed = (...words: string[]) =>
      `COMP_WORDS=(quillwork ${words.map(word => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}; _quillwork; echo "\${COMPREPLY[*]}"`
    const cases = [
      completed('tasks', 'li'),
      completed('tasks', 'list', '--status', 'R'),
      completed('--json', 'tasks', 'list', '--st'),
      completed('completion', ''),
      completed('import', '--title', ''),
    ]
    writeFileSync(file, `${script}\n${cases.join('\n')}\n`)
    const said = execFileSync('bash', ['--noprofile', '--norc', file], { encoding: 'utf8' })
    expect(said.split('\n')).toEqual([
      'list',
      'RUNNING RETRYING',
      '--status --store',
      'bash zsh fish',
      '',
      '',
    ])
  })

  test.each(['zsh', 'fish'])('the script of %s names every option of a command', async shell => {
    const { code, out } = await quillwork(['completion', shell])
    expect(code).toBe(0)
    expect(out).toMatch(
      shell === 'fish' ? / -l roots -d 'leave out sub-tasks'/ : /'--roots:leave out sub-tasks'/,
    )
  })
})

describe('what a command needs and leaves', () => {
  test('a command that reads makes no data directory; one that writes does', async () => {
    expect(await quillwork(['tasks', 'list', '--data', data])).toMatchObject({ code: 0, out: 'No tasks.\n' })
    expect(existsSync(data)).toBe(false)
    const dry = await quillwork(['tasks', 'bulk', 'cancel', '--all', '--dry-run', '--data', data])
    expect(dry).toMatchObject({ code: 0, out: 'No task matches.\n' })
    expect(existsSync(data)).toBe(false)
    const { said } = await quillwork(['lanes', 'pause', 'nowhere', '--data', data])
    expect(said).toContain('LANE_NOT_FOUND')
    expect(readdirSync(data)).toContain('quillwork.db')
  })

  test('a client with an address needs no broker beside its store; others do', async () => {
    const store = ['--store', 'mongodb://127.0.0.1:9/none']
    expect(await quillwork([...onServer('tasks', 'list'), ...store])).toMatchObject({ code: 0 })
    expect(await quillwork(['tasks', 'list', '--data', data, ...store])).toMatchObject({ code: 2 })
  })

  test('the topology is planned for a broker without a store', async () => {
    const planned = await quillwork(['topology', 'show', '--broker', 'amqp://127.0.0.1:9', '--data', data])
    expect(planned).toMatchObject({ code: 0, out: expect.stringContaining('default') })
  })

  test('a terminal that says that it has no columns has 80', () => {
    const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 0 })
    expect(createTerminal({ stdin: new PassThrough(), stdout, stderr: stdout }).columns).toBe(80)
  })
})

describe('- as what is piped in', () => {
  test('is JSON of an option', async () => {
    const args = onServer('tasks', 'submit', 'Scripted', '--parameters', '-', '--json')
    const orders = [{ do: 'succeed', value: 1 }]
    const { code, out } = await quillwork(args, `${JSON.stringify({ orders, note: 'piped' })}\n`)
    expect(code).toBe(0)
    const { body } = await api.ask<{ parameters: object }>(`/v1/tasks/${JSON.parse(out).taskId}`)
    expect(body.parameters).toMatchObject({ note: 'piped' })
  })

  test('twice is refused', async () => {
    const args = onServer('tasks', 'signal', 'x', 'y', '--payload', '-', '--key', '-')
    expect(await quillwork(args, '1')).toMatchObject({
      code: 2,
      said: expect.stringContaining('standard input'),
    })
  })
})

describe('tasks by the beginning of their id', () => {
  test('one is found, several are listed, none is not there', async () => {
    const id = await api.submit([{ do: 'succeed', value: 1 }])
    await api.engine.drain()
    const shown = await quillwork(onServer('tasks', 'show', id.slice(0, 24), '--json'))
    expect(JSON.parse(shown.out)).toMatchObject({ id })
    const other = await api.submit([{ do: 'succeed', value: 1 }])
    const said = (await quillwork(onServer('tasks', 'show', id.slice(0, 6)))).said
    expect(said).toContain(`${id} (Scripted, COMPLETED)`)
    expect(said).toContain(other)
    expect(await quillwork(onServer('tasks', 'show', 'ffff'))).toMatchObject({ code: 1 })
  })

  test('a listing is written as CSV, without formulas, and as lines of JSON', async () => {
    const id = await api.submit([{ do: 'failForGood', message: '=1+1, "quoted"' }], { tags: ['=tag'] })
    await api.engine.drain()
    const csv = (await quillwork(onServer('tasks', 'list', '--format', 'csv', '--tag', '=tag'))).out
    const [head, line, end] = csv.split('\r\n')
    expect(head).toMatch(/^id,taskType,status,/)
    expect(line).toContain(`${id},Scripted,FAILED,local,default,normal,'=tag,`)
    expect(line).toContain(`"'=1+1, ""quoted"""`)
    expect(end).toBe('')
    const lines = (await quillwork(onServer('tasks', 'list', '--format', 'ndjson', '--limit', '2'))).out
    const [first, second, none] = lines.split('\n')
    expect([JSON.parse(first ?? '').id, typeof JSON.parse(second ?? '').id, none]).toEqual([id, 'string', ''])
    const { body } = await api.ask<{ items: { id: string }[] }>('/v1/tasks?errorCode=HANDLER_FAILED')
    expect(body.items.map(each => each.id)).toEqual([id])
    const twice = await api.ask('/v1/tasks?tag=x&parameters.novelId=y')
    expect(twice).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID' } })
    const trace = await api.ask<{ stacks: object[] }>(`/v1/tasks/${id}/trace`)
    expect(trace.body).toMatchObject({ stacks: [{ attempt: 1, stack: expect.stringContaining('at ') }] })
  })
})
