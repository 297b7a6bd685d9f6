import { type Engine, hasEnded, QuillworkError, type SubmitOptions, type TaskRecord } from '../index.ts'
import { defined } from '../task/defined.ts'
import { everyItem } from '../task/page.ts'
import { readOwned } from './erase-novel.ts'
import type { BinnedNovel } from './library/bin.ts'
import type { DraftState } from './library/drafts.ts'
import { novelNotFound } from './library/refusal.ts'
import { eraseTypes, liveStatuses, type NovelServices, unlessFailed } from './services.ts'
import { tag } from './subject-tag.ts'

type Tasks = Pick<Engine['tasks'], 'cancelTree' | 'get' | 'list' | 'retry' | 'submit'>

/** Tasks that are read at a time. */
const perPage = 200

/** A task that deletes. `isNew`: this request submitted it, not an earlier one. */
interface Deletion {
  record: TaskRecord
  isNew: boolean
}

/**
 * Deletes a novel of a user for good, by the task that it returns, an `EraseNovel`. First cancels what works on it: its import, and each live task of
 * that user with the tag `novel:ID`, with everything below it. So none of them fails because its novel is gone. From then on nobody finds the novel.
 * An earlier deletion of it that failed, or was cancelled, is retried. Throws NOVEL_NOT_FOUND.
 */
export async function deleteNovel(
  { tasks }: { tasks: Tasks },
  services: Pick<NovelServices, 'library'>,
  { userId, novelId, traceparent }: { userId: string; novelId: string } & Pick<SubmitOptions, 'traceparent'>,
): Promise<Deletion> {
  const novel = await readOwned(services, userId, novelId)
  const options = {
    userId,
    idempotencyKey: `erase ${novelId} ${novel.createdAt}`,
    ...defined({ traceparent }),
  }
  const deletion = await retriedIfEnded(tasks, await tasks.submit(eraseTypes.novel, { novelId }, options))
  await cancelTasksOf(tasks, novel)
  await unlessFailed('NOVEL_NOT_FOUND', () => services.library.shelf.remove(userId, novelId, 0))
  return deletion
}

/**
 * Puts a novel of a user into the bin, from where it can be put back for 30 days. Cancels what works on it, as `deleteNovel` does; from then on nobody finds
 * the novel. Throws NOVEL_NOT_FOUND.
 */
export async function binNovel(
  { tasks }: { tasks: Tasks },
  { library }: Pick<NovelServices, 'library'>,
  { userId, novelId }: { userId: string; novelId: string },
): Promise<BinnedNovel> {
  const novel = await readOwned({ library }, userId, novelId)
  if (novel.status === 'deleting') throw novelNotFound(novelId)
  // First, so that none of them fails because its novel is gone; and once more what was submitted meanwhile.
  await cancelTasksOf(tasks, novel)
  const binned = await library.binnedNovels.put(userId, novelId)
  await cancelTasksOf(tasks, novel)
  return binned
}

/** Deletes for good the novels that were in the bin for 30 days, each by its task. Call it regularly. Returns how many. */
export async function sweepBinnedNovels(
  engine: { tasks: Tasks },
  services: Pick<NovelServices, 'library'>,
): Promise<number> {
  for (let swept = 0; ; swept += 1) {
    const novel = await services.library.binnedNovels.expired()
    if (novel === undefined) return swept
    await deleteNovel(engine, services, novel)
  }
}

async function retriedIfEnded(tasks: Tasks, deletion: Deletion): Promise<Deletion> {
  const { id, status } = deletion.record
  if (!hasEnded(status) || status === 'COMPLETED') return deletion
  try {
    await tasks.retry(id)
  } catch (error) {
    // Somebody else has retried it meanwhile.
    const isRetried = ['TASK_CHANGED', 'TASK_NOT_RETRYABLE']
    if (!(error instanceof QuillworkError && isRetried.includes(error.code))) throw error
  }
  return { record: await tasks.get(id), isNew: false }
}

/** Deletes for good all that a user has, by the task that it returns, an `EraseUser`. */
export function deleteUser(
  { tasks }: { tasks: Pick<Tasks, 'submit'> },
  { userId, traceparent }: { userId: string } & Pick<SubmitOptions, 'traceparent'>,
): Promise<Deletion> {
  return tasks.submit(eraseTypes.user, { userId }, { userId, ...defined({ traceparent }) })
}

/** Cancels the trees that work on a novel, each from its top: a parent whose sub-tasks were cancelled alone would fail. */
async function cancelTasksOf(tasks: Tasks, { userId, novelId, importTaskId }: DraftState): Promise<void> {
  const named = tag('novel', novelId)
  const filter = { userId, status: liveStatuses, ...(named && { tag: named }) }
  const parentOf = new Map<string, string | undefined>()
  // An import that was submitted without tags is known by the novel.
  if (importTaskId !== undefined) {
    const importTask = await unlessFailed('TASK_NOT_FOUND', () => tasks.get(importTaskId))
    if (importTask !== undefined) parentOf.set(importTaskId, importTask.parentTaskId)
  }
  if (named !== undefined)
    for await (const task of everyItem(perPage, page => tasks.list(filter, page)))
      parentOf.set(task.id, task.parentTaskId)
  for (const [taskId, parent] of parentOf)
    if (parent === undefined || !parentOf.has(parent)) await tasks.cancelTree(taskId)
}
