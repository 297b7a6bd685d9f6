/** The vector of what a scene is about, by which a task finds passages that mean something close to it. */
import { ModelError } from '../../ai/model-error.ts'
import { hashedId, type TaskContext } from '../../index.ts'
import { degraded, modelOfVectors, type QueryVectors } from '../search-novel.ts'
import { modelsOf, type NovelServices } from '../services.ts'
import { type CallContext, configuredModel } from './call-model.ts'
import { embedTexts, queryText } from './embed-texts.ts'
import type { MaterialReader } from './scene-material.ts'

/** The part of a task's context that it needs. */
export type VectorContext = CallContext & Pick<TaskContext, 'userId'> & { readonly services: NovelServices }

/**
 * Returns what makes vectors of queries in a task, each once: it is a checkpoint. A call that fails costs no retry: words are used then. Throws
 * what `ctx.call` throws, and the signal's reason.
 */
function taskVectors(ctx: VectorContext, novelId: string): QueryVectors {
  return async (kind, query) => {
    const model = modelOfVectors({ models: modelsOf(ctx) }, kind)
    if ('reason' in model) return model
    if (ctx.isParked(model.limit))
      return degraded('model-busy', `The provider refuses calls of ${model.id} for now.`)
    const text = queryText(model, query)
    const unit = `query ${hashedId(JSON.stringify([kind.space, kind.dimensions, text]))}`
    try {
      const kept = await ctx.checkpoint(unit, async () => {
        const asked = { model, texts: [text], subject: novelId, unit, purpose: 'query' } as const
        const otherModel = (id: string) => configuredModel(modelsOf(ctx), 'prose', id)
        const { vectors } = await embedTexts(ctx, { ...asked, otherModel })
        return vectors[0] === undefined ? '' : encode(vectors[0])
      })
      return kept === '' ? degraded('model-failed', `${model.id} returned no vector.`) : decode(kept)
    } catch (error) {
      if (ctx.signal.aborted || !(error instanceof ModelError)) throw error
      ctx.logInfo('Passages are chosen by words alone.', { reason: error.message })
      return degraded('model-failed', error.message)
    }
  }
}

/** Returns a reader of material that chooses passages by meaning too, where the novel has vectors. */
export function withVectors(ctx: VectorContext, novelId: string): MaterialReader {
  const { userId, services, signal } = ctx
  return { userId, services, signal, vectorOf: taskVectors(ctx, novelId) }
}

function encode(vector: Float32Array): string {
  return Buffer.from(Float32Array.from(vector).buffer).toString('base64')
}

function decode(text: string): Float32Array {
  // A copy: the bytes of a buffer may not be aligned for floats.
  return new Float32Array(Uint8Array.from(Buffer.from(text, 'base64')).buffer)
}
