import { defineTask } from 'quillwork'
import { z } from 'zod'

/** Counts the words of a chapter. */
export const countWords = defineTask({
  type: 'CountWords',
  parameters: z.object({ chapter: z.string() }),
  result: z.object({ words: z.number(), paragraphs: z.number() }),
  // An attempt that throws is made again, after a pause.
  retry: { maxAttempts: 5 },
  async execute(ctx) {
    const paragraphs = ctx.parameters.chapter.split(/\n{2,}/)
    let words = 0
    for (const [index, paragraph] of paragraphs.entries()) {
      // A step that is done is not done again, whatever stops the process: the place for a call that costs money.
      words += await ctx.checkpoint(`paragraph ${index + 1}`, () => count(paragraph))
    }
    return { words, paragraphs: paragraphs.length }
  },
})

function count(text: string): number {
  return text.split(/\s+/).filter(Boolean).length
}
