import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { resolveConfig } from '../../src/server/config.ts'
import { startServer } from '../../src/server/server.ts'
import type { Config } from '../../src/server/settings.ts'

let data: string
beforeEach(() => {
  data = mkdtempSync(path.join(tmpdir(), 'quillwork-server-'))
})
afterEach(() => rmSync(data, { recursive: true }))

function begin(changes: Partial<Config>) {
  const { config } = resolveConfig({ flags: { data, port: '0' }, env: {} })
  const logTo = { write: () => undefined }
  return startServer({ config: { ...config, ...changes }, works: false, command: 'test', logTo })
}

test('a server whose API cannot be made lets go of the store that it opened', async () => {
  await expect(begin({ token: 'short' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  const server = await begin({})
  expect(server.url).toMatch(/^http:/)
  await server.stop({ grace: 0 })
})
