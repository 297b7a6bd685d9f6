import { z } from 'zod'
import type { StyleCounts } from '../../novel/checks/style.ts'
import type { NovelStyle } from '../../novel/novel-style.ts'
import { named } from './fields.ts'

const count = z.int()

const figures = {
  words: count,
  characters: count,
  sentences: count,
  paragraphs: count,
  wordsPerSentence: z.number().describe('Mean; 0 without a sentence'),
  dialogue: z.number().describe('Share of the text between quotation marks, 0 to 1'),
  repeatedOpenings: count.describe(
    'Sentences that begin with the same two words, or two characters, as the sentence right before',
  ),
}

const place = z
  .object({ sceneId: z.string(), start: count, end: count })
  .describe('Where it stands first, in code units of the text of the scene')

const term = z.object({
  text: z.string().describe('In lower case'),
  count,
  chapters: count.describe('In how many chapters it stands'),
  first: place,
})

const distinct = z.object({
  text: z.string(),
  count: count.describe('How often it stands in the chapter'),
  elsewhere: count.describe('How often it stands in all other chapters'),
  first: place,
})

/** The style of a novel in figures. */
export const styleSchema = named(
  'NovelStyle',
  z.object({
    whole: z.object(figures),
    words: z.array(term).describe('Most used words, at most 30'),
    phrases: z.array(term).describe('Most used runs of four words, or five characters, at most 30'),
    sentenceOpenings: z.array(term).describe('Most used first two words or characters of sentences'),
    paragraphOpenings: z.array(term).describe('The same of paragraphs'),
    approximate: z
      .boolean()
      .describe('Rare terms were dropped: counts in the lists may be too low. The figures are exact'),
    chapters: z.array(
      z.object({
        id: z.string(),
        position: count.describe('Over the whole novel, from 0'),
        title: z.string(),
        ...figures,
        distinctWords: z
          .array(distinct)
          .describe('Words that it has more often than the other chapters, at most 3'),
        distinctPhrases: z.array(distinct),
      }),
    ),
  }),
)

/** The style of a novel as the API returns it. */
export type StyleJson = z.output<typeof styleSchema>

/** Returns the style of a novel with means and shares in place of sums. */
export function presentStyle({ whole, chapters, ...lists }: NovelStyle) {
  return {
    ...lists,
    whole: figuresOf(whole),
    chapters: chapters.map(({ id, position, title, distinctWords, distinctPhrases, ...counts }) => ({
      ...{ id, position, title, ...figuresOf(counts), distinctWords, distinctPhrases },
    })),
  }
}

function figuresOf({ units, quoted, ...counts }: StyleCounts) {
  return {
    ...counts,
    wordsPerSentence: counts.sentences === 0 ? 0 : rounded(counts.words / counts.sentences, 100),
    dialogue: units === 0 ? 0 : rounded(quoted / units, 1_000),
  }
}

function rounded(figure: number, to: number): number {
  return Math.round(figure * to) / to
}
