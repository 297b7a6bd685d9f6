/** What is kept of the calls of a task, so that a later attempt knows of one that its process was killed in: it was paid, and nobody heard how it ended. */
import type { EmbeddingModel, LanguageModel, ModelParameters } from '../../ai/model.ts'
import { ModelError } from '../../ai/model-error.ts'
import type { AllowedCall, StepOptions, TaskContext, Usage } from '../../index.ts'
import { defined } from '../../task/defined.ts'

/** What is stored right before a call is made. */
interface BegunCall {
  readonly attempt: number
  /** The key of the checkpoint that its answer becomes. */
  readonly unit: string
  /** The name under which that is stored. A person who has the step run again wants no text of the calls before. */
  readonly checkpointKey?: string
  /** Id of the model. */
  readonly model: string
  readonly inputTokens: number
  readonly parameters?: ModelParameters
}

/** A call that an earlier attempt began, and that was cut off: by the end of its process or attempt, or of the connection. */
export interface CutCall extends BegunCall {
  readonly name: string
}

/** The part of a task's context that keeps calls. */
export type CallsContext = Pick<
  TaskContext,
  'addUsage' | 'attempt' | 'checkpoint' | 'checkpointKey' | 'signal'
>

/** What counts the tokens of a model and knows its price. */
type PricedModel = Pick<LanguageModel | EmbeddingModel, 'costOf'> & { countTokens(text: string): number }

/** How the model of a call that was cut off is found; undefined where it is not configured any more. */
type FindModel = (id: string) => PricedModel | undefined

/** The calls of one task, which makes one at a time. */
interface TaskCalls {
  /** Calls that were begun, in all attempts. */
  begun: number
  /** Those that were cut off, until they are settled. */
  cut: readonly CutCall[]
}

const mark = { isProgress: false, ofTask: true } as const
/** By the signal of their attempt: it is one object, however many contexts the calls are made with. So no two calls get one number. */
const known = new WeakMap<AbortSignal, Promise<TaskCalls>>()

/** Returns the name of the next call, which is made for a unit. It is used again until a call has begun under it. */
export async function nextCall(ctx: CallsContext, unit: string): Promise<string> {
  return nameOf((await callsOf(ctx, unit)).begun)
}

/** Returns the call of a unit that was cut off last; undefined where none was, since a person last had the unit run again. */
export async function cutCallOf(ctx: CallsContext, unit: string): Promise<CutCall | undefined> {
  const { cut } = await callsOf(ctx, unit)
  return cut.findLast(call => call.unit === unit && isOfNow(ctx, call))
}

function isOfNow(ctx: CallsContext, { unit, checkpointKey = unit }: BegunCall): boolean {
  return checkpointKey === ctx.checkpointKey(unit)
}

/** What a call may use at most. */
export interface MostUsed {
  readonly inputTokens: number
  /** Of these, what the provider is asked to keep. Default 0. */
  readonly cacheWriteTokens?: number
  readonly outputTokens: number
}

/**
 * Makes a call under the budget of the tree and the limit of its model, which loads what its first call needs before it gets a place. `name` is
 * that of the call within the task. Throws what `ctx.call` throws.
 */
export async function callUnderLimits<T>(
  ctx: Pick<TaskContext, 'call'>,
  model: Pick<LanguageModel, 'costOf' | 'limit' | 'prepare'>,
  { name, subject, most }: { name: string; subject: string; most: MostUsed },
  make: (call: AllowedCall) => Promise<T>,
): Promise<T> {
  await model.prepare?.()
  const tokens = most.inputTokens + most.outputTokens
  return ctx.call(
    { limit: model.limit, tokens, ...defined({ cost: model.costOf(most) }), name, subject },
    make,
  )
}

/** Reports a refusal that names its wait, so that nobody calls the model before: the task may go on another way. */
export function reportRefusal(call: Pick<AllowedCall, 'refused'>, error: unknown): void {
  if (error instanceof ModelError && error.code === 'MODEL_RATE_LIMITED' && error.retryAfterMs !== undefined)
    call.refused(error.retryAfterMs)
}

/** Stores that a call is about to be made. */
export async function beginCall(
  ctx: CallsContext,
  name: string,
  call: Omit<BegunCall, 'attempt' | 'checkpointKey'>,
): Promise<void> {
  const checkpointKey = ctx.checkpointKey(call.unit)
  const begun = { attempt: ctx.attempt, ...call, ...(checkpointKey !== call.unit && { checkpointKey }) }
  await ctx.checkpoint<BegunCall>(name, () => begun, mark)
  const calls = await callsOf(ctx, call.unit)
  calls.begun += 1
}

/** Stores that a call has ended in a way that leaves nothing to continue. */
export async function endCall(ctx: CallsContext, name: string): Promise<void> {
  await ctx.checkpoint(endKey(name), () => true, mark)
}

/** Settles all calls that were cut off and of which nothing is continued, before one for a unit: their prompts were paid. */
export async function settleCutCalls(
  ctx: CallsContext,
  { unit, subject, modelOf }: { unit: string; subject: string; modelOf: FindModel },
): Promise<void> {
  for (const call of (await callsOf(ctx, unit)).cut) {
    await settleCutCall(ctx, call, { subject, model: modelOf(call.model), text: '' })
    await endCall(ctx, call.name)
  }
}

/**
 * Records what a call that was cut off has used, unless that was recorded when it was cut off: its prompt, and the text that is known to have
 * arrived. That settles what was reserved for it. Returns the usage. Without a model, its price is not known.
 */
export async function settleCutCall(
  ctx: CallsContext,
  call: CutCall,
  { model, subject, text }: { model: PricedModel | undefined; subject: string; text: string },
): Promise<Usage> {
  const { name, inputTokens } = call
  const tokens = { inputTokens, outputTokens: text === '' ? 0 : (model?.countTokens(text) ?? text.length) }
  const usage = { model: call.model, ...tokens, ...defined({ cost: model?.costOf(tokens) }) }
  await ctx.addUsage({ ...usage, subject, call: name, isEstimated: true })
  const calls = await callsOf(ctx, call.unit)
  calls.cut = calls.cut.filter(other => other !== call)
  return usage
}

function callsOf(ctx: CallsContext, unit: string): Promise<TaskCalls> {
  const calls = known.get(ctx.signal) ?? readCalls(ctx, unit)
  known.set(ctx.signal, calls)
  return calls
}

/** The step of `unit` may be under way, so it has no answer. Where a call before a step ran again had one, its usage is known: it is settled by that. */
async function readCalls(ctx: CallsContext, unit: string): Promise<TaskCalls> {
  const begun = await storedSeries<BegunCall>(ctx, nameOf, mark)
  const cut: CutCall[] = []
  for (const [number, call] of begun.entries()) {
    const name = nameOf(number)
    const mayHave = call.unit !== unit && isOfNow(ctx, call)
    const hasAnswer = mayHave && (await storedStep(ctx, call.unit)) !== undefined
    if (!hasAnswer && (await storedStep(ctx, endKey(name), mark)) === undefined) cut.push({ ...call, name })
  }
  return { begun: begun.length, cut }
}

function nameOf(number: number): string {
  return `call ${number + 1}`
}

/** Whether a step is what is kept of a call, which no person can have run again. */
export function isOfCall(step: string): boolean {
  return /^call [1-9]\d*( ended)?$/u.test(step)
}

function endKey(name: string): string {
  return `${name} ended`
}

const nothingStored = new Error('There is no such checkpoint.')

/** Returns the value that is stored under a key; undefined where none is. Stores nothing. */
export async function storedStep<T>(
  ctx: Pick<TaskContext, 'checkpoint'>,
  key: string,
  options?: StepOptions,
): Promise<T | undefined> {
  try {
    // A step that fails stores nothing, so that this only reads.
    const step = () => {
      throw nothingStored
    }
    return await ctx.checkpoint<T>(key, step, options)
  } catch (error) {
    if (error === nothingStored) return undefined
    throw error
  }
}

/** Returns the values stored under the keys for 0, 1, 2 and so on, up to the first missing key. Stores nothing. */
export async function storedSeries<T>(
  ctx: Pick<TaskContext, 'checkpoint'>,
  keyFor: (number: number) => string,
  options?: StepOptions,
): Promise<T[]> {
  const values: T[] = []
  for (;;) {
    const value = await storedStep<T>(ctx, keyFor(values.length), options)
    if (value === undefined) return values
    values.push(value)
  }
}
