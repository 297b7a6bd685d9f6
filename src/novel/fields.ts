import { z } from 'zod'

/** Fields that several of the novel tasks have in their parameters or results. */

/** An id of the library. */
export const id = z.string().min(1).max(100)

/** How many there are of something. */
export const count = z.int().min(0)

/** Something that a person should look at. */
export const warning = z.object({
  /** Such as NUMBER_GAP or EMPTY_CHAPTER. */
  code: z.string(),
  message: z.string(),
  /** Index of the chapter in the file, from 0. */
  chapter: count.optional(),
  /** Line of the file, from 1. */
  line: count.optional(),
  /** How many of the kind there are, where only the first ones are listed. */
  count: count.optional(),
})

/** What became of the scenes that were to be summarised; `total` is the sum of the others. */
export const summaryCounts = z.object({
  total: count,
  success: count,
  failed: count,
  /** Somebody else changed the scene twice while it was summarised; nothing of theirs was overwritten. */
  conflict: count,
  /** There was a summary already that was not to be overwritten, or nothing to summarise. */
  skipped: count,
})

/** Counts of summaries. */
export type SummaryCounts = z.infer<typeof summaryCounts>

/** What of a novel file is read. */
export const reading = {
  /** Title of the novel. Default: the one that was found in the file. */
  title: z.string().trim().min(1).max(300).optional(),
  /** Chapters to import, by their index in the preview, from 0. Default: all. */
  chapters: z.array(z.int().min(0)).min(1).max(100_000).optional(),
  /** Encoding of the file. Default: the detected one. */
  encoding: z.string().min(1).max(40).optional(),
}
