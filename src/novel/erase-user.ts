import { z } from 'zod'
import { erase, erasedCounts, refuseRerun } from './erase.ts'
import { count } from './fields.ts'
import { defineNovelTask, eraseTypes, novelRetry } from './services.ts'

/**
 * Deletes for good all that a user had at its submission: novels, uploads, and the trees of tasks of which the root is the user's. What model calls used
 * is kept, and what the user has made since.
 */
export const eraseUser = defineNovelTask({
  type: eraseTypes.user,
  attemptTimeout: '2h',
  retry: novelRetry,
  parameters: z.strictObject({ userId: z.string().max(200) }),
  result: z.object({ novels: count, ...erasedCounts }),
  admit: (_, submission) => refuseRerun(submission),
  execute: ctx => erase(ctx, { userId: ctx.parameters.userId }),
})
