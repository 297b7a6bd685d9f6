import { z } from 'zod'
import { defined } from './defined.ts'
import { maxCharacters, modelId, style } from './fields.ts'
import { chosenSummarizer, generateSummary, isBlank } from './generate-summary.ts'
import type { SceneOverview } from './library/shelf.ts'
import { batchProgress, batchResult, countScenes, range, rangeOf, submitScenes } from './scene-batch.ts'
import { defineNovelTask } from './services.ts'

const parameters = z.strictObject({
  ...range,
  /** Whether summaries that are there already are replaced; the old ones are kept in the history. */
  overwriteExisting: z.boolean().default(false),
  /** Default: the first model that is configured for summaries, else quotations from the text. */
  model: modelId.optional(),
  /** Default: as long as the model finds right. */
  maxCharacters: maxCharacters.optional(),
  /** What the summaries should be like; refused where the text is quoted. */
  style: style.optional(),
})

/** Summarises the scenes of a range of chapters, each in a sub-task of its own. */
export const batchGenerateSummary = defineNovelTask({
  type: 'BatchGenerateSummary',
  parameters,
  result: batchResult,
  progress: batchProgress,
  admit(asked, { services }) {
    chosenSummarizer(services, asked)
  },
  async execute(ctx) {
    // A model that is not there fails the batch at once rather than each of its scenes.
    chosenSummarizer(ctx.services, ctx.parameters)
    await submitScenes(ctx, workOf(ctx.parameters))
  },
  onSubTasksSettled: ctx => countScenes(ctx, workOf(ctx.parameters)),
})

function workOf(asked: z.output<typeof parameters>) {
  const { novelId, overwriteExisting, model, maxCharacters: most, style: wish } = asked
  const options = defined({ model, maxCharacters: most, style: wish })
  return {
    type: generateSummary,
    range: rangeOf(asked),
    participle: 'summarised',
    wants: (scene: SceneOverview) => needsSummary(scene, overwriteExisting),
    parametersFor: ({ sceneId }: { sceneId: string }) => ({
      novelId,
      sceneId,
      overwriteExisting,
      ...options,
    }),
  }
}

/** Whether a batch summarises a scene. */
export function needsSummary(
  scene: Pick<SceneOverview, 'empty' | 'hasSummary' | 'words'>,
  overwriteExisting: boolean,
): boolean {
  return !isBlank(scene) && (overwriteExisting || !scene.hasSummary)
}
