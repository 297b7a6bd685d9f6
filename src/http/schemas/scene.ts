import { z } from 'zod'
import { textProvenance } from '../../novel/library/history.ts'
import type { HistoryEntry, Scene } from '../../novel/library/scenes.ts'
import { id, named, plainLine, plainText, time } from './fields.ts'

/** A person, or an attempt of a task. */
const writerSchema = named(
  'Writer',
  z.union([z.object({ userId: z.string() }), z.object({ taskId: z.string(), attempt: z.int() })]),
)

/** The origin of a text, beside its method. */
const provenanceFields = {
  model: z.string().optional(),
  prompt: z
    .object({ name: z.string(), version: z.string(), language: z.string() })
    .optional()
    .describe('The prompt that the model was given'),
  parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  usage: z.object({ inputTokens: z.int(), outputTokens: z.int(), cost: z.number().optional() }).optional(),
  finishReason: z.string().optional().describe('Why the model ended, as the provider says'),
  brief: z.string().optional().describe('What was to happen in the text'),
  restored: z
    .object({ entryId: z.string(), writtenBy: writerSchema.optional(), writtenAt: time.optional() })
    .optional()
    .describe('It was restored from the history. Who wrote it first'),
}

const method = z
  .enum(['imported', 'extractive', 'generative', 'person'])
  .describe('Read from a file, quoted from the text, written by a model, or by a person')

/** The origin of a text. */
const provenanceSchema = named('Provenance', z.object({ method, ...provenanceFields }))

/** Who wrote a text, and when. */
const writingFields = { writtenBy: writerSchema.optional(), writtenAt: time.optional() }

/** The origin of the text of a scene. */
export const originSchema = named('TextOrigin', z.object({ method, ...provenanceFields, ...writingFields }))

const noteFields = {
  id: z.string(),
  what: z.enum(['text', 'summary']),
  why: z
    .enum(['overwritten', 'conflict'])
    .describe('`conflict`: a task wrote it while somebody edited the scene'),
  version: z
    .int()
    .describe('Version of the scene with this text; for a conflict: the version that its writer had read'),
  keptAt: time.describe('When it went into the history'),
  overwrittenBy: writerSchema.optional(),
  provenance: provenanceSchema.optional().describe('Absent where it was not recorded'),
  ...writingFields,
  length: z.int().describe('UTF-16 code units of the whole text'),
}

/** An entry of the history of a scene. */
export const historyNoteSchema = named(
  'HistoryNote',
  z.object({ ...noteFields, excerpt: z.string().describe('How it begins') }),
)

/** An entry with its whole text. */
export const historyEntrySchema = named('HistoryEntry', z.object({ ...noteFields, text: z.string() }))

/** A place in a text. */
export const span = z.object({ start: z.int(), end: z.int() }).describe('UTF-16 code units')

const summarySchema = named(
  'Summary',
  z.object({
    text: z.string(),
    method: z
      .enum(['extractive', 'generative', 'person'])
      .describe('Quoted from the text, written by a model, or by a person'),
    ...provenanceFields,
    language: z.string().optional(),
    sentences: z
      .array(span)
      .optional()
      .describe('Of an extractive summary: where its sentences are in the text'),
    outOfDate: z.boolean().describe('Whether it was made from an older text'),
    ...writingFields,
  }),
)

export const sceneFields = {
  id: z.string(),
  novelId: z.string(),
  chapterId: z.string(),
  position: z.int().describe('Within its chapter, from 0'),
  title: z.string().optional(),
  words: z.int(),
  characters: z.int(),
  textOrigin: originSchema.optional().describe('Absent for a scene that never had a text'),
  summary: summarySchema.optional(),
  version: z.int(),
  textVersion: z.int(),
  updatedAt: time,
}

/** A scene with its text. */
export const sceneSchema = named('Scene', z.object({ ...sceneFields, content: z.string() }))

/** An edit of a scene. */
export const sceneEdit = named(
  'SceneEdit',
  z
    .strictObject({
      title: plainLine(300).optional(),
      content: z
        .string()
        .optional()
        .describe('At most 50,000 UTF-16 code units, or as many as a text has that a task wrote'),
      summary: z.string().max(20_000).optional().describe('An empty one removes the summary'),
    })
    .refine(
      edit => Object.values(edit).some(value => value !== undefined),
      'Give title, content or summary.',
    ),
)

/** The entry of the history to restore. */
export const restoreBody = z.strictObject({ entryId: id })

/** A new scene at the end of a chapter. */
export const newScene = named(
  'NewScene',
  z
    .strictObject({
      title: plainLine(300).min(1).optional(),
      summary: plainText(20_000).optional().describe('What is to happen in it'),
    })
    .nullish(),
)

/** Ids in paths. */
export const sceneParams = z.object({ sceneId: id })
export const entryParams = z.object({ sceneId: id, entryId: id })
export const ownChapterParams = z.object({ chapterId: id })

/** Returns a scene as the API shows it. */
export function presentScene(scene: Scene) {
  const { textOrigin, content, summary, textVersion } = scene
  // A scene that never had a text has no origin.
  const hasText = textOrigin !== undefined || content !== ''
  return {
    ...scene,
    textOrigin: hasText ? { ...textOrigin, ...textProvenance(scene) } : undefined,
    summary: summary && { ...summary, outOfDate: summary.ofTextVersion < textVersion },
  }
}

/** Length of an excerpt, UTF-16 code units. */
const excerptUnits = 200

/** Returns an entry of the history with its text, and an excerpt for listings. */
export function presentEntry(entry: HistoryEntry) {
  const { text } = entry
  return {
    ...entry,
    length: text.length,
    excerpt: text.slice(0, excerptUnits).replace(/[\uD800-\uDBFF]$/, ''),
  }
}
