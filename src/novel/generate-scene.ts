import { z } from 'zod'
import type { Writing } from '../ai/text/language.ts'
import { hashedId, type TaskContext } from '../index.ts'
import { defined } from '../task/defined.ts'
import { count, id, modelId, promptNote, style, title, usageNote } from './fields.ts'
import type { Provenance } from './library/provenance.ts'
import { sceneNotFound } from './library/refusal.ts'
import { addUsage, noUsage } from './models/expense.ts'
import { type Length, languageName, writingOf } from './models/lengths.ts'
import { readMaterial } from './models/scene-material.ts'
import { type SceneToWrite, type WrittenScene, writeScene } from './models/write-scene.ts'
import { loadPrompts, promptLanguageOf } from './prompts/prompts.ts'
import { admitScene, openScene, type SceneTarget, targetOf } from './scene-target.ts'
import { defineNovelTask, type NovelServices, novelRetry, timed } from './services.ts'
import { measure } from './words.ts'

/** The author's options for writing a scene. */
export const sceneOptions = {
  style: style.optional(),
  tone: style.optional(),
  /** Approximate length, in words or in characters; default 800 words, in Chinese 1,500 characters. */
  length: z
    .union([
      z.strictObject({ words: z.int().min(20).max(5_000) }),
      z.strictObject({ characters: z.int().min(20).max(30_000) }),
    ])
    .optional(),
  /** Further instructions of the author. */
  instructions: z.string().trim().min(1).max(4_000).optional(),
  /** Default: the first model configured for prose. */
  model: modelId.optional(),
  /** Default: as configured for the model, else the default of the provider. */
  temperature: z.number().min(0).max(2).optional(),
  /** Most tokens of the novel in the prompt, besides the summary: the text before, summaries, passages, names. */
  contextTokens: z.int().min(0).max(200_000).default(8_000),
}

const parameters = z
  .strictObject({
    novelId: id,
    /** The scene to write; or `chapterId`. */
    sceneId: id.optional(),
    /** Adds a scene at the end of the chapter and writes it; or `sceneId`. */
    chapterId: id.optional(),
    /** Title of an added scene. */
    title: title.optional(),
    /** The events of the scene. Default: its summary. */
    summary: z.string().trim().min(1).max(10_000).optional(),
    ...sceneOptions,
    /** Scenes right before it whose text may be in the prompt. */
    scenesBefore: z.int().min(0).max(20).default(20),
    /** Whether an existing text is replaced; the history keeps the old one. */
    overwriteExisting: z.boolean().default(true),
  })
  .refine(({ sceneId, chapterId }) => (sceneId === undefined) !== (chapterId === undefined), {
    message: 'give either sceneId, for a scene that is there, or chapterId, for a new one',
  })
  .refine(({ title, chapterId }) => title === undefined || chapterId !== undefined, {
    message: 'a title is given to a new scene only',
    path: ['title'],
  })

const result = z.object({
  sceneId: id,
  /** Size of the new text. */
  words: count,
  characters: count,
  /** Another writer changed the text in the meantime: that text stays, and the history of the scene keeps the new one. */
  conflict: z.boolean(),
  /** The entry of the history with the new text. */
  alternativeId: z.string().optional(),
  /** A text existed and was not to be overwritten: none was written. */
  skipped: z.boolean(),
  model: z.string().optional(),
  prompt: promptNote.optional(),
  /** Usage of the calls that made the text; failed calls are in the usage of the task. */
  usage: usageNote.optional(),
  /** The reason why the model stopped, in the provider's words. */
  finishReason: z.string().optional(),
  /** Duration of the last attempt. */
  processingTimeMs: z.number().min(0),
})

const progress = z.object({
  /** Written parts of the scene, and all parts. */
  done: count,
  total: count,
  /** Size of the text so far. */
  words: count,
  characters: count,
})

type Parameters = z.output<typeof parameters>
type SceneContext = TaskContext<typeof parameters, typeof progress, NovelServices>
type Result = Omit<z.infer<typeof result>, 'processingTimeMs'>

/**
 * Writes a scene with a language model. The text streams to the output of the task. It enters the novel when it is complete, and only if
 * the text of the scene has not changed since the task first read it.
 */
export const generateScene = defineNovelTask({
  type: 'GenerateScene',
  lane: 'batch',
  attemptTimeout: '1h',
  retry: novelRetry,
  parameters,
  result,
  progress,
  async admit(asked, asker) {
    asker.services.models.languageModel('prose', asked.model)
    await admitScene(asker, asked)
  },
  async execute(ctx: SceneContext) {
    return timed(() => generate(ctx))
  },
})

async function generate(ctx: SceneContext): Promise<Result> {
  const model = ctx.services.models.languageModel('prose', ctx.parameters.model)
  const scene = await openScene(ctx, ctx.parameters)
  // A checkpoint: a later attempt must not take a newer edit for the version that it replaces.
  // A retry with other parameters reads the scene again.
  const asked = hashedId(JSON.stringify(ctx.parameters))
  const target = await ctx.checkpoint(`scene ${asked}`, () => targetOf(ctx, scene, ctx.parameters))
  if (target.hasText && !ctx.parameters.overwriteExisting) return skipped(target)
  const written = await writeScene(ctx, sceneToWrite(ctx, model, target))
  ctx.signal.throwIfAborted()
  return save(ctx, target, written)
}

function skipped({ sceneId }: SceneTarget): Result {
  return { sceneId, words: 0, characters: 0, conflict: false, skipped: true }
}

function sceneToWrite(ctx: SceneContext, model: SceneToWrite['model'], target: SceneTarget): SceneToWrite {
  const { novelId, temperature, contextTokens, scenesBefore, instructions = '' } = ctx.parameters
  const { sceneId, brief } = target
  const about = `${brief}\n${instructions}`
  const request = { novelId, sceneId, about, tokens: contextTokens, scenesBefore }
  let material: ReturnType<typeof readMaterial> | undefined
  return {
    novelId,
    model,
    temperature,
    mostMaterial: contextTokens,
    unit: unitOf(ctx, model.id, target),
    ...writingFor(ctx.parameters, target),
    material() {
      material ??= readMaterial(ctx, request)
      return material
    },
    onPart({ parts, done, text }) {
      const { words, characters } = measure(text)
      ctx.updateProgress({ done, total: parts, words, characters })
    },
  }
}

/** Default lengths. */
const usualLength: Record<Writing, Length> = { cjk: { characters: 1_500 }, spaced: { words: 800 } }

/** Returns the length and language of a scene, and the slots of its prompt. */
export function writingFor(
  { length, ...asked }: Pick<Parameters, 'length' | 'style' | 'tone' | 'instructions'>,
  { brief, novel, language }: Pick<SceneTarget, 'brief' | 'novel' | 'language'>,
) {
  const promptLanguage = promptLanguageOf(language)
  const writing = writingOf(language)
  const { style: manner = '', tone = '', instructions = '' } = asked
  const author = { style: manner, tone, instructions }
  return {
    promptLanguage,
    writing,
    length: length ?? usualLength[writing],
    slots: { language: languageName(language, promptLanguage), ...author, summary: brief, novel },
  }
}

/** Returns a name for the parts of a scene. It changes with parameters, model, material and prompts, whose parts are not continued. */
function unitOf(ctx: SceneContext, modelId: string, target: SceneTarget): string {
  const versions = promptNames.map(name => promptFor(ctx.services, target, name).version)
  return hashedId(JSON.stringify([ctx.parameters, modelId, target, ...versions]))
}

/** The prompts of the first part and of further parts. */
const promptNames = ['generate-scene', 'continue-scene'] as const

function promptFor(
  services: NovelServices,
  { language }: SceneTarget,
  name: (typeof promptNames)[number] = 'generate-scene',
) {
  return loadPrompts(services.promptsFolder)(name, promptLanguageOf(language)).note
}

async function save(ctx: SceneContext, target: SceneTarget, { text, parts }: WrittenScene): Promise<Result> {
  const { sceneId, version, fromSummary } = target
  const models = [...new Set(parts.map(part => part.model))].join(', ')
  const usage = parts.map(part => part.usage).reduce(addUsage, noUsage)
  const origin = {
    model: models,
    prompt: promptFor(ctx.services, target),
    usage,
    finishReason: parts.at(-1)?.finishReason ?? '',
  }
  const provenance: Provenance = {
    method: 'generative',
    ...origin,
    parameters: {
      ...recordedParameters(ctx.parameters, parts),
      ...(parts.length > 1 && {
        continuePrompt: promptFor(ctx.services, target, 'continue-scene').version,
      }),
    },
    ...defined({ brief: target.brief || undefined }),
  }
  const writer = { taskId: ctx.taskId, attempt: ctx.attempt }
  const write = { sceneId, expectedVersion: version, content: text, provenance, writer, fromSummary }
  const written = await ctx.services.library.scenes.writeText(write)
  if (written.outcome === 'missing') throw sceneNotFound(sceneId)
  const { words, characters } = measure(text)
  const conflict = written.outcome === 'conflict'
  if (conflict) ctx.logInfo('The scene changed while it was written; both texts are kept.', { sceneId })
  const kept = defined({ alternativeId: written.alternativeId })
  return { sceneId, words, characters, conflict, skipped: false, ...kept, ...origin }
}

function recordedParameters(
  { length, style: manner, tone, instructions, temperature, contextTokens }: Parameters,
  parts: WrittenScene['parts'],
): Record<string, string | number> {
  const asked = defined({ ...length, style: manner, tone, instructions, temperature })
  return { ...parts.at(-1)?.parameters, ...asked, contextTokens, parts: parts.length }
}
