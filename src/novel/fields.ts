import { z } from 'zod'
import { hasControls } from '../task/controls.ts'
import { pageKinds } from './import/opened.ts'

/** Fields that several of the novel tasks have in their parameters or results. */

/** An id of the library. */
export const id = z.string().min(1).max(100)

/** A number of items. */
export const count = z.int().min(0)

/** Upper bound of a requested summary, in code units. */
export const maxCharacters = z.int().min(1).max(10_000)

/** Id of a configured model. */
export const modelId = z.string().min(1).max(200)

/** A style of writing, in the author's words. */
export const style = z.string().trim().min(1).max(1_000)

/** A title that a person gives: one line, without controls. */
export const title = z
  .string()
  .trim()
  .min(1)
  .max(300)
  .refine(text => !hasControls(text), 'a title has no line ends and no other control characters')

/** Returns the schema of a text that a person writes: without NUL and half surrogate pairs. */
export function prose(longest: number) {
  return z.string().max(longest).refine(isWhole, 'a text has no NUL and no half of a surrogate pair')
}

/** Returns whether a text can be stored and sent as it is. */
export function isWhole(text: string): boolean {
  return !/[\0\p{Surrogate}]/u.test(text)
}

/** The prompt of a model call. */
export const promptNote = z.object({
  name: z.string(),
  /** As its file says, with a hash of the file. */
  version: z.string(),
  /** BCP 47 tag of the prompt's own words. */
  language: z.string(),
})

/** The prompt that a model was given. */
export type PromptNote = z.infer<typeof promptNote>

/** The usage of the calls that made something. */
export const usageNote = z.object({
  inputTokens: count,
  /** Of these, what the provider read from its cache. */
  cachedInputTokens: count.optional(),
  outputTokens: count,
  /** In the currency of the price list; absent where no price is known. */
  cost: z.number().min(0).optional(),
})

/** A finding that a person should check. */
export const warning = z.object({
  /** Such as NUMBER_GAP or EMPTY_CHAPTER. */
  code: z.string(),
  message: z.string(),
  /** Index of the chapter in the file, from 0. */
  chapter: count.optional(),
  /** Line of the file, from 1. */
  line: count.optional(),
  /** The number of findings of the kind, where only the first ones are listed. */
  count: count.optional(),
  /** The first pages of the book that it concerns: of a kind, or by the name that the book gives them. */
  pages: z.array(z.union([z.object({ kind: z.enum(pageKinds) }), z.object({ name: z.string() })])).optional(),
})

/** The outcomes of the scenes of a batch; `total` is the sum of the others. */
export const sceneCounts = z.object({
  total: count,
  success: count,
  failed: count,
  /** Another writer changed the scene in the meantime; the change was kept. */
  conflict: count,
  /** The result existed and was not to be overwritten, or its material was empty. */
  skipped: count,
})

/** Counts of scenes. */
export type SceneCounts = z.infer<typeof sceneCounts>

/** No scenes. */
export const noScenes: SceneCounts = { total: 0, success: 0, failed: 0, conflict: 0, skipped: 0 }

/** A title among the edits of a preview. */
const editTitle = title.refine(isWhole, 'a title has no half of a surrogate pair')

/** An edit of the preview at one place; see `ImportEdit`. */
const importEdit = z
  .strictObject({
    index: z.int().min(0).describe('Index of the chapter in the preview, from 0'),
    line: z
      .int()
      .min(1)
      .optional()
      .describe(
        'A chapter of its own begins at this line of the file, from 1. Default: at the beginning of the chapter',
      ),
    title: editTitle.optional().describe('Title of the chapter; required with a line'),
    heading: z.literal(true).optional().describe('The line is the heading of its chapter, and no text'),
    leftOut: z.literal(true).optional().describe('The chapter that begins at the line is left out'),
    merge: z
      .literal(true)
      .optional()
      .describe('The chapter continues the one before it, and its heading becomes text'),
    volume: editTitle
      .nullable()
      .optional()
      .describe('A volume with this title begins at the chapter; null: none does any more'),
  })
  .refine(
    ({ line, title: own, heading, leftOut, volume, merge }) =>
      merge === true
        ? [line, own, heading, leftOut, volume].every(field => field === undefined)
        : line === undefined
          ? heading === undefined && leftOut === undefined
          : own !== undefined,
    'a chapter that begins at a line has a title; heading and leftOut need a line; merge stands alone',
  )

/** Returns whether each place has one edit at most. */
function haveOwnPlaces(edits: readonly z.infer<typeof importEdit>[]): boolean {
  return new Set(edits.map(({ index, line = 0 }) => `${index} ${line}`)).size === edits.length
}

/** What a person makes of a preview: see `Choice` of the import. */
export const previewEdits = {
  edits: z
    .array(importEdit)
    .max(2_000)
    .refine(haveOwnPlaces, 'two edits are of the same place; make one of them')
    .optional()
    .describe('Chapters renamed, merged, begun at a line; volumes renamed, begun, ended'),
  removeLines: z
    .array(prose(200).min(1))
    .max(50)
    .optional()
    .describe('Lines that are left out wherever they stand alone: of `repeated` in the preview'),
}

/** The part of a novel file to read. */
export const reading = {
  /** Title of the novel. Default: the title found in the file. */
  title: title.optional(),
  /** Chapters to import, by their index in the preview, from 0. Default: all. None where only chapters that edits begin at a line are taken. */
  chapters: z.array(z.int().min(0)).max(100_000).optional(),
  /** Encoding of the file. Default: the detected one. */
  encoding: z.string().min(1).max(40).optional(),
  ...previewEdits,
}
