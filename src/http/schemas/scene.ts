import { z } from 'zod'
import { textProvenance } from '../../novel/library/history.ts'
import type { Provenance, Writer } from '../../novel/library/provenance.ts'
import type { HistoryEntry, Scene } from '../../novel/library/scenes.ts'
import { id, named, plainText, time, timeText } from './fields.ts'

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

/** A summary with its origin. */
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
      title: z.string().max(300).optional(),
      content: z.string().max(50_000).optional(),
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
      title: plainText(300).trim().min(1).optional(),
      summary: plainText(20_000).optional().describe('What is to happen in it'),
    })
    .nullish(),
)

/** Ids in paths. */
export const sceneParams = z.object({ sceneId: id })
export const entryParams = z.object({ sceneId: id, entryId: id })
export const ownChapterParams = z.object({ chapterId: id })

/** Returns a scene with its summary, without its text. */
export function presentScene(scene: Scene) {
  const { id, novelId, chapterId, position, title, words, characters, version, textVersion, updatedAt } =
    scene
  return {
    id,
    novelId,
    chapterId,
    position,
    title,
    words,
    characters,
    textOrigin: presentOrigin(scene),
    summary: presentSummary(scene),
    version,
    textVersion,
    updatedAt: timeText(updatedAt),
  }
}

/** Returns the origin of the text, undefined for a scene that never had one. */
function presentOrigin(scene: Scene) {
  const { textOrigin, content } = scene
  if (textOrigin === undefined && content === '') return undefined
  return { ...presentProvenance(textProvenance(scene)), ...presentWriting(textOrigin ?? {}) }
}

function presentSummary({ summary, textVersion }: Scene) {
  if (summary === undefined) return undefined
  const { text, language, sentences, ofTextVersion, method } = summary
  return {
    text,
    ...presentProvenance(summary),
    method,
    language,
    sentences: sentences?.map(span => ({ ...span })),
    outOfDate: ofTextVersion < textVersion,
    ...presentWriting(summary),
  }
}

/** Returns the origin of a text. */
function presentProvenance({ method, restored, ...rest }: Provenance) {
  const { model, prompt, parameters, usage, finishReason, brief } = rest
  return {
    method,
    model,
    prompt,
    parameters: parameters && { ...parameters },
    usage,
    finishReason,
    brief,
    restored: restored && { entryId: restored.entryId, ...presentWriting(restored) },
  }
}

/** Returns who wrote a text, and when. */
function presentWriting({
  writtenBy,
  writtenAt,
}: {
  writtenBy?: Writer | undefined
  writtenAt?: number | undefined
}) {
  return { writtenBy, writtenAt: timeText(writtenAt) }
}

/** Length of an excerpt, UTF-16 code units. */
const excerptUnits = 200

/** Returns an entry of the history with an excerpt of its text. */
export function presentNote(entry: HistoryEntry) {
  const excerpt = entry.text.slice(0, excerptUnits).replace(/[\uD800-\uDBFF]$/, '')
  return { ...presentEntryFields(entry), excerpt }
}

/** Returns an entry of the history with its whole text. */
export function presentEntry(entry: HistoryEntry) {
  return { ...presentEntryFields(entry), text: entry.text }
}

function presentEntryFields({ id, what, why, version, keptAt, overwrittenBy, ...entry }: HistoryEntry) {
  return {
    id,
    what,
    why,
    version,
    keptAt: timeText(keptAt),
    overwrittenBy,
    provenance: entry.provenance && presentProvenance(entry.provenance),
    ...presentWriting(entry),
    length: entry.text.length,
  }
}
