/** The outlines of chapters that are not written yet: a title, and scenes with a title and what happens in each. */
import { z } from 'zod'
import { title } from '../fields.ts'

/** Most chapters of a run, and most scenes of a chapter. */
export const mostChapters = 20
export const mostScenes = 12

/** A planned scene. */
const plannedScene = z.strictObject({
  title,
  /** What happens, step by step. */
  summary: z.string().trim().min(1).max(2_000),
})

/** A planned chapter. */
export const chapterOutline = z.strictObject({
  title,
  scenes: z.array(plannedScene).min(1).max(mostScenes),
})

/** A planned chapter. */
export type ChapterOutline = z.output<typeof chapterOutline>

/** An outline that the author reviews, and what was decided about it. */
export const proposedOutline = z.object({
  ...chapterOutline.shape,
  decision: z.enum(['open', 'approved', 'rejected']),
  /** The author has changed it. */
  edited: z.boolean(),
})

/** An outline that the author reviews. */
export type ProposedOutline = z.output<typeof proposedOutline>

/** Returns an outline as a prompt and a check read it: the title, then each scene. */
export function outlineText({ title: name, scenes }: ChapterOutline): string {
  return [name, ...scenes.map(scene => `${scene.title}: ${scene.summary}`)].join('\n')
}
