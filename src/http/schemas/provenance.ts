import { z } from 'zod'
import { named, time } from './fields.ts'

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
