import { z } from 'zod'
import { modelId } from '../../novel/fields.ts'
import { blockNoteOf, blockShape } from '../../novel/models/block-notes.ts'
import { sceneOptions, scenesBefore, triedPrompts } from '../../novel/scene-request.ts'
import { named } from './fields.ts'
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

const whyWords = [
  ...(['no-index', 'no-vectors', 'not-asked'] as const),
  ...(['model-not-configured', 'model-changed', 'model-busy', 'model-failed', 'index-changed'] as const),
] as const

/** A block of a prompt. */
const blockSchema = named('PromptBlock', z.object({ ...blockShape, text: z.string() }))

/** A block as it is kept with a candidate. */
export const blockNoteSchema = named('PromptBlockNote', blockNoteOf(z.string()))

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
