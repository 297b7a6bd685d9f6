import { z } from 'zod'
import {
  type In,
  type Out,
  PermanentError,
  type Schema,
  type SubTaskOptions,
  type TaskContext,
  type TaskType,
} from '../index.ts'
import { defined } from '../task/defined.ts'
import { id } from './fields.ts'
import type { ChapterRange, SceneOverview } from './library/shelf.ts'
import { reviewChapter } from './review-chapter.ts'
import type { NovelServices } from './services.ts'
import { tag } from './subject-tag.ts'
import { addable } from './subject-tags.ts'

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

/** The first 100 scenes that failed, in the result of such a task. */
export const failedScenes = z.array(z.object({ sceneId: id, reason: z.string() }))

/** The part of a task's context that a batch needs. */
type BatchContext = TaskContext<Schema, Schema, NovelServices>

/** The counts of such a task. `Beside`: those of its own, such as of what was made and is not in its place. */
type Tally<Beside extends string> = Record<'total' | 'success' | 'failed' | 'skipped' | Beside, number>

type BatchResult<Beside extends string> = Tally<Beside> & { failedScenes: z.infer<typeof failedScenes> }

/** The work on the scenes. */
export interface BatchWork<P extends Schema, R extends Schema, Beside extends string> {
  /** The task type of the sub-tasks. */
  readonly type: TaskType<P, R>
  readonly range: ChapterRange
  readonly beside: readonly Beside[]
  /** Whether each scene starts when the one before it has ended, so that it can be read; undefined where none reads another. */
  readonly inOrder?: boolean
  /** Of work in order: whether the author reviews each chapter before the next one begins. */
  readonly reviewsChapters?: boolean
  /** Returns the count that a completed sub-task belongs to. */
  outcomeOf(result: Out<R>): 'success' | 'skipped' | Beside
  /** Completes the sentence: the scenes could not be ... */
  readonly participle: string
  wants(scene: SceneOverview): boolean
  /** `scenesBefore`: the number of scenes right before it whose texts can be read, because they stay as they are or are written before; at most 20. */
  parametersFor(scene: { sceneId: string; scenesBefore: number }): In<P>
}

/** The count of those that are behind one that failed, of work in order. */
export const notAttempted = 'notAttempted'
/** Most unchanged scenes before a scene that are counted. */
const mostScenesBefore = 20
/** Scenes that are read and submitted at a time. */
const pageSize = 500
/**
 * Scenes of one batch that wait for a slot or run at once, where none reads another. The tasks of a user leave their lane in the order in which they
 * come to wait, so a batch that put all of its scenes there would hold up each other novel of its user until it has ended.
 */
const mostAtOnce = 32
/** Most failed scenes that the result names; the sub-tasks list all. */
const mostFailedNamed = 100

function noScenes<Beside extends string>({ beside }: { beside: readonly Beside[] }): Tally<Beside> {
  const others = Object.fromEntries(beside.map(name => [name, 0]))
  return { total: 0, success: 0, failed: 0, skipped: 0, ...others } as Tally<Beside>
}

/** Returns the range that parameters name. */
export function rangeOf({ novelId, startChapterId, endChapterId }: RangeParameters): ChapterRange {
  return { novelId, ...defined({ startChapterId, endChapterId }) }
}

/** Submits the wanted scenes. */
export async function submitScenes<P extends Schema, R extends Schema>(
  ctx: BatchContext,
  work: BatchWork<P, R, string>,
): Promise<void> {
  const plan: Plan = { total: 0, skipped: 0, refused: [] }
  const chain: Chain = { last: [] }
  let page = await planPage(ctx, work, { number: 0, run: mostScenesBefore })
  for (let number = 1; ; number++) {
    ctx.signal.throwIfAborted()
    plan.total += page.wanted.length + page.skipped
    plan.skipped += page.skipped
    await submit(ctx, work, page, { plan, chain })
    const { total, skipped } = plan
    ctx.updateProgress(progressOf({ ...noScenes(work), total, skipped }))
    if (page.next === undefined) break
    page = await planPage(ctx, work, { number, run: page.run ?? 0, pageToken: page.next })
  }
  if (work.reviewsChapters === true) await submitReview(ctx, work, chain)
  await ctx.checkpoint('plan', () => plan)
}

/** Counts the outcomes of the scenes. Throws SUBTASKS_FAILED where all failed. */
export async function countScenes<P extends Schema, R extends Schema, Beside extends string>(
  ctx: BatchContext,
  work: BatchWork<P, R, Beside>,
): Promise<BatchResult<Beside>> {
  const plan = await ctx.checkpoint<Plan>('plan', () => ({ total: 0, skipped: 0, refused: [] }))
  const { counts, subTasks } = await countSubTasks(ctx, work, plan)
  const { failedScenes: _, ...tally } = counts
  ctx.updateProgress(progressOf(tally))
  const { failed, total } = counts
  const behind = (counts as Partial<Record<string, number>>)[notAttempted] ?? 0
  if (subTasks > 0 && failed + behind === total - plan.skipped) throw allFailed(counts, work.participle)
  return counts
}

/** The scenes that the batch found in the range. */
interface Plan {
  total: number
  skipped: number
  refused: { sceneId: string; reason: string }[]
}

/** What is submitted so far. */
interface Chain {
  /** The keys of the last sub-tasks, no more than are started at once. */
  last: string[]
  /** The chapter of the last scene. */
  chapterId?: string
}

interface PlannedPage {
  wanted: string[]
  /** For each of them: its chapter. */
  chapters?: string[]
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
function planPage<P extends Schema, R extends Schema>(
  ctx: BatchContext,
  work: BatchWork<P, R, string>,
  { number, run: runBefore, pageToken }: { number: number; run: number; pageToken?: string },
): Promise<PlannedPage> {
  return ctx.checkpoint(`page ${number}`, async () => {
    const { shelf } = ctx.services.library
    const page = { pageSize, ...defined({ pageToken }) }
    const { items, nextPageToken: next } = await shelf.scenes(ctx.userId, work.range, page)
    const wanted: string[] = []
    const chapters: string[] = []
    const before: number[] = []
    let run = runBefore
    for (const scene of items) {
      if (work.wants(scene)) {
        wanted.push(scene.id)
        chapters.push(scene.chapterId)
        before.push(run)
        run = 0
      } else run = Math.min(run + 1, mostScenesBefore)
    }
    return { wanted, chapters, before, run, skipped: items.length - wanted.length, ...defined({ next }) }
  })
}

async function submit<P extends Schema, R extends Schema>(
  ctx: BatchContext,
  work: BatchWork<P, R, string>,
  { wanted, chapters = [], before = [] }: PlannedPage,
  { plan, chain }: { plan: Plan; chain: Chain },
): Promise<void> {
  const { inOrder = false, reviewsChapters = false } = work
  const isNewChapter = (at: number) => reviewsChapters && chapters[at] !== chapters[at - 1]
  for (let from = 0, to = 0; from < wanted.length; from = to) {
    do to += 1
    while (to < wanted.length && !isNewChapter(to))
    const chapterId = chapters[from]
    if (reviewsChapters && chapterId !== chain.chapterId) await submitReview(ctx, work, chain)
    const { refused } = await ctx.submitSubTasks(
      work.type,
      wanted.slice(from, to).map((sceneId, place) => {
        const scenesBefore = inOrder ? mostScenesBefore : (before[from + place] ?? 0)
        return {
          key: sceneId,
          tags: addable(ctx.tags, [tag('scene', sceneId)]),
          parameters: work.parametersFor({ sceneId, scenesBefore }),
          ...placeInLine(chain.last, sceneId, inOrder ? 1 : mostAtOnce),
        }
      }),
    )
    Object.assign(chain, { chapterId })
    for (const { key, error } of refused) plan.refused.push({ sceneId: key, reason: error.message })
  }
}

/**
 * Returns what the next sub-task starts after, so that no more than so many are started: one that reads the one before it when that has completed, and
 * one among several when the first of the last ones has ended.
 */
export function placeInLine(
  last: string[],
  key: string,
  atOnce = mostAtOnce,
): Pick<SubTaskOptions, 'after' | 'startWhen'> {
  const first = last.length < atOnce ? undefined : last.shift()
  last.push(key)
  return first === undefined ? {} : { after: [first], startWhen: atOnce === 1 ? 'completed' : 'ended' }
}

/** Has the author review the chapter of the last scene, before what follows. */
async function submitReview(
  ctx: BatchContext,
  { range: { novelId } }: Pick<BatchWork<Schema, Schema, string>, 'range'>,
  chain: Chain,
): Promise<void> {
  const { chapterId } = chain
  if (chapterId === undefined) return
  const key = `review ${chapterId}`
  await ctx.submitSubTask(reviewChapter, { novelId, chapterId }, { key, ...placeInLine(chain.last, key, 1) })
}

async function countSubTasks<P extends Schema, R extends Schema, Beside extends string>(
  ctx: BatchContext,
  work: BatchWork<P, R, Beside>,
  plan: Plan,
): Promise<{ counts: BatchResult<Beside>; subTasks: number }> {
  const { total, skipped, refused } = plan
  const failedScenes = refused.slice(0, mostFailedNamed)
  const tally: Tally<'success' | Beside> = {
    ...noScenes(work),
    total,
    skipped,
    failed: refused.length,
  }
  let subTasks = refused.length
  for await (const scene of ctx.subTasks(work.type)) {
    subTasks++
    if (scene.error?.code === 'PREDECESSOR_NOT_COMPLETED') tally[notAttempted as Beside]++
    else if (scene.result === undefined) {
      tally.failed++
      const reason = scene.error?.message ?? scene.status
      if (failedScenes.length < mostFailedNamed) failedScenes.push({ sceneId: scene.key, reason })
    } else tally[work.outcomeOf(scene.result)]++
  }
  return { counts: { ...tally, failedScenes }, subTasks }
}

function progressOf({ total, ...counts }: Tally<string>) {
  const processed = Object.values<number>(counts).reduce((sum, each) => sum + each, 0)
  return { total, processed, ...counts }
}

function allFailed({ failed, failedScenes }: BatchResult<string>, participle: string): PermanentError {
  return new PermanentError(
    `None of the ${failed} scenes could be ${participle}; the first failed with: ${failedScenes[0]?.reason ?? 'no reason'}`,
    { code: 'SUBTASKS_FAILED' },
  )
}
