import { z } from 'zod'
import { id, named, plainText, time } from './fields.ts'

/** What is known of an exported novel, or of an archive of all that a user has. */
export const exportSchema = named(
  'Export',
  z.object({
    id: z.string(),
    novelId: z.string().optional().describe('Absent: of all that the user has'),
    taskId: z.string().describe('The task that wrote it'),
    format: z.string().describe('As the task was given it; `user` for all that the user has'),
    fileName: z
      .string()
      .describe('The title of the novel, or the user and the day, as far as they can be the name of a file'),
    mediaType: z.string().describe('Of the file; `application/zip` for a file per chapter'),
    bytes: z.int(),
    chapters: z.int(),
    scenes: z.int(),
    words: z.int(),
    archive: z
      .object({ novels: z.int(), uploads: z.int(), tasks: z.int(), missing: z.int() })
      .optional()
      .describe('Of all that the user has: what is in it, and how much could not be read'),
    createdAt: time,
    expiresAt: time.describe('Then the file is deleted'),
  }),
)

/** The export in a path. */
export const exportParams = z.object({ exportId: id })

/** Whose export it is. */
export const exportQuery = z.strictObject({
  userId: plainText(200)
    .min(1)
    .optional()
    .describe('Whose export; default: the user for whom the server acts, `local` if none is set'),
})
