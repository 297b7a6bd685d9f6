import { QuillworkError } from 'quillwork'
import { appendUpload, estimateTask, importNovel, modelsOf, searchNovel, vectorize } from 'quillwork/novel'
import { createGate } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { createModelCatalogue } from '../../../src/ai/catalogue.ts'
import { ModelError } from '../../../src/ai/model-error.ts'
import { ann, bookOf, fourChapters, type NovelEngine, novelEngine } from './novel-engine.ts'
import { embeddingCatalogue, scriptedEmbedding } from './scripted-embedding.ts'

const book = [
  'The Book of Things',
  '',
  'Chapter 1',
  '',
  'A candle stood in the window and its lamp was bright.',
  '',
  'Chapter 2',
  '',
  'The stream was cold, and the river carried the boat away.',
  '',
  'Chapter 3',
  '',
  'Under the roof of the old home nobody spoke.',
  '',
].join('\n')

function search(n: NovelEngine, novelId: string, query: string) {
  const { library, now } = n.services
  const models = modelsOf({ userId: ann, services: n.services })
  return searchNovel({ library, models, now, limiter: n.t.limiter }, { userId: ann, novelId, query })
}

async function chapterOf(n: NovelEngine, novelId: string, query: string) {
  const { hits, ...answer } = await search(n, novelId, query)
  return { ...answer, first: hits[0]?.chapterTitle }
}

describe('Vectorize with an embedding model', () => {
  it('makes a vector of every passage, says what it used, and passages are found by what they mean', async () => {
    const script = scriptedEmbedding()
    await using n = await novelEngine({ models: embeddingCatalogue(script) })
    const novelId = await n.importText(book)
    script.calls.length = 0
    const task = await n.t.submit(vectorize, { novelId }, { userId: ann })
    await n.t.drain()
    const result = await task.result()
    const texts = script.calls.flat()
    const inputTokens = texts.join('').length
    expect(result).toMatchObject({ index: 'hybrid', model: 'vectors', dimensions: 3, passages: 3 })
    expect(result.usage).toMatchObject({ inputTokens, outputTokens: 0 })
    expect(result.usage?.cost).toBeCloseTo((inputTokens * 2) / 1_000_000, 10)
    expect(texts).toHaveLength(3)
    expect(await n.t.tasks.usage(task.taskId)).toMatchObject([{ model: 'vectors', inputTokens }])
    const { items } = await n.t.tasks.usageReport({}, { by: 'subject' })
    expect(items).toMatchObject([{ key: novelId }])
    // No word of these queries is in the text.
    for (const [query, first] of [
      ['lantern light', 'Chapter 1'],
      ['water', 'Chapter 2'],
      ['house', 'Chapter 3'],
    ] as const)
      expect(await chapterOf(n, novelId, query)).toEqual({
        index: 'hybrid',
        model: 'vectors',
        outOfDateScenes: 0,
        total: 3,
        first,
      })
  })

  it('pays no vector twice when it is killed between two calls, and told before what it would ask', async () => {
    const gate = createGate<never>()
    const script = scriptedEmbedding()
    await using n = await novelEngine({ persistent: true, models: embeddingCatalogue(script) })
    const novelId = await n.importText(bookOf([['Volume One', 20]]))
    const whole = script.calls.map(texts => texts.join('\n'))
    expect(whole.length).toBeGreaterThan(3)
    script.calls.length = 0
    const asked = { userId: ann, taskType: 'Vectorize', parameters: { novelId } }
    const [estimate] = (await estimateTask(n.services, asked)).byModel
    const all = whole.join('').length
    expect(estimate).toMatchObject({ model: 'vectors', limit: 'vectors', outputTokens: 0, currency: 'EUR' })
    expect(estimate?.calls).toBeGreaterThanOrEqual(whole.length)
    expect(estimate?.inputTokens).toBeGreaterThanOrEqual(all)
    expect(estimate?.inputTokens).toBeLessThan(all * 2)
    let isHanging = true
    script.before = () => (isHanging && script.calls.length === 3 ? gate.opened : undefined)
    const task = await n.t.submit(vectorize, { novelId }, { userId: ann })
    await n.t.drain()
    expect(script.calls).toHaveLength(3)
    isHanging = false
    await n.t.crash()
    await n.t.drain()
    expect(await n.t.tasks.get(task.taskId)).toMatchObject({ status: 'COMPLETED', attempt: 2 })
    expect(script.calls.map(texts => texts.join('\n'))).toEqual(whole)
    const found = await n.t.find(vectorize, task.taskId)
    const used = script.calls.flat().join('').length
    expect(await found?.result()).toMatchObject({ index: 'hybrid', usage: { inputTokens: used } })
  })

  it('takes over the vectors of texts that are as they were, where that is asked for', async () => {
    const script = scriptedEmbedding()
    await using n = await novelEngine({ models: embeddingCatalogue(script) })
    const novelId = await n.importText(bookOf([['Volume One', 20]]))
    const passages = script.calls.flat().length
    const scenes = await n.scenes(novelId)
    const { id: sceneId = '', version: expectedVersion = 0 } = scenes[4] ?? {}
    const content = 'A lantern by the river.'
    await n.library.scenes.editScene(ann, { sceneId, expectedVersion, content })
    const build = async (reuseVectors: boolean) => {
      script.calls.length = 0
      const task = await n.t.submit(vectorize, { novelId, reuseVectors }, { userId: ann })
      await n.t.drain()
      const { usage, ...made } = await task.result()
      const texts = script.calls.flat()
      return { texts, usage, made, found: await search(n, novelId, 'water') }
    }
    const reused = await build(true)
    expect(reused.texts).toEqual([content])
    expect(reused.usage).toMatchObject({ inputTokens: content.length })
    const anew = await build(false)
    expect(anew.texts.length).toBeGreaterThan(passages / 2)
    expect(anew.found).toEqual(reused.found)
    expect(anew.made).toEqual(reused.made)
    expect((await build(true)).texts).toEqual([])
    // Vectors of another kind are never taken over.
    script.space = 'tests:other'
    expect((await build(true)).texts).toEqual(anew.texts)
  })

  it('adds chapters to a novel, and pays only for the vectors of what is new', async () => {
    const script = scriptedEmbedding()
    await using n = await novelEngine({ models: embeddingCatalogue(script) })
    const novelId = await n.importText(book)
    const { id: uploadId } = await n.upload(`${book}\nChapter 4\n\nThe lantern went out.\n`)
    const parameters = { uploadId, novelId, summarise: false }
    const [estimate] = (
      await estimateTask(n.services, { userId: ann, taskType: 'AppendToNovel', parameters })
    ).byModel
    expect(estimate?.model).toBe('vectors')
    expect(estimate?.inputTokens).toBeLessThan(book.length / 2)
    script.calls.length = 0
    await appendUpload(n.t, n.services, { ...parameters, userId: ann })
    await n.t.drain()
    expect(script.calls).toEqual([['The lantern went out.']])
    expect(await n.library.index.state(ann, novelId)).toMatchObject({ kind: 'hybrid', outOfDateScenes: 0 })
    expect((await chapterOf(n, novelId, 'house')).first).toBe('Chapter 3')
  })

  it('has the vectors of the text as it is, though it was another one when a killed attempt paid for it', async () => {
    const gate = createGate<never>()
    const script = scriptedEmbedding()
    await using n = await novelEngine({ persistent: true, models: embeddingCatalogue(script, 1) })
    const novelId = await n.importText(book)
    const [scene] = await n.scenes(novelId)
    const edit = async (content: string) => {
      const { version } = await n.library.scenes.scene(ann, scene?.id ?? '')
      await n.library.scenes.editScene(ann, { sceneId: scene?.id ?? '', expectedVersion: version, content })
    }
    script.calls.length = 0
    // Each attempt pays for the first passage and is killed before the second.
    script.before = texts => (texts[0]?.includes('stream was') === true ? gate.opened : undefined)
    const task = await n.t.submit(vectorize, { novelId }, { userId: ann })
    await n.t.drain()
    await edit('River, stream, river, and water everywhere.')
    await n.t.crash()
    await n.t.advance('5m')
    await edit(scene?.content ?? '')
    await n.t.crash()
    script.before = () => undefined
    await n.t.advance('15m')
    expect(await n.t.tasks.get(task.taskId)).toMatchObject({ status: 'COMPLETED', attempt: 3 })
    expect(script.calls).toHaveLength(5)
    expect((await chapterOf(n, novelId, 'lantern')).first).toBe('Chapter 1')
    expect((await chapterOf(n, novelId, 'water')).first).toBe('Chapter 2')
    const found = await n.t.find(vectorize, task.taskId)
    const used = script.calls.slice(0, 5).flat().join('').length
    expect(await found?.result()).toMatchObject({ index: 'hybrid', usage: { inputTokens: used } })
  })

  it('gives each passage its own vector where a paragraph was split between two attempts', async () => {
    const gate = createGate<never>()
    const script = scriptedEmbedding()
    await using n = await novelEngine({ persistent: true, models: embeddingCatalogue(script) })
    // Four of them fill a call.
    const paragraph = (about: string) => `${about} ${'It was so, as everybody knew. '.repeat(62)}`.trim()
    const names = ['window', 'door', 'garden', 'road', 'lamp', 'river', 'wall', 'bell', 'end']
    const parts = names.map(name => paragraph(`The ${name}.`))
    const novelId = await n.importText(`A Book\n\nChapter 1\n\n${parts.join('\n\n')}\n`)
    const [scene] = await n.scenes(novelId)
    const sceneId = scene?.id ?? ''
    script.calls.length = 0
    script.before = texts => (texts[0]?.startsWith('The end.') === true ? gate.opened : undefined)
    const task = await n.t.submit(vectorize, { novelId }, { userId: ann })
    await n.t.drain()
    expect(script.calls.map(({ length }) => length)).toEqual([4, 4])
    const { version, content: before } = await n.library.scenes.scene(ann, sceneId)
    const middle = before.indexOf('It was so', 800)
    const content = `${before.slice(0, middle).trim()}\n\n${before.slice(middle)}`
    await n.library.scenes.editScene(ann, { sceneId, expectedVersion: version, content })
    await n.t.crash()
    script.before = () => undefined
    await n.t.advance('15m')
    expect((await n.t.tasks.get(task.taskId)).status).toBe('COMPLETED')
    expect(script.calls.slice(2).map(({ length }) => length)).toEqual([5, 4, 1])
    const { hits } = await search(n, novelId, 'water')
    expect(content.slice(hits[0]?.passage.start, hits[0]?.passage.end)).toContain('The river.')
  })

  it('uses words alone where it is told to, and where no model is configured', async () => {
    const script = scriptedEmbedding()
    await using n = await novelEngine({ models: embeddingCatalogue(script) })
    const novelId = await n.importText(book)
    script.calls.length = 0
    const parameters = { novelId, model: 'lexical' }
    const estimate = await estimateTask(n.services, { userId: ann, taskType: 'Vectorize', parameters })
    expect(estimate.byModel).toEqual([])
    const task = await n.t.submit(vectorize, parameters, { userId: ann })
    await n.t.drain()
    expect(await task.result()).toEqual({
      novelId,
      index: 'lexical',
      passages: 3,
      segments: 1,
      superseded: false,
    })
    expect(script.calls).toEqual([])
    expect(await search(n, novelId, 'water')).toEqual({
      ...{ index: 'lexical', outOfDateScenes: 0, total: 0, hits: [] },
    })
  })

  it('refuses a model that is not configured before it is queued', async () => {
    await using n = await novelEngine({ models: embeddingCatalogue(scriptedEmbedding()) })
    const novelId = await n.importText(book)
    await expect(n.t.submit(vectorize, { novelId, model: 'nobody' }, { userId: ann })).rejects.toMatchObject({
      code: 'PROVIDER_NOT_CONFIGURED',
    })
  })

  it.each([
    ['is refused', new ModelError('MODEL_KEY_REJECTED', 'The key is wrong.')],
    ['is not what its configuration says', new QuillworkError('CONFIG_INVALID', 'Vectors of length 768.')],
  ])('an import is searchable by words where the model %s', async (_, failure) => {
    const script = scriptedEmbedding()
    script.before = () => {
      throw failure
    }
    await using n = await novelEngine({ models: embeddingCatalogue(script) })
    const { id } = await n.upload(fourChapters)
    const parameters = { uploadId: id, summarise: false }
    const told = await estimateTask(n.services, { userId: ann, taskType: 'ImportNovel', parameters })
    expect(told.byModel).toMatchObject([{ model: 'vectors', outputTokens: 0 }])
    const task = await n.t.submit(importNovel, parameters, { userId: ann })
    await n.t.drain()
    const record = await n.t.tasks.get(task.taskId)
    expect(record.status).toBe('COMPLETED_WITH_ERRORS')
    expect(JSON.parse(record.result ?? '{}')).toMatchObject({ index: 'lexical' })
  })
})

describe('a search of a hybrid index', () => {
  async function indexed() {
    const script = scriptedEmbedding()
    const catalogue = embeddingCatalogue(script)
    const gone = createModelCatalogue({})
    const models = { ...catalogue, isGone: false }
    const embeddingModel = (id?: string) => (models.isGone ? gone : catalogue).embeddingModel(id)
    const n = await novelEngine({ models: Object.assign(models, { embeddingModel }) })
    return { n, script, models, novelId: await n.importText(book) }
  }

  it('asks the model once, for the query alone', async () => {
    const { n, script, novelId } = await indexed()
    await using _ = n
    script.calls.length = 0
    await search(n, novelId, 'water')
    expect(script.calls).toEqual([['water']])
  })

  it('is answered by words alone while the model fails, and says why', async () => {
    const { n, script, novelId } = await indexed()
    await using _ = n
    script.before = () => {
      throw new ModelError('MODEL_UNAVAILABLE', 'The provider is down.')
    }
    const degraded = { reason: 'model-failed', message: 'The provider is down.' }
    expect(await chapterOf(n, novelId, 'boat')).toEqual({
      index: 'lexical',
      degraded,
      outOfDateScenes: 0,
      total: 1,
      first: 'Chapter 2',
    })
  })

  it('holds the model for all where it says when to come back, and does not wait for that', async () => {
    const { n, script, novelId } = await indexed()
    await using _ = n
    script.before = () => {
      throw new ModelError('MODEL_RATE_LIMITED', 'Too many requests.', { retryAfterMs: 60_000 })
    }
    expect((await search(n, novelId, 'boat')).degraded?.reason).toBe('model-failed')
    script.before = () => undefined
    script.calls.length = 0
    expect((await search(n, novelId, 'boat')).degraded?.reason).toBe('model-busy')
    expect(script.calls).toEqual([])
  })

  it('holds nobody else up where the provider is only ill for a while', async () => {
    const { n, script, novelId } = await indexed()
    await using _ = n
    script.before = () => {
      throw new ModelError('MODEL_UNAVAILABLE', 'Overloaded.', { retryAfterMs: 3_600_000 })
    }
    expect((await search(n, novelId, 'boat')).degraded?.reason).toBe('model-failed')
    script.before = () => undefined
    expect(await search(n, novelId, 'boat')).toMatchObject({ index: 'hybrid' })
  })

  it('never compares vectors of another model: neither one of that id nor one of another length', async () => {
    const { n, script, novelId } = await indexed()
    await using _ = n
    script.calls.length = 0
    script.space = 'tests:other'
    expect((await search(n, novelId, 'water')).degraded).toMatchObject({
      reason: 'model-changed',
      message: expect.stringContaining('Run Vectorize'),
    })
    script.space = 'tests:scripted'
    script.dimensions = 4
    expect((await search(n, novelId, 'water')).degraded?.reason).toBe('model-changed')
    expect(script.calls).toEqual([])
  })

  it('says what to do where the model is no longer configured', async () => {
    const { n, models, novelId } = await indexed()
    await using _ = n
    models.isGone = true
    expect((await search(n, novelId, 'boat')).degraded).toMatchObject({
      reason: 'model-not-configured',
      message: expect.stringContaining('vectors'),
    })
  })
})
