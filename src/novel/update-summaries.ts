import { z } from 'zod'
import { PermanentError, type TaskContext } from '../index.ts'
import { defined } from '../task/defined.ts'
import { count, id, modelId } from './fields.ts'
import { generateLevelSummary } from './generate-level-summary.ts'
import { chosenSummarizer, generateSummary } from './generate-summary.ts'
import type { LevelUnit, ScenePart, StoryOutline } from './library/levels.ts'
import { placeInLine } from './scene-batch.ts'
import { defineNovelTask, type NovelServices, novelRetry } from './services.ts'
import { tag } from './subject-tag.ts'
import { addable } from './subject-tags.ts'

const parameters = z.strictObject({
  novelId: id,
  /** Default: the first model configured for summaries, else quotations. */
  model: modelId.optional(),
})

const countsSchema = z.object({
  total: count,
  success: count,
  failed: count,
  /** What is made of one that failed. */
  notAttempted: count,
  /** Brought up to date, or written by a person, meanwhile. */
  skipped: count,
})

const result = z.object({
  scenes: countsSchema,
  /** Chapters, stretches of chapters, volumes and the book. */
  levels: countsSchema,
  /** The first 100 that failed: scenes and units. */
  failed: z.array(z.object({ id, reason: z.string() })),
})

type UpdateContext = TaskContext<typeof parameters, z.ZodNever, NovelServices>
type Counts = z.infer<typeof countsSchema>

/** Most failed ones that the result names; the sub-tasks list all. */
const mostFailedNamed = 100
/** Sub-tasks that are submitted at a time. */
const perSubmission = 500

/**
 * Brings the summaries of a novel up to date that are missing or out of date: first those of scenes, each then followed by that of its chapter, its
 * stretch of chapters, its volume and the book. Each is a sub-task, which starts when those that it is made of are there. What is up to date costs
 * nothing, and what a person wrote stays.
 */
export const updateSummaries = defineNovelTask({
  type: 'UpdateSummaries',
  retry: novelRetry,
  parameters,
  result,
  admit(asked, asker) {
    chosenSummarizer(asker, asked)
  },
  async execute(ctx: UpdateContext) {
    const { novelId, ...options } = ctx.parameters
    const outline = await ctx.services.library.levels.outline(ctx.userId, novelId)
    // A later attempt finds the sub-tasks of this plan by their keys.
    const plan = await ctx.checkpoint('plan', () => planOf(outline))
    await submitSummaries(ctx, plan.scenes, { novelId, ...defined(options) })
    await ctx.submitSubTasks(
      generateLevelSummary,
      plan.units.map(({ id: unitId, after }) => ({
        key: unitId,
        parameters: { novelId, unitId, ...defined(options) },
        ...(after.length > 0 && { after }),
      })),
    )
  },
  onSubTasksSettled: (ctx: UpdateContext) => resultOf(ctx),
})

/** Submits a sub-task for each scene, which summarises it where its summary is missing or out of date; a bounded number of them starts at a time. */
export async function submitSummaries(
  ctx: Pick<TaskContext, 'submitSubTasks' | 'tags'>,
  sceneIds: readonly string[],
  options: { novelId: string; model?: string },
): Promise<void> {
  const last: string[] = []
  for (let at = 0; at < sceneIds.length; at += perSubmission)
    await ctx.submitSubTasks(
      generateSummary,
      sceneIds.slice(at, at + perSubmission).map(sceneId => ({
        key: sceneId,
        tags: addable(ctx.tags, [tag('scene', sceneId)]),
        parameters: { sceneId, overwriteExisting: 'out-of-date' as const, ...options },
        ...placeInLine(last, sceneId),
      })),
    )
}

/** The summaries to make. A unit comes after those that it is made of. */
interface Plan {
  scenes: string[]
  units: { id: string; after: string[] }[]
}

/** Returns what is to be made so that all is up to date. */
function planOf({ units, scenes }: StoryOutline): Plan {
  const wanted = new Set(scenes.filter(wantsSummary).map(scene => scene.id))
  const plan: Plan = { scenes: [...wanted], units: [] }
  for (const unit of units) {
    const after = unit.parts.filter(part => wanted.has(part))
    if (!wantsLevelSummary(unit, after.length > 0)) continue
    wanted.add(unit.id)
    plan.units.push({ id: unit.id, after })
  }
  return plan
}

/** Returns the units whose summary is to be made, and the scenes, for an estimate. */
export function wantedOf(outline: StoryOutline): { scenes: ScenePart[]; units: LevelUnit[] } {
  const plan = planOf(outline)
  const wanted = new Set([...plan.scenes, ...plan.units.map(unit => unit.id)])
  const isWanted = (each: { id: string }) => wanted.has(each.id)
  return { scenes: outline.scenes.filter(isWanted), units: outline.units.filter(isWanted) }
}

function wantsSummary({ hasSummary, outOfDate, isKept }: ScenePart): boolean {
  return !hasSummary || (outOfDate && !isKept)
}

function wantsLevelSummary({ state, isByPerson }: LevelUnit, changesBelow: boolean): boolean {
  if (isByPerson || state === 'empty') return false
  return changesBelow || state !== 'current'
}

/** Counts what became of the summaries. Throws SUBTASKS_FAILED where none could be made. */
async function resultOf(ctx: UpdateContext): Promise<z.infer<typeof result>> {
  const failed: { id: string; reason: string }[] = []
  const count = (counts: Counts, sub: Settled, isSuccess: boolean) => {
    counts.total++
    if (sub.error?.code === 'PREDECESSOR_NOT_COMPLETED') counts.notAttempted++
    else if (sub.error !== undefined) {
      counts.failed++
      if (failed.length < mostFailedNamed) failed.push({ id: sub.key, reason: sub.error.message })
    } else if (isSuccess) counts.success++
    else counts.skipped++
  }
  const [scenes, above] = [{ ...none }, { ...none }]
  for await (const sub of ctx.subTasks(generateSummary))
    count(scenes, sub, sub.result?.skipped === false && !sub.result.conflict)
  for await (const sub of ctx.subTasks(generateLevelSummary))
    count(above, sub, sub.result?.outcome === 'written')
  const [first] = failed
  if (first !== undefined && scenes.success + above.success + scenes.skipped + above.skipped === 0)
    throw new PermanentError(`No summary could be made; the first failed with: ${first.reason}`, {
      code: 'SUBTASKS_FAILED',
    })
  return { scenes, levels: above, failed }
}

/** A sub-task that has ended. */
interface Settled {
  key: string
  error?: { code: string; message: string } | undefined
}

const none: Counts = { total: 0, success: 0, failed: 0, notAttempted: 0, skipped: 0 }
