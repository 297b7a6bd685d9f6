import { once } from 'node:events'
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { get } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { resolveConfig } from '../../src/server/config.ts'
import { startServer } from '../../src/server/server.ts'
import type { Config } from '../../src/server/settings.ts'
import { other, withoutRoot } from '../other-user.ts'

let data: string
beforeEach(() => {
  data = mkdtempSync(path.join(tmpdir(), 'quillwork-server-'))
})
afterEach(() => rmSync(data, { recursive: true }))

function begin(
  changes: Partial<Config>,
  { afterwards = () => undefined as void, lines = [] as string[] } = {},
) {
  const { config } = resolveConfig({ flags: { data, port: '0' }, env: {} })
  afterwards()
  const logTo = { write: (line: string) => void lines.push(line) }
  return startServer({ config: { ...config, ...changes }, works: false, command: 'test', logTo })
}

test('a server whose API cannot be made lets go of the store that it opened', async () => {
  await expect(begin({ token: ['short'] })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  const server = await begin({})
  expect(server.url).toMatch(/^http:/)
  await server.stop({ grace: 0 })
})

test('a server without a token that was set answers to the names of this machine alone', async () => {
  for (const [token, allowed] of [
    [undefined, false],
    [['a-token-that-was-set'], true],
  ] as const) {
    const server = await begin({ token: token && [...token] })
    const asked = get(`${server.url}/healthz`, { headers: { host: 'evil.example' } })
    const [response] = await once(asked, 'response')
    response.resume()
    expect(response.statusCode).toBe(allowed ? 200 : 403)
    await server.stop({ grace: 0 })
  }
})

test('a server that stops closes a silent connection to its port of health', async () => {
  const server = await begin({ healthPort: 0 })
  const { hostname, port } = new URL(server.healthUrl ?? '')
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  // The connection is accepted before one that comes after it is answered.
  await (await fetch(`${server.healthUrl}/healthz`)).text()
  const closed = once(socket.resume(), 'close')
  await server.stop()
  await closed
})

test('a data directory that was opened after the configuration was read is closed, and the log says so', async () => {
  const lines: string[] = []
  const server = await begin({}, { afterwards: () => chmodSync(data, 0o755), lines })
  expect(statSync(data).mode & 0o777).toBe(0o700)
  expect(lines.filter(line => line.includes(`closed to other users: ${data} (was 755)`))).toHaveLength(1)
  await server.stop({ grace: 0 })
})

test.skipIf(withoutRoot !== undefined)(
  `a data directory that another user made after the configuration was read is refused${withoutRoot ?? ''}`,
  async () => {
    const begun = begin({}, { afterwards: () => chownSync(data, other, other) })
    await expect(begun).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  },
)
