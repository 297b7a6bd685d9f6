import { z } from 'zod'
import { longestPrompt, promptLanguages, promptNames } from '../../novel/prompts/prompts.ts'
import { id, named, plainText } from './fields.ts'

const promptIds = promptNames.flatMap(name => promptLanguages.map(language => `${name}.${language}` as const))

/** A prompt of a novel in a path: its name and its language. */
export const promptParams = z.object({ novelId: id, promptId: z.enum(promptIds) })

/** The text of a prompt that is written. */
export const promptBody = named(
  'NovelPromptEdit',
  z.strictObject({
    text: plainText(longestPrompt)
      .min(1)
      .describe('A line `# System`, the system message, a line `# Prompt`, the prompt; slots as `{{name}}`'),
  }),
)

const promptSchema = named(
  'NovelPrompt',
  z.object({
    id: z.enum(promptIds),
    name: z.enum(promptNames),
    language: z.enum(promptLanguages).describe('Of novels whose prompt it is'),
    description: z.string().describe('What it is for'),
    from: z.enum(['product', 'server', 'novel']).describe('Whose it is'),
    text: z.string(),
    usual: z.string().optional().describe('Of a prompt of the novel: what it is in place of'),
    problem: z
      .string()
      .optional()
      .describe('Why a prompt of the novel cannot be used any more: tasks that need it fail'),
    slots: z.array(z.object({ name: z.string(), required: z.boolean() })),
  }),
)

/** All prompts of a novel. */
export const promptsSchema = named(
  'NovelPrompts',
  z.object({ version: z.int().describe('0 where the novel never had one'), items: z.array(promptSchema) }),
)
