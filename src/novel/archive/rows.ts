/**
 * The rows of an archive of a novel: one table for writing and for reading. A row is the record without what its place says, and without what is made of the rest;
 * references to other rows are numbers and no ids.
 *
 * A number names the row of its kind, from 1, in the order in which the rows are written; of a candidate, its number within its scene. A negative number names
 * what is not there any more. An entry of a history is named by what it is of, why it was kept, and at which version.
 */
import { z } from 'zod'
import { withoutControls } from '../../task/controls.ts'
import { codexBounds, codexShape } from '../codex/entry.ts'
import { contradictionKinds } from '../codex/read-contradictions.ts'
import { count, modelId, promptNote, usageNote } from '../fields.ts'
import { candidateStatuses, finding } from '../library/candidates.ts'
import { longestImportedScene } from '../library/drafts.ts'
import { mostTargetWords } from '../library/shape.ts'
import { blockNoteOf } from '../models/block-notes.ts'
import { novelNarration, sceneNarration } from '../narration.ts'
import { longestPrompt, promptLanguages, promptNames } from '../prompts/prompts.ts'
import { threadBounds, threadShape } from '../threads/thread.ts'
import type { References } from './references.ts'

/** The name of the format. */
export const archiveFormat = 'quillwork-archive'

/** The version that is written, and the highest that is read. It rises when a reader of before would read an archive wrongly. */
export const archiveVersion = 1

/** The first file of an archive, by which it is recognised. It is not that of the settings: one that was unpacked into a folder sets up nothing. */
export const manifestName = 'quillwork-archive.json'

/** Rows of an archive, of all kinds. */
const mostRows = 2_000_000

const number = z
  .int()
  .min(-mostRows)
  .max(mostRows)
  .refine(value => value !== 0, 'a row has a number from 1, and what is gone a negative one')
const place = z.int().min(0).max(mostRows)
/** A title, a name or a word: one line, without controls. */
const line = z.string().max(1_000).transform(withoutControls)
const id = z.string().min(1).max(200)
const text = z.string().max(longestImportedScene)
const targetWords = z.int().min(1).max(mostTargetWords)
const version = z.int().min(1)
const time = z.int().min(0).max(8_640_000_000_000_000)
const taskWriter = z.object({ taskId: id, attempt: count })
const writer = z.union([z.literal('person'), taskWriter])

/** The name of an entry of a history: `text overwritten 3`; of one that was kept because it must not overwrite, with its task. */
export const historyName = /^(text|summary) (overwritten|conflict) (\d{1,15})(?: (.{1,200}))?$/s
const historyEntry = z.union([z.string().regex(historyName), number])

const provenanceShape = {
  method: z.enum(['imported', 'extractive', 'generative', 'person']),
  model: modelId.optional(),
  prompt: promptNote.optional(),
  parameters: z
    .record(z.string().max(100), z.union([z.string().max(10_000), z.number(), z.boolean()]))
    .optional(),
  usage: usageNote.optional(),
  finishReason: line.optional(),
  brief: z.string().max(10_000).optional(),
  accepted: z
    .object({ candidateId: number, writtenBy: writer, writtenAt: time, merged: z.literal(true).optional() })
    .optional(),
  restored: z
    .object({ entryId: historyEntry, writtenBy: writer.optional(), writtenAt: time.optional() })
    .optional(),
}
const provenance = z.object(provenanceShape)
const writing = { writtenBy: writer, writtenAt: time }
const origin = z.object({ ...provenanceShape, ...writing, expectedVersion: count })
const spans = z.array(z.object({ start: count, end: count })).max(10_000)
const language = z.string().max(100)
const findings = z.array(finding).max(1_000)

/** The references of a provenance. */
function ofProvenance(path: string): References {
  return {
    [`${path}accepted.candidateId`]: 'candidate',
    [`${path}accepted.writtenBy`]: 'writer',
    [`${path}restored.entryId`]: 'history',
    [`${path}restored.writtenBy`]: 'writer',
  }
}

/** Of a thread its id within the novel, of a name the name itself. */
const sourceId = z.union([z.int().min(-mostRows).max(mostRows), z.string().max(1_000)])

const sceneOrNone = z.union([number, z.literal('')])

/** A row of the codex has the bounds of an entry; its sums are checked when its references are ids. */
const entry = z.object({
  ...codexShape,
  relations: z.array(number).max(codexBounds.relations),
  changes: z
    .array(z.object({ ...codexShape.changes.element.shape, from: number, until: number.optional() }))
    .max(codexBounds.changes),
  begins: sceneOrNone.default(''),
  ends: sceneOrNone.default(''),
  ...{ version, createdAt: time, updatedAt: time, order: count },
})

const thread = z.object({
  threadId: z.string().min(1).max(100),
  ...threadShape,
  plantBy: sceneOrNone,
  resolveBy: sceneOrNone,
  events: z.array(z.object({ ...threadShape.events.element.shape, scene: number })).max(threadBounds.events),
  ...{ version, createdAt: time, updatedAt: time, order: count },
})

const reading = z.object({
  what: z.enum(['entries', 'contradictions']),
  of: line,
  items: z
    .array(
      z.union([
        z.object({
          kind: z.enum(contradictionKinds),
          entryId: number,
          ...{ quotation: text, entryQuotation: text, explanation: text },
        }),
        z.object({
          ...{ kind: codexShape.kind, name: codexShape.name, aliases: codexShape.aliases },
          ...{ text, quotation: text },
        }),
      ]),
    )
    .max(10_000),
  dropped: count,
  model: modelId,
  prompt: promptNote,
  usage: usageNote,
  taskId: id,
  at: time,
})

const difference = z.object({
  base: historyEntry,
  delta: z.array(z.union([text, z.tuple([count, count])])).max(100_000),
})

/** The rows by their names: what each holds, and what of it names other rows. */
export const archivedRows = {
  novel: {
    row: z.object({
      title: line.refine(title => title.trim() !== '', 'a novel has a title'),
      author: line.optional(),
      language: language.optional(),
      targetWords: targetWords.optional(),
      reference: z.literal(true).optional(),
      updatedAt: time,
    }),
    refs: {},
  },
  narration: { row: z.object({ ...novelNarration.shape, version }), refs: {} },
  prompts: {
    row: z.object({
      version,
      prompts: z
        .array(
          z.object({
            name: z.enum(promptNames),
            language: z.enum(promptLanguages),
            text: z.string().max(longestPrompt),
          }),
        )
        .max(200),
    }),
    refs: {},
  },
  /** Something in the bin; its rows name it as their `bin`. */
  binned: {
    row: z.object({
      what: z.enum(['volume', 'chapter', 'scene']),
      title: line,
      binnedAt: time,
      place: z.object({
        chapter: place,
        volume: place.optional(),
        position: place.optional(),
        volumeId: number.optional(),
        chapterId: number.optional(),
      }),
      mergedInto: number.optional(),
    }),
    refs: { 'place.volumeId': 'volume', 'place.chapterId': 'chapter', mergedInto: 'scene' },
  },
  volume: { row: z.object({ bin: number.optional(), title: line }), refs: {} },
  chapter: {
    row: z.object({
      bin: number.optional(),
      volumeId: number,
      title: line,
      targetWords: targetWords.optional(),
    }),
    refs: { volumeId: 'volume' },
  },
  scene: {
    row: z.object({
      bin: number.optional(),
      chapterId: number,
      title: line.optional(),
      ...{ version, textVersion: version, titleVersion: version, summaryVersion: count },
      narration: sceneNarration.optional(),
      narrationVersion: count.optional(),
      codex: z.object({ pinned: z.array(number).max(1_000), barred: z.array(number).max(1_000) }).optional(),
      codexVersion: count.optional(),
      summary: z
        .object({
          ...provenanceShape,
          method: z.enum(['extractive', 'generative', 'person']),
          ...{ text, language: language.optional(), sentences: spans.optional(), ofTextVersion: count },
          ...{ ...writing, expectedVersion: count },
        })
        .optional(),
      wasIn: z.array(number).max(10_000).optional(),
      updatedAt: time,
      content: text,
      origin: origin.optional(),
    }),
    refs: {
      chapterId: 'chapter',
      'wasIn.*': 'chapter',
      'codex.pinned.*': 'entry',
      'codex.barred.*': 'entry',
      'summary.writtenBy': 'writer',
      ...ofProvenance('summary.'),
      'origin.writtenBy': 'writer',
      ...ofProvenance('origin.'),
    },
  },
  /** Of the scene above it, like candidates and readings. */
  history: {
    row: z.object({
      what: z.enum(['text', 'summary']),
      why: z.enum(['overwritten', 'conflict']),
      ...{ version: count, keptAt: time, order: count },
      overwrittenBy: writer.optional(),
      provenance: provenance.optional(),
      ...{ writtenBy: writer.optional(), writtenAt: time.optional(), expectedVersion: count.optional() },
      ...{ language: language.optional(), sentences: spans.optional(), ofTextVersion: count.optional() },
      text: text.optional(),
      difference: difference.optional(),
    }),
    refs: {
      overwrittenBy: 'writer',
      writtenBy: 'writer',
      ...ofProvenance('provenance.'),
      'difference.base': 'history',
    },
  },
  candidate: {
    row: z.object({
      order: version,
      status: z.enum(candidateStatuses),
      ...{ rootTaskId: id, number: count, insteadOf: number.optional() },
      ...{ baseVersion: count, words: count, characters: count },
      ...{ writtenBy: taskWriter, createdAt: time, closedBy: writer.optional(), closedAt: time.optional() },
      provenance,
      ...{ faults: findings.optional(), marks: findings.optional() },
      passage: z.object({ start: count, end: count }).optional(),
      fromSummary: z.boolean().optional(),
      replaced: z.object({ textVersion: count, isEmpty: z.boolean(), isSummarised: z.boolean() }).optional(),
      textAt: count.optional(),
      text: text.optional(),
      prompts: z
        .array(z.array(blockNoteOf(sourceId)).max(100))
        .max(1_000)
        .optional(),
    }),
    refs: {
      insteadOf: 'candidate',
      closedBy: 'writer',
      ...ofProvenance('provenance.'),
      'prompts.*.*.shown.*': 'source',
      'prompts.*.*.leftOut.*': 'source',
    },
  },
  reading: { row: reading, refs: { 'items.*.entryId': 'entry' } },
  entry: {
    row: entry,
    refs: {
      'relations.*': 'entry',
      'changes.*.from': 'scene',
      'changes.*.until': 'scene',
      begins: 'scene',
      ends: 'scene',
    },
  },
  thread: { row: thread, refs: { plantBy: 'scene', resolveBy: 'scene', 'events.*.scene': 'scene' } },
  dismissal: {
    row: z.object({
      what: z.enum(['finding', 'name']),
      /** Of a name; and of a finding that is not there any more. */
      key: z.string().max(1_000).optional(),
      /** What the id of a finding is made of. */
      finding: z
        .object({
          ...{ code: line, sceneId: number, entryId: number.optional() },
          ...{ name: line.optional(), entryQuotation: text.optional() },
        })
        .optional(),
      reason: z.string().max(10_000),
      at: time,
    }),
    refs: { 'finding.sceneId': 'scene', 'finding.entryId': 'entry' },
  },
  /** Of a chapter, a stretch of a volume, a volume, or the book. */
  summary: {
    row: z.object({
      ...{ chapterId: number.optional(), volumeId: number.optional(), stretch: place.optional() },
      ...{ version, isEmpty: z.literal(true).optional(), isCurrent: z.literal(true).optional() },
      ...{ ...provenanceShape, ...writing, language: language.optional(), text },
    }),
    refs: { chapterId: 'chapter', volumeId: 'volume', writtenBy: 'writer', ...ofProvenance('') },
  },
  snapshot: {
    row: z.object({
      name: line,
      isBeforeRestoring: z.literal(true).optional(),
      ...{ scenes: count, words: count, characters: count, createdAt: time, order: count },
    }),
    refs: {},
  },
  /** A chapter of the snapshot above it. */
  chapterThen: {
    row: z.object({
      ...{ chapterId: number, chapter: place },
      scenes: z
        .array(
          z.object({
            ...{ id: number, textVersion: count, words: count, characters: count },
            title: line.optional(),
          }),
        )
        .max(100_000),
    }),
    refs: { chapterId: 'chapter', 'scenes.*.id': 'scene' },
  },
} as const satisfies Readonly<Record<string, { row: z.ZodObject; refs: References }>>

/** The name of a kind of rows. */
export type RowName = keyof typeof archivedRows

/** What a row of a kind holds. */
export type RowOf<Name extends RowName> = z.output<(typeof archivedRows)[Name]['row']>

/** A row of any kind. */
export type ArchivedRow = {
  readonly [Name in RowName]: { readonly of: Name; readonly row: RowOf<Name> }
}[RowName]

/** The files of an archive, in the order in which they are written and read, each with the kinds of its rows. */
export const archiveFiles = {
  'novel.jsonl': ['novel', 'narration', 'prompts', 'binned', 'volume', 'chapter'],
  'scenes.jsonl': ['scene', 'candidate', 'reading', 'history'],
  'codex.jsonl': ['entry', 'dismissal'],
  'threads.jsonl': ['thread'],
  'summaries.jsonl': ['summary'],
  'snapshots.jsonl': ['snapshot', 'chapterThen'],
} as const satisfies Readonly<Record<string, readonly RowName[]>>
