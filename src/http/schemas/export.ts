import { z } from 'zod'
import { id, named, time } from './fields.ts'

/** What is known of an exported novel. */
export const exportSchema = named(
  'Export',
  z.object({
    id: z.string(),
    novelId: z.string(),
    taskId: z.string().describe('The task that wrote it'),
    format: z.string().describe('As the task was given it'),
    fileName: z.string().describe('The title of the novel, as far as it can be the name of a file'),
    mediaType: z.string().describe('Of the file; `application/zip` for a file per chapter'),
    bytes: z.int(),
    chapters: z.int(),
    scenes: z.int(),
    words: z.int(),
    createdAt: time,
    expiresAt: time.describe('Then the file is deleted'),
  }),
)

/** The export in a path. */
export const exportParams = z.object({ exportId: id })
