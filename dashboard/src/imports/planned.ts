import type { Choice } from './choice.ts'
import type { Confirmed } from './confirm-import.ts'
import type { Estimate, PlannedImport } from './import-estimate.ts'
import type { ChapterRow } from './rows.ts'

/** What was chosen, and of what. */
export interface Chosen {
  uploadId: string
  choice: Choice
  chapters: readonly ChapterRow[]
  /** The one that was chosen here; undefined for the one that was detected. */
  encoding: string | undefined
}

/** The chapters that are chosen, in order. */
export function chosenChapters({ choice, chapters }: Pick<Chosen, 'choice' | 'chapters'>): ChapterRow[] {
  return chapters.filter(({ number }) => !choice.excluded.has(number))
}

/** The parameters of the import; all chapters are named by naming none. */
export function plannedImport(chosen: Chosen): PlannedImport {
  const { uploadId, choice, chapters, encoding } = chosen
  const numbers = chosenChapters(chosen).map(({ number }) => number)
  return {
    uploadId,
    summarise: choice.summarise,
    ...(numbers.length === chapters.length ? {} : { chapters: numbers }),
    ...(encoding === undefined ? {} : { encoding }),
  }
}

/** What is sent when the person says yes. A budget counts only where something is spent. */
export function confirmedImport(chosen: Chosen, title: string, estimate: Estimate | undefined): Confirmed {
  const { uploadId: _, ...parameters } = plannedImport(chosen)
  const { budget } = chosen.choice
  const spends = estimate !== undefined && estimate.calls > 0
  const unit = estimate?.currency === undefined ? 'tokens' : 'cost'
  return {
    title: title.trim(),
    ...parameters,
    ...(budget === undefined || !spends ? {} : { budget: { [unit]: budget } }),
  }
}
