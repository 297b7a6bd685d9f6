import { z } from 'zod'
import { erase, erasedCounts, eraseTypes } from './erase.ts'
import { count } from './fields.ts'
import { defineNovelTask, novelRetry } from './services.ts'

/** Deletes for good all that a user has: novels, uploads, and the trees of tasks of which the root is the user's. What model calls used is kept. */
export const eraseUser = defineNovelTask({
  type: eraseTypes.user,
  attemptTimeout: '2h',
  retry: novelRetry,
  parameters: z.strictObject({ userId: z.string().max(200) }),
  result: z.object({ novels: count, ...erasedCounts }),
  execute: ctx => erase(ctx, { userId: ctx.parameters.userId }),
})
