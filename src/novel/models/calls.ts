/** What is kept of the calls of a task, so that a later attempt knows of one that its process was killed in: it was paid, and nobody heard how it ended. */
import type { EmbeddingModel, LanguageModel, ModelParameters } from '../../ai/model.ts'
import type { TaskContext, Usage } from '../../index.ts'
import { defined } from '../../task/defined.ts'

/** What is stored right before a call is made. */
interface BegunCall {
  readonly attempt: number
  /** Id of the model. */
  readonly model: string
  readonly inputTokens: number
  readonly parameters?: ModelParameters
}

/** A call that an earlier attempt began, and that was cut off: by the end of its process or attempt, or of the connection. */
export interface CutCall extends BegunCall {
  readonly name: string
}

type PricedModel = Pick<LanguageModel | EmbeddingModel, 'costOf' | 'id'> & {
  countTokens(text: string): number
}

/** The part of a task's context that keeps calls. */
export type CallsContext = Pick<TaskContext, 'addUsage' | 'attempt' | 'checkpoint'>

/** Returns the name of the next call of a unit of work, and the last one where that was cut off. */
export async function readCalls(
  ctx: CallsContext,
  unit: string,
): Promise<{ next: string; cut: CutCall | undefined }> {
  const nameOf = (number: number) => `${unit}: call ${number + 1}`
  const begun = await storedSeries<BegunCall>(ctx, nameOf)
  const [last, name] = [begun.at(-1), nameOf(begun.length - 1)]
  const next = nameOf(begun.length)
  if (last === undefined || last.attempt >= ctx.attempt) return { next, cut: undefined }
  const hasEnded = (await storedStep<true>(ctx, endKey(name))) ?? false
  return { next, cut: hasEnded ? undefined : { ...last, name } }
}

/** Stores that a call is about to be made. */
export async function beginCall(
  ctx: CallsContext,
  name: string,
  call: Omit<BegunCall, 'attempt'>,
): Promise<void> {
  await ctx.checkpoint<BegunCall>(name, () => ({ attempt: ctx.attempt, ...call }))
}

/** Stores that a call has ended in a way that leaves nothing to continue. */
export async function endCall(ctx: CallsContext, name: string): Promise<void> {
  await ctx.checkpoint(endKey(name), () => true)
}

/**
 * Records what a call that was cut off has used, once, and unless that was recorded when it was cut off: its prompt, and the text that is known to have
 * arrived. That settles what was reserved for it. Returns the usage. `model` is the one that was called, or undefined where its price is not known.
 */
export async function settleCutCall(
  ctx: CallsContext,
  { name, inputTokens, model: id }: CutCall,
  { model, subject, text }: { model: PricedModel | undefined; subject: string; text: string },
): Promise<Usage> {
  const tokens = { inputTokens, outputTokens: text === '' ? 0 : (model?.countTokens(text) ?? text.length) }
  const usage = {
    model: id,
    ...tokens,
    ...defined({ cost: model?.id === id ? model.costOf(tokens) : undefined }),
  }
  await ctx.addUsage({ ...usage, subject, call: name, isEstimated: true })
  return usage
}

function endKey(name: string): string {
  return `${name} ended`
}

const nothingStored = new Error('There is no such checkpoint.')

/** Returns the value that is stored under a key; undefined where none is. Stores nothing. */
async function storedStep<T>(ctx: Pick<TaskContext, 'checkpoint'>, key: string): Promise<T | undefined> {
  try {
    // A step that fails stores nothing, so that this only reads.
    return await ctx.checkpoint<T>(key, () => {
      throw nothingStored
    })
  } catch (error) {
    if (error === nothingStored) return undefined
    throw error
  }
}

/** Returns the values stored under the keys for 0, 1, 2 and so on, up to the first missing key. Stores nothing. */
export async function storedSeries<T>(
  ctx: Pick<TaskContext, 'checkpoint'>,
  keyFor: (number: number) => string,
): Promise<T[]> {
  const values: T[] = []
  for (;;) {
    const value = await storedStep<T>(ctx, keyFor(values.length))
    if (value === undefined) return values
    values.push(value)
  }
}
