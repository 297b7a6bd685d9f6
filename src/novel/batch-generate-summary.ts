import { z } from 'zod'
import { PermanentError, type TaskContext } from '../index.ts'
import { count, id, type SummaryCounts, summaryCounts } from './fields.ts'
import { generateSummary, isBlank, maxCharacters, modelId } from './generate-summary.ts'
import type { ChapterRange, SceneOverview } from './library/shelf.ts'
import { defineNovelTask, type NovelServices } from './services.ts'

const parameters = z.strictObject({
  novelId: id,
  /** First chapter in reading order; default: the first of the novel. */
  startChapterId: id.optional(),
  /** Last chapter in reading order, included; default: the last of the novel. */
  endChapterId: id.optional(),
  /** Whether summaries that are there already are replaced; the old ones are kept in the history. */
  overwriteExisting: z.boolean().default(false),
  /** Default: the first model that is configured. */
  model: modelId.optional(),
  /** Default: as long as the model finds right. */
  maxCharacters: maxCharacters.optional(),
})

const result = summaryCounts.extend({
  /** The first 100 scenes that have no summary because of an error. */
  failedScenes: z.array(z.object({ sceneId: id, reason: z.string() })),
})

const progress = summaryCounts.extend({ processed: count })

type BatchResult = z.infer<typeof result>
type BatchContext = TaskContext<typeof parameters, typeof progress, NovelServices>

/** Scenes that are looked at, and submitted, at a time. */
const pageSize = 500
/** Failed scenes that the result names; the rest are found among the sub-tasks. */
const mostFailedNamed = 100

/**
 * Summarises the scenes of a range of chapters, each in a sub-task of its own. While it waits, the summary of its sub-tasks tells how
 * far it is. It completes with errors when some scenes fail, and fails when all of them do.
 */
export const batchGenerateSummary = defineNovelTask({
  type: 'BatchGenerateSummary',
  parameters,
  result,
  progress,
  async execute(ctx: BatchContext) {
    // A model that is not there fails the batch at once rather than each of its scenes.
    ctx.services.models.summaryModel(ctx.parameters.model)
    const plan: Plan = { total: 0, skipped: 0, refused: [] }
    let page = await planPage(ctx, 0, undefined)
    for (let number = 1; ; number++) {
      ctx.signal.throwIfAborted()
      plan.total += page.wanted.length + page.skipped
      plan.skipped += page.skipped
      await submit(ctx, page.wanted, plan)
      ctx.updateProgress(progressOf({ ...none, total: plan.total, skipped: plan.skipped }))
      if (page.next === undefined) break
      page = await planPage(ctx, number, page.next)
    }
    await ctx.checkpoint('plan', () => plan)
  },
  async onSubTasksSettled(ctx: BatchContext) {
    const plan = await ctx.checkpoint<Plan>('plan', () => ({ total: 0, skipped: 0, refused: [] }))
    const { counts, subTasks } = await countSubTasks(ctx, plan)
    ctx.updateProgress(progressOf(counts))
    if (subTasks > 0 && counts.failed === counts.total - plan.skipped) throw allFailed(counts)
    return counts
  },
})

/** What the batch found when it looked through the range. */
interface Plan {
  total: number
  skipped: number
  refused: { sceneId: string; reason: string }[]
}

interface PlannedPage {
  wanted: string[]
  skipped: number
  next?: string | undefined
}

const none: SummaryCounts = { total: 0, success: 0, failed: 0, conflict: 0, skipped: 0 }

/**
 * Decides which scenes of a page need a summary. A checkpoint, made before they are submitted: for an attempt that looks again, those
 * that were summarised meanwhile would count as skipped.
 */
function planPage(ctx: BatchContext, number: number, pageToken: string | undefined): Promise<PlannedPage> {
  return ctx.checkpoint(`page ${number}`, async () => {
    const { shelf } = ctx.services.library
    const page = pageToken === undefined ? { pageSize } : { pageSize, pageToken }
    const { items, nextPageToken } = await shelf.scenes(ctx.userId, rangeOf(ctx), page)
    const wanted = items
      .filter(scene => needsSummary(scene, ctx.parameters.overwriteExisting))
      .map(scene => scene.id)
    const skipped = items.length - wanted.length
    return nextPageToken === undefined ? { wanted, skipped } : { wanted, skipped, next: nextPageToken }
  })
}

function needsSummary(scene: SceneOverview, overwriteExisting: boolean): boolean {
  return !isBlank(scene) && (overwriteExisting || !scene.hasSummary)
}

function rangeOf({ parameters: { novelId, startChapterId, endChapterId } }: BatchContext): ChapterRange {
  return {
    novelId,
    ...(startChapterId === undefined ? {} : { startChapterId }),
    ...(endChapterId === undefined ? {} : { endChapterId }),
  }
}

async function submit(ctx: BatchContext, sceneIds: readonly string[], plan: Plan): Promise<void> {
  const { novelId, overwriteExisting, model, maxCharacters: most } = ctx.parameters
  const options = {
    overwriteExisting,
    ...(model === undefined ? {} : { model }),
    ...(most === undefined ? {} : { maxCharacters: most }),
  }
  const { refused } = await ctx.submitSubTasks(
    generateSummary,
    sceneIds.map(sceneId => ({ key: sceneId, parameters: { novelId, sceneId, ...options } })),
  )
  for (const { key, error } of refused) plan.refused.push({ sceneId: key, reason: error.message })
}

async function countSubTasks(
  ctx: BatchContext,
  plan: Plan,
): Promise<{ counts: BatchResult; subTasks: number }> {
  const counts: BatchResult = {
    ...none,
    total: plan.total,
    skipped: plan.skipped,
    failed: plan.refused.length,
    failedScenes: plan.refused.slice(0, mostFailedNamed),
  }
  let subTasks = plan.refused.length
  for await (const scene of ctx.subTasks(generateSummary)) {
    subTasks++
    if (scene.result === undefined) {
      counts.failed++
      const reason = scene.error?.message ?? scene.status
      if (counts.failedScenes.length < mostFailedNamed)
        counts.failedScenes.push({ sceneId: scene.key, reason })
    } else if (scene.result.conflict) counts.conflict++
    else if (scene.result.skipped) counts.skipped++
    else counts.success++
  }
  return { counts, subTasks }
}

function progressOf({ total, success, failed, conflict, skipped }: SummaryCounts): z.infer<typeof progress> {
  return { total, processed: success + failed + conflict + skipped, success, failed, conflict, skipped }
}

function allFailed({ failed, failedScenes }: BatchResult): PermanentError {
  return new PermanentError(
    `None of the ${failed} scenes could be summarised; the first failed with: ${failedScenes[0]?.reason ?? 'no reason'}`,
    { code: 'SUBTASKS_FAILED' },
  )
}
