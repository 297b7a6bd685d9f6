import { generateSummary } from 'quillwork/novel'
import { createGate } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import type { SceneEdit, SceneWritten } from '../../../src/novel/library/scenes.ts'
import { ann, bookOf, type NovelEngine, novelEngine, scriptedModel } from './novel-engine.ts'

const oneChapter = bookOf([['Volume One', 1]])

describe('GenerateSummary', () => {
  it('writes a summary and says what it is', async () => {
    await using n = await novelEngine()
    const { task } = await start(n)
    await n.t.drain()
    const result = await task.result()
    const [scene] = await n.scenes((await novelOf(n)).id)
    expect(result).toEqual({
      sceneId: scene?.id,
      conflict: false,
      skipped: false,
      characters: scene?.summary?.length,
      method: 'extractive',
      model: 'extractive',
      language: 'en',
      processingTimeMs: expect.any(Number),
    })
    expect(result.processingTimeMs).toBeLessThan(60_000)
  })

  it('summarises the newest text when a person changed it meanwhile', async () => {
    const { n, model, sceneId, task, gate } = await paused()
    await using _ = n
    await edit(n, sceneId, { content: 'A new beginning, written by hand.' })
    model.before = () => undefined
    gate.open()
    await n.t.drain()
    expect(await task.result()).toMatchObject({ conflict: false })
    expect(await n.library.scenes.scene(ann, sceneId)).toMatchObject({
      content: 'A new beginning, written by hand.',
      summary: { text: 'Summary of A new beginning, written by hand.' },
      summaryOutOfDate: false,
    })
    expect(model.made).toHaveLength(2)
  })

  it('flags a conflict when it loses twice, and overwrites nothing', async () => {
    const { n, model, sceneId, task, gate } = await paused()
    await using _ = n
    await edit(n, sceneId, { content: 'The second text.' })
    model.before = text =>
      text === 'The second text.' ? edit(n, sceneId, { content: 'The third text.' }).then() : undefined
    gate.open()
    await n.t.drain()
    expect(await task.state()).toMatchObject({
      status: 'COMPLETED',
      result: { conflict: true, skipped: false, characters: 0 },
    })
    const scene = await n.library.scenes.scene(ann, sceneId)
    expect(scene.content).toBe('The third text.')
    expect(scene.summary).toBeUndefined()
  })

  it('leaves the summary that a person wrote meanwhile', async () => {
    const { n, model, sceneId, task, gate } = await paused()
    await using _ = n
    await edit(n, sceneId, { summary: 'By hand.' })
    gate.open()
    await n.t.drain()
    const result = await task.result()
    expect(result).toMatchObject({ conflict: true, alternativeId: expect.any(String) })
    const kept = await n.library.scenes.historyEntry(ann, {
      sceneId,
      entryId: String(result.alternativeId),
    })
    expect(kept).toMatchObject({ what: 'summary', why: 'conflict' })
    expect((await n.library.scenes.scene(ann, sceneId)).summary).toMatchObject({
      text: 'By hand.',
      method: 'person',
    })
    expect(model.made).toHaveLength(1)
  })

  it('keeps a text that a person edits while only the summary arrives', async () => {
    const { n, sceneId, task, gate } = await paused()
    await using _ = n
    await edit(n, sceneId, { title: 'At dawn' })
    gate.open()
    await n.t.drain()
    expect(await task.result()).toMatchObject({ conflict: false })
    expect(await n.library.scenes.scene(ann, sceneId)).toMatchObject({ title: 'At dawn', hasSummary: true })
  })

  it('fails for good when the scene is deleted, before or meanwhile', async () => {
    const { n, sceneId, task, gate } = await paused()
    await using _ = n
    const { id: novelId } = await novelOf(n)
    await n.library.shelf.remove(ann, novelId)
    gate.open()
    const late = await n.t.submit(generateSummary, { novelId, sceneId }, { userId: ann })
    await n.t.drain()
    for (const each of [task, late]) {
      expect(await n.t.tasks.get(each.taskId)).toMatchObject({
        status: 'FAILED',
        attempt: 1,
        errorInfo: { code: 'SCENE_NOT_FOUND' },
      })
    }
  })

  it.each([' \n　', '……！？ —— ***'])('fails for good on a scene without words: %j', async content => {
    const model = scriptedModel()
    await using n = await novelEngine({ model })
    const { id: novelId } = await novelOf(n)
    const sceneId = (await n.scenes(novelId))[0]?.id ?? ''
    await edit(n, sceneId, { content })
    const task = await n.t.submit(generateSummary, { novelId, sceneId }, { userId: ann })
    await n.t.drain()
    expect(await task.state()).toMatchObject({ status: 'FAILED', error: { code: 'SCENE_EMPTY' } })
    expect(model.made).toEqual([])
  })

  it("does not find a scene of another user, or of another user's novel", async () => {
    await using n = await novelEngine()
    const { id: novelId } = await novelOf(n)
    const sceneId = (await n.scenes(novelId))[0]?.id ?? ''
    const stranger = await n.t.submit(generateSummary, { novelId, sceneId }, { userId: 'bob' })
    const astray = await n.t.submit(generateSummary, { novelId: 'another', sceneId }, { userId: ann })
    await n.t.drain()
    expect(await stranger.state()).toMatchObject({ status: 'FAILED', error: { code: 'SCENE_NOT_FOUND' } })
    expect(await astray.state()).toMatchObject({ status: 'FAILED', error: { code: 'SCENE_NOT_FOUND' } })
  })

  it('refuses a style that the model cannot follow, and follows it where it can', async () => {
    await using quoting = await novelEngine()
    await expect(start(quoting, { style: 'like a telegram' })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
    })

    await using writing = await novelEngine({ model: scriptedModel() })
    const { task, sceneId } = await start(writing, { style: 'like a telegram' })
    await writing.t.drain()
    expect(await task.result()).toMatchObject({ method: 'generative', language: 'en', finishReason: 'stop' })
    const { summary } = await writing.library.scenes.scene(ann, sceneId)
    expect(summary).toMatchObject({
      text: expect.stringMatching(/\(like a telegram\)$/),
      model: 'scripted',
      prompt: { name: 'summarise-scene', language: 'en', version: expect.stringMatching(/^1\+/) },
      parameters: { providerModel: 'scripted-1', style: 'like a telegram', maxCharacters: 360 },
      usage: { outputTokens: summary?.text.length },
      finishReason: 'stop',
      writtenBy: { taskId: task.taskId, attempt: 1 },
    })
  })

  it('is never longer than was asked for, and ends with a clause', async () => {
    await using n = await novelEngine({ model: scriptedModel() })
    const { task, sceneId } = await start(n, { maxCharacters: 36 })
    await n.t.drain()
    expect(await task.result()).toMatchObject({ characters: 34 })
    expect((await n.library.scenes.scene(ann, sceneId)).summary?.text).toBe(
      'Summary of Scene 1 begins at dawn.',
    )
  })

  it('refuses a model that is not configured', async () => {
    await using n = await novelEngine()
    await expect(start(n, { model: 'grand' })).rejects.toMatchObject({ code: 'PROVIDER_NOT_CONFIGURED' })
  })

  it('tries again when the model fails', async () => {
    const model = scriptedModel()
    let failures = 2
    model.before = () => {
      if (failures-- > 0) throw new Error('overloaded')
    }
    await using n = await novelEngine({ model })
    const { task } = await start(n)
    await n.t.advance('10m')
    expect(await task.state()).toMatchObject({ status: 'COMPLETED' })
    expect(await n.t.tasks.get(task.taskId)).toMatchObject({ attempt: 3, retryCount: 2 })
  })

  it('does not pay again for what a crash kept from being written', async () => {
    const model = scriptedModel()
    const gate = createGate<SceneWritten>()
    let hanging = true
    await using n = await novelEngine({
      model,
      persistent: true,
      faults: ({ scenes }) => ({
        scenes: { ...scenes, writeSummary: write => (hanging ? gate.opened : scenes.writeSummary(write)) },
      }),
    })
    const { task, sceneId } = await start(n)
    await n.t.drain()
    expect(model.made).toHaveLength(1)
    hanging = false
    await n.t.crash()
    await n.t.drain()
    expect(await n.t.tasks.get(task.taskId)).toMatchObject({ status: 'COMPLETED', attempt: 2 })
    expect(await n.library.scenes.scene(ann, sceneId)).toMatchObject({ hasSummary: true, version: 2 })
    expect(model.made).toHaveLength(1)
    expect(await n.t.tasks.usage(task.taskId)).toMatchObject([{ model: 'scripted', calls: 1 }])
  })

  it('does not summarise again what a crash kept from being settled', async () => {
    const model = scriptedModel('extractive')
    const gate = createGate<SceneWritten>()
    let hanging = true
    await using n = await novelEngine({
      model,
      persistent: true,
      faults: ({ scenes }) => ({
        scenes: {
          ...scenes,
          async writeSummary(write) {
            const written = await scenes.writeSummary(write)
            return hanging ? gate.opened : written
          },
        },
      }),
    })
    const { task, sceneId } = await start(n)
    await n.t.drain()
    hanging = false
    await n.t.crash()
    await n.t.drain()
    expect(await n.t.tasks.get(task.taskId)).toMatchObject({ status: 'COMPLETED', attempt: 2 })
    expect((await n.library.scenes.scene(ann, sceneId)).version).toBe(2)
    expect(model.made).toHaveLength(1)
  })

  it('stops when it is cancelled, and writes nothing', async () => {
    const { n, sceneId, task, gate } = await paused()
    await using _ = n
    await n.t.tasks.cancel(task.taskId)
    gate.open()
    await n.t.drain()
    expect((await n.t.tasks.get(task.taskId)).status).toBe('CANCELLED')
    expect((await n.library.scenes.scene(ann, sceneId)).hasSummary).toBe(false)
  })

  it('replaces a summary and keeps the old one in the history, or leaves it', async () => {
    const model = scriptedModel()
    await using n = await novelEngine({ model })
    const { id: novelId } = await novelOf(n)
    const sceneId = (await n.scenes(novelId))[0]?.id ?? ''
    await edit(n, sceneId, { summary: 'By hand.' })
    const scene = { novelId, sceneId }
    const left = await n.t.submit(generateSummary, { ...scene, overwriteExisting: false }, { userId: ann })
    await n.t.drain()
    expect(await left.result()).toMatchObject({
      skipped: true,
      conflict: false,
      characters: 0,
      method: 'person',
    })
    expect(model.made).toEqual([])

    const replaced = await n.t.submit(generateSummary, scene, { userId: ann })
    await n.t.drain()
    expect(await replaced.result()).toMatchObject({ skipped: false, method: 'generative' })
    expect((await n.library.scenes.history(ann, sceneId, { pageSize: 5 })).items).toMatchObject([
      { what: 'summary', text: 'By hand.' },
    ])
  })
})

async function novelOf(n: NovelEngine) {
  const [novel] = (await n.library.shelf.novels(ann, { pageSize: 1 })).items
  if (novel !== undefined) return novel
  return n.library.shelf.novel(ann, await n.importText(oneChapter))
}

/** Submits the summary of the first scene. */
async function start(
  n: NovelEngine,
  options: { style?: string; maxCharacters?: number; model?: string } = {},
) {
  const { id: novelId } = await novelOf(n)
  const sceneId = (await n.scenes(novelId))[0]?.id ?? ''
  const task = await n.t.submit(generateSummary, { novelId, sceneId, ...options }, { userId: ann })
  return { task, sceneId }
}

/** A summary that waits at a gate for the model's answer. */
async function paused() {
  const model = scriptedModel()
  const gate = createGate()
  model.before = () => gate.opened
  const n = await novelEngine({ model })
  const { task, sceneId } = await start(n)
  await n.t.drain()
  return { n, model, sceneId, task, gate }
}

async function edit(
  n: NovelEngine,
  sceneId: string,
  change: Pick<SceneEdit, 'title' | 'content' | 'summary'>,
) {
  const { version } = await n.library.scenes.scene(ann, sceneId)
  const written = await n.library.scenes.editScene(ann, { sceneId, expectedVersion: version, ...change })
  expect(written.outcome).toBe('applied')
}
