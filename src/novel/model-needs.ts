import type { ModelUse } from '../ai/providers/config.ts'

/** What the tasks of a type need a model for. Types that are absent need none: what they do without one is said in their results. */
export const modelNeeds: Readonly<Record<string, ModelUse>> = {
  GenerateScene: 'prose',
  BatchGenerateScene: 'prose',
  GenerateSummary: 'summary',
  BatchGenerateSummary: 'summary',
}
