import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer, get, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { until } from '../servers/until.ts'
import {
  announcementIn,
  call,
  lastError,
  program,
  repository,
  requireBuilt,
  run,
  serveClosed,
  start,
  temporaryFolder,
} from './cli/quillwork.ts'

const patience = 120_000

beforeAll(requireBuilt, patience)

let folder: ReturnType<typeof temporaryFolder>
let data: string
beforeEach(() => {
  folder = temporaryFolder()
  data = path.join(`${folder}`, 'data')
})
afterEach(() => folder[Symbol.dispose]())

async function statusWith(url: string, token?: string): Promise<number> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  return (await fetch(`${url}/v1/tasks`, { headers })).status
}

function tokenIn(): string {
  return readFileSync(path.join(data, 'server.token'), 'utf8').trim()
}

/** A program of a stranger, who keeps all that it is sent. */
class Stranger implements AsyncDisposable {
  readonly asked: string[] = []
  readonly #server: Server

  constructor(answer: (request: IncomingMessage) => Promise<string>) {
    this.#server = createServer(async (request, response) => {
      const body = (await request.toArray()).join('')
      this.asked.push([request.method, request.url, JSON.stringify(request.rawHeaders), body].join(' '))
      response.setHeader('content-type', 'application/json').end(await answer(request))
    })
  }

  /** Listens on a port, and returns the address. */
  async listen(port = 0): Promise<string> {
    this.#server.listen(port, '127.0.0.1')
    await once(this.#server, 'listening')
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose]() {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

/** Makes the commands look for the server at another address, of a process that lives. */
function misannounce(url: string): void {
  writeFileSync(
    path.join(data, 'server.json'),
    JSON.stringify({ ...announcementIn(data), url, pid: process.pid }),
  )
}

describe('the token of a server', { timeout: patience }, () => {
  test('is made by serve, for its user alone, and opens the pages; commands find it', async () => {
    {
      await using server = await serveClosed(data)
      const token = tokenIn()
      expect(Buffer.from(token, 'base64url')).toHaveLength(32)
      expect(statSync(path.join(data, 'server.token')).mode & 0o777).toBe(0o600)
      expect(readFileSync(path.join(data, 'server.json'), 'utf8')).not.toContain(token)
      const known = [undefined, 'a-token-that-somebody-guessed', token]
      expect(await Promise.all(known.map(each => statusWith(server.url, each)))).toEqual([401, 401, 200])
      const [, opened] = await server.says(/^open (\S+) in a browser$/m)
      expect(opened).toBe(`${server.url}/#token=${token}`)
      expect(await call(['tasks', 'list', '--data', data])).toMatchObject({ code: 0, stdout: 'No tasks.\n' })
      expect(await run(['sign-in', '--data', data])).toMatchObject({ code: 0, stdout: `${opened}\n` })
      const rebound = get(`${server.url}/v1/tasks`, { headers: { host: 'evil.example' } })
      expect((await once(rebound, 'response'))[0]).toMatchObject({ statusCode: 403 })
      server.child.kill('SIGTERM')
      expect((await server.ended).stderr).not.toContain(token)
    }
    expect(existsSync(path.join(data, 'server.token'))).toBe(false)
    // One that somebody put there, or copied, is of no use.
    const planted = 'p'.repeat(43)
    writeFileSync(path.join(data, 'server.token'), planted)
    await using again = await serveClosed(data)
    expect(await statusWith(again.url, planted)).toBe(401)
    expect(await statusWith(again.url, tokenIn())).toBe(200)
    const other = await call(['sign-in', '--json', '--data', path.join(`${folder}`, 'other')])
    expect([other.code, lastError(other).code]).toEqual([3, 'SERVER_UNREACHABLE'])
  })

  test('is not printed into a file that others can read', async () => {
    for (const [mode, isPrinted] of [
      [0o644, false],
      [0o600, true],
    ] as const) {
      const log = path.join(`${folder}`, 'serve.log')
      rmSync(log, { force: true })
      const file = openSync(log, 'w', mode)
      const args = [program, 'serve', '--data', data, '--port', '0']
      const child = spawn(process.execPath, args, { cwd: repository, stdio: ['ignore', file, 'ignore'] })
      await until(() => /^open /m.test(readFileSync(log, 'utf8')) || undefined, 'the address')
      child.kill('SIGTERM')
      await once(child, 'exit')
      closeSync(file)
      const said = readFileSync(log, 'utf8')
      expect(/#token=/.test(said), said).toBe(isPrinted)
      expect(/^to sign in, .* sign-in/m.test(said), said).toBe(!isPrinted)
    }
  })

  test.skipIf(spawnSync('script', ['--version']).status !== 0)(
    'opens the pages on the terminal of a desktop, in no option of a program',
    async () => {
      const bin = path.join(`${folder}`, 'bin')
      const opened = path.join(`${folder}`, 'opened')
      mkdirSync(bin)
      const browser = `#!/bin/sh\nprintf '%s\\n' "$@" > ${opened}.new; cat "$1" >> ${opened}.new; mv ${opened}.new ${opened}\n`
      writeFileSync(path.join(bin, 'xdg-open'), browser, { mode: 0o755 })
      const serving = `${process.execPath} ${program} serve --port 0 --data ${data}`
      const onTerminal = (more: string) =>
        spawn('script', ['-qec', `${serving} ${more}`, '/dev/null'], {
          cwd: repository,
          stdio: ['pipe', 'pipe', 'ignore'],
          env: { PATH: `${bin}:${process.env['PATH']}`, HOME: `${folder}`, DISPLAY: ':7' },
        })
      for (const more of ['', '--no-open']) {
        rmSync(opened, { force: true })
        const terminal = onTerminal(more)
        let said = ''
        terminal.stdout.on('data', text => {
          said += String(text)
        })
        await until(() => /^open .*/m.test(said), 'the address')
        if (more === '') {
          const [page, content] = await until(() => existsSync(opened), 'the page').then(() =>
            readFileSync(opened, 'utf8').split('\n'),
          )
          const { url } = announcementIn(data)
          expect(page).toBe(path.join(data, 'server.html'))
          expect(content).toContain(`content="0; url=${url}/#token=${tokenIn()}"`)
          expect(statSync(page ?? '').mode & 0o777).toBe(0o600)
        }
        process.kill(announcementIn(data).pid, 'SIGTERM')
        await once(terminal, 'exit')
        expect(existsSync(opened)).toBe(more === '')
        expect(existsSync(path.join(data, 'server.html'))).toBe(false)
      }
    },
  )

  test('is needed by nobody with --no-token, which a token contradicts', async () => {
    await using server = await serveClosed(data, ['--no-token'])
    expect(await statusWith(server.url)).toBe(200)
    expect((await server.says(/^open (\S+) in a browser$/m))[1]).toBe(server.url)
    expect(await call(['tasks', 'list', '--data', data])).toMatchObject({ code: 0 })
    const both = await call(['serve', '--no-token', '--data', data], {
      env: { QUILLWORK_TOKEN: 'x'.repeat(16) },
    })
    expect([both.code, both.stderr]).toEqual([2, expect.stringContaining('noToken (--no-token)')])
    const open = await call(['serve', '--no-token', '--host', '0.0.0.0', '--data', data])
    expect([open.code, open.stderr]).toEqual([2, expect.stringContaining('set a token')])
  })

  test('is valid beside those that are set, of which two are, from a file; these are printed nowhere', async () => {
    const [old, next] = ['the-old-token-of-the-studio', 'the-next-token-of-the-studio']
    const file = path.join(`${folder}`, 'tokens')
    writeFileSync(file, `${old}\n${next}\n`)
    chmodSync(file, 0o666)
    const planted = await call(['serve', '--data', data], { env: { QUILLWORK_TOKEN_FILE: file } })
    expect([planted.code, planted.stderr]).toEqual([2, expect.stringContaining(`chmod go-w ${file}`)])
    chmodSync(file, 0o644)
    await using server = await serveClosed(data, [], { QUILLWORK_TOKEN_FILE: file })
    expect(
      await Promise.all([old, next, tokenIn(), undefined].map(each => statusWith(server.url, each))),
    ).toEqual([200, 200, 200, 401])
    expect((await server.says(/^open (\S+) in a browser$/m))[1]).toBe(server.url)
    expect(await call(['tasks', 'list', '--data', data])).toMatchObject({ code: 0 })
    const own = tokenIn()
    const elsewhere = ['tasks', 'list', '--url', server.url]
    expect(await call(elsewhere, { env: { QUILLWORK_TOKEN_FILE: file } })).toMatchObject({ code: 0 })
    expect((await call(elsewhere)).code).not.toBe(0)
    const twice = await call(elsewhere, { env: { QUILLWORK_TOKEN_FILE: file, QUILLWORK_TOKEN: old } })
    expect([twice.code, twice.stderr]).toEqual([
      2,
      'error CONFIG_INVALID: QUILLWORK_TOKEN and QUILLWORK_TOKEN_FILE are both set. Set one of them.\n',
    ])
    server.child.kill('SIGTERM')
    const { stdout, stderr } = await server.ended
    for (const each of [old, next, own]) expect(stdout + stderr).not.toContain(each)
  })
})

describe('a program that took the port of a killed server', { timeout: patience }, () => {
  test('is told nothing: neither the token nor the manuscript', async () => {
    const killed = await serveClosed(data)
    const token = tokenIn()
    killed.child.kill('SIGKILL')
    await killed.ended
    await using stranger = new Stranger(async () => '{"nodeId": "any", "items": [], "proof": "any"}')
    misannounce(await stranger.listen(Number(new URL(killed.url).port)))
    const file = path.join(`${folder}`, 'book.txt')
    writeFileSync(file, 'Chapter 1\n\nShe kept the letter under the salt.\n')
    const imported = await run(['import', file, '--yes', '--watch', '--data', data])
    expect(imported.code).toBe(0)
    expectOnlyAsked(stranger, token)
  })

  test('is told nothing by a command that was watching a task', async () => {
    const killed = await serveClosed(data)
    const file = path.join(`${folder}`, 'book.txt')
    writeFileSync(file, 'Chapter 1\n\nShe kept the letter under the salt.\n')
    expect(await call(['lanes', 'pause', 'default', '--data', data])).toMatchObject({ code: 0 })
    await using watching = start(['import', file, '--yes', '--watch', '--data', data])
    await watching.says(/ImportNovel QUEUED/)
    killed.child.kill('SIGKILL')
    await killed.ended
    await using stranger = new Stranger(async () => '{"status": "COMPLETED", "done": true, "proof": "any"}')
    await stranger.listen(Number(new URL(killed.url).port))
    expect((await watching.ended).code).toBe(3)
    expectOnlyAsked(stranger, tokenIn())
  })

  test('cannot prove itself with the answer of the server that was started since', async () => {
    await using server = await serveClosed(data)
    const { url } = server
    await using stranger = new Stranger(async request => (await fetch(url + request.url)).text())
    misannounce(await stranger.listen())
    const refused = await run(['tasks', 'list', '--json', '--data', data])
    expect([refused.code, lastError(refused).code]).toEqual([3, 'SERVER_UNREACHABLE'])
    expectOnlyAsked(stranger, tokenIn())
    // The server itself does answer the question.
    misannounce(url)
    expect(await call(['tasks', 'list', '--data', data])).toMatchObject({ code: 0 })
  })
})

/** The stranger was asked for the proof, and was sent nothing else. */
function expectOnlyAsked({ asked }: Stranger, token: string): void {
  expect(asked).not.toEqual([])
  for (const each of asked) {
    expect(each).toMatch(/^GET \/v1\/proof\?nonce=[\w-]{43} /)
    expect(each).not.toContain(token)
    expect(each.toLowerCase()).not.toContain('authorization')
    expect(each).not.toContain('letter')
  }
}
