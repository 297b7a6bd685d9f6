import type { ModelCatalogue } from '../ai/catalogue.ts'
import type { ModelUse } from '../ai/providers/config.ts'
import { defineTask } from '../index.ts'
import type { NovelLibrary } from './library/library.ts'
import { loadPrompts, type Prompts } from './prompts/prompts.ts'
import type { UploadFiles } from './uploads/files.ts'

/** The services of the novel tasks. */
export interface NovelServices {
  readonly library: NovelLibrary
  /** The models that write, summarise and make vectors. A task that names none uses the first of its use. */
  readonly models: Pick<ModelCatalogue, 'embeddingModel' | 'indexer' | 'languageModel' | 'summarizer'>
  /** A folder with prompts that replace those of the product. Default: none. `loadPrompts` validates it. */
  readonly promptsFolder?: string
  /** The storage of uploaded files. The library stores their locations, never a path. */
  readonly uploads: UploadFiles
  /** The clock, epoch milliseconds, by which uploads expire. Default: the clock of the process. */
  readonly now?: () => number
}

/** Defines a task that uses the novel services. */
export const defineNovelTask = defineTask.withServices<NovelServices>()

/** Returns the time by the clock of the services. */
export function nowOf(services: { readonly now?: (() => number) | undefined }): number {
  return services.now?.() ?? Date.now()
}

/** Returns a result with how long it took, milliseconds. */
export async function timed<Result extends object>(make: () => Promise<Result>) {
  const startedAt = performance.now()
  const made = await make()
  return { ...made, processingTimeMs: Math.round((performance.now() - startedAt) * 10) / 10 }
}

/** Returns the prompts of the services. Throws CONFIG_INVALID. */
export function promptsOf({ promptsFolder }: Pick<NovelServices, 'promptsFolder'>): Prompts {
  return loadPrompts(promptsFolder)
}

/** The model use without which tasks of a type cannot run. Other types run without a model, and report so in their results. */
export const modelNeeds: Readonly<Record<string, ModelUse>> = {
  GenerateScene: 'prose',
  BatchGenerateScene: 'prose',
  GenerateSummary: 'summary',
  BatchGenerateSummary: 'summary',
}
