import { z } from 'zod'
import { modelId } from '../../novel/fields.ts'
import { levels } from '../../novel/library/levels.ts'
import { blockKinds } from '../../novel/models/blocks.ts'
import { sceneOptions, scenesBefore, triedPrompts } from '../../novel/scene-request.ts'
import { named, span } from './fields.ts'
import { authorMessageSchema } from './problem.ts'

const { style, tone, length, instructions, temperature, contextTokens } = sceneOptions

/** The options of GenerateScene that decide the prompt. */
export const previewBody = named(
  'ScenePreviewRequest',
  z.strictObject({
    summary: z.string().trim().min(1).max(10_000).optional().describe('Default: the summary of the scene'),
    ...{ style, tone, length, instructions, temperature, contextTokens, scenesBefore },
    prompts: triedPrompts
      .optional()
      .describe(
        'Prompts that are tried, in place of those of the novel and of the server: nothing is kept of them',
      ),
    part: z
      .int()
      .min(1)
      .max(1_000)
      .optional()
      .describe(
        'Which part of a scene that is written in several is shown; the last one where it has fewer. Default 1',
      ),
    model: modelId.optional().describe('Default: the first one for prose'),
  }),
)

const source = {
  of: z.enum(['entry', 'thread', 'scene', ...levels, 'name']),
  id: z.string(),
  title: z.string().describe('Name of the entry, title of the thread, of the scene or of the chapter'),
  span: span.optional(),
  isOutOfDate: z.literal(true).optional().describe('Something that the summary is made of has changed since'),
}

const shownReason = z
  .union([
    z.object({
      why: z.enum(['always', 'pinned', 'before', 'close', 'found', 'open', 'due', 'overdue']),
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
    z.object({ why: z.literal('related'), to: z.array(z.string()).describe('Ids of entries') }),
  ])
  .describe(
    'Why it is shown. `before`: it is right before the scene, or tells what was; `close`: to what happens in the scene; `found`: the texts have that name; ' +
      '`open`: a thread is open there; `due`: the scene is to plant or to resolve it; `overdue`: an earlier scene was to resolve it',
  )

const leftOutReasons = [
  ...(['barred', 'never', 'not-mentioned', 'not-related', 'shared-name', 'no-text', 'over-budget'] as const),
  ...(['other-view', 'later', 'out-of-date', 'shown-elsewhere', 'no-slot', 'no-summary'] as const),
  ...(['not-planted', 'resolved'] as const),
] as const

const whyWords = [
  ...(['no-index', 'no-vectors', 'not-asked'] as const),
  ...(['model-not-configured', 'model-changed', 'model-busy', 'model-failed', 'index-changed'] as const),
] as const

const block = {
  kind: z
    .enum(blockKinds)
    .describe(
      '`plan`: what happens; `request`: what the author asks for, and the words of the prompt itself',
    ),
  tokens: z.int().describe('Estimated for the model'),
  shown: z.array(
    z.object({
      ...{ ...source, reason: shownReason, tokens: z.int() },
      isCut: z.literal(true).optional().describe('Only its end fits'),
    }),
  ),
  leftOut: z.array(
    z.object({
      ...{ ...source, reason: z.enum(leftOutReasons), tokens: z.int().optional() },
    }),
  ),
}

/** A block of a prompt. */
const blockSchema = named('PromptBlock', z.object({ ...block, text: z.string() }))

/** A block as it is kept with a candidate. */
export const blockNoteSchema = named(
  'PromptBlockNote',
  z.object({
    ...block,
    moreLeftOut: z.int().optional().describe('Number of further sources that were left out'),
  }),
)

/** The prompt of a scene before it is sent. */
export const previewSchema = named(
  'ScenePreview',
  z.object({
    model: z
      .string()
      .optional()
      .describe('Absent where no model is there: the prompt is made for a large window'),
    part: z.int().describe('The part whose prompt it is, from 1'),
    parts: z.int(),
    prompt: z
      .object({
        name: z.string(),
        language: z.string(),
        version: z.string(),
        from: z.enum(['product', 'server', 'novel', 'trial']),
      })
      .optional()
      .describe('What it is made of, and whose that is'),
    blocks: z
      .array(blockSchema)
      .describe(
        'Of the part, in their order: the first one is the system message, the others are the prompt',
      ),
    passageSearch: z
      .object({
        by: z.enum(['words', 'both']),
        model: z.string().optional().describe('Id of the model that made the vectors of the novel'),
        degraded: z
          .object({ reason: z.enum(whyWords), message: z.string().optional() })
          .optional()
          .describe('Why words alone were used'),
      })
      .optional()
      .describe(
        'How passages were chosen: by words, or by words and meaning; absent where none are searched',
      ),
    expected: z
      .object({
        calls: z.int().describe('The parts of the scene'),
        inputTokens: z.int(),
        outputTokens: z.int(),
        cost: z.number().optional().describe('Absent where no price is known'),
        currency: z.string().optional(),
      })
      .optional()
      .describe('Of all parts of one text'),
    problem: z
      .object({ code: z.string(), message: z.string(), authorMessage: authorMessageSchema })
      .optional()
      .describe('Why the task would fail; the blocks are those for a larger window then'),
    shared: z
      .array(z.object({ name: z.string(), entryIds: z.array(z.string()) }))
      .describe('Names in the texts that several entries have: they are mentions of none'),
    lostChanges: z
      .array(z.object({ id: z.string(), kind: z.string(), name: z.string(), sceneId: z.string() }))
      .describe('Changes of entries that name a scene which is gone'),
  }),
)

/** The prompt of a scene as the API sends it. */
export type PreviewJson = z.infer<typeof previewSchema>
