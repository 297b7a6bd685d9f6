import { z } from 'zod'
import type { TaskContext } from '../../index.ts'
import { reviewSignal } from '../await-author.ts'
import type { ChapterOutline, ProposedOutline } from './outline.ts'
import { chapterOutline, mostChapters } from './outline.ts'

/** What the author decides with the signal `review`. */
const outlineDecision = z
  .strictObject({
    decision: z.enum(['approve', 'reject']),
    /** Number of the chapter within the proposal, from 1. Default: all about which nothing was decided. */
    chapter: z.int().min(1).max(mostChapters).optional(),
    /** The chapter as the author wants it. */
    outline: chapterOutline.optional(),
  })
  .refine(
    ({ decision, chapter, outline }) =>
      outline === undefined || (decision === 'approve' && chapter !== undefined),
    { message: 'an outline comes with the number of its chapter, and is approved', path: ['outline'] },
  )

/** Waits until the author has decided about each outline; `show` is called with what was decided so far. A later decision goes before an earlier one. */
export async function reviewOutlines(
  ctx: Pick<TaskContext, 'waitFor'>,
  planned: readonly ChapterOutline[],
  show: (outlines: ProposedOutline[]) => void,
): Promise<readonly ProposedOutline[]> {
  let outlines = planned.map((outline): ProposedOutline => ({ ...outline, decision: 'open', edited: false }))
  for (;;) {
    show(outlines)
    if (outlines.every(({ decision }) => decision !== 'open')) return outlines
    const given = await ctx.waitFor(reviewSignal, { schema: outlineDecision })
    outlines = outlines.map((outline, at) => decided(outline, at + 1, given))
  }
}

function decided(
  before: ProposedOutline,
  number: number,
  { decision, chapter, outline }: z.output<typeof outlineDecision>,
): ProposedOutline {
  if (chapter === undefined ? before.decision !== 'open' : chapter !== number) return before
  if (decision === 'reject') return { ...before, decision: 'rejected' }
  const { title, scenes } = outline ?? before
  const edited =
    before.edited || JSON.stringify([title, scenes]) !== JSON.stringify([before.title, before.scenes])
  return { title, scenes, decision: 'approved', edited }
}
