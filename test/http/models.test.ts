import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { resolveConfig } from '../../src/server/config.ts'
import { type RunningServer, startServer } from '../../src/server/server.ts'
import { type ModelServer, type ModelServerOptions, startModelServer } from '../models/server.ts'

const key = 'sk-s3cret-0123456789'

interface List {
  version: number
  items: { id: string; fields: object; key?: { lastCharacters: string } }[]
}

interface Trial {
  ok: boolean
  says?: string
  window?: number
  names?: string[]
  error?: { code: string; message: string }
}

describe('models that are set up over HTTP', () => {
  let data: string
  let server: RunningServer
  let models: ModelServer
  /** All that the server ever sent or logged. */
  let told: string[]
  beforeEach(async () => {
    data = mkdtempSync(path.join(tmpdir(), 'quillwork-http-models-'))
    told = []
    const { config } = resolveConfig({ flags: { data, port: '0', noToken: 'true' }, env: {} })
    const logTo = { write: (line: string) => void told.push(line) }
    server = await startServer({ config, works: true, command: 'test', logTo })
    const options: ModelServerOptions = {
      keys: [key],
      models: ['one', 'two'],
      about: { max_model_len: 4_096 },
    }
    models = await startModelServer(options)
  })
  afterEach(async () => {
    await server.stop({ grace: 0 })
    await models.close()
    rmSync(data, { recursive: true })
    expect(told.join('\n')).not.toContain(key)
  })

  async function ask<T = { code?: string }>(
    path: string,
    { method = 'GET', body, version }: { method?: string; body?: unknown; version?: number } = {},
  ): Promise<{ status: number; body: T }> {
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(version === undefined ? {} : { 'if-match': `"${version}"` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    told.push(text)
    return { status: response.status, body: JSON.parse(text) as T }
  }

  const fields = () => ({
    provider: 'openai-compatible',
    baseUrl: models.url,
    model: 'one',
    privateNetwork: true,
  })
  const test = async (change?: object) =>
    (
      await ask<Trial>('/v1/models/writer:test', {
        method: 'POST',
        body: change === undefined ? {} : { change },
      })
    ).body

  it('are tried before they are kept: what the model says, its window, and what is wrong', async () => {
    const trial = await test({ fields: fields(), key })
    expect(trial).toMatchObject({ ok: true, window: 4_096, names: ['one', 'two'] })
    expect(trial.says).not.toBe('')
    const wrongKey = await test({ fields: fields(), key: 'sk-another-0123456789' })
    expect(wrongKey.error).toMatchObject({ code: 'MODEL_KEY_REJECTED' })
    const noSuch = await test({ fields: { ...fields(), model: 'three' }, key })
    expect(noSuch).toMatchObject({ ok: false, names: ['one', 'two'], error: { code: 'MODEL_UNKNOWN' } })
    const wrongUrl = await test({ fields: { ...fields(), baseUrl: `${models.url}/nowhere` }, key })
    expect(wrongUrl.error?.message).toContain('base URL')
    await models.close()
    expect((await test({ fields: fields(), key })).error).toMatchObject({ code: 'MODEL_UNAVAILABLE' })
    expect((await ask<List>('/v1/models')).body).toEqual({ version: 0, items: [] })
  })

  it('are kept, used, preferred and removed without a restart', async () => {
    const put = (id: string, body: unknown, version?: number) =>
      ask<List & { code?: string }>(`/v1/models/${id}`, {
        method: 'PUT',
        body,
        ...(version === undefined ? {} : { version }),
      })
    expect((await put('writer', { fields: fields(), key })).body.code).toBe('IF_MATCH_REQUIRED')
    expect(await put('writer', { fields: fields(), key }, 0)).toMatchObject({
      status: 200,
      body: { version: 1, items: [{ id: 'writer', fields: fields(), key: { lastCharacters: '6789' } }] },
    })
    expect((await put('other', { fields: fields() }, 0)).body.code).toBe('KEPT_MODELS_CHANGED')
    const price = { input: 2, cachedInput: 0.5, output: 8, currency: 'USD' }
    expect(await put('other', { fields: { ...fields(), model: 'two', price } }, 1)).toMatchObject({
      status: 200,
      body: { items: [{}, { fields: { price } }] },
    })
    interface Capabilities {
      models: { id: string; defaultFor: string[] }[]
      modelSettings: { available: boolean }
      taskTypes: { type: string; off?: object }[]
    }
    const capabilities = async () => (await ask<Capabilities>('/v1/capabilities')).body
    const usual = async () =>
      (await capabilities()).models.find(({ defaultFor }) => defaultFor.includes('prose'))?.id
    expect(await usual()).toBe('writer')
    expect((await capabilities()).modelSettings).toEqual({ available: true })
    expect((await capabilities()).taskTypes.find(({ type }) => type === 'GenerateScene')?.off).toBeUndefined()
    await ask('/v1/models/other:prefer', { method: 'POST', body: {}, version: 2 })
    expect(await usual()).toBe('other')
    expect((await test()).ok).toBe(true)
    expect(await ask('/v1/models/other', { method: 'DELETE', version: 3 })).toMatchObject({ status: 200 })
    expect(await ask('/v1/models/other', { method: 'DELETE', version: 4 })).toMatchObject({ status: 404 })
    expect(await usual()).toBe('writer')
    const { status, body } = await put('writer', { fields: { ...fields(), price: { input: 1 } } }, 4)
    expect([status, body.code]).toEqual([400, 'REQUEST_INVALID'])
  })
})
