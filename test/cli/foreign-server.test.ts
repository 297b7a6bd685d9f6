import { spawn } from 'node:child_process'
import type { lookup } from 'node:dns'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { describe, expect, test } from 'vitest'
import { createClient } from '../../src/cli/client.ts'
import { isOwnServer, privateConnections } from '../../src/cli/foreign-server.ts'
import { other, withoutRoot } from '../other-user.ts'

/** Listens on a free port of an address. */
async function listening(
  host: string,
  answer: RequestListener = (request, response) =>
    response.end(JSON.stringify({ host: request.headers.host })),
): Promise<{ port: number } & AsyncDisposable> {
  const server = createServer(answer).listen(0, host)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close()
      await once(server, 'close')
    },
  }
}

/** Resolves every name to these addresses. */
const resolving = (...addresses: string[]) =>
  ((_: string, __: object, answer: (error: null, found: object[]) => void) =>
    answer(
      null,
      addresses.map(address => ({ address, family: isIP(address) })),
    )) as unknown as typeof lookup

describe('http:// to the API', () => {
  test('goes to a name that leads to this machine', async () => {
    await using server = await listening('127.0.0.1')
    const url = `http://tasks.example:${server.port}`
    const agent = privateConnections(url, resolving('127.0.0.1')) ?? expect.fail('none')
    expect(await createClient({ url, agent }).get('/')).toEqual({ host: `tasks.example:${server.port}` })
    expect(privateConnections('https://tasks.example')).toBeUndefined()
    agent.destroy()
  })

  test('says how a command gives the token that a server asks for', async () => {
    await using server = await listening('127.0.0.1', (_, response) =>
      response.writeHead(401).end(JSON.stringify({ code: 'UNAUTHENTICATED', detail: 'Send …', status: 401 })),
    )
    const url = `http://127.0.0.1:${server.port}`
    await expect(createClient({ url }).get('/v1/novels')).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      message: expect.stringMatching(
        `^The server at ${url} takes no request without its token: .*QUILLWORK_TOKEN.*where no address is given`,
      ),
    })
  })

  test.each(['8.8.8.8', '2606:4700::1111', '169.254.169.254', '::ffff:169.254.169.254'])(
    'does not go to a name that leads to %s at that moment',
    async address => {
      const url = 'http://ann:s3cret@tasks.example'
      const agent = privateConnections(url, resolving(address)) ?? expect.fail('none')
      await expect(createClient({ url, agent }).get('/')).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(
          /^http:\/\/tasks\.example leads to an address that is not private.*Use https:\/\//,
        ),
      })
    },
  )
})

describe('an announced server', () => {
  test('is believed on each address of this machine', () => {
    const own = Object.values(networkInterfaces()).flatMap(each => each?.map(({ address }) => address) ?? [])
    const hosts = own
      .filter(address => !address.startsWith('fe80'))
      .map(address => (address.includes(':') ? `[${address}]` : address))
    for (const host of ['127.0.0.1', '127.0.0.2', '[::1]', ...hosts])
      expect(isOwnServer({ url: `http://${host}:9`, pid: process.pid }), host).toBe(true)
  })

  test.each([
    'http://192.0.2.1:7420',
    'http://[2001:db8::1]:7420',
    'https://8.8.8.8',
    'http://tasks.example:7420',
    'http://localhost:7420',
  ])('is not believed at %s, whoever runs there', url => {
    expect(isOwnServer({ url, pid: process.pid })).toBe(false)
  })

  test('is not believed without its process', async () => {
    const child = spawn(process.execPath, ['-e', ''], { stdio: 'ignore' })
    await once(child, 'exit')
    expect(isOwnServer({ url: 'http://127.0.0.1:9', pid: child.pid ?? expect.fail('none') })).toBe(false)
  })

  test.skipIf(withoutRoot !== undefined || process.platform !== 'linux')(
    `is not believed where another user listens${withoutRoot ?? ''}`,
    async () => {
      await using own = await listening('127.0.0.1')
      const url = `http://127.0.0.1:${own.port}`
      expect(isOwnServer({ url, pid: process.pid })).toBe(true)
      const program = `require('http').createServer().listen(0, '127.0.0.1', function () { console.log(this.address().port) })`
      const theirs = spawn(process.execPath, ['-e', program], {
        uid: other,
        gid: other,
        cwd: '/',
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      try {
        const [line] = await once(theirs.stdout, 'data')
        const port = Number(String(line))
        const theirsAt = (address: string) => ({ url: `http://${address}:${port}`, pid: process.pid })
        expect(isOwnServer(theirsAt('127.0.0.1'))).toBe(false)
        // Where they listen at the same port of another address, they are in nobody's way.
        expect(isOwnServer(theirsAt('127.0.0.2'))).toBe(true)
        expect(isOwnServer(theirsAt('[::1]'))).toBe(true)
        expect(isOwnServer(theirsAt('127.0.0.1'), { ofAnyUser: true })).toBe(true)
        expect(isOwnServer(theirsAt('192.0.2.1'), { ofAnyUser: true })).toBe(false)
      } finally {
        theirs.kill('SIGKILL')
        await once(theirs, 'exit')
      }
    },
  )
})
