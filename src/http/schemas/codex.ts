import { z } from 'zod'
import { codexFindingCodes } from '../../novel/codex/check-scene.ts'
import { codexEdit, codexKinds, codexShape, newCodexEntry } from '../../novel/codex/entry.ts'
import { contradictionCodes } from '../../novel/codex/findings.ts'
import { lorebookFormats } from '../../novel/codex/read-lorebook.ts'
import { doubts, placeKinds, renames } from '../../novel/codex/rename.ts'
import { id, named, paging, plainLine, time } from './fields.ts'

/** Ids in paths. */
export const entryOfNovelParams = z.object({ novelId: id, entryId: id })

/** An entry of a codex. */
export const codexEntrySchema = named(
  'CodexEntry',
  z.object({
    id: z.string(),
    novelId: z.string(),
    ...codexShape,
    version: z.int(),
    createdAt: time,
    updatedAt: time,
  }),
)

/** A new entry. */
export const newEntryBody = named('NewCodexEntry', newCodexEntry)

/** Fields of an entry to replace. */
export const entryEditBody = named('CodexEdit', codexEdit)

/** The entry that another one takes in. */
export const mergeBody = named(
  'CodexMerge',
  z.strictObject({
    otherId: id.describe('The entry that is taken in; it is gone then'),
    otherVersion: z.int().min(1).describe('`version` of it that was read'),
    preview: z.boolean().default(false).describe('Only return what the entry would be; nothing is changed'),
  }),
)

/** The two entries that are made of one. */
export const splitBody = named(
  'CodexSplit',
  z.strictObject({
    stays: codexEdit.describe('The fields of the entry that change'),
    into: newCodexEntry.describe('The new entry'),
  }),
)

/** The two entries that were made of one. */
export const splitSchema = named(
  'CodexSplitEntries',
  z.object({ stays: codexEntrySchema, into: codexEntrySchema }),
)

/** What is to be renamed. */
export const placesBody = named(
  'CodexPlacesRequest',
  z.strictObject({
    names: renames.describe('Names by which the text speaks of the entry, each with the new one'),
    in: z
      .array(z.enum(placeKinds))
      .max(placeKinds.length)
      .default([...placeKinds]),
    pageSize: z.int().min(1).max(1_000).default(200),
    pageToken: paging.pageToken,
  }),
)

/** A place where a name can take the place of another one. */
export const placeSchema = named(
  'CodexPlace',
  z.object({
    id: z
      .string()
      .describe(
        'Names the place in `only` and `except` of RenameInNovel; another one as soon as what it is in changes',
      ),
    what: z.enum(placeKinds).describe('`view`: the person whose point of view it is'),
    before: z.string(),
    text: z.string(),
    to: z.string().describe('What takes its place'),
    after: z.string(),
    doubt: z
      .enum(doubts)
      .optional()
      .describe(
        'Only changed where it is named in `only`. `shared`: other entries have the name too; `other-case`: it is written in other letters, such as `will` for Will',
      ),
    sharedWith: z.array(z.string()).optional().describe('The other entries that have the name'),
    scene: z
      .object({
        id: z.string(),
        chapterId: z.string(),
        position: z.int().describe('Within its chapter, from 0'),
        title: z.string().optional(),
      })
      .optional()
      .describe('Absent for a `view` of the whole novel'),
    entry: z
      .object({
        id: z.string(),
        name: z.string(),
        part: z.string().describe('`text`, `note`, or the number of a change, from 0'),
      })
      .optional(),
    thread: z
      .object({
        id: z.string(),
        title: z.string(),
        part: z.string().describe('`title`, `plan` or `note`'),
      })
      .optional(),
  }),
)

const dismissable = {
  what: z.enum(['finding', 'name']),
  key: z
    .string()
    .min(1)
    .max(300)
    .describe('Id of a finding that is intended; or a name that is to become no entry'),
}

/** What is not to be shown again. */
export const dismissBody = named(
  'CodexDismissal',
  z.strictObject({ ...dismissable, reason: plainLine(1_000).default('').describe('Why it is intended') }),
)

/** What is to be shown again. */
export const restoreBody = named('CodexRestoration', z.strictObject(dismissable))

/** What speaks against a scene. */
export const findingSchema = named(
  'CodexFinding',
  z.object({
    id: z
      .string()
      .describe(
        'The same for the same entry, scene and code, however the text changes; of a model also for the same words of the entry',
      ),
    code: z
      .enum([...codexFindingCodes, ...contradictionCodes])
      .describe(
        'The text names an entry after the scene where it ends, or before the one where it begins; the point of view is that of an entry that has ended, of ' +
          'nobody in the codex, or of a person whom the text does not name. CONTRADICTS_...: a model says that the text contradicts the entry',
      ),
    sceneId: z.string(),
    name: z.string(),
    entryId: z.string().optional(),
    quotation: z.string(),
    from: z.int().describe('In the text, in UTF-16 code units'),
    to: z.int(),
    entryQuotation: z.string().optional().describe('Of a model: what the entry says'),
    explanation: z.string().optional().describe('Of a model: what it says of it'),
    model: z.string().optional().describe('Id of the model that found it'),
    intended: z.string().optional().describe('The author has said that it is intended, and why'),
  }),
)

/** Names that no entry has. */
export const proposedSchema = named(
  'CodexProposals',
  z.object({
    items: z.array(
      z.object({
        name: z.string(),
        aliases: z.array(z.string()).describe('Other names that the text has too'),
        kind: z.enum(codexKinds),
        text: z.string().describe('What a model says of it; empty where patterns found it'),
        by: z.enum(['model', 'patterns']),
        entryId: z
          .string()
          .optional()
          .describe('The entry that a model takes it for, which has none of these names'),
        sceneId: z.string(),
        quotation: z.string(),
      }),
    ),
  }),
)

/** A lorebook to import. */
export const lorebookBody = named(
  'LorebookImport',
  z.strictObject({
    book: z
      .record(z.string(), z.unknown())
      .describe('The JSON of a world info file of SillyTavern or a lorebook of NovelAI'),
    kind: z.enum(codexKinds).default('fact').describe('Of entries of which the file does not tell it'),
  }),
)

/** What an import came to. */
export const importedSchema = named(
  'LorebookImported',
  z.object({
    format: z.enum(lorebookFormats),
    added: z.int(),
    existing: z.int().describe('Entries that an earlier import of the same file added'),
    skipped: z.array(z.object({ name: z.string(), reason: z.string() })),
    ignored: z
      .array(z.object({ part: z.string(), entries: z.int() }))
      .describe(
        'Parts of the file without a counterpart, each with its number of entries; 0: of the book itself',
      ),
  }),
)
