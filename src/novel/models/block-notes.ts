/** What a model was shown, as it is kept with a candidate: the schemas of `BlockNote`. */
import { z } from 'zod'
import { levels } from '../library/levels.ts'
import { blockKinds } from './blocks.ts'

/** The fields of a source. */
function sourceOf<Id extends z.ZodType>(id: Id) {
  return {
    of: z.enum(['entry', 'thread', 'scene', ...levels, 'name']),
    id,
    title: z.string().describe('Name of the entry, title of the thread, of the scene or of the chapter'),
    reference: z
      .string()
      .optional()
      .describe('Title of the reference novel that it is from; absent where it is of the novel itself'),
    span: z.object({ start: z.int(), end: z.int() }).describe('UTF-16 code units').optional(),
    isOutOfDate: z
      .literal(true)
      .optional()
      .describe('Something that the summary is made of has changed since'),
  }
}

/** Why a source is shown. */
function shownReasonOf<Id extends z.ZodType>(id: Id) {
  return z
    .union([
      z.object({
        why: z.enum(['always', 'pinned', 'before', 'close', 'found', 'example', 'open', 'due', 'overdue']),
        by: z
          .enum(['words', 'both'])
          .optional()
          .describe('Of a passage: it was chosen by words, or by words and meaning'),
      }),
      z.object({
        why: z.literal('mentioned'),
        mentions: z.int(),
        names: z.array(z.string()).describe('The names by which it is mentioned'),
        in: z.array(z.enum(['pov', 'summary', 'instructions', 'textBefore'])),
      }),
      z.object({ why: z.literal('related'), to: z.array(id).describe('Ids of entries') }),
    ])
    .describe(
      'Why it is shown. `before`: it is right before the scene, or tells what was; `close`: to what happens in the scene; `found`: the texts have that name; ' +
        '`example`: of how a reference sounds; `open`: a thread is open there; `due`: the scene is to plant or to resolve it; `overdue`: an earlier scene was to resolve it',
    )
}

const leftOutReasons = [
  ...(['barred', 'never', 'not-mentioned', 'not-related', 'shared-name', 'no-text', 'over-budget'] as const),
  ...(['other-view', 'later', 'out-of-date', 'shown-elsewhere', 'no-slot', 'no-summary'] as const),
  ...(['not-planted', 'resolved'] as const),
] as const

/** Returns the fields of a block but its text, with ids as they are given. */
function blockShapeOf<Id extends z.ZodType>(id: Id) {
  const source = sourceOf(id)
  return {
    kind: z
      .enum(blockKinds)
      .describe(
        '`referenceVoice`, `referenceFacts`: of the references that the novel names; `plan`: what happens; `request`: what the author asks for, and the words of the prompt itself',
      ),
    tokens: z.int().describe('Estimated for the model'),
    shown: z.array(
      z.object({
        ...{ ...source, reason: shownReasonOf(id), tokens: z.int() },
        isCut: z.literal(true).optional().describe('Only its end fits'),
      }),
    ),
    leftOut: z.array(
      z.object({
        ...{ ...source, reason: z.enum(leftOutReasons), tokens: z.int().optional() },
      }),
    ),
  }
}

/** The fields of a block but its text. */
export const blockShape = blockShapeOf(z.string())

/** Returns the schema of a block as it is kept with a candidate, with ids as they are given. */
export function blockNoteOf<Id extends z.ZodType>(id: Id) {
  return z.object({
    ...blockShapeOf(id),
    moreLeftOut: z.int().optional().describe('Number of further sources that were left out'),
  })
}
