import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Limit } from 'quillwork'
import {
  createModelCatalogue,
  extractiveModel,
  folderUploads,
  generateSummary,
  importNovel,
  type LanguageModel,
  type ModelCatalogue,
  ModelError,
  type NovelServices,
  novelIdOf,
  novelTasks,
  sqliteLibrary,
  storeUpload,
} from 'quillwork/novel'
import { sqlite } from 'quillwork/sqlite'
import { testEngine } from 'quillwork/testing'
import { expect, it } from 'vitest'

/** A provider of one's own: an object with the port, here one that answers with the name of whose it is. */
function ownModel(id: string, account: string, refuses = false): LanguageModel {
  return {
    id,
    limit: `own:${account}:${id}`,
    contextTokens: 32_768,
    maxOutputTokens: 4_096,
    thinkingTokens: 0,
    fallbacks: [],
    countTokens: text => Math.ceil(text.length / 3),
    costOf: () => undefined,
    async write({ prompt, maxOutputTokens }, { signal, onText } = {}) {
      signal?.throwIfAborted()
      if (refuses) throw new ModelError('MODEL_KEY_REJECTED', `The key of ${account} is not valid.`)
      const text = `Written for ${account}.`
      onText?.(text)
      return {
        text,
        finishReason: 'stop',
        usage: { model: id, inputTokens: Math.ceil(prompt.length / 3), outputTokens: 5 },
        parameters: { maxOutputTokens },
      }
    },
  }
}

/** A catalogue of one model that the program opens itself. */
function catalogueFor(account: string, refuses = false): ModelCatalogue {
  const config = {
    provider: 'openai-compatible' as const,
    model: 'own',
    uses: ['prose' as const, 'summary' as const],
    account,
    privateNetwork: false,
    contextTokens: 32_768,
    maxOutputTokens: 4_096,
    fallbacks: [],
    timeouts: { first: 60_000, idle: 60_000, total: 600_000 },
  }
  return createModelCatalogue({
    summary: [extractiveModel()],
    configured: [{ id: 'own', config }],
    open: {
      language: ({ id }) => ownModel(id, account, refuses),
      embedding: ({ id }) => {
        throw new Error(`${id} makes no vectors.`)
      },
    },
  })
}

it('writes with a provider of its own, for each user with their own model, key and limits', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'quillwork-own-'))
  const catalogues = new Map([
    ['ann', catalogueFor('ann')],
    ['bob', catalogueFor('bob', true)],
  ])
  const none = createModelCatalogue({ summary: [extractiveModel()] })
  // Users may come later: the engine reads this map with every call.
  const limits = new Map<string, Limit>()
  const store = sqlite({ file: ':memory:' })
  const services: NovelServices = {
    library: sqliteLibrary(store.database),
    models: userId => catalogues.get(userId) ?? none,
    uploads: folderUploads(folder),
  }
  await using t = await testEngine({ tasks: novelTasks, services, limits, openStore: () => store })
  limits.set('own:ann:own', { concurrency: 1 }).set('own:bob:own', {})

  async function summarised(userId: string) {
    const content = (async function* () {
      yield Buffer.from(
        'Chapter 1\n\nThe miller counted seven lanterns on the bridge, and nobody believed him.',
      )
    })()
    const { id: uploadId } = await storeUpload(services, { userId, fileName: 'book.txt', content })
    const imported = await t.submit(importNovel, { uploadId, summarise: false }, { userId })
    await t.drain()
    await imported.result()
    const novelId = novelIdOf(uploadId)
    const [scene] = (await services.library.shelf.scenes(userId, { novelId }, { pageSize: 1 })).items
    const task = await t.submit(generateSummary, { novelId, sceneId: scene?.id ?? '' }, { userId })
    await t.drain()
    const ended = await task.result().catch(error => error)
    const { summary } = await services.library.scenes.scene(userId, scene?.id ?? '')
    return { ended, summary: summary?.text }
  }

  expect(await summarised('ann')).toMatchObject({ summary: 'Written for ann.', ended: { model: 'own' } })
  expect((await summarised('bob')).ended).toMatchObject({ errorInfo: { code: 'MODEL_KEY_REJECTED' } })
  expect((await summarised('cy')).ended).toMatchObject({ model: 'extractive' })
  rmSync(folder, { recursive: true })
})
