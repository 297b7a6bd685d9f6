import type { LanguageModel, ModelChoice, ModelParameters, TextRequest } from '../../ai/model.ts'
import { ModelError, type ModelErrorCode } from '../../ai/model-error.ts'
import { promptTokens } from '../../ai/providers/tokens.ts'
import {
  type AllowedCall,
  errorCatalogue,
  QuillworkError,
  SnoozeError,
  type TaskContext,
  type Usage,
} from '../../index.ts'
import { defined } from '../../task/defined.ts'
import {
  beginCall,
  callUnderLimits,
  endCall,
  nextCall,
  reportRefusal,
  settleCutCalls,
  storedSeries,
} from './calls.ts'
import { GrowingText } from './growing-text.ts'

/** The part of a task's context that a call needs. */
export type CallContext = Pick<
  TaskContext,
  'addUsage' | 'attempt' | 'call' | 'checkpoint' | 'checkpointKey' | 'isParked' | 'logInfo' | 'signal'
>

/** A model call. */
export interface ModelCall {
  /** The key of the checkpoint that the answer becomes: at most 150 characters, the same in every attempt. */
  readonly unit: string
  /** Units whose answers broke off, and which this one continues: it begins with the fallback that they switched to. Default none. */
  readonly continues?: readonly string[]
  readonly use: 'prose' | 'summary'
  /** Returns the request for a model: the request for a fallback may have to be smaller. Throws MODEL_CONTEXT_EXCEEDED. */
  request(model: LanguageModel): TextRequest
  /** The subject of the usage: the id of the novel. */
  readonly subject: string
  /** Receives each final stretch of the text, and whether a line break stood before the text; absent where the text is not streamed. */
  onText?(text: string, startsParagraph: boolean): void
  /** Accepts an answer that was cut off at its longest length, unless it is empty. Default: false, an error. */
  readonly takesTruncated?: boolean
  /** Accepts an answer without text. Default: false, an error. */
  readonly takesEmpty?: boolean
}

/** The answer of a model. */
export interface ModelAnswer {
  /** Without white space around it; blank only where that is accepted. */
  readonly text: string
  /** Id of the model that wrote it. */
  readonly model: string
  readonly finishReason: string
  /** The answer was cut off at its longest length. */
  readonly truncated: boolean
  /** A line break stood before the text. */
  readonly startsParagraph?: true
  readonly usage: Usage
  readonly parameters: ModelParameters
}

/**
 * Calls a model: reserves under the budget of the tree, acquires the rate limit of the model, makes the call, and records its real usage,
 * also of a failed call. When the call fails with a code for which the model has a fallback, calls the fallback; a fallback for
 * MODEL_RATE_LIMITED also while the provider is known to refuse all calls. Asks a model that names a smaller window once more, with a prompt that fits. Skips a fallback that is not configured. A fallback that fails
 * permanently costs no retry of a model that may answer later. Returns the answer. Throws `ModelError`, what `ctx.call` throws,
 * and the signal's reason; writes no text once the signal has fired.
 */
export async function callModel(
  ctx: CallContext,
  models: Pick<ModelChoice, 'languageModel'>,
  { model, ...call }: ModelCall & { readonly model: LanguageModel },
): Promise<ModelAnswer> {
  const fallbacks = fallbacksOf(models, model, call.use)
  // A text that is restarted begins with an empty output, which only a new attempt has; it calls the fallback to which an earlier one switched.
  const renewed = (unit: string) => storedSeries<string>(ctx, number => renewalKey(unit, number))
  let asked = model
  let switches = 0
  if (model.fallbacks.length > 0) {
    for (const unit of [...(call.continues ?? []), call.unit]) {
      const ids = await renewed(unit)
      for (const id of ids) asked = fallbacks.named(id) ?? asked
      switches = ids.length
    }
  }
  const remember = (next: string) => ctx.checkpoint(renewalKey(call.unit, switches), () => next)
  const freeModel = (due: LanguageModel): LanguageModel => {
    let candidate = due
    while (ctx.isParked(candidate.limit)) {
      const next = fallbacks.after(candidate.id, 'MODEL_RATE_LIMITED')
      if (next === undefined) return due
      candidate = next
    }
    if (candidate !== due)
      ctx.logInfo(`The provider refuses calls of the model ${due.id} for now; calling ${candidate.id}.`)
    return candidate
  }
  let isFirst = true
  let passing: ModelError | undefined
  const refitted = new Set<string>()
  for (;;) {
    asked = freeModel(asked)
    await asked.prepare?.()
    const window = asked.contextTokens
    const attempt = await ask(ctx, asked, { ...call, modelOf: fallbacks.called }).catch(async error => {
      if (!(error instanceof SnoozeError)) throw error
      // Another process may have learned first that the provider refuses all calls; the acquisition reported it.
      const free = error.limit === undefined ? asked : freeModel(asked)
      if (free !== asked) {
        asked = free
        return undefined
      }
      // The next attempt begins with this model, so that the failed models before it are not paid again.
      if (!isFirst) await remember(asked.id)
      throw error
    })
    if (attempt === undefined) continue
    if ('answer' in attempt) return attempt.answer
    const { error } = attempt
    const isTooLong = error.code === 'MODEL_CONTEXT_EXCEEDED'
    if (isTooLong && asked.contextTokens < window && !refitted.has(asked.id)) {
      // The provider named its window, which is smaller than configured: the prompt is fitted to it.
      refitted.add(asked.id)
      ctx.logInfo(
        `The model ${asked.id} takes ${asked.contextTokens} tokens in all; it is asked again with less.`,
      )
      continue
    }
    const isPassing = errorCatalogue[error.code].retryable
    if (isPassing) passing ??= error
    const next = fallbacks.after(asked.id, error.code)
    if (next === undefined) throw isPassing ? error : (passing ?? error)
    ctx.logInfo(`The model ${asked.id} gave no answer; calling ${next.id}.`, { code: error.code })
    if (attempt.isFollowed) {
      await remember(next.id)
      // At once, and without a retry.
      const how = isCut(error) ? 'continued' : 'restarted'
      throw new SnoozeError(0, `The text is ${how} with the model ${next.id}: ${error.message}`)
    }
    asked = next
    isFirst = false
  }
}

/**
 * Divides a text by the window of a model and reads it; once more where a refusal of the model names a smaller window meanwhile. Returns what was read.
 */
export async function withinWindow<T>(model: LanguageModel, read: () => Promise<T>): Promise<T> {
  const { contextTokens } = model
  return read().catch(error => {
    const isTooLong = error instanceof ModelError && error.code === 'MODEL_CONTEXT_EXCEEDED'
    if (isTooLong && model.contextTokens < contextTokens) return read()
    throw error
  })
}

/** Returns how a configured fallback is found: by its id, and after a model that failed with a code; each is called once. */
function fallbacksOf(
  models: Pick<ModelChoice, 'languageModel'>,
  model: LanguageModel,
  use: ModelCall['use'],
) {
  const { fallbacks } = model
  const named = (id: string) => configuredModel(models, use, id)
  return {
    named,
    /** The model of an earlier call, whose id it is. */
    called: (id: string) => (id === model.id ? model : named(id)),
    after(failed: string, code: ModelErrorCode): LanguageModel | undefined {
      const at = fallbacks.findIndex(fallback => fallback.model === failed)
      for (const { model: id, on } of fallbacks.slice(at + 1)) {
        const model = on.includes(code) ? named(id) : undefined
        if (model !== undefined) return model
      }
      return undefined
    },
  }
}

/** Returns the model with an id; undefined where it is not configured, or not any more. */
export function configuredModel(
  models: Pick<ModelChoice, 'languageModel'>,
  use: ModelCall['use'],
  id: string,
): LanguageModel | undefined {
  try {
    return models.languageModel(use, id)
  } catch (error) {
    if (error instanceof QuillworkError && error.code === 'PROVIDER_NOT_CONFIGURED') return undefined
    throw error
  }
}

function renewalKey(unit: string, number: number): string {
  return `${unit}: fallback ${number + 1}`
}

type Asked = { answer: ModelAnswer } | { error: ModelError; isFollowed: boolean }

async function ask(
  ctx: CallContext,
  model: LanguageModel,
  { modelOf, ...call }: ModelCall & { modelOf: (id: string) => LanguageModel | undefined },
): Promise<Asked> {
  const { subject, unit } = call
  await settleCutCalls(ctx, { unit, subject, modelOf })
  const request = requestOf(model, call)
  if (request instanceof ModelError) return { error: request, isFollowed: false }
  const name = await nextCall(ctx, unit)
  const inputTokens = promptTokens(model, request)
  const keptText = request.prompt.slice(0, request.stableEnds?.at(-1) ?? 0)
  const cacheWriteTokens = keptText === '' ? 0 : promptTokens(model, { ...request, prompt: keptText })
  const most = { inputTokens, cacheWriteTokens, outputTokens: request.maxOutputTokens }
  return callUnderLimits(ctx, model, { name, subject, most }, running =>
    write(ctx, model, { ...call, request, name, inputTokens, running }),
  )
}

/** A call that is allowed, and its name within the task. */
interface RunningCall extends Omit<ModelCall, 'request'> {
  readonly request: TextRequest
  readonly name: string
  readonly inputTokens: number
  readonly running: AllowedCall
}

async function write(
  ctx: CallContext,
  model: LanguageModel,
  { request, name, inputTokens, running, unit, ...call }: RunningCall,
): Promise<Asked> {
  const text = new GrowingText((stretch, startsParagraph) => {
    if (!ctx.signal.aborted) call.onText?.(stretch, startsParagraph)
  })
  let used: Usage | undefined
  const use = (usage: Usage, isAnswered: boolean) => {
    used = usage
    running.used(usage, isAnswered)
  }
  running.used(undefined, false)
  try {
    const { maxOutputTokens, temperature } = request
    const parameters = { maxOutputTokens, ...defined({ temperature }) }
    await beginCall(ctx, name, { unit, model: model.id, inputTokens, parameters })
    const answer = await model.write(request, {
      signal: ctx.signal,
      onText: stretch => text.add(stretch),
      onPartialUsage: use,
    })
    use(answer.usage, true)
    ctx.signal.throwIfAborted()
    if (text.end() === '') text.add(answer.text)
    const { usage, finishReason } = answer
    const whole = { text: text.end(), model: model.id, truncated: false, ...joint(text) }
    return { answer: { ...whole, finishReason, usage, parameters: answer.parameters } }
  } catch (error) {
    if (ctx.signal.aborted || !(error instanceof ModelError)) throw error
    reportRefusal(running, error)
    const isTruncated = error.code === 'MODEL_ANSWER_TRUNCATED' && call.takesTruncated === true
    if (isTruncated && text.text !== '')
      return { answer: brokenAnswer(model, request, { text, used, finishReason: 'length' }) }
    if (error.code === 'MODEL_ANSWER_EMPTY' && call.takesEmpty === true)
      return { answer: brokenAnswer(model, request, { text, used, finishReason: 'stop' }) }
    const isFollowed = call.onText !== undefined && text.text !== ''
    if (!isFollowed || !isCut(error)) await endCall(ctx, name)
    return { error, isFollowed }
  }
}

/** Whether the answer broke off through no fault of its text, so that it can be continued. */
function isCut({ code }: ModelError): boolean {
  return code === 'MODEL_ANSWER_CUT' || code === 'MODEL_STALLED' || code === 'MODEL_UNAVAILABLE'
}

/** Returns the request, or the error of a request that is too long for the model: a fallback may accept it. */
function requestOf(model: LanguageModel, call: ModelCall): TextRequest | ModelError {
  try {
    return call.request(model)
  } catch (error) {
    if (error instanceof ModelError) return error
    throw error
  }
}

/** Returns an answer that the provider reports as an error, and that is accepted. */
function brokenAnswer(
  { id: model }: LanguageModel,
  { maxOutputTokens, temperature }: TextRequest,
  {
    text,
    used,
    finishReason,
  }: { text: GrowingText; used: Usage | undefined; finishReason: 'length' | 'stop' },
): ModelAnswer {
  return {
    text: text.text,
    model,
    finishReason,
    truncated: finishReason === 'length',
    usage: used ?? { model, inputTokens: 0, outputTokens: 0 },
    parameters: { maxOutputTokens, ...defined({ temperature }) },
    ...joint(text),
  }
}

function joint({ startsParagraph }: GrowingText): Pick<ModelAnswer, 'startsParagraph'> {
  return startsParagraph ? { startsParagraph } : {}
}
