import { z } from 'zod'
import type { TaskContext } from '../index.ts'
import { id } from './fields.ts'
import { wordFields, wordFinder } from './find-words.ts'
import {
  isOneChoice,
  notBoth,
  placeChoice,
  planner,
  replaced,
  replaceInScenes,
  replacingProgress,
} from './replace-places.ts'
import { defineNovelTask, type NovelServices, novelRetry } from './services.ts'

/** Where words are replaced. */
export const wordPlaces = ['text', 'summary'] as const

const parameters = z
  .strictObject({
    novelId: id,
    ...wordFields,
    in: z.array(z.enum(wordPlaces)).min(1).max(wordPlaces.length).default(['text']),
    ...placeChoice,
  })
  .refine(isOneChoice, notBoth)

/** Replaces words in the texts of a novel, and in summaries where that is asked for. The texts are undone together, by the task. */
export const replaceInNovel = defineNovelTask({
  type: 'ReplaceInNovel',
  attemptTimeout: '2h',
  retry: novelRetry,
  parameters,
  result: replaced
    .pick({ places: true, texts: true, summaries: true, refused: true, refusedTexts: true })
    .extend({ novelId: id }),
  progress: replacingProgress,
  async admit({ novelId }, { services, userId }) {
    await services.library.shelf.about(userId, novelId)
  },
  async execute(ctx: TaskContext<typeof parameters, typeof replacingProgress, NovelServices>) {
    const { novelId, ...asked } = ctx.parameters
    const { places, texts, summaries, refused, refusedTexts } = await replaceInScenes(
      ctx,
      planner(wordFinder(asked), asked),
    )
    return { novelId, places, texts, summaries, refused, refusedTexts }
  },
})
