import { z } from 'zod'
import type { Writing } from '../ai/text/language.ts'
import { hashedId, type TaskContext } from '../index.ts'
import { defined } from './defined.ts'
import { count, id, modelId, promptNote, style, usageNote } from './fields.ts'
import type { Provenance } from './library/provenance.ts'
import { sceneNotFound } from './library/refusal.ts'
import { addUsage, noUsage } from './models/expense.ts'
import { type Length, languageName, writingOf } from './models/lengths.ts'
import { readMaterial } from './models/scene-material.ts'
import { type SceneToWrite, type WrittenScene, writeScene } from './models/write-scene.ts'
import { promptLanguageOf } from './prompts/prompts.ts'
import { admitScene, openScene, type SceneTarget, targetOf } from './scene-target.ts'
import { defineNovelTask, type NovelServices, promptsOf } from './services.ts'
import { measure } from './words.ts'

/** Wishes for a scene. */
export const sceneWishes = {
  style: style.optional(),
  tone: style.optional(),
  /** About how long it should be, in words or in characters; default 800 words, in Chinese 1,500 characters. */
  length: z
    .union([
      z.strictObject({ words: z.int().min(20).max(5_000) }),
      z.strictObject({ characters: z.int().min(20).max(30_000) }),
    ])
    .optional(),
  /** What else the author asks for. */
  instructions: z.string().trim().min(1).max(4_000).optional(),
  /** Default: the first model that is configured for prose. */
  model: modelId.optional(),
  /** Default: as configured for the model, else as the provider has it. */
  temperature: z.number().min(0).max(2).optional(),
  /** Most tokens of the novel that the model is shown beside the summary: the text before, summaries, passages, names. */
  contextTokens: z.int().min(0).max(200_000).default(8_000),
}

const parameters = z
  .strictObject({
    novelId: id,
    /** The scene to write; or `chapterId`. */
    sceneId: id.optional(),
    /** Adds a scene at the end of the chapter and writes that; or `sceneId`. */
    chapterId: id.optional(),
    /** Title of an added scene. */
    title: z.string().trim().min(1).max(300).optional(),
    /** What happens in it. Default: the summary of the scene. */
    summary: z.string().trim().min(1).max(10_000).optional(),
    ...sceneWishes,
    /** Scenes right before it whose text the model may be shown. */
    scenesBefore: z.int().min(0).max(20).default(20),
    /** Whether a text that is there already is replaced; the old one is kept in the history. */
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
  /** Of the text that was made. */
  words: count,
  characters: count,
  /** Somebody changed the text meanwhile: theirs stays, the one that was made is kept in the history of the scene. */
  conflict: z.boolean(),
  /** The entry of the history that keeps it. */
  alternativeId: z.string().optional(),
  /** There was a text that was not to be overwritten: none was made. */
  skipped: z.boolean(),
  model: z.string().optional(),
  prompt: promptNote.optional(),
  /** What the calls that made the text used; those that failed are in the usage of the task. */
  usage: usageNote.optional(),
  /** Why the model ended, in the provider's words. */
  finishReason: z.string().optional(),
  /** How long the last attempt took. */
  processingTimeMs: z.number().min(0),
})

const progress = z.object({
  /** Parts of the scene that are written, and how many there are. */
  done: count,
  total: count,
  /** Of the text so far. */
  words: count,
  characters: count,
})

type Parameters = z.output<typeof parameters>
type SceneContext = TaskContext<typeof parameters, typeof progress, NovelServices>
type Result = Omit<z.infer<typeof result>, 'processingTimeMs'>

/**
 * Writes a scene with a language model. The text grows in the output of the task while it is written; it comes into the novel when it is
 * complete, and only if nobody changed the text of the scene since the task first read it.
 */
export const generateScene = defineNovelTask({
  type: 'GenerateScene',
  lane: 'batch',
  attemptTimeout: '1h',
  parameters,
  result,
  progress,
  async admit(asked, asker) {
    asker.services.models.languageModel('prose', asked.model)
    await admitScene(asker, asked)
  },
  async execute(ctx: SceneContext) {
    const startedAt = performance.now()
    const made = await generate(ctx)
    return { ...made, processingTimeMs: Math.round((performance.now() - startedAt) * 10) / 10 }
  },
})

async function generate(ctx: SceneContext): Promise<Result> {
  const model = ctx.services.models.languageModel('prose', ctx.parameters.model)
  const scene = await openScene(ctx, ctx.parameters)
  // A later attempt that read the scene anew would take an edit that was made since for what it wrote against.
  // A person who tries again with other parameters wants another one.
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
  const request = {
    novelId,
    sceneId,
    about: `${brief}\n${instructions}`,
    tokens: contextTokens,
    scenesBefore,
  }
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

/** Where no length is asked for. */
const usualLength: Record<Writing, Length> = { cjk: { characters: 1_500 }, spaced: { words: 800 } }

/** How long a scene should be, in which language, and what its prompt is told. */
export function writingFor(
  {
    length,
    style: wish = '',
    tone = '',
    instructions = '',
  }: Pick<Parameters, 'length' | 'style' | 'tone' | 'instructions'>,
  { brief, novel, language }: Pick<SceneTarget, 'brief' | 'novel' | 'language'>,
) {
  const promptLanguage = promptLanguageOf(language)
  const writing = writingOf(language)
  return {
    promptLanguage,
    writing,
    length: length ?? usualLength[writing],
    slots: {
      language: languageName(language, promptLanguage),
      style: wish,
      tone,
      instructions,
      summary: brief,
      novel,
    },
  }
}

/** Parts that were written for other wishes, another model or another prompt are not gone on with. */
function unitOf(ctx: SceneContext, modelId: string, target: SceneTarget): string {
  const versions = promptNames.map(name => promptFor(ctx.services, target, name).version)
  return hashedId(JSON.stringify([ctx.parameters, modelId, target, ...versions]))
}

/** The first part is written by the one, those after it by the other. */
const promptNames = ['generate-scene', 'continue-scene'] as const

function promptFor(
  services: NovelServices,
  { language }: SceneTarget,
  name: (typeof promptNames)[number] = 'generate-scene',
) {
  return promptsOf(services)(name, promptLanguageOf(language)).note
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
    ...(target.brief === '' ? {} : { brief: target.brief }),
  }
  const writer = { taskId: ctx.taskId, attempt: ctx.attempt }
  const write = { sceneId, expectedVersion: version, content: text, provenance, writer, fromSummary }
  const written = await ctx.services.library.scenes.writeText(write)
  if (written.outcome === 'missing') throw sceneNotFound(sceneId)
  const { words, characters } = measure(text)
  const conflict = written.outcome === 'conflict'
  if (conflict) ctx.logInfo('The scene changed while it was written; both texts are kept.', { sceneId })
  return {
    sceneId,
    words,
    characters,
    conflict,
    skipped: false,
    ...defined({ alternativeId: written.alternativeId }),
    ...origin,
  }
}

function recordedParameters(
  { length, style: wish, tone, instructions, temperature, contextTokens }: Parameters,
  parts: WrittenScene['parts'],
): Record<string, string | number> {
  const wishes = defined({ ...length, style: wish, tone, instructions, temperature })
  return { ...parts.at(-1)?.parameters, ...wishes, contextTokens, parts: parts.length }
}
