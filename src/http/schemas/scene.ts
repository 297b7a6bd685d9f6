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

/** How a text came about, beside its method. */
export const provenanceFields = {
  model: z.string().optional(),
  prompt: z
    .object({ name: z.string(), version: z.string(), language: z.string() })
    .optional()
    .describe('The prompt that the model was given'),
  parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  usage: z.object({ inputTokens: z.int(), outputTokens: z.int(), cost: z.number().optional() }).optional(),
  finishReason: z.string().optional().describe("Why the model ended, in the provider's words"),
  brief: z.string().optional().describe('What the text was to tell'),
  restored: z
    .object({ entryId: z.string(), writtenBy: writerSchema.optional(), writtenAt: time.optional() })
    .optional()
    .describe('It was put back from the history; who wrote it first'),
}

const method = z
  .enum(['imported', 'extractive', 'generative', 'person'])
  .describe('Read from a file, picked from the text, written by a model, or by a person')

/** How a text came about. */
const provenanceSchema = named('Provenance', z.object({ method, ...provenanceFields }))

/** Who wrote something where it is, and when. */
export const writingFields = { writtenBy: writerSchema.optional(), writtenAt: time.optional() }

/** Where the text of a scene comes from. */
export const originSchema = named('TextOrigin', z.object({ method, ...provenanceFields, ...writingFields }))

const noteFields = {
  id: z.string(),
  what: z.enum(['text', 'summary']),
  why: z
    .enum(['overwritten', 'conflict'])
    .describe('`conflict`: a task made it from a scene that somebody changed meanwhile'),
  version: z.int().describe('Of the scene that it came with; of a conflict: that its writer had read'),
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

export const sceneFields = {
  id: z.string(),
  novelId: z.string(),
  chapterId: z.string(),
  position: z.int().describe('Within its chapter, from 0'),
  title: z.string().optional(),
  words: z.int(),
  characters: z.int(),
  textOrigin: originSchema.optional().describe('Absent where there never was a text'),
  summary: summarySchema.optional(),
  version: z.int(),
  textVersion: z.int(),
  updatedAt: time,
}

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

/** Ids in paths. */
export const sceneParams = z.object({ sceneId: id })
export const entryParams = z.object({ sceneId: id, entryId: id })
export const ownChapterParams = z.object({ chapterId: id })

/** A scene with its summary, without its text. */
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

/** A scene that never had a text has no origin of it. */
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

/** How a text came about. */
export function presentProvenance({ method, restored, ...rest }: Provenance) {
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

/** Who wrote something, and when. */
export function presentWriting({
  writtenBy,
  writtenAt,
}: {
  writtenBy?: Writer | undefined
  writtenAt?: number | undefined
}) {
  return { writtenBy, writtenAt: timeText(writtenAt) }
}

/** Code units of an excerpt. */
const excerptUnits = 200

/** An entry of the history without its whole text. */
export function presentNote(entry: HistoryEntry) {
  const excerpt = entry.text.slice(0, excerptUnits).replace(/[\uD800-\uDBFF]$/, '')
  return { ...presentEntryFields(entry), excerpt }
}

/** An entry of the history. */
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
