import { z } from 'zod'
import { mostReferences } from '../../novel/library/shape.ts'
import { id, named, plainLine, time } from './fields.ts'
import { chapterFields, targetWords, volumeVersion } from './novel.ts'

/** A volume of a novel. */
export const volumeSchema = named(
  'Volume',
  z.object({
    id: z.string(),
    position: z.int(),
    title: z.string(),
    version: volumeVersion,
    chapters: z.int(),
    words: z.int(),
  }),
)

/** A chapter of a novel, with the ids of its scenes. */
export const chapterPlaceSchema = named(
  'ChapterPlace',
  z.object({
    ...chapterFields,
    novelId: z.string(),
    sceneIds: z.array(z.string()).describe('In reading order'),
  }),
)

/** A language as a tag such as `zh` or `en-GB`; empty: none. */
const language = z
  .string()
  .regex(/^([A-Za-z]{2,3}(-[A-Za-z\d]{1,8}){0,3})?$/, 'Give a language tag such as `en` or `zh`.')

const title = plainLine(300).min(1)
const author = plainLine(300)

/** A novel to begin. */
export const newNovelBody = named(
  'NewNovel',
  z.strictObject({
    title,
    author: author.optional(),
    language: language.optional().describe('BCP 47, such as `en`'),
  }),
)

/** What a novel is to be called. */
export const novelNamesBody = named(
  'NovelNames',
  z
    .strictObject({
      title: title.optional(),
      author: author.optional().describe('Empty: none'),
      language: language.optional().describe('BCP 47, such as `en`; empty: none'),
      targetWords: targetWords.describe('Words that it is to have; 0: no target'),
      reference: z
        .boolean()
        .optional()
        .describe('It gives voice and facts to others, no model writes in it, and it names no references'),
      references: z
        .array(id)
        .max(mostReferences)
        .optional()
        .describe('Ids of the references that its prompts take voice and facts from; empty: none'),
    })
    .refine(
      names => Object.keys(names).length > 0,
      'Give a title, an author, a language, a target of words, reference or references.',
    ),
)

const unitTitle = plainLine(300).describe('Empty: none')

/** What of a chapter is to change. */
export const chapterEditBody = z
  .strictObject({
    title: unitTitle.optional(),
    targetWords: targetWords.describe('Words that it is to have; 0: no target'),
  })
  .refine(edit => Object.keys(edit).length > 0, 'Give a title or a target of words.')

/** The title of a volume. */
export const titleBody = z.strictObject({ title: unitTitle })

const before = id.optional().describe('What is to follow it, by its id; absent: it is the last one')
const volumeId = id.optional().describe('Default: the volume of the chapter that follows, else the last one')

/** A volume to add. */
export const newVolumeBody = z.strictObject({ title: unitTitle, before })

/** A chapter to add. */
export const newChapterBody = z.strictObject({ title: unitTitle, volumeId, before })

/** Where a volume is to be. */
export const volumeMoveBody = z.strictObject({ before }).nullish()

/** Where a chapter is to be. */
export const chapterMoveBody = z.strictObject({ volumeId, before }).nullish()

/** Where a scene is to be. */
export const sceneMoveBody = z
  .strictObject({ chapterId: id.optional().describe('Default: the chapter that it is in'), before })
  .nullish()

/** Where a chapter is to be cut. */
export const splitBody = z.strictObject({
  at: id.describe('The scene that begins the new chapter; not the first one'),
  title: unitTitle.default(''),
})

/** Where a scene is to be cut. */
export const sceneSplitBody = z.strictObject({
  at: z.int().min(1).describe('Where the new scene begins in the text, in UTF-16 code units'),
  title: plainLine(300).optional().describe('Of the new scene; absent or empty: none'),
})

/** The scene that is to be put into another one. */
export const sceneMergeBody = z.strictObject({
  next: id.describe('The scene that follows in the chapter, which goes into the bin then'),
})

/** The chapter that is to be put into another one. */
export const mergeBody = z.strictObject({ next: id.describe('The chapter that follows, which is gone then') })

/** What is in the bin. */
export const binEntrySchema = named(
  'BinEntry',
  z.object({
    id: z.string(),
    novelId: z.string(),
    what: z.enum(['volume', 'chapter', 'scene']),
    unitId: z.string().describe('Id of the volume, chapter or scene'),
    title: z.string(),
    chapters: z.int(),
    scenes: z.int(),
    words: z.int(),
    characters: z.int(),
    binnedAt: time,
    expiresAt: time.describe('When it is deleted for good'),
  }),
)

/** Ids in paths. */
export const volumeParams = z.object({ novelId: id, volumeId: id })
export const binParams = z.object({ novelId: id, entryId: id })
