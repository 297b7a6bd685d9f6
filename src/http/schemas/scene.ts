import { z } from 'zod'
import { sceneCodex } from '../../novel/codex/entry.ts'
import { usageNote } from '../../novel/fields.ts'
import { type Candidate, candidateStatuses, finding } from '../../novel/library/candidates.ts'
import { textProvenance } from '../../novel/library/history.ts'
import type { HistoryEntry, Scene } from '../../novel/library/scenes.ts'
import { pointsOfView, sceneNarration, tenses } from '../../novel/narration.ts'
import { id, named, paging, plainLine, plainText, span, time } from './fields.ts'
import { blockNoteSchema } from './preview.ts'

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
  usage: usageNote.optional(),
  finishReason: z.string().optional().describe('Why the model ended, as the provider says'),
  brief: z.string().optional().describe('What was to happen in the text'),
  accepted: z
    .object({
      candidateId: z.string(),
      writtenBy: writerSchema,
      writtenAt: time,
      merged: z
        .literal(true)
        .optional()
        .describe('A person made the text of the candidate and of the text before it'),
    })
    .optional()
    .describe('It was a candidate. Who wrote it'),
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

/** What a check found in a text. */
const findingSchema = named('Finding', finding)

/** Who wrote a text, and when. */
const writingFields = { writtenBy: writerSchema.optional(), writtenAt: time.optional() }

/** The origin of the text of a scene. */
export const originSchema = named('TextOrigin', z.object({ method, ...provenanceFields, ...writingFields }))

const noteFields = {
  id: z.string(),
  what: z.enum(['text', 'summary']),
  why: z
    .enum(['overwritten', 'conflict'])
    .describe(
      '`conflict`: a task wrote it while somebody edited the scene; of texts, those of earlier versions alone',
    ),
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

const candidateFields = {
  id: z.string(),
  sceneId: z.string(),
  novelId: z.string(),
  status: z.enum(candidateStatuses),
  words: z.int(),
  characters: z.int(),
  baseVersion: z.int().describe('Version of the scene that it was made from'),
  number: z.int().describe('Within its task, from 1'),
  rootTaskId: z.string(),
  insteadOf: z.string().optional().describe('The candidate that it was asked for in place of'),
  provenance: provenanceSchema,
  writtenBy: writerSchema,
  createdAt: time,
  faults: z.array(findingSchema).optional().describe('What speaks against the text'),
  marks: z.array(findingSchema).optional().describe('What somebody should look at'),
  passage: span
    .optional()
    .describe('The stretch that is new, where the rest is the text of the scene; UTF-16 code units'),
  closedBy: writerSchema.optional().describe('Absent while it is open, and of one that newer ones displaced'),
  closedAt: time.optional(),
  length: z.int().describe('UTF-16 code units of the whole text'),
}

/** A candidate. */
export const candidateNoteSchema = named(
  'CandidateNote',
  z.object({
    ...candidateFields,
    excerpt: z.string().describe('How it begins; of one with a passage, how that begins'),
  }),
)

/** A candidate with its whole text. */
export const candidateSchema = named(
  'Candidate',
  z.object({
    ...candidateFields,
    text: z.string(),
    prompts: z
      .array(z.array(blockNoteSchema))
      .optional()
      .describe('What a model was shown: the blocks of the prompt of each part, as far as they are known'),
  }),
)

/** Which candidates are listed. */
export const candidatesQuery = z.strictObject({
  ...paging,
  status: z.array(z.enum(candidateStatuses)).optional().describe('May be repeated; default: all'),
})

/** How a candidate is accepted. */
export const acceptBody = z
  .strictObject({
    content: z
      .string()
      .optional()
      .describe(
        'The text that was made of the candidate and the text of the scene; default: the whole candidate. At most 50,000 UTF-16 code units, or as many as the longer of them has',
      ),
  })
  .nullish()

/** What undoing the texts of a task did. */
export const undoneSchema = named(
  'UndoneTexts',
  z.object({
    undone: z.int().describe('Scenes that have the text again that they had before the task'),
    left: z
      .array(z.object({ sceneId: z.string(), novelId: z.string() }))
      .describe('The first 100 scenes that are as they were: their text is no longer that of the task'),
    leftScenes: z.int().describe('How many there are'),
  }),
)

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

/** How a scene or a novel is told. */
export const narrationFields = {
  pov: z.enum(pointsOfView).optional(),
  povCharacter: z.string().optional().describe('Who tells, or through whose eyes it is seen'),
  tense: z.enum(tenses).optional(),
}

export const sceneFields = {
  id: z.string(),
  novelId: z.string(),
  chapterId: z.string(),
  position: z.int().describe('Within its chapter, from 0'),
  title: z.string().optional(),
  narration: z
    .object(narrationFields)
    .optional()
    .describe('How it is told, where that differs from the novel'),
  codex: z
    .object({ pinned: z.array(z.string()), barred: z.array(z.string()) })
    .optional()
    .describe('Entries that a prompt of it tells, or does not tell, whatever else holds'),
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
      narration: sceneNarration
        .optional()
        .describe('How it is told. Replaces all of it; an empty one leaves everything to the novel'),
      codex: sceneCodex.optional().describe('Entries to pin, or to bar, in its prompts. Replaces all of it'),
    })
    .refine(
      edit => Object.values(edit).some(value => value !== undefined),
      'Give title, content, summary, narration or codex.',
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
export const candidateParams = z.object({ sceneId: id, candidateId: id })
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

/** Returns an entry of the history or a candidate with its text, and an excerpt for listings. */
export function presentEntry<Entry extends HistoryEntry | Candidate>(entry: Entry) {
  const { text } = entry
  const start = 'passage' in entry ? (entry.passage?.start ?? 0) : 0
  return {
    ...entry,
    length: text.length,
    excerpt: text.slice(start, start + excerptUnits).replace(/[\uD800-\uDBFF]$/, ''),
  }
}
