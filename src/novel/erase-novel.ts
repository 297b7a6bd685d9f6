import { z } from 'zod'
import { erase, erasedCounts, refuseRerun } from './erase.ts'
import { id } from './fields.ts'
import type { DraftState } from './library/drafts.ts'
import { novelNotFound } from './library/refusal.ts'
import { defineNovelTask, eraseTypes, type NovelServices, novelRetry } from './services.ts'

/**
 * Deletes a novel for good: its text, history and index, its uploads, and each tree of tasks of its owner whose root is about it (by its tag
 * `novel:ID`, or by its parameters), with results, dead letters and all that the tasks left. What model calls used is kept, and a novel that was
 * imported anew since.
 */
export const eraseNovel = defineNovelTask({
  type: eraseTypes.novel,
  attemptTimeout: '2h',
  retry: novelRetry,
  parameters: z.strictObject({ novelId: id }),
  result: z.object(erasedCounts),
  async admit({ novelId }, { services, userId, ...submission }) {
    refuseRerun(submission)
    const { drafts, uploads } = services.library
    const isNamed = async () =>
      (await uploads.every(userId)).some(({ confirmation }) => confirmation?.novelId === novelId)
    // Of an import that made no novel, its tasks are left.
    if ((await drafts.find(novelId)) === undefined && (await isNamed())) return
    await readOwned(services, userId, novelId)
  },
  execute: ctx => erase(ctx, { userId: ctx.userId, novelId: ctx.parameters.novelId }),
})

/** Returns a novel that is on the shelf, in the bin, or being removed. Throws NOVEL_NOT_FOUND. */
export async function readOwned(
  { library }: Pick<NovelServices, 'library'>,
  userId: string,
  novelId: string,
): Promise<DraftState> {
  const novel = await library.drafts.find(novelId)
  if (novel?.userId !== userId || novel.status === 'draft') throw novelNotFound(novelId)
  return novel
}
