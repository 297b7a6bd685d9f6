import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sceneIdOf } from '../../src/novel/library/ids.ts'
import { importBook, proposalOf } from '../novel/library/case.ts'
import { ann } from '../novel/tasks/novel-engine.ts'
import { type NovelApi, serveNovels } from './novel-api.ts'

let api: NovelApi
let books = 0
beforeAll(async () => {
  api = await serveNovels()
})
afterAll(() => api[Symbol.asyncDispose]())

interface SceneJson {
  id: string
  chapterId: string
  version: number
  content: string
  position: number
  title?: string
  textOrigin?: object
  summary?: object
}

interface EntryJson {
  id: string
  why: string
  excerpt: string
  text: string
  length: number
}

const provenance = {
  method: 'generative',
  model: 'scripted/large',
  prompt: { name: 'scene', version: '1', language: 'en' },
  parameters: { temperature: 0.5, tone: 'dark' },
  usage: { inputTokens: 10, outputTokens: 5, cost: 0.01 },
  finishReason: 'stop',
} as const

/** A scene of a book that nobody has changed. */
async function newScene() {
  const novelId = await importBook(api.novels.library, `${books++}`)
  const sceneId = sceneIdOf(novelId, 0, 0)
  const path = `/v1/scenes/${sceneId}`
  const { candidates, scenes } = api.novels.library
  return {
    sceneId,
    path,
    read: async () => (await api.ask<SceneJson>(path)).body,
    history: async () => (await api.ask<{ items: EntryJson[] }>(`${path}/history`)).body.items,
    edit: (content: string, version: number) =>
      api.ask(path, { method: 'PATCH', json: { content }, headers: { 'if-match': `"${version}"` } }),
    restore: (entryId: string, headers: Record<string, string>) =>
      api.ask<SceneJson>(`${path}:restore`, { method: 'POST', json: { entryId }, headers }),
    generate: (content: string, expectedVersion: number, taskId: string) =>
      candidates.propose(
        proposalOf({ ...{ sceneId, expectedVersion, content, provenance }, writer: { taskId, attempt: 2 } }),
      ),
    summarise: (summary: string, expectedVersion: number, taskId: string) =>
      scenes.writeSummary({
        ...{ sceneId, expectedVersion, summary, ...provenance },
        writer: { taskId, attempt: 2 },
      }),
  }
}

describe('where a text comes from', () => {
  test('is told of the scene, and of every text before it', async () => {
    const scene = await newScene()
    expect((await scene.read()).textOrigin).toEqual({ method: 'imported' })
    await scene.generate('made', 1, 'task')
    const writing = { writtenBy: { taskId: 'task', attempt: 2 }, writtenAt: expect.stringMatching(/Z$/) }
    const accepted = { candidateId: expect.any(String), ...writing }
    expect((await scene.read()).textOrigin).toEqual({ ...provenance, accepted, ...writing })
    await scene.edit('hers', 2)
    expect((await scene.read()).textOrigin).toMatchObject({ method: 'person', writtenBy: { userId: ann } })
    expect(await scene.history()).toMatchObject([
      {
        ...{ what: 'text', why: 'overwritten', version: 2, excerpt: 'made', length: 4, provenance },
        ...{ writtenBy: { taskId: 'task', attempt: 2 }, overwrittenBy: { userId: ann } },
      },
      { provenance: { method: 'imported' }, overwrittenBy: { taskId: 'task', attempt: 2 } },
    ])
  })

  test('an excerpt is short and never half a character; the entry has the whole text', async () => {
    const scene = await newScene()
    const long = `${'x'.repeat(199)}😀${'y'.repeat(300)}`
    await scene.edit(long, 1)
    await scene.edit('short', 2)
    const [entry] = await scene.history()
    expect(entry).toMatchObject({ excerpt: 'x'.repeat(199), length: long.length })
    const { status, body } = await api.ask<EntryJson>(`${scene.path}/history/${entry?.id}`)
    expect(status).toBe(200)
    expect(body).toMatchObject({ text: long, id: entry?.id })
    expect(body).not.toHaveProperty('excerpt')
    expect(await api.ask(`${scene.path}/history/nowhere`)).toMatchObject({
      status: 404,
      body: { code: 'HISTORY_ENTRY_NOT_FOUND' },
    })
  })
})

describe('restoring', () => {
  test('what a model made beside an edit is put in place under the version that was read', async () => {
    const scene = await newScene()
    await scene.edit('hers', 1)
    const late = await scene.summarise('made', 1, 'late')
    expect(late).toMatchObject({ outcome: 'conflict', version: 2 })
    const [alternative] = await scene.history()
    expect(alternative).toMatchObject({ why: 'conflict', excerpt: 'made' })
    const entryId = alternative?.id ?? ''
    expect(await scene.restore(entryId, {})).toMatchObject({ status: 428 })
    expect(await scene.restore(entryId, { 'if-match': '"1"' })).toMatchObject({
      status: 412,
      body: { code: 'SCENE_CHANGED', version: 2 },
    })
    for (const _ of ['once', 'sent again']) {
      const restored = await scene.restore(entryId, { 'if-match': '"2"' })
      expect(restored).toMatchObject({ status: 200, body: { summary: { text: 'made' }, version: 3 } })
      expect(restored.headers.get('etag')).toBe('"3"')
      expect(restored.body.summary).toMatchObject({
        ...provenance,
        restored: { entryId, writtenBy: { taskId: 'late', attempt: 2 } },
        writtenBy: { userId: ann },
      })
    }
    expect(await scene.history()).toMatchObject([{ why: 'conflict' }, { provenance: { method: 'imported' } }])
    expect(await scene.restore('nowhere', { 'if-match': '"3"' })).toMatchObject({
      status: 404,
      body: { code: 'HISTORY_ENTRY_NOT_FOUND' },
    })
  })
})

describe('a new scene', () => {
  async function newChapter() {
    const { read } = await newScene()
    const { chapterId } = await read()
    const add = (json?: object, key?: string) =>
      api.ask<SceneJson>(`/v1/chapters/${chapterId}/scenes`, {
        method: 'POST',
        ...(json === undefined ? {} : { json }),
        headers: key === undefined ? {} : { 'idempotency-key': key },
      })
    return add
  }

  test('goes to the end of its chapter, with what is to happen in it', async () => {
    const add = await newChapter()
    const added = await add({ title: 'Next', summary: 'She comes back.' })
    expect(added).toMatchObject({
      status: 201,
      body: {
        ...{ position: 2, title: 'Next', content: '', version: 1 },
        summary: { text: 'She comes back.', method: 'person', outOfDate: false, writtenBy: { userId: ann } },
      },
    })
    expect(added.body).not.toHaveProperty('textOrigin')
    expect(added.headers.get('location')).toBe(`/v1/scenes/${added.body.id}`)
    expect((await api.ask<SceneJson>(`/v1/scenes/${added.body.id}`)).body).toEqual(added.body)
    expect(await add()).toMatchObject({ status: 201, body: { position: 3 } })
  })

  test('is added once for a key', async () => {
    const add = await newChapter()
    const first = await add({ summary: 'One.' }, 'k')
    expect((await add({ summary: 'One.' }, 'k')).body).toEqual(first.body)
    expect(await add({ summary: 'Another.' }, 'k')).toMatchObject({
      status: 422,
      body: { code: 'IDEMPOTENCY_KEY_REUSED' },
    })
    expect(await add({ summary: 'One.' }, 'other')).toMatchObject({ body: { position: 3 } })
  })

  test('is refused in a chapter that is not there, and with half characters', async () => {
    const add = await newChapter()
    expect(await api.post('/v1/chapters/nowhere/scenes', {})).toMatchObject({
      status: 404,
      body: { code: 'CHAPTER_NOT_FOUND' },
    })
    for (const json of [{ title: '\ud800' }, { title: ' ' }, { summary: '\u0000' }, { text: 'x' }])
      expect(await add(json)).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID' } })
  })
})
