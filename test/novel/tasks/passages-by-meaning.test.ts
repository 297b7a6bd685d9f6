import { generateScene, modelsOf, vectorize } from 'quillwork/novel'
import { describe, expect, it, vi } from 'vitest'
import type { LanguageModel } from '../../../src/ai/model.ts'
import { ModelError } from '../../../src/ai/model-error.ts'
import { estimateTask } from '../../../src/novel/estimate.ts'
import { closePassages, readMaterial } from '../../../src/novel/models/scene-material.ts'
import { previewScene } from '../../../src/novel/preview-scene.ts'
import { queryVector } from '../../../src/novel/search-novel.ts'
import { describeWriting } from '../../models/writing.ts'
import { ann, type NovelEngine, novelEngine } from './novel-engine.ts'
import { embeddingCatalogue, type ScriptedEmbedding, scriptedEmbedding } from './scripted-embedding.ts'

const chapters = [
  'A candle stood in the window and its lamp was bright.',
  'The stream was cold, and the river carried the boat away.',
  'Under the roof of the old home nobody spoke.',
  'Evening.',
  'SECRET: somebody hid a lantern, a lamp, a candle and a light.',
]
const book = chapters.map((text, at) => `Chapter ${at + 1}\n\n${text}\n`).join('\n')

/** No word of it is in a chapter before the fourth one. */
const summary = 'Somebody notices lantern light.'
const wishes = { summary, scenesBefore: 0, contextTokens: 8_000, length: { words: 20 } }

/** Writes a scene without a fault, and keeps what it was shown. */
function novelist(prompts: string[], before: () => void = () => undefined): LanguageModel {
  const text =
    'Somebody came up the stairs at dusk, stopped at the door, and saw for a moment how the glow moved along the wall.'
  return {
    ...{ id: 'prose', limit: 'scripted', contextTokens: 50_000, maxOutputTokens: 4_000, fallbacks: [] },
    countTokens: given => given.length,
    costOf: () => undefined,
    async write({ prompt, maxOutputTokens }) {
      before()
      prompts.push(prompt)
      const usage = { model: 'prose', inputTokens: prompt.length, outputTokens: text.length }
      return { text, finishReason: 'stop', usage, parameters: { maxOutputTokens } }
    },
  }
}

async function opened(script: ScriptedEmbedding, prompts: string[], before?: () => void) {
  const n = await novelEngine({ models: embeddingCatalogue(script, 8, novelist(prompts, before)) })
  const novelId = await n.importText(book)
  const sceneId = (await n.scenes(novelId))[3]?.id ?? ''
  script.calls.length = 0
  return { n, novelId, sceneId }
}

async function written(n: NovelEngine, novelId: string, sceneId: string) {
  const task = await n.t.submit(generateScene, { novelId, sceneId, ...wishes }, { userId: ann })
  await n.t.drain()
  // After a failure it waits for its next attempt.
  await n.t.advance(60_000)
  await n.t.drain()
  const { candidates } = await task.result()
  const candidateId = candidates[0]?.candidateId ?? ''
  const kept = await n.library.candidates.candidate(ann, { sceneId, candidateId })
  const passages = kept.prompts?.[0]?.find(({ kind }) => kind === 'passages')
  return { task, passages }
}

describe('the passages in the prompt of a scene', () => {
  it('are chosen by what they mean too, before the scene alone; their vector is paid once, and estimated', async () => {
    const script = scriptedEmbedding()
    const prompts: string[] = []
    let failures = 1
    const { n: made, ...ids } = await opened(script, prompts, () => {
      if (failures-- > 0) throw new ModelError('MODEL_UNAVAILABLE', 'Not now.')
    })
    await using n = made
    const { novelId, sceneId } = ids
    const parameters = { novelId, sceneId, ...wishes }
    const estimate = await estimateTask(n.services, { userId: ann, taskType: 'GenerateScene', parameters })
    const inputTokens = summary.length
    expect(script.calls).toEqual([])
    expect(estimate.byModel).toMatchObject([{ model: 'prose' }, { model: 'vectors', calls: 1, inputTokens }])

    const { task, passages } = await written(n, novelId, sceneId)
    // The attempt that failed had asked for it already.
    expect(script.calls).toEqual([[summary]])
    expect(prompts).toHaveLength(1)
    expect(prompts[0]).toMatch(/Chapter 1: A candle stood/)
    expect(prompts[0]).not.toContain('SECRET')
    expect(passages?.shown[0]).toMatchObject({ title: 'Chapter 1', reason: { why: 'close', by: 'both' } })
    expect(passages?.leftOut).toMatchObject([{ title: 'Chapter 5', reason: 'later' }])
    const usage = await n.t.tasks.usage(task.taskId)
    expect(usage.find(({ model }) => model === 'vectors')).toMatchObject({ calls: 1, inputTokens })
    expect(usage.find(({ model }) => model === 'prose')).toMatchObject({
      ...{ calls: 1, inputTokens: prompts[0]?.length },
    })
  })

  it('are searched once more only for the list of what comes later', async () => {
    const { n: made, novelId, sceneId } = await opened(scriptedEmbedding(), [])
    await using n = made
    const search = vi.spyOn(n.library.index, 'search')
    const { signal } = new AbortController()
    const reader = { userId: ann, services: n.services, signal }
    const searches = async (before: string | { endOf: string }) => {
      search.mockClear()
      const about = 'A lamp and a candle.'
      const asked = { said: [], language: 'en', tokens: 2_000, scenesBefore: 0 } as const
      const { leftOut } = await readMaterial(reader, { novelId, before, about, ...asked })
      return { searches: search.mock.calls.length, later: leftOut?.passages?.length }
    }
    expect(await searches(sceneId)).toEqual({ searches: 2, later: 1 })
    expect(await searches({ endOf: novelId })).toEqual({ searches: 1, later: 0 })
    search.mockClear()
    await closePassages(reader, { novelId, before: sceneId, about: 'A lamp.' })
    expect(search).toHaveBeenCalledTimes(1)
  })

  it('are chosen by words where their model fails', async () => {
    const script = scriptedEmbedding()
    const prompts: string[] = []
    const { n: made, novelId, sceneId } = await opened(script, prompts)
    await using n = made
    script.before = () => {
      throw new ModelError('MODEL_UNAVAILABLE', 'Gone.')
    }
    const { passages } = await written(n, novelId, sceneId)
    expect(prompts).toHaveLength(1)
    expect(prompts[0]).not.toMatch(/Chapter 1: A candle stood|SECRET/)
    expect(passages?.shown ?? []).toEqual([])
  })

  it('are chosen by words while their model refuses all calls: it is asked once, not by every scene', async () => {
    const script = scriptedEmbedding()
    const { n: made, novelId, sceneId } = await opened(script, [])
    await using n = made
    let refused = 0
    script.before = () => {
      refused += 1
      throw new ModelError('MODEL_RATE_LIMITED', 'Too many.', { retryAfterMs: 600_000 })
    }
    await written(n, novelId, sceneId)
    const { task } = await written(n, novelId, sceneId)
    expect(refused).toBe(1)
    expect(await task.state()).toMatchObject({ status: 'COMPLETED' })
  })

  it('are in the preview as they were chosen, with the reason where words alone were used', async () => {
    const script = scriptedEmbedding()
    const { n: made, novelId, sceneId } = await opened(script, [])
    await using n = made
    const { library } = n
    const search = { library, models: modelsOf({ userId: ann, services: n.services }), limiter: n.t.limiter }
    const { signal } = new AbortController()
    const previewed = async (asks = true) => {
      const { blocks, passageSearch } = await previewScene(n.services, {
        ...{ userId: ann, sceneId, request: wishes, signal },
        ...(asks && {
          vectorOf: (kind, query) => queryVector(search, kind, { query, userId: ann, signal }),
        }),
      })
      const passages = blocks.find(({ kind }) => kind === 'passages')
      return { passageSearch, first: passages?.shown[0]?.title }
    }
    expect(await previewed()).toEqual({
      passageSearch: { by: 'both', model: 'vectors' },
      first: 'Chapter 1',
    })
    const byWords = { by: 'words', model: 'vectors' }
    expect(await previewed(false)).toMatchObject({
      passageSearch: { by: 'words', degraded: { reason: 'not-asked' } },
      first: undefined,
    })
    script.before = () => {
      throw new ModelError('MODEL_UNAVAILABLE', 'Gone.')
    }
    expect((await previewed()).passageSearch).toEqual({
      ...byWords,
      degraded: { reason: 'model-failed', message: 'Gone.' },
    })
    await n.t.submit(vectorize, { novelId, model: 'lexical' }, { userId: ann })
    await n.t.drain()
    expect((await previewed()).passageSearch).toEqual({ by: 'words', degraded: { reason: 'no-vectors' } })
  })
})

describeWriting('the calls of a scene in a novel that has vectors', open => {
  it('are all counted, and a text that is cut off goes on', async () => {
    await using w = await open({ models: { prose: {}, vectors: { uses: ['embedding'], dimensions: 64 } } })
    const novelId = await w.novel(2)
    const [, , third] = await w.scenes(novelId)
    const sceneId = third?.id ?? ''
    const { version: expectedVersion } = await w.scene(sceneId)
    await w.library.scenes.editScene(ann, { sceneId, expectedVersion, content: '', summary })
    const before = w.server.ledger.calls.length
    w.server.script.add({ prompt: 'What happens', answer: { is: 'cut', after: 6 }, times: 1 })
    const asked = { novelId, sceneId, length: { words: 30 } }
    const { taskId } = await w.t.submit(generateScene, asked, { userId: ann })
    await w.t.drain()
    expect((await w.t.tasks.get(taskId)).errorInfo).toMatchObject({ code: 'MODEL_ANSWER_CUT' })
    await w.t.jump('20s')
    expect((await w.t.tasks.get(taskId)).status).toBe('COMPLETED')
    const [query, cut, rest, ...others] = w.server.ledger.calls.slice(before)
    expect(others).toEqual([])
    expect([query?.route, cut?.route, rest?.route]).toEqual(['embeddings', 'chat', 'chat'])
    expect(rest?.prompt).toContain(cut?.text.slice(0, 60))
    const usage = await w.t.tasks.usage(taskId)
    expect(usage.map(({ model, calls }) => [model, calls]).toSorted()).toEqual([
      ['prose', 2],
      ['vectors', 1],
    ])
    const prose = usage.find(({ model }) => model === 'prose')
    expect(prose?.outputTokens).toBeGreaterThan(rest?.outputTokens ?? 0)
    expect(prose?.inputTokens).toBeGreaterThan(rest?.inputTokens ?? 0)
  })
})
