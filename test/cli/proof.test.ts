import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { createClient } from '../../src/cli/client.ts'
import { ProvenConnections } from '../../src/cli/proof.ts'
import { newToken, proofOf } from '../../src/server/data-directory.ts'
import { until } from '../servers/until.ts'

const token = newToken()

/** A server that proves itself as it is told, and keeps what else it is asked. */
async function listening(prove: (nonce: string, url: string) => unknown) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost')
    if (pathname !== '/v1/proof') asked.push(`${pathname} ${request.headers.authorization}`)
    const answer = pathname === '/v1/proof' ? prove(searchParams.get('nonce') ?? '', url) : { ok: true }
    const body = typeof answer === 'string' ? answer : JSON.stringify(answer)
    response.writeHead(200, { 'content-length': Buffer.byteLength(body) }).end(body)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const agent = new ProvenConnections({ url, token })
  return {
    asked,
    server,
    client: createClient({ url, token, agent }),
    async [Symbol.asyncDispose]() {
      agent.destroy()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const right = (nonce: string, url: string) => ({ proof: proofOf(token, { url, nonce }) })

describe('a connection to the server of a data directory', () => {
  test('carries requests once the other side has proved itself, and is kept', async () => {
    let proofs = 0
    await using it = await listening((nonce, url) => {
      proofs += 1
      return right(nonce, url)
    })
    for (const path of ['/v1/tasks', '/v1/novels']) expect(await it.client.get(path)).toEqual({ ok: true })
    expect(it.asked).toEqual([`/v1/tasks Bearer ${token}`, `/v1/novels Bearer ${token}`])
    expect(proofs).toBe(1)
    // Whoever is there after a connection has ended proves itself again.
    it.server.closeAllConnections()
    await until(
      async () => (await it.client.get('/v1/tasks').catch(() => undefined)) !== undefined,
      'an answer',
    )
    expect(proofs).toBe(2)
  })

  test.each([
    ['none', () => ({})],
    ['a text that is no JSON', () => 'yes'],
    ['the nonce', (nonce: string) => ({ proof: nonce })],
    [
      'one with another token',
      (nonce: string, url: string) => ({ proof: proofOf(newToken(), { url, nonce }) }),
    ],
    ['one of another address', (nonce: string) => right(nonce, 'http://127.0.0.1:1')],
    ['one of another nonce', (_: string, url: string) => right('n'.repeat(43), url)],
    ['an answer without an end', () => 'x'.repeat(100_000)],
  ])('carries nothing to a server whose proof is %s', async (_, prove) => {
    await using it = await listening(prove)
    await expect(it.client.post('/v1/tasks', { text: 'a manuscript' })).rejects.toMatchObject({
      code: 'SERVER_UNREACHABLE',
    })
    expect(it.asked).toEqual([])
  })
})
