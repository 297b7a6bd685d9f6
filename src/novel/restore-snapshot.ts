import { z } from 'zod'
import { hashedId, type TaskContext } from '../index.ts'
import { count, id } from './fields.ts'
import { snapshotsFull } from './library/refusal.ts'
import { mostSnapshots } from './library/snapshots.ts'
import { defineNovelTask, type NovelServices, novelRetry } from './services.ts'

const parameters = z.strictObject({
  novelId: id,
  snapshotId: id,
  /** Default: all scenes of the snapshot. */
  sceneIds: z.array(id).min(1).max(1_000).optional(),
})

const counts = z.object({
  /** Scenes that have the text of the snapshot again. */
  restored: count,
  /** Those that had it. */
  unchanged: count,
  /** Those that were written since the restoring began, or deleted. */
  left: count,
})

const result = counts.extend({
  /** The snapshot that was made before: restoring it undoes this. */
  beforeId: id,
})

const progress = counts.extend({ done: count, total: count })

type RestoreContext = TaskContext<typeof parameters, typeof progress, NovelServices>

/** Scenes of a step. */
const perStep = 100

/**
 * Gives the scenes of a novel the texts that they had at a snapshot. First it makes a snapshot of what is there, which undoes it; what is replaced is in the
 * history of each scene too. Scenes that were added since, and those that somebody writes meanwhile, stay as they are.
 */
export const restoreSnapshot = defineNovelTask({
  type: 'RestoreSnapshot',
  retry: novelRetry,
  parameters,
  result,
  progress,
  async admit(asked, { services, userId }) {
    const { snapshots } = services.library
    await snapshots.snapshot(userId, asked)
    const { items } = await snapshots.snapshots(userId, asked.novelId, { pageSize: mostSnapshots })
    // There must be place for the one that undoes it.
    if (items.length === mostSnapshots) throw snapshotsFull(asked.novelId, mostSnapshots)
  },
  async execute(ctx: RestoreContext) {
    const { userId, parameters: asked } = ctx
    const { novelId, snapshotId } = asked
    const { snapshots } = ctx.services.library
    const { name } = await snapshots.snapshot(userId, asked)
    // A retry with other parameters begins anew, from what the attempts before it left.
    const beforeId = hashedId(['before', ctx.taskId, JSON.stringify(asked)].join('\n'))
    await snapshots.create(userId, { id: beforeId, novelId, name, isBeforeRestoring: true })
    const sceneIds = asked.sceneIds ?? (await snapshots.sceneIds(userId, asked))
    const made = { restored: 0, unchanged: 0, left: 0 }
    for (let done = 0; done < sceneIds.length; done += perStep) {
      ctx.signal.throwIfAborted()
      const step = sceneIds.slice(done, done + perStep)
      // A step that an earlier attempt has made is not made again: its scenes may have been written since.
      const outcome = await ctx.checkpoint(`from ${done} after ${beforeId}`, async () => {
        const found = await snapshots.restore(userId, { novelId, snapshotId, beforeId, sceneIds: step })
        const countOf = (what: keyof typeof made) => [...found.values()].filter(each => each === what).length
        return { restored: countOf('restored'), unchanged: countOf('unchanged'), left: countOf('left') }
      })
      for (const what of ['restored', 'unchanged', 'left'] as const) made[what] += outcome[what]
      ctx.updateProgress({ ...made, done: done + step.length, total: sceneIds.length })
    }
    return { ...made, beforeId }
  },
})
