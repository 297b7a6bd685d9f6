import { z } from 'zod'
import { PermanentError } from '../index.ts'
import { reviewSignal } from './await-author.ts'
import { id } from './fields.ts'
import { defineNovelTask, novelRetry } from './services.ts'

/** What the author decides with the signal `review`. */
const chapterDecision = z.strictObject({ decision: z.enum(['approve', 'reject']) })

/**
 * Waits, without a slot, until the author has read a chapter that a batch wrote. What follows the chapter is written when the author approves it. A
 * rejected one fails the task, so that nothing follows; a retry waits for another decision.
 */
export const reviewChapter = defineNovelTask({
  type: 'ReviewChapter',
  retry: novelRetry,
  parameters: z.strictObject({ novelId: id, chapterId: id }),
  result: z.object({ decision: z.literal('approve') }),
  async execute(ctx) {
    for (let number = 1; ; number++) {
      const { decision } = await ctx.waitFor(reviewSignal, { schema: chapterDecision })
      if (decision === 'approve') return { decision }
      const rejectedIn = await ctx.checkpoint(`rejection ${number}`, () => ctx.attempt)
      // One for which the task failed, and which a person then retried, counts no longer.
      if (rejectedIn > ctx.retriedAttempt)
        throw new PermanentError('The author rejected the chapter, so nothing that follows is written.', {
          code: 'CHAPTER_REJECTED',
        })
    }
  },
})
