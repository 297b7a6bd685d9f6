import { useEffect, useState } from 'react'
import { defined } from '../../../src/task/defined.ts'
import type { components, paths } from '../api/schema.ts'
import { readStored, writeStored } from '../browser/state.ts'
import type { ChapterRow } from './rows.ts'

/** What a person has chosen of a preview, before it is confirmed. */
export interface Choice {
  /** Undefined: the one of the preview. */
  readonly title?: string
  /** Numbers of the chapters that are left out. */
  readonly excluded: ReadonlySet<number>
  readonly summarise: boolean
  /** What the import may spend. Undefined: without end. */
  readonly budget?: Bound
}

/** An amount that may be spent. `currency`: of money; undefined for tokens. Kept together: until the cost is known again, the amount alone says nothing. */
export interface Bound {
  readonly amount: number
  readonly currency: string | undefined
}

const untouched: Choice = { excluded: new Set(), summarise: true }

/** As it is kept in the browser's tab, so that a reload of the page takes nothing back. */
interface Kept extends Omit<Choice, 'excluded'> {
  readonly excluded: readonly number[]
  /** How many chapters there were to choose from. */
  readonly chapters: number
}

/**
 * What is chosen of an upload whose preview has so many chapters. With another number of chapters, as another encoding may give, the
 * numbers mean other chapters: then all are chosen again.
 */
export function useChoice(uploadId: string, chapters: number) {
  const place = `quillwork.import.${uploadId}`
  const [kept, setKept] = useState(() => read(place) ?? { choice: untouched, chapters })
  const choice = kept.chapters === chapters ? kept.choice : { ...kept.choice, excluded: untouched.excluded }
  useEffect(() => write(place, choice, chapters), [place, choice, chapters])
  const change = (changed: { [Key in keyof Choice]?: Choice[Key] | undefined }) =>
    setKept({ choice: { ...choice, ...changed } as Choice, chapters })
  return [choice, change] as const
}

function read(place: string): { choice: Choice; chapters: number } | undefined {
  const stored = readStored(place, 'session') as Kept | undefined
  if (stored === undefined) return undefined
  const { excluded, chapters, ...rest } = stored
  return { choice: { ...rest, excluded: new Set(excluded) }, chapters }
}

function write(place: string, choice: Choice, chapters: number): void {
  const kept: Kept = { ...choice, excluded: [...choice.excluded], chapters }
  writeStored(place, isUntouched(choice) ? undefined : kept, 'session')
}

function isUntouched({ title, excluded, summarise, budget }: Choice): boolean {
  return title === undefined && excluded.size === 0 && summarise && budget === undefined
}

/** What is confirmed. */
export type Confirmed = NonNullable<
  paths['/v1/uploads/{uploadId}:confirm']['post']['requestBody']
>['content']['application/json']

/** What an import will ask of models. */
export type Estimate = components['schemas']['Estimate']

/** An import as it would be submitted. */
export interface PlannedImport {
  uploadId: string
  summarise: boolean
  chapters?: number[]
  encoding?: string
}

/** What was chosen, and of what. */
export interface Chosen {
  uploadId: string
  choice: Choice
  chapters: readonly ChapterRow[]
  /** The one that was chosen here; undefined for the one that was detected. */
  encoding: string | undefined
}

/** Returns the chapters that are chosen, in order. */
export function chosenChapters({ choice, chapters }: Pick<Chosen, 'choice' | 'chapters'>): ChapterRow[] {
  return chapters.filter(({ number }) => !choice.excluded.has(number))
}

/** Returns the parameters of the import; all chapters are named by naming none. */
export function plannedImport(chosen: Chosen): PlannedImport {
  const { uploadId, choice, chapters, encoding } = chosen
  const numbers = chosenChapters(chosen).map(({ number }) => number)
  return {
    uploadId,
    summarise: choice.summarise,
    ...defined({ chapters: numbers.length === chapters.length ? undefined : numbers, encoding }),
  }
}

/** Returns what is sent when the person says yes. A budget counts only where scenes are summarised, whether the cost is known or not. */
export function confirmedImport(chosen: Chosen, title: string): Confirmed {
  const { uploadId: _, ...parameters } = plannedImport(chosen)
  const { budget, summarise } = chosen.choice
  const unit = budget?.currency === undefined ? 'tokens' : 'cost'
  return {
    title: title.trim(),
    ...parameters,
    ...(budget === undefined || !summarise ? {} : { budget: { [unit]: budget.amount } }),
  }
}
