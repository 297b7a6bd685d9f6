import { z } from 'zod'
import { defined } from '../task/defined.ts'
import { generateScene, sceneOptions } from './generate-scene.ts'
import type { SceneOverview } from './library/shelf.ts'
import { batchProgress, batchResult, countScenes, range, rangeOf, submitScenes } from './scene-batch.ts'
import { defineNovelTask, novelRetry } from './services.ts'

const parameters = z.strictObject({
  ...range,
  ...sceneOptions,
  /** Whether existing texts are replaced; the history keeps the old ones. */
  overwriteExisting: z.boolean().default(false),
})

/**
 * Writes the scenes of a range of chapters that have a summary and no text, each in its own sub-task, at the same time. The prompt of a
 * scene has the existing text before it, and the summaries of scenes of the same batch.
 */
export const batchGenerateScene = defineNovelTask({
  type: 'BatchGenerateScene',
  retry: novelRetry,
  parameters,
  result: batchResult,
  progress: batchProgress,
  admit({ model }, { services }) {
    services.models.languageModel('prose', model)
  },
  async execute(ctx) {
    // A missing model fails the batch at once, and not each of its scenes.
    ctx.services.models.languageModel('prose', ctx.parameters.model)
    await submitScenes(ctx, workOf(ctx.parameters))
  },
  onSubTasksSettled: ctx => countScenes(ctx, workOf(ctx.parameters)),
})

function workOf(asked: z.output<typeof parameters>) {
  const { novelId, overwriteExisting, contextTokens } = asked
  const { style, tone, length, instructions, model, temperature } = asked
  const options = defined({ style, tone, length, instructions, model, temperature })
  return {
    type: generateScene,
    range: rangeOf(asked),
    participle: 'written',
    wants: (scene: SceneOverview) => isUnwritten(scene, overwriteExisting),
    parametersFor: (scene: { sceneId: string; scenesBefore: number }) => ({
      novelId,
      overwriteExisting,
      contextTokens,
      ...options,
      ...scene,
    }),
  }
}

/** Whether a batch writes a scene. */
export function isUnwritten(
  { hasSummary, empty }: Pick<SceneOverview, 'hasSummary' | 'empty'>,
  overwriteExisting: boolean,
): boolean {
  return hasSummary && (overwriteExisting || empty)
}
