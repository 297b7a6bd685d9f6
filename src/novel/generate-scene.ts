import { z } from 'zod'
import { hashedId, type TaskContext } from '../index.ts'
import { awaitAuthor, roundOfTexts } from './await-author.ts'
import { id, title } from './fields.ts'
import { withVectors } from './models/query-vector.ts'
import { readMaterial } from './models/scene-material.ts'
import { loadPrompts, withTried } from './prompts/prompts.ts'
import { refuseReference } from './refuse-reference.ts'
import { askedOf, oneIfAutomatic, sceneOptions, scenesBefore, triedPrompts } from './scene-request.ts'
import { admitScene, openScene, type SceneTarget, targetOf } from './scene-target.ts'
import {
  admitInsteadOf,
  insteadOf,
  makeTexts,
  resultOf,
  type Texts,
  type TextsPlan,
  textsProgress,
  textsResult,
} from './scene-texts.ts'
import { defineNovelTask, modelsOf, type NovelServices, novelRetry, promptsFor, timed } from './services.ts'

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
    scenesBefore,
    /** Prompts that are tried with this scene alone, before they are kept for the novel. */
    prompts: triedPrompts.optional(),
    /** Whether a scene that has a text, or an open candidate, is left as it is, at no cost. */
    skipWritten: z.boolean().default(false),
    /**
     * Whether the task waits, without a slot, until the author has accepted or discarded what did not enter the scene by itself. It fails where all was
     * discarded and the scene has no text.
     */
    awaitAuthor: z.boolean().default(false),
    insteadOf,
  })
  .refine(...oneIfAutomatic)
  .refine(({ sceneId, chapterId }) => (sceneId === undefined) !== (chapterId === undefined), {
    message: 'give either sceneId, for a scene that is there, or chapterId, for a new one',
  })
  .refine(({ title, chapterId }) => title === undefined || chapterId !== undefined, {
    message: 'a title is given to a new scene only',
    path: ['title'],
  })

type SceneContext = TaskContext<typeof parameters, typeof textsProgress, NovelServices>

/**
 * Writes a scene with a language model. The text streams to the output of the task. When it is complete it is a candidate beside the text of the
 * scene, or that text, as `accept` says.
 */
export const generateScene = defineNovelTask({
  type: 'GenerateScene',
  lane: 'batch',
  attemptTimeout: '1h',
  retry: novelRetry,
  parameters,
  result: textsResult,
  progress: textsProgress,
  async admit(asked, asker) {
    modelsOf(asker).languageModel('prose', asked.model)
    await refuseReference(asker, asked.novelId)
    await admitScene(asker, asked)
    withTried(loadPrompts(asker.services.promptsFolder), asked.prompts ?? {})
    await admitInsteadOf(asker, asked)
  },
  async execute(ctx: SceneContext) {
    return timed(() => generate(ctx))
  },
})

async function generate(ctx: SceneContext): Promise<Texts> {
  const scene = await openScene(ctx, ctx.parameters)
  // A checkpoint: a later attempt must not take a newer edit for the version that it replaces.
  // A retry with other parameters, or for other texts, reads the scene again.
  const asked = hashedId(JSON.stringify(ctx.parameters))
  const round = await roundOfTexts(ctx, scene)
  const key = `scene ${asked}${round === 0 ? '' : ` ${round}`}`
  const target = await ctx.checkpoint(key, () => targetOf(ctx, scene, ctx.parameters))
  const { sceneId } = target
  if (target.isWritten && ctx.parameters.skipWritten) return resultOf(sceneId, { made: [], failed: [] })
  const texts = await makeTexts(ctx, { sceneId, round }, () => planOf(ctx, target))
  if (ctx.parameters.awaitAuthor) await awaitAuthor(ctx, sceneId, { made: texts.made, round })
  return resultOf(sceneId, texts)
}

async function planOf(ctx: SceneContext, target: SceneTarget): Promise<TextsPlan> {
  const { novelId } = ctx.parameters
  await refuseReference(ctx, novelId)
  const model = modelsOf(ctx).languageModel('prose', ctx.parameters.model)
  const prompts = await promptsFor(ctx, novelId)
  const { sceneId, brief, language, version: expectedVersion, fromSummary } = target
  const asked = askedOf({ model, prompts }, target, ctx.parameters)
  return {
    ...asked.scene,
    ...{ novelId, sceneId, target, language, brief },
    material: () => readMaterial(withVectors(ctx, novelId), { novelId, ...asked.material }),
    place: async content => ({ content, expectedVersion, fromSummary }),
  }
}
