import type { ModelCatalogue } from '../ai/catalogue.ts'
import { defineTask } from '../index.ts'
import type { NovelLibrary } from './library/library.ts'
import type { UploadFiles } from './uploads/files.ts'

/** What the novel tasks are run with. */
export interface NovelServices {
  readonly library: NovelLibrary
  /** The models that summarise; the first is used where a task names none. */
  readonly models: Pick<ModelCatalogue, 'summaryModel'>
  /** Where the bytes of uploaded files are. The library knows their names there, never a path. */
  readonly uploads: UploadFiles
  /** The clock, epoch milliseconds, by which uploads expire. Default: that of the process. */
  readonly now?: () => number
}

/** Defines a task that is run with the novel services. */
export const defineNovelTask = defineTask.withServices<NovelServices>()

/** The time by the clock of the services. */
export function nowOf(services: NovelServices): number {
  return services.now?.() ?? Date.now()
}
