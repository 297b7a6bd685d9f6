import { useEffect, useState } from 'react'
import { defined } from '../../../src/task/defined.ts'
import type { components, paths } from '../api/schema.ts'
import { readStored, writeStored } from '../browser/state.ts'
import { type PreviewEdit, sentEdits } from './edits.ts'
import type { ChapterRow, Shape } from './rows.ts'

/** What a person has chosen of a preview, before it is confirmed. */
export interface Choice extends Shape {
  /** Undefined: the one of the preview. */
  readonly title?: string
  /** Repeated lines that are left out. */
  readonly removeLines: readonly string[]
  readonly summarise: boolean
  /** The novel is a reference, in which no model writes. */
  readonly reference: boolean
  /** What the import may spend. Undefined: without end. */
  readonly budget?: Bound
}

/** An amount that may be spent. `currency`: of money; undefined for tokens. Kept together: until the cost is known again, the amount alone says nothing. */
export interface Bound {
  readonly amount: number
  readonly currency: string | undefined
}

/** Of another reading of the file, the places say nothing. */
const unshaped = { excluded: new Set<number>(), edits: [], removeLines: [] }
const untouched: Choice = { ...unshaped, summarise: true, reference: false }

/** As it is kept in the browser's tab, so that a reload of the page takes nothing back. */
interface Kept extends Omit<Choice, 'excluded' | 'edits' | 'removeLines'> {
  readonly excluded: readonly number[]
  readonly edits?: readonly PreviewEdit[]
  readonly removeLines?: readonly string[]
  /** How many chapters there were to choose from. */
  readonly chapters: number
}

/**
 * What is chosen of an upload whose file has so many chapters. With another number of chapters, as another encoding may give, the
 * numbers mean other chapters: then all are chosen again, as the file has them.
 */
export function useChoice(uploadId: string, chapters: number) {
  const place = `quillwork.import.${uploadId}`
  const [kept, setKept] = useState(() => read(place) ?? { choice: untouched, chapters })
  const choice = kept.chapters === chapters ? kept.choice : { ...kept.choice, ...unshaped }
  useEffect(() => write(place, choice, chapters), [place, choice, chapters])
  const change = (changed: { [Key in keyof Choice]?: Choice[Key] | undefined }) =>
    setKept({ choice: { ...choice, ...changed } as Choice, chapters })
  return [choice, change] as const
}

function read(place: string): { choice: Choice; chapters: number } | undefined {
  const stored = readStored(place, 'session') as Kept | undefined
  if (stored === undefined) return undefined
  const { excluded, chapters, ...rest } = stored
  return { choice: { ...untouched, ...rest, excluded: new Set(excluded) }, chapters }
}

function write(place: string, choice: Choice, chapters: number): void {
  const kept: Kept = { ...choice, excluded: [...choice.excluded], chapters }
  writeStored(place, isUntouched(choice) ? undefined : kept, 'session')
}

function isUntouched({ title, excluded, edits, removeLines, summarise, reference, budget }: Choice): boolean {
  const isShaped = excluded.size > 0 || edits.length > 0 || removeLines.length > 0
  return title === undefined && !isShaped && summarise && !reference && budget === undefined
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
  edits?: ReturnType<typeof sentEdits>
  removeLines?: string[]
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
export function chosenChapters({ chapters }: Pick<Chosen, 'chapters'>): ChapterRow[] {
  return chapters.filter(({ isOut }) => !isOut)
}

/** Returns the parameters of the import; all chapters of the file are named by naming none. */
export function plannedImport(chosen: Chosen): PlannedImport {
  const { uploadId, choice, chapters, encoding } = chosen
  const ofFile = chapters.filter(({ line }) => line === undefined)
  const taken = chosenChapters({ chapters: ofFile }).map(({ index }) => index)
  const { edits, removeLines, summarise } = choice
  return {
    uploadId,
    summarise,
    ...defined({
      chapters: taken.length === ofFile.length ? undefined : taken,
      edits: edits.length === 0 ? undefined : sentEdits(edits),
      removeLines: removeLines.length === 0 ? undefined : [...removeLines],
      encoding,
    }),
  }
}

/** Returns what is sent when the person says yes. A budget counts only where scenes are summarised, whether the cost is known or not. */
export function confirmedImport(chosen: Chosen, title: string): Confirmed {
  const { uploadId: _, ...parameters } = plannedImport(chosen)
  const { budget, summarise, reference } = chosen.choice
  const unit = budget?.currency === undefined ? 'tokens' : 'cost'
  return {
    title: title.trim(),
    ...parameters,
    ...(reference && { reference }),
    ...(budget === undefined || !summarise ? {} : { budget: { [unit]: budget.amount } }),
  }
}
