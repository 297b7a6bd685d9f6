import { z } from 'zod'
import { defined } from '../task/defined.ts'
import { count, sceneCounts } from './fields.ts'
import { generateScene } from './generate-scene.ts'
import type { SceneOverview } from './library/shelf.ts'
import { refuseReference } from './refuse-reference.ts'
import { countScenes, failedScenes, notAttempted, range, rangeOf, submitScenes } from './scene-batch.ts'
import { oneIfAutomatic, sceneOptions } from './scene-request.ts'
import { isWritten } from './scene-target.ts'
import { defineNovelTask, modelsOf, novelRetry } from './services.ts'

const parameters = z
  .strictObject({
    ...range,
    ...sceneOptions,
    /** Whether scenes that have a text, or an open candidate, are left as they are. */
    skipWritten: z.boolean().default(true),
    /**
     * `story`: each scene is written when the text of the one before is in the novel, and reads it; what follows a scene that fails is not attempted,
     * and where a text is a candidate the batch waits until the author has decided. `parallel`: at the same time. Default: `story`, but `parallel` where
     * scenes that are written are written again.
     */
    order: z.enum(['story', 'parallel']).optional(),
    /**
     * Where a batch in story order waits for the author. `scene`: where a text did not enter its scene. `chapter`: also at the end of each chapter, until the
     * author has approved it; nothing that follows a rejected one is attempted.
     */
    awaitAuthor: z.enum(['scene', 'chapter']).default('scene'),
  })
  .refine(...oneIfAutomatic)
  .refine(asked => asked.awaitAuthor === 'scene' || isInOrder(asked), {
    message: 'chapters are reviewed in story order only',
    path: ['awaitAuthor'],
  })

/** The outcomes of the scenes. */
const counts = sceneCounts.omit({ conflict: true }).extend({
  /** The text is a candidate: the author decides about it. */
  proposed: count,
  /** In story order: it is behind a scene that failed. */
  notAttempted: count,
})

/**
 * Writes the scenes of a range of chapters that have a summary and no text, each in its own sub-task, in story order. The prompt of a scene has the
 * text before it. At the same time, if asked to: then the prompt has the text that was there, and the summaries of scenes of the same batch.
 */
export const batchGenerateScene = defineNovelTask({
  type: 'BatchGenerateScene',
  retry: novelRetry,
  parameters,
  result: counts.extend({ failedScenes }),
  progress: counts.extend({ processed: count }),
  async admit({ novelId, model }, asker) {
    modelsOf(asker).languageModel('prose', model)
    await refuseReference(asker, novelId)
  },
  async execute(ctx) {
    // A missing model, or a reference, fails the batch at once, and not each of its scenes.
    modelsOf(ctx).languageModel('prose', ctx.parameters.model)
    await refuseReference(ctx, ctx.parameters.novelId)
    await submitScenes(ctx, workOf(ctx.parameters))
  },
  onSubTasksSettled: ctx => countScenes(ctx, workOf(ctx.parameters)),
})

function workOf(asked: z.output<typeof parameters>) {
  const { novelId, skipWritten, contextTokens, accept, candidates } = asked
  const inOrder = isInOrder(asked)
  const { style, tone, length, instructions, model, temperature } = asked
  const options = defined({ style, tone, length, instructions, model, temperature })
  return {
    type: generateScene,
    range: rangeOf(asked),
    participle: 'written',
    beside: ['proposed', notAttempted] as const,
    inOrder,
    reviewsChapters: asked.awaitAuthor === 'chapter',
    outcomeOf: ({ accepted, skipped }: { accepted: boolean; skipped: boolean }) =>
      skipped ? 'skipped' : accepted ? 'success' : 'proposed',
    wants: (scene: SceneOverview) => isWanted(scene, skipWritten),
    parametersFor: (scene: { sceneId: string; scenesBefore: number }) => ({
      ...{ novelId, skipWritten, contextTokens, accept, candidates, awaitAuthor: inOrder },
      ...options,
      ...scene,
    }),
  }
}

/** Whether a batch writes one scene after the other. */
function isInOrder({ order, skipWritten }: { order?: string | undefined; skipWritten: boolean }): boolean {
  return (order ?? (skipWritten ? 'story' : 'parallel')) === 'story'
}

/** Whether a batch writes a scene. */
export function isWanted(scene: SceneOverview, skipWritten: boolean): boolean {
  return scene.hasSummary && !(skipWritten && isWritten(scene))
}
