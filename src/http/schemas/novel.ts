import { z } from 'zod'
import { wordFields } from '../../novel/find-words.ts'
import { mostTargetWords } from '../../novel/library/shape.ts'
import type { ChapterOverview, VolumeOverview } from '../../novel/library/shelf.ts'
import { novelNarration } from '../../novel/narration.ts'
import { wordPlaces } from '../../novel/replace-in-novel.ts'
import { id, named, paging, plainText, span, time } from './fields.ts'
import { narrationFields, sceneFields } from './scene.ts'

const count = z.int()

/** Words that an author wants a novel or a chapter to have. */
export const targetWords = z.int().min(0).max(mostTargetWords).optional()
const targetSent = targetWords.describe('Words that its author wants it to have; absent: no target')

/** What a novel is called and how much of it there is. */
const novelFields = {
  id: z.string(),
  title: z.string(),
  author: z.string().optional(),
  language: z.string().optional(),
  ...{ volumes: count, chapters: count, scenes: count, words: count, characters: count },
}

/** A reference that a novel names. */
const namedReferenceSchema = z.object({
  novelId: z.string(),
  title: z.string().optional().describe('Absent where the novel is gone'),
  state: z
    .enum(['used', 'unmarked', 'gone'])
    .describe('`unmarked`: it is a reference no longer. `gone`: it was deleted, or is in the bin'),
})

/** A novel in a listing. */
export const novelSchema = named(
  'Novel',
  z.object({
    ...novelFields,
    targetWords: targetSent,
    reference: z
      .literal(true)
      .optional()
      .describe('It gives voice and facts to other novels, and no model writes in it'),
    references: z.array(namedReferenceSchema).optional().describe('The references that it names'),
    summaries: count.describe('Scenes that have a summary, also of an older text'),
    version: count.describe(
      'Rises by one whenever its title, author, language, target or references change, or it becomes a reference or is one no longer',
    ),
    createdAt: time,
    updatedAt: time,
  }),
)

/** A novel that is in the bin. */
export const binnedNovelSchema = named(
  'BinnedNovel',
  z.object({
    ...novelFields,
    binnedAt: time,
    expiresAt: time.describe('When it is deleted for good'),
  }),
)

/** The version of a volume. */
export const volumeVersion = count.describe('Rises by one whenever its title changes')

/** A chapter in an outline. */
export const chapterFields = {
  id: z.string(),
  volumeId: z.string(),
  position: count.describe('Over the whole novel, from 0'),
  title: z.string(),
  version: count.describe('Rises by one whenever its title or its target changes'),
  words: count,
  targetWords: targetSent,
  characters: count,
  summaries: count,
}

/** A novel with its volumes, their chapters, and the state of its search index. */
export const outlineSchema = named(
  'Outline',
  novelSchema.extend({
    outline: z.array(
      z.object({
        id: z.string(),
        position: count,
        title: z.string(),
        version: volumeVersion,
        words: count,
        chapters: z.array(z.object(chapterFields)),
      }),
    ),
    index: z.object({
      kind: z.enum(['none', 'lexical', 'hybrid']),
      building: z.boolean(),
      builtAt: time.optional(),
      passages: count,
      vectors: z
        .object({ model: z.string(), dimensions: count })
        .optional()
        .describe('Of a hybrid index: the model of its vectors'),
      outOfDateScenes: count,
    }),
  }),
)

/** A chapter with its scenes and their summaries, without the texts. */
export const chapterSchema = named(
  'Chapter',
  z.object({ ...chapterFields, novelId: z.string(), scenes: z.array(z.object(sceneFields)) }),
)

/** The response of a search. */
export const searchAnswer = z.object({
  index: z
    .enum(['none', 'lexical', 'hybrid'])
    .describe(
      'The index that was searched. `hybrid`: words (BM25) and the vectors of a model, combined by their ranks',
    ),
  model: z.string().optional().describe('Of a hybrid search: the model whose vectors were compared'),
  degraded: z
    .object({
      reason: z.enum([
        'model-not-configured',
        'model-changed',
        'model-busy',
        'model-failed',
        'index-changed',
      ]),
      message: z.string(),
    })
    .optional()
    .describe('Why an index with vectors was searched by words only'),
  outOfDateScenes: count,
  total: count.describe(
    'Passages that were found, whatever the limit is: with a word of the query, or among the 100 closest in meaning. Of changed scenes, as they were indexed',
  ),
  nextOffset: count
    .optional()
    .describe(
      'The offset of the following hits; absent where there are none, and behind the first 1,000 passages',
    ),
  hits: z.array(
    z.object({
      sceneId: z.string(),
      chapterId: z.string(),
      chapterTitle: z.string(),
      passage: span,
      snippet: z.object({ text: z.string(), start: count, marks: z.array(span) }),
      score: z.number(),
      outOfDate: z.boolean(),
    }),
  ),
})

/** The query of a search. */
export const searchQuery = z.strictObject({
  q: z.string().min(1).max(500),
  limit: z.coerce.number().int().min(1).max(100).default(20),
  offset: z.coerce
    .number()
    .int()
    .min(0)
    .max(999)
    .default(0)
    .describe('How many of the best passages are left out; with limit at most 1,000'),
})

/** The scenes to summarise, and how. */
export const summariseBody = z
  .strictObject({
    startChapterId: id.optional().describe('Default: the first chapter'),
    endChapterId: id.optional().describe('Included; default: the last chapter'),
    overwriteExisting: z
      .boolean()
      .optional()
      .describe('Default: false, so scenes that have a summary are left out'),
    model: plainText(200).min(1).optional(),
    maxCharacters: z.int().min(1).optional(),
  })
  .nullish()

/** Words that are to be replaced. */
export const wordsBody = named(
  'WordsRequest',
  z.strictObject({
    find: wordFields.find.describe(
      'As it stands in the text; apostrophes, quotation marks and hyphens may be written otherwise',
    ),
    replace: wordFields.replace.describe('Empty: the words are taken out'),
    matchCase: wordFields.matchCase.describe(
      'Default: what takes the place of words with a capital has one too',
    ),
    wholeWords: wordFields.wholeWords.describe(
      'No letter or digit beside it; Chinese and Japanese have no borders of words',
    ),
    in: z.array(z.enum(wordPlaces)).min(1).max(wordPlaces.length).default(['text']),
    pageSize: z.int().min(1).max(1_000).default(200),
    pageToken: paging.pageToken,
  }),
)

/** Ids in paths. */
export const novelParams = z.object({ novelId: id })
export const chapterParams = z.object({ novelId: id, chapterId: id })

/** Returns the volumes with their chapters. */
export function presentOutline(volumes: readonly VolumeOverview[], chapters: readonly ChapterOverview[]) {
  const byVolume = new Map(volumes.map(({ id }) => [id, [] as ChapterOverview[]]))
  for (const chapter of chapters) byVolume.get(chapter.volumeId)?.push(chapter)
  return volumes.map(volume => ({ ...volume, chapters: byVolume.get(volume.id) ?? [] }))
}

/** How a novel is told. */
export const narrationSchema = named(
  'NovelNarration',
  z.object({
    ...narrationFields,
    styleSheet: z.string().describe('Rules of the author for the prose of the whole novel'),
    voiceSample: z.string().describe('Prose of the author, for a model to keep to its voice'),
    version: z.int().describe('0 where nobody has said how it is told'),
  }),
)

/** How a novel is to be told. */
export const narrationBody = named('NovelNarrationEdit', novelNarration)
