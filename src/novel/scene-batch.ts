import { z } from 'zod'
import { type In, PermanentError, type Schema, type TaskContext, type TaskType } from '../index.ts'
import { defined } from '../task/defined.ts'
import { count, id, type SceneCounts, sceneCounts } from './fields.ts'
import type { ChapterRange, SceneOverview } from './library/shelf.ts'
import type { NovelServices } from './services.ts'
import { addable, tag } from './subject-tags.ts'

/**
 * The common part of tasks that process each scene of a range of chapters, each in its own sub-task. While such a task waits, the aggregate
 * of its sub-tasks shows its progress. It completes with errors when some scenes fail, and fails when all do.
 */

/** A range of chapters; both ends are included. */
export const range = {
  novelId: id,
  /** First chapter in reading order; default: the first of the novel. */
  startChapterId: id.optional(),
  /** Last chapter in reading order, included; default: the last of the novel. */
  endChapterId: id.optional(),
}

type RangeParameters = z.infer<z.ZodObject<typeof range>>

/** The result of such a task. */
export const batchResult = sceneCounts.extend({
  /** The first 100 scenes that failed. */
  failedScenes: z.array(z.object({ sceneId: id, reason: z.string() })),
})

/** The progress of such a task. */
export const batchProgress = sceneCounts.extend({ processed: count })

type BatchResult = z.infer<typeof batchResult>

/** The part of a task's context that a batch needs. */
export type BatchContext = TaskContext<Schema, typeof batchProgress, NovelServices>

/** The common part of the results of completed sub-tasks. */
type SceneResult = Schema<unknown, { conflict: boolean; skipped: boolean }>

/** The work on the scenes. */
export interface BatchWork<P extends Schema, R extends SceneResult> {
  /** The task type of the sub-tasks. */
  readonly type: TaskType<P, R>
  readonly range: ChapterRange
  /** Completes the sentence: the scenes could not be ... */
  readonly participle: string
  wants(scene: SceneOverview): boolean
  /** `scenesBefore`: the number of unchanged scenes right before it, whose texts can be read; at most 20. */
  parametersFor(scene: { sceneId: string; scenesBefore: number }): In<P>
}

/** Most unchanged scenes before a scene that are counted. */
const mostScenesBefore = 20
/** Scenes that are read and submitted at a time. */
const pageSize = 500
/** Most failed scenes that the result names; the sub-tasks list all. */
const mostFailedNamed = 100

/** No scenes. */
export const noScenes: SceneCounts = { total: 0, success: 0, failed: 0, conflict: 0, skipped: 0 }

/** Returns the range that parameters name. */
export function rangeOf({ novelId, startChapterId, endChapterId }: RangeParameters): ChapterRange {
  return { novelId, ...defined({ startChapterId, endChapterId }) }
}

/** Submits the wanted scenes. */
export async function submitScenes<P extends Schema, R extends SceneResult>(
  ctx: BatchContext,
  work: BatchWork<P, R>,
): Promise<void> {
  const plan: Plan = { total: 0, skipped: 0, refused: [] }
  let page = await planPage(ctx, work, { number: 0, run: mostScenesBefore })
  for (let number = 1; ; number++) {
    ctx.signal.throwIfAborted()
    plan.total += page.wanted.length + page.skipped
    plan.skipped += page.skipped
    await submit(ctx, work, page, plan)
    ctx.updateProgress(progressOf({ ...noScenes, total: plan.total, skipped: plan.skipped }))
    if (page.next === undefined) break
    page = await planPage(ctx, work, { number, run: page.run ?? 0, pageToken: page.next })
  }
  await ctx.checkpoint('plan', () => plan)
}

/** Counts the outcomes of the scenes. Throws SUBTASKS_FAILED where all failed. */
export async function countScenes<P extends Schema, R extends SceneResult>(
  ctx: BatchContext,
  work: BatchWork<P, R>,
): Promise<BatchResult> {
  const plan = await ctx.checkpoint<Plan>('plan', () => ({ total: 0, skipped: 0, refused: [] }))
  const { counts, subTasks } = await countSubTasks(ctx, work, plan)
  ctx.updateProgress(progressOf(counts))
  if (subTasks > 0 && counts.failed === counts.total - plan.skipped) throw allFailed(counts, work.participle)
  return counts
}

/** The scenes that the batch found in the range. */
interface Plan {
  total: number
  skipped: number
  refused: { sceneId: string; reason: string }[]
}

interface PlannedPage {
  wanted: string[]
  /** For each of them: the number of unchanged scenes right before it. */
  before?: number[]
  /** The same for what follows the page. */
  run?: number
  skipped: number
  next?: string | undefined
}

/**
 * Decides which scenes of a page are wanted. A checkpoint, stored before they are submitted: a later attempt would count the scenes done in
 * the meantime as skipped.
 */
function planPage<P extends Schema, R extends SceneResult>(
  ctx: BatchContext,
  work: BatchWork<P, R>,
  { number, run: runBefore, pageToken }: { number: number; run: number; pageToken?: string },
): Promise<PlannedPage> {
  return ctx.checkpoint(`page ${number}`, async () => {
    const { shelf } = ctx.services.library
    const page = { pageSize, ...defined({ pageToken }) }
    const { items, nextPageToken: next } = await shelf.scenes(ctx.userId, work.range, page)
    const wanted: string[] = []
    const before: number[] = []
    let run = runBefore
    for (const scene of items) {
      if (work.wants(scene)) {
        wanted.push(scene.id)
        before.push(run)
        run = 0
      } else run = Math.min(run + 1, mostScenesBefore)
    }
    return { wanted, before, run, skipped: items.length - wanted.length, ...defined({ next }) }
  })
}

async function submit<P extends Schema, R extends SceneResult>(
  ctx: BatchContext,
  work: BatchWork<P, R>,
  { wanted, before = [] }: PlannedPage,
  plan: Plan,
): Promise<void> {
  const { refused } = await ctx.submitSubTasks(
    work.type,
    wanted.map((sceneId, at) => ({
      key: sceneId,
      tags: addable(ctx.tags, [tag('scene', sceneId)]),
      parameters: work.parametersFor({ sceneId, scenesBefore: before[at] ?? 0 }),
    })),
  )
  for (const { key, error } of refused) plan.refused.push({ sceneId: key, reason: error.message })
}

async function countSubTasks<P extends Schema, R extends SceneResult>(
  ctx: BatchContext,
  work: BatchWork<P, R>,
  plan: Plan,
): Promise<{ counts: BatchResult; subTasks: number }> {
  const { total, skipped, refused } = plan
  const failedScenes = refused.slice(0, mostFailedNamed)
  const counts: BatchResult = { ...noScenes, total, skipped, failed: refused.length, failedScenes }
  let subTasks = refused.length
  for await (const scene of ctx.subTasks(work.type)) {
    subTasks++
    if (scene.result === undefined) {
      counts.failed++
      const reason = scene.error?.message ?? scene.status
      if (failedScenes.length < mostFailedNamed) failedScenes.push({ sceneId: scene.key, reason })
    } else if (scene.result.conflict) counts.conflict++
    else if (scene.result.skipped) counts.skipped++
    else counts.success++
  }
  return { counts, subTasks }
}

function progressOf({
  total,
  success,
  failed,
  conflict,
  skipped,
}: SceneCounts): z.infer<typeof batchProgress> {
  return { total, processed: success + failed + conflict + skipped, success, failed, conflict, skipped }
}

function allFailed({ failed, failedScenes }: BatchResult, participle: string): PermanentError {
  return new PermanentError(
    `None of the ${failed} scenes could be ${participle}; the first failed with: ${failedScenes[0]?.reason ?? 'no reason'}`,
    { code: 'SUBTASKS_FAILED' },
  )
}
