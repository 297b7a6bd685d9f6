import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect as connectSocket, createServer, type Socket } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  announcementIn,
  call,
  type Ended,
  lastError,
  lastJson,
  requireBuilt,
  run,
  serve,
  start,
  temporaryFolder,
} from './cli/quillwork.ts'

const patience = 120_000

/** What a server prints once it answers; where its pages were built, also where they are, signed in with a token. */
function startOf(url: string, signIn = ''): string {
  const isBuilt = existsSync(new URL('../../dist/dashboard/index.html', import.meta.url))
  return `listening on ${url}\n${isBuilt ? `open ${url}${signIn} in a browser\n` : ''}`
}

beforeAll(requireBuilt, patience)

let folder: ReturnType<typeof temporaryFolder>
let data: string
beforeEach(() => {
  folder = temporaryFolder()
  data = path.join(`${folder}`, 'data')
})
afterEach(() => folder[Symbol.dispose]())

/** Another program that listens on a port. */
async function listening(onSocket: (socket: Socket) => void): Promise<{ port: number } & AsyncDisposable> {
  const server = createServer(socket => onSocket(socket.resume())).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close()
      await once(server, 'close')
    },
  }
}

describe('quillwork serve', { timeout: patience }, () => {
  test('prints its address, tells of itself in the data directory, and stops in order at SIGTERM', async () => {
    await using server = await serve(data)
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(announcementIn(data)).toMatchObject({ url: server.url, pid: server.child.pid })
    expect(statSync(path.join(data, 'server.json')).mode & 0o777).toBe(0o600)
    const stream = await fetch(`${server.url}/v1/events`)
    expect(stream.status).toBe(200)
    server.child.kill('SIGTERM')
    await stream.text()
    const ended = await server.ended
    expect(ended).toMatchObject({ code: 0, signal: null, stdout: startOf(server.url) })
    const [started = '', ...others] = ended.stderr.split('\n')
    expect(JSON.parse(started)).toMatchObject({
      message: 'server started',
      roles: 'api,worker,maintenance',
      store: `sqlite:${path.join(data, 'quillwork.db')}`,
      broker: 'in-process',
    })
    expect(others.join('\n')).toMatch(/^stopping: .*\nstopped\n$/)
    expect(existsSync(path.join(data, 'server.json'))).toBe(false)
  })

  test('keeps to the event streams that it was told to, by address behind a proxy', async () => {
    const env = { QUILLWORK_TRUSTED_PROXIES: '127.0.0.1' }
    await using server = await serve(data, ['--streams', '2', '--streams-per-client', '1'], env)
    const ask = async (address: string) => {
      const headers = { 'x-forwarded-for': address }
      const answer = await fetch(`${server.url}/v1/events`, { headers })
      return answer.ok ? answer.status : ((await answer.json()) as { detail: string }).detail
    }
    expect(await ask('192.0.2.1')).toBe(200)
    expect(await ask('192.0.2.1')).toMatch(/^One address may hold 1 /)
    expect(await ask('192.0.2.2')).toBe(200)
    expect(await ask('192.0.2.3')).toMatch(/^All 2 event streams/)
  })

  test('a second SIGINT drops what the first one waits for', async () => {
    await using server = await serve(data)
    const { port, hostname } = new URL(server.url)
    const socket = connectSocket(Number(port), hostname)
    const closed = new Promise(resolve => socket.once('close', resolve))
    socket.on('error', () => undefined)
    socket.write(
      `POST /v1/uploads HTTP/1.1\r\nhost: ${hostname}:${port}\r\ncontent-type: text/plain\r\ncontent-length: 1000\r\n\r\nhalf`,
    )
    await fetch(`${server.url}/healthz`)
    server.child.kill('SIGINT')
    await server.says(/^stopping: /m)
    await sleep(200)
    server.child.kill('SIGINT')
    await server.says(/^stopping at once: /m)
    await closed
    expect(await server.ended).toMatchObject({ code: 0, signal: null })
  })

  test('a second server on the same data directory is refused, naming the first', async () => {
    await using server = await serve(data)
    const second = await run(['serve', '--data', data, '--port', '0'])
    expect(second).toMatchObject({ code: 3, stdout: '' })
    expect(second.stderr).toContain('error STORE_LOCKED: ')
    expect(second.stderr).toContain(`process ${server.child.pid} (quillwork serve, at ${server.url} `)
    expect(lastError(await call(['serve', '--data', data, '--port', '0', '--json'])).code).toBe(
      'STORE_LOCKED',
    )
  })

  test('a server that was killed leaves nothing that stands in the way', async () => {
    {
      await using killed = await serve(data)
      expect(killed.child.kill('SIGKILL')).toBe(true)
      await killed.ended
    }
    expect(existsSync(path.join(data, 'server.json'))).toBe(true)
    const listed = await call(['tasks', 'list', '--json', '--data', data])
    expect([listed.code, lastJson(listed)]).toEqual([0, { items: [] }])
    await using server = await serve(data)
    expect(announcementIn(data).url).toBe(server.url)
  })

  test('an announcement of another program on that port is not believed', async () => {
    await using other = await listening(socket =>
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}'),
    )
    expect((await call(['lanes', 'resume', 'default', '--data', data])).code).toBe(0)
    const startedAt = new Date().toISOString()
    const url = `http://127.0.0.1:${other.port}`
    const told = { url, pid: process.pid, startedAt, nodeId: 'gone', command: 'quillwork serve' }
    writeFileSync(path.join(data, 'server.json'), JSON.stringify(told))
    const listed = await run(['tasks', 'list', '--json', '--data', data])
    expect([listed.code, lastJson(listed)]).toEqual([0, { items: [] }])
  })

  test('a command that names another store than the server of its data directory is refused', async () => {
    await using server = await serve(data)
    const own = `sqlite:${path.join(data, 'quillwork.db')}`
    const other = `sqlite:${path.join(`${folder}`, 'other.db')}`
    const list = ['tasks', 'list', '--json', '--data', data]
    const refused = [
      await call([...list, '--store', other]),
      await call(list, {
        env: { QUILLWORK_STORE: 'mongodb://ann:s3cret@db/?x=1', QUILLWORK_BROKER: 'amqp://mq' },
      }),
    ]
    for (const [index, its] of [other, 'mongodb://db/quillwork'].entries()) {
      expect(refused[index]).toMatchObject({ code: 2, stdout: '' })
      const { code, message } = lastError(refused[index] as Ended)
      expect(code).toBe('CONFIG_INVALID')
      for (const part of [its, own, `process ${server.child.pid}`, '--data']) expect(message).toContain(part)
    }
    expect(existsSync(path.join(`${folder}`, 'other.db'))).toBe(false)
    expect((await call([...list, '--store', own])).code).toBe(0)
  })

  test('a port in use is told with the way out', async () => {
    await using other = await listening(socket => socket.end())
    const refused = await call(['serve', '--data', data, '--port', `${other.port}`])
    expect(refused.code).toBe(3)
    expect(refused.stderr).toBe(
      `error SERVER_UNREACHABLE: Port ${other.port} of 127.0.0.1 is in use by another program. Choose another port with --port, or any free port with --port 0.\n`,
    )
  })

  test('a damaged database is told by serve, and found by the doctor, who ends with 1', async () => {
    mkdirSync(data, { mode: 0o700 })
    writeFileSync(path.join(data, 'quillwork.db'), 'This is no database. '.repeat(1_000), { mode: 0o600 })
    const refused = await call(['serve', '--data', data, '--port', '0'])
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(/^error STORE_UNSUITABLE: /)
    const doctor = await run(['doctor', '--data', data])
    expect(doctor.code).toBe(1)
    expect(doctor.stdout).toMatch(
      /^wrong +store +STORE_UNSUITABLE: .*\n(?:.*\n)*Wrong: 1\. See above what to do\.\n$/m,
    )
    expect(lastJson(await call(['doctor', '--json', '--data', data]))['ok']).toBe(false)
  })

  test('another address than the loopback needs a token, and commands find it', async () => {
    const refused = await call(['serve', '--data', data, '--port', '0', '--host', '0.0.0.0'])
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toMatch(/^error CONFIG_INVALID: .*set a token/)
    expect(existsSync(path.join(data, 'quillwork.db'))).toBe(false)
    const token = 'a-long-random-secret'
    await using server = await serve(data, [], { QUILLWORK_TOKEN: token })
    expect((await fetch(`${server.url}/v1/tasks`)).status).toBe(401)
    expect(readFileSync(path.join(data, 'server.json'), 'utf8')).not.toContain(token)
    expect(await call(['tasks', 'list', '--data', data])).toMatchObject({ code: 0, stdout: 'No tasks.\n' })
    const doctor = await call(['doctor', '--data', data], { env: { QUILLWORK_TOKEN: token } })
    expect(doctor.code).toBe(0)
    expect(doctor.stdout + doctor.stderr).not.toContain(token)
  })

  test('logs JSON lines to standard error where that is no terminal, and plain ones where asked', async () => {
    const first = await serve(data)
    {
      await using server = first
      await call(['import', 'samples/the-salt-ledger.txt', '--yes', '--watch', '--data', data])
      server.child.kill('SIGTERM')
      await server.ended
    }
    const plain = ['--log-level', 'debug']
    await using server = await serve(data, plain, { QUILLWORK_LOG_FORMAT: 'plain' })
    await call(['import', 'samples/the-salt-ledger.txt', '--yes', '--watch', '--data', data])
    expect((await server.says(/^\d\d:\d\d:\d\d DEBUG task completed .*taskType=Vectorize.*$/m))[0]).toMatch(
      /taskId=/,
    )
  })
})

describe('npm start', { timeout: patience }, () => {
  test('imports the sample on an empty database, says what to do next, and imports nothing the second time', async () => {
    const env = { QUILLWORK_DATA: data }
    {
      await using server = start(['--port', '0'], { env, script: 'scripts/start.mjs' })
      await server.says(/^listening on http:\/\/127\.0\.0\.1:\d+$/m)
      await server.says(/^The sample is imported\.$/m)
      const [, command = ''] = await server.says(/^ {2}node bin\/quillwork\.js (novels read \S+) /m)
      const read = await call(command.split(' '), { env })
      expect(read.code).toBe(0)
      expect(read.stdout.match(/\[sentences of the text, extractive\]/g)?.length).toBeGreaterThan(5)
      server.child.kill('SIGINT')
      const { code, stdout } = await server.ended
      expect(code).toBe(0)
      expect(stdout).toMatch(/ImportNovel COMPLETED/)
      expect(stdout).toMatch(/BatchGenerateSummary COMPLETED/)
    }
    await using again = start(['--port', '0'], { env, script: 'scripts/start.mjs' })
    await again.says(/^listening on /m)
    const novels = await call(['novels', 'list', '--json'], { env })
    expect(
      lastJson<{ items: { title: string }[] }>(novels)
        .items.map(({ title }) => title)
        .sort(),
    ).toEqual(['The Salt Ledger', '渡口的钟'])
    const token = readFileSync(path.join(data, 'server.token'), 'utf8').trim()
    again.child.kill('SIGTERM')
    const { stdout } = await again.ended
    expect(stdout).toBe(startOf(/^listening on (\S+)/.exec(stdout)?.[1] ?? '', `/#token=${token}`))
  })
})
