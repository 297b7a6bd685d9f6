import { type Engine, hasEnded, QuillworkError } from '../index.ts'
import { discardDraft } from './draft-writer.ts'
import type { DraftState } from './library/drafts.ts'
import { everyItem } from './library/paging.ts'
import type { NovelServices } from './services.ts'

/**
 * Deletes the drafts of imports that have ended, and goes on with deletions that were cut off. To be called now and then: an import
 * takes its draft away itself, unless it was cancelled while it waited, or its process ended. Returns how many novels it deleted.
 */
export async function sweepDrafts(
  { library }: Pick<NovelServices, 'library'>,
  engine: Pick<Engine, 'tasks'>,
): Promise<number> {
  let swept = 0
  for await (const draft of everyItem(page => library.drafts.list(page))) {
    if (draft.status === 'deleting') await discardDraft(library.drafts, { novelId: draft.novelId })
    // A retry of the import since the draft was listed has raised the generation: then it is kept.
    else if (await isOver(engine, draft)) await discardDraft(library.drafts, draft)
    else continue
    swept++
  }
  return swept
}

async function isOver({ tasks }: Pick<Engine, 'tasks'>, { importTaskId }: DraftState): Promise<boolean> {
  try {
    return hasEnded((await tasks.get(importTaskId)).status)
  } catch (error) {
    if (error instanceof QuillworkError && error.code === 'TASK_NOT_FOUND') return true
    throw error
  }
}
