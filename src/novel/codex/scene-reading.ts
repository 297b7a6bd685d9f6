/**
 * A model reads the scenes of a novel one after the other, for entries of the codex or for what speaks against it. Every answer is a checkpoint and every
 * scene is kept when it is read: what is cut off goes on behind it, and a scene that is as it was is not paid again.
 */
import { z } from 'zod'
import type { LanguageModel, TextRequest } from '../../ai/model.ts'
import { ModelError } from '../../ai/model-error.ts'
import { promptTokens } from '../../ai/providers/tokens.ts'
import { hashedId, PermanentError, type TaskContext } from '../../index.ts'
import { cooperate } from '../../runtime/cooperate.ts'
import { defined } from '../../task/defined.ts'
import { count, modelId, usageNote } from '../fields.ts'
import type { UsageNote } from '../library/provenance.ts'
import type { NewReading, ReadItems, ReadingKind, SceneReading } from '../library/readings.ts'
import type { PlacedText } from '../library/shelf.ts'
import { askTwice, type Read } from '../models/ask-twice.ts'
import { callModel, type ModelAnswer, withinWindow } from '../models/call-model.ts'
import { storedSeries } from '../models/calls.ts'
import { contextExceeded, splitByTokens } from '../models/context.ts'
import type { ExpectedUse } from '../models/expected.ts'
import { addUsage, noUsage } from '../models/expense.ts'
import { answerLimit, languageName, textLanguage } from '../models/lengths.ts'
import { type PromptName, type Prompts, promptLanguageOf } from '../prompts/prompts.ts'
import { failedScenes, range, rangeOf } from '../scene-batch.ts'
import { modelsOf, type NovelServices, novelRetry } from '../services.ts'
import type { FoundItems } from './read-entries.ts'

/** What such a task takes. */
const readingParameters = z.strictObject({
  ...range,
  /** Default: the first model configured for summaries. */
  model: modelId.optional(),
  /** Also reads scenes again that were read as they are now. */
  again: z.boolean().default(false),
})

/** What such a task comes to; `total` is the sum of the next three. */
const readingResult = z.object({
  total: count,
  success: count,
  failed: count,
  /** Read before as they are, empty, or nothing in them is to be asked for. */
  skipped: count,
  /** What the answers named and the text bears out. */
  found: count,
  /** What they named and code did not find in the text. */
  dropped: count,
  failedScenes,
  model: z.string(),
  /** Usage of the answers; failed calls are in the usage of the task. */
  usage: usageNote,
  /** Duration of the last attempt. */
  processingTimeMs: z.number().min(0),
})

/** How far such a task is. */
const readingProgress = z.object({ done: count, total: count, found: count })

type Asked = z.output<typeof readingParameters>
interface Sum extends Omit<z.output<typeof readingResult>, 'model' | 'processingTimeMs' | 'usage'> {
  usage: UsageNote
}
/** The context of such a task. */
export type ReadingContext = TaskContext<typeof readingParameters, typeof readingProgress, NovelServices>

/** What every task has that reads scene by scene. */
export const readingTask = {
  lane: 'batch',
  attemptTimeout: '12h',
  stallTimeout: '1h',
  retry: novelRetry,
  parameters: readingParameters,
  result: readingResult,
  progress: readingProgress,
  async admit({ novelId, model }: Asked, asker: Pick<ReadingContext, 'userId' | 'services'>): Promise<void> {
    modelsOf(asker).languageModel('summary', model)
    await asker.services.library.shelf.about(asker.userId, novelId)
  },
} as const

/** What a scene is asked. */
export interface SceneQuestion<Kind extends ReadingKind> {
  /** Another value where the scene, or what it is compared with, was changed. */
  readonly of: string
  /** The values of the slots of the prompt that are not the same for all scenes. */
  readonly slots: Readonly<Record<string, string>>
  read(answer: string): Read<FoundItems<ReadItems[Kind]>>
}

/** What scenes are read for. */
export interface SceneReader<Kind extends ReadingKind> {
  readonly what: Kind
  readonly prompt: PromptName
  /** Tokens of a long answer. */
  readonly answerTokens: number
  /** Returns what a scene is asked; undefined where there is nothing to ask for. */
  question(scene: PlacedText): SceneQuestion<Kind> | undefined
  /** Receives what was kept of a scene. */
  kept?(reading: NewReading<Kind>): void
}

/** Who reads, and with which model. */
export interface Reading<Kind extends ReadingKind> {
  readonly userId: string
  readonly services: NovelServices
  readonly reader: SceneReader<Kind>
  readonly model: LanguageModel
  readonly prompts: Prompts
  /** BCP 47 tag that the novel declares. */
  readonly declared: string | undefined
}

/** Scenes between two checkpoints. */
const scenesPerStep = 20
/** Most failed scenes that the result names. */
const mostFailedNamed = 100
/** Most tokens of a text that is read with one call: in a longer one models overlook what is in the middle. */
const longestPart = 6_000
/** Smaller parts, in tokens, are not worth a call. */
const smallestPart = 100

const nothing: Sum = {
  ...{ total: 0, success: 0, failed: 0, skipped: 0, found: 0, dropped: 0 },
  ...{ failedScenes: [], usage: noUsage },
}

/** A page of scenes that were read. */
interface ReadPage {
  sum: Sum
  next?: string
}

/** Reads the scenes of the range. Throws MODEL_ANSWER_MALFORMED where none of those that are asked could be read, and what `callModel` throws. */
export async function readScenes<Kind extends ReadingKind>(
  ctx: ReadingContext,
  reading: Reading<Kind>,
): Promise<Omit<z.output<typeof readingResult>, 'processingTimeMs'>> {
  const refusedKey = (number: number) => `refused ${number + 1}`
  const round = (await storedSeries(ctx, refusedKey)).length
  const { scenes: all } = await ctx.services.library.shelf.novel(ctx.userId, ctx.parameters.novelId)
  let sum = nothing
  let next: string | undefined
  let number = 0
  do {
    const from = next
    const before = sum
    const show = (now: Sum) => {
      const { total: done, found } = added(before, now)
      ctx.updateProgress({ done, total: Math.max(done, all), found })
    }
    const page = await ctx.checkpoint(`page ${round}.${++number}`, () =>
      readPage(ctx, reading, { from, round, show }),
    )
    sum = added(sum, page.sum)
    show(page.sum)
    next = page.next
  } while (next !== undefined)
  const [first] = sum.failedScenes
  if (first !== undefined && sum.success === 0) {
    await ctx.checkpoint(refusedKey(round), () => true)
    const message = `No scene could be read; the first one failed with: ${first.reason} Retry the task, or choose another model.`
    throw new PermanentError(message, { code: 'MODEL_ANSWER_MALFORMED' })
  }
  return { ...sum, model: reading.model.id }
}

function added(sum: Sum, one: Sum): Sum {
  return {
    total: sum.total + one.total,
    success: sum.success + one.success,
    failed: sum.failed + one.failed,
    skipped: sum.skipped + one.skipped,
    found: sum.found + one.found,
    dropped: sum.dropped + one.dropped,
    failedScenes: [...sum.failedScenes, ...one.failedScenes].slice(0, mostFailedNamed),
    usage: addUsage(sum.usage, one.usage),
  }
}

/** Returns a page of scenes with what was read in them before. */
async function scenesWithReadings<Kind extends ReadingKind>(
  { userId, services: { library }, reader: { what } }: Reading<Kind>,
  asked: Asked,
  from: string | undefined,
) {
  const request = { pageSize: scenesPerStep, ...defined({ pageToken: from }) }
  const { items: scenes, nextPageToken: next } = await library.shelf.texts(userId, rangeOf(asked), request)
  const sceneIds = scenes.map(({ id }) => id)
  return { scenes, next, earlier: await library.readings.ofScenes(userId, asked.novelId, { what, sceneIds }) }
}

/** Whether a scene was read as it is. */
function isCurrent(
  earlier: SceneReading | undefined,
  question: { of: string },
  { again }: Pick<Asked, 'again'>,
): boolean {
  return !again && earlier?.of === question.of
}

async function readPage<Kind extends ReadingKind>(
  ctx: ReadingContext,
  reading: Reading<Kind>,
  { from, round, show }: { from: string | undefined; round: number; show: (sum: Sum) => void },
): Promise<ReadPage> {
  const { reader, services, userId } = reading
  const { novelId } = ctx.parameters
  const { scenes, next, earlier } = await scenesWithReadings(reading, ctx.parameters, from)
  let sum = nothing
  for (const scene of scenes) {
    ctx.signal.throwIfAborted()
    show(sum)
    const question = scene.content.trim() === '' ? undefined : reader.question(scene)
    const known = earlier.get(scene.id)
    // An earlier attempt of this task read it, whatever was changed since.
    if (known?.taskId === ctx.taskId) sum = added(sum, counted(known))
    else if (question === undefined || isCurrent(known, question, ctx.parameters))
      sum = added(sum, { ...nothing, total: 1, skipped: 1 })
    else {
      const read = await withinWindow(reading.model, () =>
        readScene(ctx, reading, { scene, question, round }),
      )
      if ('fault' in read) {
        const failed = [{ sceneId: scene.id, reason: read.fault }]
        sum = added(sum, { ...nothing, total: 1, failed: 1, failedScenes: failed })
        continue
      }
      ctx.signal.throwIfAborted()
      await services.library.readings.keep(userId, novelId, read)
      reader.kept?.(read)
      sum = added(sum, counted(read))
    }
  }
  return { sum, ...defined({ next }) }
}

function counted({ items, dropped, usage }: Pick<SceneReading, 'items' | 'dropped' | 'usage'>): Sum {
  return { ...nothing, total: 1, success: 1, found: items.length, dropped, usage }
}

/** Asks a scene, part by part where it is long. */
async function readScene<Kind extends ReadingKind>(
  ctx: ReadingContext,
  reading: Reading<Kind>,
  asking: { scene: PlacedText; question: SceneQuestion<Kind>; round: number },
): Promise<NewReading<Kind> | { fault: string }> {
  const { model, reader } = reading
  const { scene, question, round } = asking
  // How a text is split depends on the window, which the model may learn from its server.
  await model.prepare?.()
  const { prompt, parts, requestFor } = await partsOf(reading, { scene, question, signal: ctx.signal })
  const items: ReadItems[Kind][] = []
  let dropped = 0
  let usage = noUsage
  let writer = model.id
  for (const part of parts) {
    const of = JSON.stringify([model.id, prompt.note.version, scene.id, question.of, part])
    const unit = `${reader.what} ${hashedId(of)} ${round}`
    const call = (key: string, fault: string) =>
      ctx.checkpoint(key, () =>
        answerTo(ctx, {
          ...{ unit: key, model, subject: scene.novelId },
          request: asked => requestFor(asked, { part, fault }),
        }),
      )
    const asked = await askTwice(unit, call, question.read)
    usage = addUsage(usage, asked.usage)
    if (asked.fault !== undefined) {
      ctx.logInfo(`The answer to the scene ${scene.id} cannot be used, twice: ${asked.fault}`)
      return { fault: asked.fault }
    }
    items.push(...asked.value.items)
    dropped += asked.value.dropped
    writer = asked.model
  }
  return {
    ...{ sceneId: scene.id, what: reader.what },
    ...{ of: question.of, items, dropped, model: writer, prompt: prompt.note, usage, taskId: ctx.taskId },
  }
}

/** Calls the model. An answer that is withheld is one that cannot be used: other scenes can be read. */
async function answerTo(
  ctx: ReadingContext,
  call: Pick<Parameters<typeof callModel>[2], 'unit' | 'model' | 'subject' | 'request'>,
): Promise<ModelAnswer> {
  try {
    // One that was cut off is a fault like others: the model is asked once more.
    return await callModel(ctx, modelsOf(ctx), { ...call, use: 'summary', takesTruncated: true })
  } catch (error) {
    const isWithheld =
      error instanceof ModelError &&
      (error.code === 'MODEL_ANSWER_FILTERED' || error.code === 'MODEL_ANSWER_REFUSED')
    if (!isWithheld) throw error
    const { id: model, maxOutputTokens } = call.model
    const usage = { model, inputTokens: 0, outputTokens: 0 }
    return {
      text: '',
      model,
      finishReason: error.code,
      truncated: false,
      usage,
      parameters: { maxOutputTokens },
    }
  }
}

/** Returns the parts of a scene that are read with one call each, and the request of a part. Throws MODEL_CONTEXT_EXCEEDED. */
async function partsOf<Kind extends ReadingKind>(
  { reader, model, prompts, declared }: Reading<Kind>,
  { scene, question, signal }: { scene: PlacedText; question: SceneQuestion<Kind>; signal: AbortSignal },
) {
  const tag = textLanguage(scene.content, declared)
  const language = promptLanguageOf(tag)
  const prompt = prompts(reader.prompt, language)
  const unchecked = (asked: LanguageModel, text: string, fault: string): TextRequest => ({
    ...prompt.render({ ...question.slots, language: languageName(tag, language), fault, text }),
    maxOutputTokens: answerLimit(asked, reader.answerTokens),
  })
  const space = (asked: LanguageModel, request: TextRequest) =>
    asked.contextTokens - request.maxOutputTokens - promptTokens(asked, request)
  const tooLong = (asked: LanguageModel, request: TextRequest) =>
    contextExceeded({ model: asked, outputTokens: request.maxOutputTokens }, promptTokens(asked, request))
  const frame = unchecked(model, '.', '')
  const left = Math.min(longestPart, space(model, frame))
  if (left < smallestPart) throw tooLong(model, frame)
  const parts = await cooperate(
    splitByTokens(scene.content, left, text => model.countTokens(text)),
    signal,
  )
  return {
    prompt,
    parts,
    requestFor(asked: LanguageModel, { part, fault }: { part: string; fault: string }): TextRequest {
      const request = unchecked(asked, part, fault)
      if (space(asked, request) < 0) throw tooLong(asked, request)
      return request
    },
  }
}

/** Tokens of an answer beside a share of the text that it is about. */
const answerFrame = 150
const answerShare = 0.3

/** Returns the expected use of the model, rather too high than too low, by the scenes that are to be read. */
export async function readingUses<Kind extends ReadingKind>(
  reading: Reading<Kind>,
  asked: Asked,
  signal: AbortSignal = new AbortController().signal,
): Promise<ExpectedUse[]> {
  const { model, reader } = reading
  const uses: ExpectedUse[] = []
  let next: string | undefined
  do {
    signal.throwIfAborted()
    const page = await scenesWithReadings(reading, asked, next)
    for (const scene of page.scenes) {
      const question = scene.content.trim() === '' ? undefined : reader.question(scene)
      if (question === undefined || isCurrent(page.earlier.get(scene.id), question, asked)) continue
      const { parts, requestFor } = await partsOf(reading, { scene, question, signal })
      for (const part of parts) {
        const request = requestFor(model, { part, fault: '' })
        const answer = Math.ceil(answerFrame + answerShare * model.countTokens(part))
        uses.push({
          calls: 1,
          inputTokens: promptTokens(model, request),
          outputTokens: Math.min(
            request.maxOutputTokens,
            Math.min(reader.answerTokens, answer) + (model.thinkingTokens ?? 0),
          ),
        })
      }
    }
    next = page.next
  } while (next !== undefined)
  return uses
}
