/** A test, summaries, a candidate, a cancellation and a batch in story order, once against a real one: a server of somebody else's with SmolLM2 135M. What it writes is not looked at. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { resolveConfig } from '../../src/server/config.ts'
import { type RunningServer, startServer } from '../../src/server/server.ts'
import { describeWithLlama, type LlamaServer, llamaServer } from '../servers/llama.ts'
import { until } from '../servers/until.ts'

const patience = 240_000
const window = 2_048

const book = [
  'The Ferry',
  'Chapter 1',
  'Berit rowed the ferry across before dawn. The clock on the landing had stopped, and nobody had wound it since the flood.',
  'Chapter 2',
  'Old Tam waited on the far bank with a lantern and a letter that he would not let her read.',
  '',
].join('\n\n')

/** So small a model may have left the scene without a summary: what happens in it is said with the task. */
const instructions = 'Berit rows the ferry to the far bank before dawn.'

interface Task {
  id: string
  status: string
  errorInfo?: { code: string }
}
interface Scene {
  id: string
  content: string
  version: number
}

describeWithLlama('a real model', () => {
  let llama: LlamaServer
  let data: string
  let server: RunningServer
  let novelId: string
  let chapters: string[]

  async function ask<T>(place: string, method = 'GET', body?: unknown, version?: number): Promise<T> {
    const response = await fetch(`${server.url}${place}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(version === undefined ? {} : { 'if-match': `"${version}"` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${place} answered ${response.status}: ${text}`)
    return JSON.parse(text) as T
  }
  const task = (id: string) => ask<Task>(`/v1/tasks/${id}`)
  const submit = async (taskType: string, parameters: object, options: object = {}) =>
    (await ask<Task>('/v1/tasks', 'POST', { taskType, parameters, ...options })).id
  const endOf = (id: string) =>
    until(
      async () => {
        const found = await task(id)
        return /^(COMPLETED|COMPLETED_WITH_ERRORS|FAILED|CANCELLED|DEAD_LETTER)$/.test(found.status) && found
      },
      `end of task ${id}`,
      patience,
      200,
    )
  const tokensOf = async (id: string) => {
    const { items } = await ask<{ items: { inputTokens: number; outputTokens: number }[] }>(
      `/v1/tasks/${id}/usage?tree=true`,
    )
    return items.reduce((sum, { inputTokens, outputTokens }) => sum + inputTokens + outputTokens, 0)
  }
  const scene = (id: string) => ask<Scene>(`/v1/scenes/${id}`)
  const scenesOf = async (chapter: string) => {
    const { scenes } = await ask<{ scenes: { id: string }[] }>(`/v1/novels/${novelId}/chapters/${chapter}`)
    return scenes.map(({ id }) => id)
  }
  const candidatesOf = async (id: string) =>
    (await ask<{ items: { id: string; status: string; version: number }[] }>(`/v1/scenes/${id}/candidates`))
      .items

  beforeAll(async () => {
    llama = await llamaServer(window)
    data = mkdtempSync(path.join(tmpdir(), 'quillwork-real-'))
    const { config } = resolveConfig({ flags: { data, port: '0', noToken: 'true' }, env: {} })
    server = await startServer({ config, works: true, command: 'test', logTo: { write() {} } })
    const fields = {
      provider: 'openai-compatible',
      baseUrl: llama.baseUrl,
      model: 'smollm2',
      privateNetwork: true,
      maxOutputTokens: 300,
      thinkingTokens: 0,
      limits: { concurrency: 1 },
    }
    await ask('/v1/models/small', 'PUT', { fields }, 0)
  }, patience)
  afterAll(async () => {
    await server?.stop({ grace: 0 })
    await llama?.[Symbol.asyncDispose]()
    if (data !== undefined) rmSync(data, { recursive: true })
  })

  it('tells its window, and answers a test', { timeout: patience }, async () => {
    const trial = await ask<{ ok: boolean; says?: string; window?: number; names?: string[] }>(
      '/v1/models/small:test',
      'POST',
      {},
    )
    expect(trial).toMatchObject({ ok: true, window, names: ['smollm2'] })
    expect(trial.says).not.toBe('')
  })

  it('summarises the scenes of an import, each once', { timeout: patience }, async () => {
    const upload = await fetch(`${server.url}/v1/uploads?fileName=ferry.txt`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: book,
    })
    const { id } = (await upload.json()) as { id: string }
    const begun = await ask<{ taskId: string; novelId: string }>(`/v1/uploads/${id}:confirm`, 'POST', {})
    // So small a model does not always come to an end of its answer.
    expect((await endOf(begun.taskId)).status).toMatch(/^COMPLETED/)
    expect(await tokensOf(begun.taskId)).toBeGreaterThan(100)
    novelId = begun.novelId
    const novel = await ask<{ outline: { chapters: { id: string }[] }[]; summaries: number }>(
      `/v1/novels/${novelId}`,
    )
    chapters = novel.outline.flatMap(volume => volume.chapters.map(({ id: chapter }) => chapter))
    expect(chapters).toHaveLength(2)
    // What is there is not paid again.
    const again = await submit('BatchGenerateSummary', { novelId })
    expect((await endOf(again)).status).not.toBe('DEAD_LETTER')
    if (novel.summaries === 2) expect(await tokensOf(again)).toBe(0)
  })

  it('writes a text beside that of a scene, and replaces nothing', { timeout: patience }, async () => {
    const [sceneId = ''] = await scenesOf(chapters[0] ?? '')
    const before = await scene(sceneId)
    const asked = { novelId, sceneId, instructions, length: { words: 40 }, contextTokens: 300 }
    const id = await submit('GenerateScene', asked)
    const ended = await endOf(id)
    if (ended.status === 'COMPLETED')
      expect((await candidatesOf(sceneId)).map(({ status }) => status)).toEqual(
        expect.arrayContaining(['open']),
      )
    else expect(ended.errorInfo?.code).toMatch(/^MODEL_ANSWER_/)
    expect(await tokensOf(id)).toBeGreaterThan(50)
    expect((await scene(sceneId)).content).toBe(before.content)
  })

  it('stops in the middle, counts what was written until then, and keeps the text', {
    timeout: patience,
  }, async () => {
    const [sceneId = ''] = await scenesOf(chapters[0] ?? '')
    const before = await scene(sceneId)
    const asked = { novelId, sceneId, instructions, length: { words: 300 }, contextTokens: 200 }
    const id = await submit('GenerateScene', asked)
    const output = await fetch(`${server.url}/v1/tasks/${id}/output`, {
      headers: { accept: 'text/event-stream' },
    })
    const reader = output.body?.pipeThrough(new TextDecoderStream()).getReader()
    let heard = ''
    while (!/^data: .*\w/m.test(heard)) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined }
      if (done) break
      heard += value
    }
    await ask(`/v1/tasks/${id}:cancel`, 'POST')
    await reader?.cancel()
    expect((await endOf(id)).status).toBe('CANCELLED')
    expect((await scene(sceneId)).content).toBe(before.content)
    await until(async () => (await tokensOf(id)) > 0, 'usage of the call that was stopped', 30_000, 100)
  })

  it('writes a batch in story order under a budget, each scene behind the one that is accepted before', {
    timeout: 120_000,
  }, async () => {
    const scenes = []
    for (const [at, chapter] of chapters.entries()) {
      const [sceneId = ''] = await scenesOf(chapter)
      const { version } = await scene(sceneId)
      const planned = { content: '', summary: ['Berit rows to the far bank.', 'Tam hides the letter.'][at] }
      await ask(`/v1/scenes/${sceneId}`, 'PATCH', planned, version)
      scenes.push(sceneId)
      // What earlier tests left there would be written already.
      for (const { id, status } of await candidatesOf(sceneId))
        if (status === 'open')
          await ask(
            `/v1/scenes/${sceneId}/candidates/${id}:discard`,
            'POST',
            undefined,
            (await scene(sceneId)).version,
          )
    }
    const asked = { novelId, length: { words: 30 }, contextTokens: 200, accept: 'by-author' }
    const budget = { tokens: 20_000 }
    const id = await submit('BatchGenerateScene', asked, { budget })
    for (const [at, sceneId] of scenes.entries()) {
      // An answer that breaks off is no text: its scene fails, and what is behind it is not attempted.
      const state = await until(
        async () => {
          const open = (await candidatesOf(sceneId)).find(({ status }) => status === 'open')
          return open ?? (/^(COMPLETED|FAILED|DEAD_LETTER)/.test((await task(id)).status) && 'ended')
        },
        `text of scene ${at + 1}`,
        60_000,
        200,
      )
      if (state === 'ended') break
      const next = scenes[at + 1]
      if (next !== undefined) expect(await candidatesOf(next)).toEqual([])
      const { version } = await scene(sceneId)
      await ask(`/v1/scenes/${sceneId}/candidates/${state.id}:accept`, 'POST', {}, version)
      expect((await scene(sceneId)).content).not.toBe('')
    }
    const ended = await endOf(id)
    const used = await tokensOf(id)
    process.stderr.write(`${ended.status} after ${used} tokens\n`)
    expect(used).toBeGreaterThan(100)
    expect(used).toBeLessThanOrEqual(budget.tokens)
    const { spent, reserved } = await ask<Record<'spent' | 'reserved', { tokens: number }>>(
      `/v1/tasks/${id}/budget`,
    )
    expect([spent.tokens, reserved.tokens]).toEqual([used, 0])
  })
})
