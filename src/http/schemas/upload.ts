import { z } from 'zod'
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
    budget: budgetSchema.optional().describe('What the import may spend on models'),
  })
  .refine(
    ({ chapters, edits = [] }) => chapters?.length !== 0 || edits.length > 0,
    'no chapter is chosen; name one at least',
  )
  .nullish()

/** The upload in a path. */
export const uploadParams = z.object({ uploadId: id })

/** In which encoding an upload is read. */
export const readAs = {
  encoding: plainText(40)
    .min(1)
    .optional()
    .describe('Read the file in this encoding; default: the detected one'),
}
