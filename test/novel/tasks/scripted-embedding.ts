import { createModelCatalogue, type ModelCatalogue } from '../../../src/ai/catalogue.ts'
import { extractiveModel } from '../../../src/ai/extractive/extractive.ts'
import type { EmbeddingModel, LanguageModel } from '../../../src/ai/model.ts'
import { modelConfig } from './novel-engine.ts'

/** An embedding model that does as the test says, and remembers every call that it answered. */
export interface ScriptedEmbedding {
  /** The texts of each call. */
  readonly calls: (readonly string[])[]
  /** Runs before a call is answered; may wait or throw. */
  before: (texts: readonly string[], signal: AbortSignal | undefined) => void | Promise<void>
  space: string
  dimensions: number
}

/** Makes a model that knows three things: light, water and houses. A text's vector says how much there is of each. */
export function scriptedEmbedding(): ScriptedEmbedding {
  return { calls: [], before: () => undefined, space: 'tests:scripted', dimensions: 3 }
}

const things = [/lantern|light|lamp|candle/g, /river|water|stream/g, /house|home|roof/g]

function vectorOf(text: string): Float32Array {
  return Float32Array.from(things, thing => (text.match(thing) ?? []).length + 0.01)
}

/** The scripted model as the first one that is configured for vectors. `prose`: one that writes; default none. */
export function embeddingCatalogue(
  script: ScriptedEmbedding,
  maxTexts = 8,
  prose?: LanguageModel,
): ModelCatalogue {
  const config = modelConfig({ model: 'scripted-vectors', uses: ['embedding'], dimensions: 3 })
  return createModelCatalogue({
    summary: [extractiveModel()],
    configured: [
      { id: 'vectors', config },
      ...(prose === undefined ? [] : [{ id: prose.id, config: modelConfig({ uses: ['prose'] }) }]),
    ],
    open: {
      language: () => {
        if (prose !== undefined) return prose
        throw new Error('No texts here.')
      },
      embedding: ({ id }) => scripted(id, script, maxTexts),
    },
  })
}

function scripted(id: string, script: ScriptedEmbedding, maxTexts: number): EmbeddingModel {
  return {
    id,
    get space() {
      return script.space
    },
    get dimensions() {
      return script.dimensions
    },
    maxTexts,
    limit: 'vectors',
    price: { input: 2, output: 0, currency: 'EUR' },
    countTokens: text => text.length,
    costOf: ({ inputTokens }) => (inputTokens * 2) / 1_000_000,
    async embed(texts, { signal } = {}) {
      await script.before(texts, signal)
      signal?.throwIfAborted()
      script.calls.push(texts)
      const inputTokens = texts.join('').length
      const usage = { model: id, inputTokens, outputTokens: 0, cost: (inputTokens * 2) / 1_000_000 }
      return { vectors: texts.map(vectorOf), usage }
    },
  }
}
