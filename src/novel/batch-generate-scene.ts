import { z } from 'zod'
import { defined } from './defined.ts'
import { generateScene, sceneWishes } from './generate-scene.ts'
import type { SceneOverview } from './library/shelf.ts'
import { batchProgress, batchResult, countScenes, range, rangeOf, submitScenes } from './scene-batch.ts'
import { defineNovelTask } from './services.ts'

const parameters = z.strictObject({
  ...range,
  ...sceneWishes,
  /** Whether texts that are there already are replaced; the old ones are kept in the history. */
  overwriteExisting: z.boolean().default(false),
})

/**
 * Writes the scenes of a range of chapters that have a summary and no text, each in a sub-task of its own. They are written at the same
 * time: a scene is shown the text before it where it was there, and of scenes of the same batch the summaries.
 */
export const batchGenerateScene = defineNovelTask({
  type: 'BatchGenerateScene',
  parameters,
  result: batchResult,
  progress: batchProgress,
  admit({ model }, { services }) {
    services.models.languageModel('prose', model)
  },
  async execute(ctx) {
    // A model that is not there fails the batch at once rather than each of its scenes.
    ctx.services.models.languageModel('prose', ctx.parameters.model)
    await submitScenes(ctx, workOf(ctx.parameters))
  },
  onSubTasksSettled: ctx => countScenes(ctx, workOf(ctx.parameters)),
})

function workOf(asked: z.output<typeof parameters>) {
  const { novelId, overwriteExisting, contextTokens } = asked
  const { style, tone, length, instructions, model, temperature } = asked
  const wishes = defined({ style, tone, length, instructions, model, temperature })
  return {
    type: generateScene,
    range: rangeOf(asked),
    participle: 'written',
    wants: (scene: SceneOverview) => isUnwritten(scene, overwriteExisting),
    parametersFor: (scene: { sceneId: string; scenesBefore: number }) => ({
      novelId,
      overwriteExisting,
      contextTokens,
      ...wishes,
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
