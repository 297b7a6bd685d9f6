import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { describe, expect, test } from 'vitest'
import { isOwnServer, refusePublicPlain } from '../../src/cli/foreign-server.ts'
import { other, withoutRoot } from '../other-user.ts'

/** Listens on a free port of an address. */
async function listening(host: string): Promise<{ port: number } & AsyncDisposable> {
  const server = createServer().listen(0, host)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close()
      await once(server, 'close')
    },
  }
}

const resolving =
  (...addresses: string[]) =>
  async () =>
    addresses.map(address => ({ address }))

describe('http:// to the API', () => {
  test.each([
    ['a private network', 'http://tasks.example', ['10.0.0.7', 'fd00::7']],
    ['this machine', 'http://localhost:7420', ['127.0.0.1', '::1']],
    ['nowhere: the request itself says so', 'http://tasks.example', []],
    ['a public address, by https://', 'https://tasks.example', ['8.8.8.8']],
  ])('may go to %s', async (_, url, addresses) => {
    await expect(refusePublicPlain(url, resolving(...addresses))).resolves.toBeUndefined()
  })

  test.each([
    ['8.8.8.8'],
    ['10.0.0.7', '8.8.8.8'],
    ['2606:4700::1111'],
    ['169.254.169.254'],
    ['::ffff:169.254.169.254'],
  ])('does not go to a name that leads to %s', async (...addresses) => {
    await expect(
      refusePublicPlain('http://ann:s3cret@tasks.example', resolving(...addresses)),
    ).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/^http:\/\/tasks\.example leads to a public address.*Use https:\/\//),
    })
  })
})

describe('an announced server', () => {
  test('is believed on each address of this machine', async () => {
    const own = Object.values(networkInterfaces()).flatMap(each => each?.map(({ address }) => address) ?? [])
    const hosts = own
      .filter(address => !address.startsWith('fe80'))
      .map(address => (address.includes(':') ? `[${address}]` : address))
    for (const host of ['127.0.0.1', 'localhost', ...hosts])
      expect(await isOwnServer({ url: `http://${host}:9`, pid: process.pid }), host).toBe(true)
  })

  test.each([
    'http://192.0.2.1:7420',
    'http://[2001:db8::1]:7420',
    'https://8.8.8.8',
    'http://no-such-name.invalid:7420',
  ])('is not believed at %s, whoever runs there', async url => {
    expect(await isOwnServer({ url, pid: process.pid })).toBe(false)
  })

  test('is not believed without its process', async () => {
    const child = spawn(process.execPath, ['-e', ''], { stdio: 'ignore' })
    await once(child, 'exit')
    expect(await isOwnServer({ url: 'http://127.0.0.1:9', pid: child.pid ?? expect.fail('none') })).toBe(
      false,
    )
  })

  test.skipIf(withoutRoot !== undefined || process.platform !== 'linux')(
    `is not believed where another user listens${withoutRoot ?? ''}`,
    async () => {
      await using own = await listening('127.0.0.1')
      const url = `http://127.0.0.1:${own.port}`
      expect(await isOwnServer({ url, pid: process.pid })).toBe(true)
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
        expect(await isOwnServer({ url: `http://127.0.0.1:${port}`, pid: process.pid })).toBe(false)
      } finally {
        theirs.kill('SIGKILL')
        await once(theirs, 'exit')
      }
    },
  )
})
