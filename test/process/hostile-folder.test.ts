/** A folder that a stranger packed, unpacked by the user: all in it is the user's own by owner and mode. Real commands, and a stranger who listens. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, realpathSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { other, withoutRoot } from '../other-user.ts'
import {
  call,
  lastError,
  lastJson,
  requireBuilt,
  run,
  serve,
  story,
  temporaryFolder,
} from './cli/quillwork.ts'

const patience = 120_000
const token = 'the-token-of-the-user-0123456789'

/** Who packed the folder: answers as a server of Quillwork and as a model would, and keeps all that arrives. */
interface Stranger extends AsyncDisposable {
  readonly url: string
  /** Requests with their headers and bodies. */
  readonly got: string[]
}

async function listen(nodeId = 'planted'): Promise<Stranger> {
  const got: string[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      got.push(
        [request.method, request.url, ...request.rawHeaders, Buffer.concat(parts).toString()].join('\n'),
      )
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ nodeId, items: [], counts: {}, total: 0 }))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    got,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Answers as the announced server, and prints its port, then what arrives. */
const standIn = `
  const server = require('http').createServer((request, response) => {
    console.log(request.method, request.url, request.headers.authorization)
    request.resume()
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ nodeId: 'planted' }))
  })
  server.listen(0, '127.0.0.1', () => console.log(server.address().port))`

let folder: ReturnType<typeof temporaryFolder>
/** Where the user works. */
let cwd: string
let env: Record<string, string>
let stranger: Stranger
beforeAll(requireBuilt, patience)
beforeEach(async () => {
  folder = temporaryFolder()
  cwd = path.join(realpathSync(`${folder}`), 'unpacked')
  env = { HOME: path.join(`${folder}`, 'home'), XDG_STATE_HOME: path.join(`${folder}`, 'state') }
  stranger = await listen()
})
afterEach(async () => {
  await stranger[Symbol.asyncDispose]()
  folder[Symbol.dispose]()
})

function plant(name: string, content: object): string {
  const file = path.join(cwd, '.quillwork', name)
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
  writeFileSync(file, JSON.stringify(content), { mode: 0o600 })
  return file
}

/** Runs a command there, in this process. */
function quillwork(args: readonly string[], variables: Record<string, string> = {}, input = '') {
  return call(args, { cwd, env: { ...env, ...variables }, input })
}

/** Runs a command there, in a process of its own. */
function inProcess(args: readonly string[], variables: Record<string, string> = {}) {
  return run(args, { cwd, env: { ...env, ...variables } })
}

async function expectRefused(
  args: readonly string[],
  setting: string,
  variables: Record<string, string> = {},
  act = quillwork,
) {
  const ended = await act([...args, '--json'], variables)
  expect([ended.code, lastError(ended)], args.join(' ')).toMatchObject([
    2,
    { code: 'CONFIG_INVALID', message: expect.stringContaining(`sets ${setting}.`) },
  ])
  expect(lastError(ended).message).toMatch(/trust it: node \S+quillwork\.js trust$/)
}

describe('a folder that a stranger packed', { timeout: patience }, () => {
  test('gets no token and no text by its url', async () => {
    plant('quillwork.json', { url: stranger.url })
    await expectRefused(['import', story, '--yes'], 'url', { QUILLWORK_TOKEN: token }, inProcess)
    for (const args of [['tasks', 'list'], ['doctor'], ['serve', '--port', '0']])
      await expectRefused(args, 'url', { QUILLWORK_TOKEN: token })
    expect(stranger.got).toEqual([])
    expect(readdirSync(path.join(cwd, '.quillwork'))).toEqual(['quillwork.json'])
  })

  test('gets no variable of the environment by a model, whatever it names', async () => {
    const model = {
      provider: 'openai-compatible',
      model: 'm',
      privateNetwork: true,
      baseUrl: `${stranger.url}/v1`,
    }
    const variables = {
      QUILLWORK_KEY_OWN: 'sk-of-the-user',
      AWS_SECRET_ACCESS_KEY: 'aws-of-the-user',
      OPENAI_API_KEY: 'sk-openai',
    }
    plant('quillwork.json', { models: { m: { ...model, key: 'env:QUILLWORK_KEY_OWN' } } })
    await expectRefused(['models', 'test'], 'models', variables)
    plant('quillwork.json', { model: `m@${stranger.url}/v1` })
    await expectRefused(['models', 'test'], 'model', { ...variables, QUILLWORK_MODEL_KEY: 'sk-of-the-user' })
    // Neither would it get these when somebody trusts the file without looking.
    for (const name of ['AWS_SECRET_ACCESS_KEY', 'OPENAI_API_KEY']) {
      plant('quillwork.json', { models: { m: { ...model, key: `env:${name}` } } })
      for (const args of [
        ['trust', '--yes'],
        ['models', 'test'],
      ]) {
        const ended = await quillwork([...args, '--json'], variables)
        expect([ended.code, lastError(ended).message]).toEqual([
          2,
          expect.stringContaining('QUILLWORK_KEY_MAIN'),
        ])
      }
    }
    expect(stranger.got).toEqual([])
  })

  test('gets no key that was stored for another address, also once it is trusted', async () => {
    mkdirSync(cwd)
    const data = path.join(cwd, '.quillwork')
    const model = { provider: 'openai-compatible', model: 'm', privateNetwork: true, key: 'stored:main' }
    const secret = { QUILLWORK_SECRET: 'a-long-random-secret' }
    const set = ['models', 'key', 'set', 'main', '--for', 'https://api.example']
    expect(await quillwork(set, secret, 'sk-of-the-user')).toMatchObject({ code: 0 })
    expect(existsSync(path.join(data, 'keys.json'))).toBe(true)
    plant('quillwork.json', { models: { m: { ...model, baseUrl: `${stranger.url}/v1` } } })
    await expectRefused(['models', 'test'], 'models', secret)
    expect(await quillwork(['trust', '--yes'])).toMatchObject({ code: 0 })
    const tried = await quillwork(['models', 'test'], secret)
    expect([tried.code, tried.stdout]).toEqual([
      1,
      expect.stringContaining('was stored for https://api.example, and not for'),
    ])
    expect(stranger.got).toEqual([])
  })

  test.each([
    ['prompts', './prompts'],
    ['store', 'sqlite:../of-another-program.db'],
    ['broker', 'amqp://127.0.0.1:9'],
    ['host', '0.0.0.0'],
    ['allowedOrigins', ['https://evil.example']],
  ])('sets no %s', async (name, value) => {
    plant('quillwork.json', { port: 0, [name]: value })
    for (const args of [['doctor'], ['tasks', 'list']])
      await expectRefused(args, name, { QUILLWORK_TOKEN: token })
    expect(readdirSync(path.dirname(cwd)).toSorted()).toEqual(['unpacked'])
  })

  test('sets what harms nobody, and says nothing', async () => {
    plant('quillwork.json', { lanes: { default: { slots: 3 } }, logLevel: 'warn' })
    const report = lastJson<{ settings: { name: string; value: unknown; origin: string }[] }>(
      await quillwork(['doctor', '--json']),
    )
    expect(report.settings).toContainEqual({
      name: 'lanes',
      value: { default: { slots: 3 } },
      origin: 'file',
    })
    expect(await quillwork(['tasks', 'list'])).toMatchObject({ code: 0 })
  })

  test.skipIf(withoutRoot !== undefined || process.platform !== 'linux')(
    `gets no text by a server.json that leads to another user of this machine${withoutRoot ?? ''}`,
    async () => {
      const [program, options] = [process.execPath, { uid: other, gid: other, cwd: '/' }]
      const theirs = spawn(program, ['-e', standIn], { ...options, stdio: ['ignore', 'pipe', 'inherit'] })
      const printed: string[] = []
      theirs.stdout.setEncoding('utf8').on('data', (text: string) => printed.push(text))
      try {
        await once(theirs.stdout, 'data')
        const url = `http://127.0.0.1:${Number(printed.join('').split('\n')[0])}`
        const startedAt = new Date().toISOString()
        // A process of the user, whose number any other user can read.
        plant('server.json', {
          url,
          pid: process.pid,
          startedAt,
          nodeId: 'planted',
          command: 'quillwork serve',
          token,
        })
        const imported = await inProcess(['import', story, '--yes', '--json'], { QUILLWORK_TOKEN: token })
        expect(imported).toMatchObject({ code: 0 })
      } finally {
        theirs.kill('SIGTERM')
        await once(theirs, 'close')
      }
      expect(printed.join('').split('\n').slice(1).join('\n')).toBe('')
    },
  )
})

describe('quillwork trust', { timeout: patience }, () => {
  test('shows what the file sets, asks, and is asked again after a change', async () => {
    const file = plant('quillwork.json', { port: 0, url: stranger.url, token: `${token}-too` })
    const looked = await quillwork(['trust'])
    expect([looked.code, looked.stdout]).toEqual([
      2,
      expect.stringContaining(`  url             ${stranger.url}\n`),
    ])
    expect(looked.stderr).toMatch(/nobody can be asked here.*--yes/)
    expect(lastJson(await quillwork(['trust', '--json']))).toEqual({
      file,
      settings: { token: '(set, not shown)', url: stranger.url },
      trusted: false,
    })
    expect(stranger.got).toEqual([])
    const trusted = await quillwork(['trust', '--yes'])
    expect([trusted.code, trusted.stdout]).toEqual([
      0,
      expect.stringContaining('You trust this file as it is.'),
    ])
    expect(looked.stdout + trusted.stdout).not.toContain(token)
    expect(statSync(path.join(`${folder}`, 'state', 'quillwork', 'trust.json')).mode & 0o777).toBe(0o600)
    const listed = await quillwork(['tasks', 'list'])
    expect([listed.code, listed.stderr]).toEqual([0, `note: using the server at ${stranger.url}\n`])
    expect(stranger.got.join()).toContain(`Bearer ${token}-too`)
    plant('quillwork.json', { url: `${stranger.url}/other`, token: `${token}-too` })
    await expectRefused(['tasks', 'list'], 'token, url')
  })

  test('lists the files, and ends the trust in one, also in one that is gone', async () => {
    const file = plant('quillwork.json', { retention: {} })
    expect(await quillwork(['trust', '--list'])).toMatchObject({ code: 0, stdout: 'You trust no file.\n' })
    await quillwork(['trust', '--yes'])
    expect((await quillwork(['trust', '--list'])).stdout).toMatch(
      /^FILE +TRUSTED +SETTINGS\n\S+quillwork\.json +\S+ ago +retention\n$/,
    )
    expect(lastJson(await quillwork(['trust', '--remove', '--json']))).toEqual({ file, removed: true })
    await expectRefused(['tasks', 'list'], 'retention')
    await quillwork(['trust', '--yes'])
    const elsewhere = await call(['trust', '--remove', file], { env })
    expect([elsewhere.code, elsewhere.stdout]).toEqual([0, `You do not trust ${file} any more.\n`])
    expect(await quillwork(['trust', '--remove'])).toMatchObject({ code: 1 })
  })

  test.each([
    ['there is no file', undefined, /^There is no .*quillwork\.json: nothing needs trust\.\n$/],
    ['the file sets only what counts anyway', { port: 0 }, /counts as it is/],
  ])('has nothing to ask where %s', async (_, values, words) => {
    mkdirSync(cwd)
    if (values !== undefined) plant('quillwork.json', values)
    expect(await quillwork(['trust'])).toMatchObject({ code: 0, stdout: expect.stringMatching(words) })
    expect(existsSync(path.join(`${folder}`, 'state'))).toBe(false)
  })
})

describe('a server that an address names', { timeout: patience }, () => {
  beforeEach(() => mkdirSync(cwd))

  test('is named by each command that speaks to it, and not with --json', async () => {
    await using server = await serve(path.join(`${folder}`, 'data'), [], env)
    const note = `note: using the server at ${server.url}\n`
    for (const args of [
      ['tasks', 'list'],
      ['import', story, '--yes', '--watch'],
      ['novels', 'list'],
    ])
      expect((await quillwork([...args, '--url', server.url])).stderr, args.join(' ')).toContain(note)
    expect((await quillwork(['tasks', 'list'], { QUILLWORK_URL: server.url })).stderr).toBe(note)
    expect((await quillwork(['tasks', 'list', '--json', '--url', server.url])).stderr).toBe('')
    const own = ['tasks', 'list', '--data', path.join(`${folder}`, 'data')]
    expect((await quillwork(own)).stderr).toBe('')
  })

  test.each([
    'http://8.8.8.8:7420',
    'http://[2606:4700::1111]',
    'http://134744072',
    'http://169.254.169.254',
  ])('is not spoken to at %s, in clear over the open network', async url => {
    const ended = await quillwork(['tasks', 'list', '--json', '--url', url], { QUILLWORK_TOKEN: token })
    expect([ended.code, lastError(ended)]).toEqual([
      2,
      { code: 'CONFIG_INVALID', message: expect.stringMatching(/^--url: http:\/\/ .*Use https:\/\//) },
    ])
  })

  test('that redirects gets no text sent elsewhere', async () => {
    const redirecting = createServer((request, response) => {
      request.resume()
      response.writeHead(307, { location: `${stranger.url}${request.url}` }).end()
    }).listen(0, '127.0.0.1')
    await once(redirecting, 'listening')
    const url = `http://127.0.0.1:${(redirecting.address() as AddressInfo).port}`
    const variables = { QUILLWORK_TOKEN: token }
    try {
      for (const args of [
        ['tasks', 'list'],
        ['import', story, '--yes'],
        ['tasks', 'output', 'a'],
      ]) {
        const ended = await quillwork([...args, '--url', url], variables)
        expect([ended.code, ended.stderr], args.join(' ')).toEqual([3, expect.stringMatching(/HTTP 307/)])
      }
    } finally {
      redirecting.closeAllConnections()
      redirecting.close()
    }
    expect(stranger.got).toEqual([])
  })
})
