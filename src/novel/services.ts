import type { ModelCatalogue } from '../ai/catalogue.ts'
import { defineTask } from '../index.ts'
import type { NovelLibrary } from './library/library.ts'
import { loadPrompts, type Prompts } from './prompts/prompts.ts'
import type { UploadFiles } from './uploads/files.ts'

/** What the novel tasks are run with. */
export interface NovelServices {
  readonly library: NovelLibrary
  /** The models that write, summarise and make vectors; the first of each use is taken where a task names none. */
  readonly models: Pick<ModelCatalogue, 'embeddingModel' | 'indexer' | 'languageModel' | 'summarizer'>
  /** A folder with prompts that stand in for those of the product. Default: none. `loadPrompts` tells whether it can be used. */
  readonly promptsFolder?: string
  /** Where the bytes of uploaded files are. The library knows their names there, never a path. */
  readonly uploads: UploadFiles
  /** The clock, epoch milliseconds, by which uploads expire. Default: that of the process. */
  readonly now?: () => number
}

/** Defines a task that is run with the novel services. */
export const defineNovelTask = defineTask.withServices<NovelServices>()

/** The time by the clock of the services. */
export function nowOf(services: { readonly now?: (() => number) | undefined }): number {
  return services.now?.() ?? Date.now()
}

/** The prompts of the services. Throws CONFIG_INVALID. */
export function promptsOf({ promptsFolder }: Pick<NovelServices, 'promptsFolder'>): Prompts {
  return loadPrompts(promptsFolder)
}

/** The fields of an object that are not undefined. */
export function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
