/** The server for nginx that deploy/nginx.conf has, run as it is but for its addresses, before the API. */
import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:http2'
import { type RequestOptions, request } from 'node:https'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type NovelApi, serveNovels } from '../http/novel-api.ts'
import { answers, freePort } from '../servers/ports.ts'
import { makeFolder, removeFolder, type ServerProcess, startProcess, tailOf } from '../servers/process.ts'
import { until } from '../servers/until.ts'

const token = 'a-long-and-random-token-0123456789'
const authorization = `Bearer ${token}`
const missing = spawnSync('nginx', ['-v']).status !== 0
if (missing)
  process.stderr.write(
    '\nSKIPPED: the proxy. Install nginx 1.25.1 or newer (Debian: apt-get install nginx-light).\n\n',
  )

describe.skipIf(missing)('nginx in front of the API', () => {
  const folder = makeFolder('nginx')
  let api: NovelApi
  let nginx: ServerProcess
  let port: number
  let ca: Buffer

  beforeAll(async () => {
    api = await serveNovels({ token, trustedProxies: ['127.0.0.1'], streamsPerClient: 3 })
    port = await freePort()
    const [key, certificate] = [path.join(folder, 'tls-key'), path.join(folder, 'tls-certificate')]
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
    const made = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', certificate]
    execFileSync('openssl', ['req', ...made, ...subject], { stdio: 'pipe' })
    ca = readFileSync(certificate)
    const given = readFileSync(path.join(import.meta.dirname, '../../deploy/nginx.conf'), 'utf8')
    const server = given
      .replace('listen 8443 ssl', `listen 127.0.0.1:${port} ssl`)
      .replaceAll('/run/secrets', folder)
      .replace('http://api:7420', api.url)
      .replace(/^ *resolver .*\n/m, '')
    writeFileSync(path.join(folder, 'server.conf'), server)
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      name => `${name}_temp_path ${folder}/${name};`,
    )
    const main = path.join(folder, 'nginx.conf')
    writeFileSync(
      main,
      `daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr;
      events {} http { access_log off; ${temporary.join(' ')} include ${folder}/server.conf; }`,
    )
    const logFile = path.join(folder, 'log')
    nginx = startProcess({ command: 'nginx', args: ['-c', main, '-p', folder], folder, logFile })
    await until(async () => !nginx.running() || (await answers(port)), 'nginx')
    if (!nginx.running()) throw new Error(tailOf(logFile))
  })
  afterAll(async () => {
    await nginx?.kill('SIGTERM')
    await api?.[Symbol.asyncDispose]()
    removeFolder(folder)
  })

  /** Asks by TLS, for an answer with its text; `body` is sent, and where it is `held` only the headers are. */
  async function ask(target: string, options: RequestOptions = {}, body?: Buffer | 'held') {
    const sent = request(`https://localhost:${port}${target}`, { ca, agent: false, ...options })
    if (body === 'held') sent.flushHeaders()
    else sent.end(body)
    const [response] = await once(sent, 'response')
    let text = ''
    for await (const part of response) text += part
    sent.destroy()
    return { status: response.statusCode as number, headers: response.headers, text }
  }

  test('the token is what lets in, and the pages of this address may change things', async () => {
    expect((await ask('/v1/tasks')).status).toBe(401)
    const read = await ask('/v1/tasks', { headers: { authorization } })
    expect([read.status, read.headers['strict-transport-security']]).toEqual([200, 'max-age=31536000'])
    const change = (origin: string) =>
      ask('/v1/lanes/default:resume', { method: 'POST', headers: { authorization, origin } })
    expect((await change(`https://localhost:${port}`)).status).toBe(200)
    expect((await change('https://evil.example')).status).toBe(403)
  })

  test('an event comes as soon as it happens, over HTTP/2 as a browser asks', async () => {
    const session = connect(`https://localhost:${port}`, { ca })
    const stream = session.request({ ':path': '/v1/events', authorization })
    let seen = ''
    stream.setEncoding('utf8').on('data', part => (seen += part))
    const [headers] = await once(stream, 'response')
    expect(headers[':status']).toBe(200)
    const body = JSON.stringify({ taskType: 'Vectorize', parameters: { novelId: 'nowhere' } })
    const json = { authorization, 'content-type': 'application/json' }
    const task = await ask('/v1/tasks', { method: 'POST', headers: json }, Buffer.from(body))
    expect(task.status).toBe(202)
    await until(() => seen.includes((JSON.parse(task.text) as { id: string }).id), 'event of the task')
    stream.close()
    session.close()
  })

  test('an upload that is larger than a request may be arrives whole, and one without the token ends at its headers', async () => {
    const text = Buffer.from(`Chapter 1\n\n${'The lantern went out. '.repeat(400_000)}\n`)
    expect(text.length).toBeGreaterThan(8_000_000)
    const headers = { 'content-type': 'text/plain', 'content-length': text.length }
    const target = '/v1/uploads?fileName=large.txt'
    const sent = await ask(target, { method: 'POST', headers: { ...headers, authorization } }, text)
    expect([sent.status, JSON.parse(sent.text)]).toMatchObject([201, { bytes: text.length }])
    expect((await ask(target, { method: 'POST', headers }, 'held')).status).toBe(401)
  })

  test('a client is counted by its own address, whatever it calls itself', async () => {
    const session = connect(`https://localhost:${port}`, { ca })
    const open = async (nth: number) => {
      const forged = { 'x-forwarded-for': `192.0.2.${nth}` }
      const [headers] = await once(
        session.request({ ':path': '/v1/events', authorization, ...forged }),
        'response',
      )
      return headers[':status'] as number
    }
    expect([await open(1), await open(2), await open(3), await open(4)]).toEqual([200, 200, 200, 429])
    session.destroy()
  })
})
