/** An entry of the codex of a novel: what an author knows of a person, a place, a thing or a fact, and when it is in a prompt. */
import { z } from 'zod'
import { hasControls } from '../../task/controls.ts'
import { id, isWhole, prose } from '../fields.ts'

/** The bounds of a codex. Lengths are UTF-16 code units. */
export const codexBounds = {
  /** Entries of a novel. */
  entries: 1_000,
  name: 200,
  /** Aliases, and exclusions, of an entry. */
  names: 50,
  /** The name, the aliases and the exclusions of an entry together. */
  allNames: 2_000,
  text: 8_000,
  /** The text of an entry and of all its changes together. */
  allTexts: 20_000,
  note: 8_000,
  relations: 50,
  changes: 20,
} as const

/** What an entry is about, in the order in which a prompt tells them. */
export const codexKinds = ['person', 'place', 'thing', 'fact'] as const

/** When an entry is in a prompt. */
export const codexTimes = ['always', 'when-detected', 'with-related', 'never'] as const

const name = z
  .string()
  .trim()
  .min(1)
  .max(codexBounds.name)
  .refine(text => !hasControls(text), 'a name has no line ends and no other control characters')
  .refine(isWhole, 'a name has no half of a surrogate pair')
  .refine(text => /[\p{L}\p{N}]/u.test(text), 'a name has a letter or a digit')

const names = z.array(name).max(codexBounds.names)

/** A scene of the novel; empty for none. */
const scene = z.union([id, z.literal('')])

/** A change of the text of an entry: from a scene on, until another one. */
const change = z.strictObject({
  /** `add`: the text follows what was there. `replace`: it takes the place of all that was there. */
  how: z.enum(['add', 'replace']),
  /** The first scene that knows it. */
  from: id,
  /** The first scene that no longer does. Default: all scenes from `from` on know it. */
  until: id.optional(),
  text: prose(codexBounds.text).refine(text => text.trim() !== '', 'a change has a text'),
})

/** The fields of an entry that a person writes, each with its bounds. */
export const codexShape = {
  kind: z.enum(codexKinds),
  name,
  /** Other names under which the text speaks of it. */
  aliases: names,
  /** Phrases in which one of its names does not mean it: "rose garden" for a person called Rose. */
  exclusions: names,
  /** Only the name as it is written counts: Will, and not will. */
  matchCase: z.boolean(),
  /** What prompts say of it. */
  text: prose(codexBounds.text),
  when: z.enum(codexTimes),
  /** Entries that are in the prompt whenever this one is. */
  relations: z.array(id).max(codexBounds.relations),
  /** Of the author, for the author: no model ever gets it. */
  note: prose(codexBounds.note),
  /** In the order in which they are made where two are from the same scene. */
  changes: z.array(change).max(codexBounds.changes),
  /** The scene before which no text may speak of it: where it is planted, or comes in. Empty: any. */
  begins: scene,
  /** The scene after which it is no more: where a person dies, or a thing is lost. Empty: none. */
  ends: scene,
}

const defaults = {
  aliases: codexShape.aliases.default([]),
  exclusions: codexShape.exclusions.default([]),
  matchCase: codexShape.matchCase.default(false),
  text: codexShape.text.default(''),
  when: codexShape.when.default('when-detected'),
  relations: codexShape.relations.default([]),
  note: codexShape.note.default(''),
  changes: codexShape.changes.default([]),
  begins: codexShape.begins.default(''),
  ends: codexShape.ends.default(''),
}

/** A new entry; all but its kind and its name have a default. */
export const newCodexEntry = z.strictObject({ ...codexShape, ...defaults }).superRefine(checkSums)

/** A whole entry as it is to be kept. */
export const codexFields = z.strictObject(codexShape).superRefine(checkSums)

/** Fields of an entry that are to be replaced. */
export const codexEdit = z
  .strictObject(codexShape)
  .partial()
  .refine(edit => Object.values(edit).some(value => value !== undefined), 'give a field to change')

/** The fields of an entry that a person writes. */
export type CodexFields = z.output<typeof codexFields>

const chosen = z.array(id).max(50).default([])

/** What the author decides for one scene: entries that are told there whatever else holds, and entries that are not. */
export const sceneCodex = z
  .strictObject({ pinned: chosen, barred: chosen })
  .refine(
    ({ pinned, barred }) => !pinned.some(entryId => barred.includes(entryId)),
    'an entry is pinned or barred, not both',
  )

/** What the author decides about the codex for one scene. */
export type SceneCodex = z.output<typeof sceneCodex>

/** An entry of the codex of a novel. */
export interface CodexEntry extends CodexFields {
  readonly id: string
  readonly novelId: string
  /** Rises by one with every change of the entry. */
  readonly version: number
  /** Epoch milliseconds. */
  readonly createdAt: number
  readonly updatedAt: number
}

type Sums = Pick<CodexFields, 'name' | 'aliases' | 'exclusions' | 'text' | 'changes'>

function checkSums(entry: Sums, context: z.RefinementCtx): void {
  const { name: own, aliases, exclusions, text, changes } = entry
  const inNames = lengthOf([own, ...aliases, ...exclusions])
  const inTexts = lengthOf([text, ...changes.map(each => each.text)])
  if (inNames > codexBounds.allNames)
    refuse(
      context,
      'aliases',
      `names and exclusions have at most ${codexBounds.allNames} characters together`,
    )
  if (inTexts > codexBounds.allTexts)
    refuse(
      context,
      'changes',
      `a text and its changes have at most ${codexBounds.allTexts} characters together`,
    )
}

function lengthOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + text.length, 0)
}

function refuse(context: z.RefinementCtx, field: string, message: string): void {
  context.addIssue({ code: 'custom', path: [field], message })
}
