import { z } from 'zod'
import { pageKinds } from '../../novel/import/opened.ts'
import { budgetSchema } from './budget.ts'
import { id, named, paging, plainText, time } from './fields.ts'
import { originSchema, provenanceFields, writingFields } from './provenance.ts'

/** How many of something. */
const count = z.int()

/** What a file holds, for a person to choose from. */
const previewSchema = named(
  'Preview',
  z.object({
    title: z.string(),
    author: z.string().optional(),
    encoding: z.object({ name: z.string(), confidence: z.number().describe('0 to 1') }),
    volumes: z.array(
      z.object({
        title: z.string(),
        chapters: z
          .array(z.object({ title: z.string(), characters: count, words: count }))
          .describe('Numbered from 0 over all volumes'),
      }),
    ),
    warnings: z.array(
      z.object({
        code: z.string(),
        message: z.string(),
        chapter: count.optional(),
        line: count.optional(),
        count: count.optional(),
        pages: z
          .array(z.union([z.object({ kind: z.enum(pageKinds) }), z.object({ name: z.string() })]))
          .optional()
          .describe('The first 20 pages of the book that it is about'),
      }),
    ),
  }),
)

/** A file that was received. */
export const uploadSchema = named(
  'Upload',
  z.object({
    id: z.string(),
    fileName: z.string(),
    bytes: count,
    status: z.enum(['uploaded', 'confirmed']),
    createdAt: time,
    expiresAt: time,
    confirmation: z.object({ taskId: z.string(), novelId: z.string() }).optional(),
    preview: previewSchema.optional().describe('Once it was asked for'),
  }),
)

/** What a person chose after the preview. */
export const confirmBody = z
  .strictObject({
    title: plainText(300).trim().min(1).optional(),
    chapters: z
      .array(z.int().min(0))
      .min(1)
      .max(100_000)
      .optional()
      .describe('By their numbers in the preview; default all'),
    summarise: z.boolean().optional().describe('Whether every scene gets a summary; default true'),
    model: plainText(200)
      .min(1)
      .optional()
      .describe('What summarises; default: the first model for summaries, else quotations'),
    encoding: plainText(40).min(1).optional().describe('Default: the detected one'),
    budget: budgetSchema.optional().describe('What the import may spend on models'),
  })
  .nullish()

const counts = { volumes: count, chapters: count, scenes: count, words: count, characters: count }

/** A novel on the shelf. */
export const novelSchema = named(
  'Novel',
  z.object({
    id: z.string(),
    title: z.string(),
    author: z.string().optional(),
    language: z.string().optional(),
    ...counts,
    summaries: count.describe('Scenes that have a summary, also one of an older text'),
    createdAt: time,
    updatedAt: time,
  }),
)

const chapterFields = {
  id: z.string(),
  volumeId: z.string(),
  position: count.describe('Over the whole novel, from 0'),
  title: z.string(),
  words: count,
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
        .describe('Of a hybrid index: what made its vectors'),
      outOfDateScenes: count,
    }),
  }),
)

const span = z.object({ start: count, end: count }).describe('UTF-16 code units')

/** A summary, always with how it came about. */
const summarySchema = named(
  'Summary',
  z.object({
    text: z.string(),
    method: z
      .enum(['extractive', 'generative', 'person'])
      .describe('Picked from the text, written by a model, or by a person'),
    ...provenanceFields,
    language: z.string().optional(),
    sentences: z
      .array(span)
      .optional()
      .describe('Of an extractive one: where its sentences stand in the text'),
    outOfDate: z.boolean().describe('It was made from an older text'),
    ...writingFields,
  }),
)

const sceneFields = {
  id: z.string(),
  novelId: z.string(),
  chapterId: z.string(),
  position: count.describe('Within its chapter, from 0'),
  title: z.string().optional(),
  words: count,
  characters: count,
  textOrigin: originSchema.optional().describe('Absent where there never was a text'),
  summary: summarySchema.optional(),
  version: count,
  textVersion: count,
  updatedAt: time,
}

/** A chapter with its scenes and their summaries; the texts are one question further. */
export const chapterSchema = named(
  'Chapter',
  z.object({ ...chapterFields, novelId: z.string(), scenes: z.array(z.object(sceneFields)) }),
)

/** A scene with its text. */
export const sceneSchema = named('Scene', z.object({ ...sceneFields, content: z.string() }))

/** What a person changes of a scene. */
export const sceneEdit = named(
  'SceneEdit',
  z
    .strictObject({
      title: z.string().max(300).optional(),
      content: z.string().max(50_000).optional(),
      summary: z.string().max(20_000).optional().describe('An empty one removes the summary'),
    })
    .refine(
      edit => Object.values(edit).some(value => value !== undefined),
      'Give title, content or summary.',
    ),
)

/** Which entry of the history is to be put in place. */
export const restoreBody = z.strictObject({ entryId: id })

/** A scene that is to follow the last one of a chapter. */
export const newScene = named(
  'NewScene',
  z
    .strictObject({
      title: plainText(300).trim().min(1).optional(),
      summary: plainText(20_000).optional().describe('What is to happen in it'),
    })
    .nullish(),
)

/** The answer of a search. */
export const searchAnswer = z.object({
  index: z
    .enum(['none', 'lexical', 'hybrid'])
    .describe('What answered: hybrid is words (BM25) and the vectors of a model, joined by their ranks'),
  model: z.string().optional().describe('Of a hybrid answer: the model whose vectors were compared'),
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
    .describe('Why an index with vectors was searched by words alone'),
  outOfDateScenes: count,
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
})

/** Which scenes are to be summarised, and how. */
export const summariseBody = z
  .strictObject({
    startChapterId: id.optional().describe('Default: the first chapter'),
    endChapterId: id.optional().describe('Included; default: the last chapter'),
    overwriteExisting: z
      .boolean()
      .optional()
      .describe('Default false: scenes that have a summary are left out'),
    model: plainText(200).min(1).optional(),
    maxCharacters: z.int().min(1).optional(),
  })
  .nullish()

/** Ids in paths. */
export const novelParams = z.object({ novelId: id })
export const chapterParams = z.object({ novelId: id, chapterId: id })
export const sceneParams = z.object({ sceneId: id })
export const entryParams = z.object({ sceneId: id, entryId: id })
export const ownChapterParams = z.object({ chapterId: id })
export const uploadParams = z.object({ uploadId: id })

/** A listing without filters. */
export const pageQuery = z.strictObject(paging)
