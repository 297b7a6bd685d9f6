import type { EmbeddingModel, ModelChoice } from '../ai/model.ts'
import type { ModelUse } from '../ai/providers/config.ts'
import {
  defineTask,
  type Engine,
  type ErrorCode,
  hasEnded,
  QuillworkError,
  type RetryOptions,
  taskStatuses,
} from '../index.ts'
import type { NovelLibrary } from './library/library.ts'
import { loadPrompts, type Prompts, withOwnPrompts } from './prompts/prompts.ts'
import type { UploadFiles } from './uploads/files.ts'

/** What the novel tasks ask of a catalogue. */
export type NovelModels = Pick<ModelChoice, 'embeddingModel' | 'indexer' | 'languageModel' | 'summarizer'>

/** The services of the novel tasks. */
export interface NovelServices {
  readonly library: NovelLibrary
  /**
   * The models that write, summarise and make vectors, or a function that returns those of a user, with keys and limits of their own. It is asked often, so it
   * should return the same catalogue for the same user. A task that names no model uses the first of its use.
   */
  readonly models: NovelModels | ((userId: string) => NovelModels)
  /** A folder with prompts that replace those of the product. Default: none. `loadPrompts` validates it. */
  readonly promptsFolder?: string
  /** The storage of uploaded and of exported files. The library stores their locations, never a path. */
  readonly uploads: UploadFiles
  /** How long the file of an import is kept, in milliseconds, from its confirmation on and while the import is live. Default: a day. */
  readonly originalsMs?: number
  /** The clock, epoch milliseconds, by which uploads expire. Default: the clock of the process. */
  readonly now?: () => number
}

/**
 * The retries of the novel tasks. In the lane `default` a person waits: a task there is tried up to 7 times, again after 1, 4 and 15 seconds, then
 * after 1, 5 and 30 minutes.
 */
export const novelRetry = {
  inLanes: { default: { maxAttempts: 7, backoff: ['1s', '4s', '15s', '1m', '5m', '30m'] } },
} satisfies RetryOptions

/** The statuses of tasks that still have work to do. */
export const liveStatuses = taskStatuses.filter(status => !hasEnded(status))

/** The task types that delete for good: their records name ids, and no word of anybody's. */
export const eraseTypes = { novel: 'EraseNovel', user: 'EraseUser' } as const

/** Defines a task that uses the novel services. */
export const defineNovelTask = defineTask.withServices<NovelServices>()

/** Returns the time by the clock of the services. */
export function nowOf(services: { readonly now?: (() => number) | undefined }): number {
  return services.now?.() ?? Date.now()
}

/** Who asks, and the services that they have. */
export interface ModelAsker {
  readonly userId: string
  readonly services: Pick<NovelServices, 'models'>
}

/** Returns the models of the user who asks. */
export function modelsOf({ userId, services: { models } }: ModelAsker): NovelModels {
  return typeof models === 'function' ? models(userId) : models
}

/** Returns the prompts for a novel: its own, and those of the server. Throws NOVEL_NOT_FOUND. */
export async function promptsFor(
  { userId, services }: { userId: string; services: Pick<NovelServices, 'library' | 'promptsFolder'> },
  novelId: string,
): Promise<Prompts> {
  const { prompts } = await services.library.prompts.read(userId, novelId)
  return withOwnPrompts(loadPrompts(services.promptsFolder), prompts)
}

/** Returns the model that makes the vectors of an index; undefined for words alone. Throws PROVIDER_NOT_CONFIGURED. */
export function vectorModel(asker: ModelAsker, id?: string): EmbeddingModel | undefined {
  const indexer = modelsOf(asker).indexer(id)
  return indexer.kind === 'lexical' ? undefined : indexer.model
}

/** Whose uploads, exports and drafts were deleted since the last scrub. */
const deletedOf = new WeakSet<object>()

/** Says that bytes of an upload, an export or a draft were deleted, so that the next scrub overwrites them. */
export function markDeleted(library: NovelLibrary): void {
  deletedOf.add(library)
}

/**
 * Overwrites what deletions of uploads and exports, and clean-ups, left in the file of the store since the last call, all of it at once: a short file is written anew.
 * Rejects as the store does; the next call tries again.
 */
export async function scrubDeleted(
  { store }: { store: Pick<Engine['store'], 'scrub'> },
  { library }: Pick<NovelServices, 'library'>,
): Promise<void> {
  if (!deletedOf.delete(library)) return
  try {
    await store.scrub?.()
  } catch (error) {
    markDeleted(library)
    throw error
  }
}

/** Returns whether a task has ended, or is gone. */
export async function isOver(
  { tasks }: { tasks: Pick<Engine['tasks'], 'get'> },
  taskId: string,
): Promise<boolean> {
  const task = await unlessFailed('TASK_NOT_FOUND', () => tasks.get(taskId))
  return task === undefined || hasEnded(task.status)
}

/** Returns what a call gives; undefined where it fails with the code. */
export async function unlessFailed<T>(code: ErrorCode, call: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof QuillworkError && error.code === code) return undefined
    throw error
  }
}

/** Runs steps one after the other and returns the sum of what they give. One that fails stops no other; the first error is thrown at the end. */
export async function sumOfAll(steps: Iterable<() => Promise<number>>): Promise<number> {
  const errors: unknown[] = []
  let sum = 0
  for (const step of steps) {
    try {
      sum += await step()
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw errors[0]
  return sum
}

/** Returns a result with how long it took, milliseconds. */
export async function timed<Result extends object>(make: () => Promise<Result>) {
  const startedAt = performance.now()
  const made = await make()
  return { ...made, processingTimeMs: Math.round((performance.now() - startedAt) * 10) / 10 }
}

/** The model use without which tasks of a type cannot run. Other types run without a model, and report so in their results. */
export const modelNeeds: Readonly<Record<string, ModelUse>> = {
  GenerateScene: 'prose',
  BatchGenerateScene: 'prose',
  GenerateNextSummaries: 'prose',
  ContinueWriting: 'prose',
  RewriteSelection: 'prose',
  GenerateSummary: 'summary',
  BatchGenerateSummary: 'summary',
  GenerateLevelSummary: 'summary',
  UpdateSummaries: 'summary',
  ProposeCodexEntries: 'summary',
  CheckCodex: 'summary',
}
