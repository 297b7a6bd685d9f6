import { type Engine, hasEnded, taskStatuses } from '../index.ts'
import { everyItem, everyPage, type PageRequest } from '../task/page.ts'
import { discardDraft } from './drafts.ts'
import type { DraftState } from './library/drafts.ts'
import { novelNotFound } from './library/refusal.ts'
import { type NovelServices, unlessFailed } from './services.ts'
import { tag } from './subject-tags.ts'

type Tasks = Pick<Engine['tasks'], 'cancel' | 'children' | 'get' | 'list'>

const liveStatuses = taskStatuses.filter(status => !hasEnded(status))

/** Sub-tasks that are cancelled beside each other. */
const perPage = 200

/**
 * Deletes a novel of a user, and first cancels what works on it: its import, and each live task of that user with the tag `novel:ID`, with
 * everything below it. So none of them fails because its novel is gone. What a crash leaves behind, `sweepDrafts` deletes. Throws
 * NOVEL_NOT_FOUND.
 */
export async function deleteNovel(
  { tasks }: { tasks: Tasks },
  { library }: Pick<NovelServices, 'library'>,
  { userId, novelId }: { userId: string; novelId: string },
): Promise<void> {
  const { drafts, shelf } = library
  const novel = await drafts.find(novelId)
  if (novel?.userId !== userId || novel.status === 'draft') throw novelNotFound(novelId)
  await cancelTasksOf(tasks, novel)
  // The first step hides the novel. From then on no task is admitted for it.
  const left = await shelf.remove(userId, novelId)
  await cancelTasksOf(tasks, novel)
  if (left === 'more') await discardDraft(drafts, { novelId })
}

/** Cancels the trees that work on a novel, each from its top: a parent whose sub-tasks were cancelled alone would fail. */
async function cancelTasksOf(tasks: Tasks, { userId, novelId, importTaskId }: DraftState): Promise<void> {
  const named = tag('novel', novelId)
  const filter = { userId, status: liveStatuses, ...(named && { tag: named }) }
  const parentOf = new Map<string, string | undefined>()
  // An import that was submitted without tags is known by the novel.
  const importTask = await unlessFailed('TASK_NOT_FOUND', () => tasks.get(importTaskId))
  if (importTask !== undefined) parentOf.set(importTaskId, importTask.parentTaskId)
  if (named !== undefined)
    for await (const task of everyItem(perPage, page => tasks.list(filter, page)))
      parentOf.set(task.id, task.parentTaskId)
  for (const [taskId, parent] of parentOf)
    if (parent === undefined || !parentOf.has(parent)) await cancelTree(tasks, taskId)
}

/** Cancels a task, then what is live below it: sub-tasks would follow later, and some would find no novel until then. */
async function cancelTree(tasks: Tasks, taskId: string): Promise<void> {
  const cancel = () => unlessFailed('TASK_ALREADY_ENDED', () => tasks.cancel(taskId))
  await unlessFailed('TASK_NOT_FOUND', cancel)
  const live = (page: PageRequest) => tasks.children(taskId, { status: liveStatuses }, page)
  for await (const page of everyPage(perPage, live))
    await Promise.all(page.map(({ id }) => cancelTree(tasks, id)))
}
