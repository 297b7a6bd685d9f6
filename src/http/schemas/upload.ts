import { z } from 'zod'
import { comparedStatuses } from '../../novel/compare-upload.ts'
import { previewEdits } from '../../novel/fields.ts'
import { fileKinds, pageKinds } from '../../novel/import/opened.ts'
import { budgetSchema } from './budget.ts'
import { id, named, plainLine, plainText, time } from './fields.ts'

/** The chapters of a volume. */
export const chaptersSchema = z
  .array(z.object({ title: z.string(), characters: z.int(), words: z.int() }))
  .describe('Numbered from 0 over all volumes')

/** What a file holds, for a person to choose from. */
const previewSchema = named(
  'Preview',
  z.object({
    title: z.string(),
    author: z.string().optional(),
    kind: z.enum(fileKinds).describe('By the bytes of the file, whatever its name says'),
    encoding: z.object({ name: z.string(), confidence: z.number().describe('0 to 1') }),
    archive: z
      .object({
        ...{ summaries: z.int(), versions: z.int(), candidates: z.int(), entries: z.int() },
        ...{ threads: z.int(), snapshots: z.int(), binned: z.int() },
      })
      .optional()
      .describe('What is in the archive of a novel beside its texts, how many of each'),
    volumes: z.array(z.object({ title: z.string(), chapters: chaptersSchema })),
    warnings: z.array(
      z.object({
        code: z.string(),
        message: z.string(),
        chapter: z.int().optional(),
        line: z.int().optional(),
        count: z.int().optional(),
        pages: z
          .array(z.union([z.object({ kind: z.enum(pageKinds) }), z.object({ name: z.string() })]))
          .optional()
          .describe('The first 20 pages of the book that the warning is about'),
      }),
    ),
    repeated: z
      .array(
        z.object({
          line: z.string().describe('As it stands at its first place'),
          chapters: z.int().describe('Number of the chapters that have it'),
          count: z.int(),
          places: z.array(z.object({ chapter: z.int(), line: z.int() })).describe('The first three'),
        }),
      )
      .describe(
        'Lines that stand in most chapters, as advertisements do; removed where `removeLines` says so',
      ),
    isExported: z
      .literal(true)
      .optional()
      .describe('Quillwork exported the file: it is read as it is, without edits'),
  }),
)

/** Lines of a chapter of a preview, without edits. */
export const chapterTextSchema = named(
  'ChapterText',
  z.object({
    index: z.int(),
    title: z.string(),
    lines: z.array(
      z.object({
        line: z.int().describe('Line of the file, from 1, as an edit names it'),
        text: z.string(),
        words: z.int(),
        scene: z.int().describe('Index of the scene in the chapter'),
        isAfterBlank: z.boolean().describe('A blank line stands before it'),
        repeated: z.int().optional().describe('Its index among the repeated lines of the preview'),
      }),
    ),
    next: z.int().optional().describe('Pass it as `from` for the next lines; absent at the end'),
  }),
)

/** An uploaded file. */
export const uploadSchema = named(
  'Upload',
  z.object({
    id: z.string(),
    fileName: z.string(),
    bytes: z.int(),
    status: z.enum(['uploaded', 'confirmed']),
    createdAt: time,
    expiresAt: time,
    confirmation: z.object({ taskId: z.string(), novelId: z.string() }).optional(),
    preview: previewSchema.optional().describe('Only where one upload is read'),
  }),
)

/** In which encoding a file is read. */
export const readAs = z.strictObject({
  encoding: plainText(40)
    .min(1)
    .optional()
    .describe('Read the file in this encoding; default: the detected one'),
})

/** The novel that an upload is compared with. */
export const comparisonQuery = readAs.extend({ novelId: id })

/** Chapters of a file, compared with a novel. */
export const comparedChapters = z
  .array(
    z.object({
      index: z.int().describe('Number in the preview, from 0'),
      title: z.string(),
      volume: z.string().describe('Title of its volume; empty for none'),
      words: z.int(),
      status: z
        .enum(comparedStatuses)
        .describe('`known`: the novel has its text; `changed`: the novel has another text for it'),
      chapterId: z.string().optional().describe('The chapter of the novel; absent for a new one'),
      position: z.int().optional().describe('Number of that chapter, from 0'),
      wordsInNovel: z.int().optional(),
      isMoved: z
        .literal(true)
        .optional()
        .describe('Its text is in the novel, at another place than in the file'),
      behind: z
        .string()
        .optional()
        .describe(
          'Of one that is not known: the chapter of the novel behind which it would be added; absent for the beginning',
        ),
    }),
  )
  .describe('In the order of the file')

/** An upload and a novel side by side. */
export const uploadComparisonSchema = named(
  'UploadComparison',
  z.object({
    novelId: z.string(),
    counts: z.object({ known: z.int(), changed: z.int(), new: z.int(), missing: z.int() }),
    chapters: comparedChapters,
    missing: z
      .array(z.object({ chapterId: z.string(), position: z.int(), title: z.string(), words: z.int() }))
      .describe('Chapters of the novel that the file does not have; they stay as they are'),
  }),
)

const chapterNumbers = z.array(z.int().min(0)).max(100_000)

/** The choices of a person after the comparison. */
export const appendBody = z.strictObject({
  novelId: id,
  chapters: chapterNumbers
    .optional()
    .describe(
      'Chapters to add, new ones or changed ones, by their numbers in the preview; default: all new ones',
    ),
  replace: chapterNumbers
    .optional()
    .describe('Changed chapters whose text takes the place of that of the novel; default: none'),
  summarise: z.boolean().optional().describe('Whether scenes with a new text get summaries; default: true'),
  model: plainText(200)
    .min(1)
    .optional()
    .describe('Model for summaries; default: the first one for summaries, else quotations of the text'),
  encoding: plainText(40).min(1).optional().describe('Default: the detected one'),
  budget: budgetSchema.optional().describe('What the addition may spend on models'),
})

/** The choices of a person after the preview. */
export const confirmBody = z
  .strictObject({
    title: plainLine(300).min(1).optional(),
    chapters: z
      .array(z.int().min(0))
      .max(100_000)
      .optional()
      .describe(
        'By their numbers in the preview; default: all. Empty only where edits begin chapters. A merged chapter goes with the one that it continues',
      ),
    ...previewEdits,
    summarise: z.boolean().optional().describe('Whether every scene gets a summary; default: true'),
    model: plainText(200)
      .min(1)
      .optional()
      .describe('Model for summaries; default: the first one for summaries, else quotations of the text'),
    encoding: plainText(40).min(1).optional().describe('Default: the detected one'),
    reference: z
      .boolean()
      .optional()
      .describe('Whether the novel is a reference, in which no model writes; default: false'),
    budget: budgetSchema.optional().describe('What the import may spend on models'),
  })
  .refine(
    ({ chapters, edits = [] }) => chapters?.length !== 0 || edits.length > 0,
    'no chapter is chosen; name one at least',
  )
  .nullish()

/** The upload in a path. */
export const uploadParams = z.object({ uploadId: id })
