import { z } from 'zod'
import { defined } from '../task/defined.ts'
import { count, maxCharacters, modelId, sceneCounts, style } from './fields.ts'
import { chosenSummarizer, generateSummary, isBlank } from './generate-summary.ts'
import type { SceneOverview } from './library/shelf.ts'
import { countScenes, failedScenes, range, rangeOf, submitScenes } from './scene-batch.ts'
import { defineNovelTask, novelRetry } from './services.ts'

const parameters = z.strictObject({
  ...range,
  /** Whether existing summaries are replaced; the history keeps the old ones. */
  overwriteExisting: z.boolean().default(false),
  /** Default: the first model configured for summaries, else quotations from the text. */
  model: modelId.optional(),
  /** Default: the model decides. */
  maxCharacters: maxCharacters.optional(),
  /** Style of the summaries; refused where the text is quoted. */
  style: style.optional(),
})

/** Summarises the scenes of a range of chapters, each in its own sub-task. */
export const batchGenerateSummary = defineNovelTask({
  type: 'BatchGenerateSummary',
  retry: novelRetry,
  parameters,
  result: sceneCounts.extend({ failedScenes }),
  progress: sceneCounts.extend({ processed: count }),
  admit(asked, asker) {
    chosenSummarizer(asker, asked)
  },
  async execute(ctx) {
    // A missing model fails the batch at once, and not each of its scenes.
    chosenSummarizer(ctx, ctx.parameters)
    await submitScenes(ctx, workOf(ctx.parameters))
  },
  onSubTasksSettled: ctx => countScenes(ctx, workOf(ctx.parameters)),
})

function workOf(asked: z.output<typeof parameters>) {
  const { novelId, overwriteExisting } = asked
  const options = defined({ model: asked.model, maxCharacters: asked.maxCharacters, style: asked.style })
  return {
    type: generateSummary,
    range: rangeOf(asked),
    participle: 'summarised',
    beside: ['conflict'] as const,
    outcomeOf: ({ conflict, skipped }: { conflict: boolean; skipped: boolean }) =>
      conflict ? 'conflict' : skipped ? 'skipped' : 'success',
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
