import type { Preview } from './upload-query.ts'

/** A line of the list of chapters. Chapters are numbered from 0 over all volumes. */
export type Row = VolumeRow | ChapterRow

/** A volume, with the numbers of its first and last chapter. */
export interface VolumeRow {
  readonly kind: 'volume'
  /** From 0. */
  readonly volume: number
  readonly title: string
  readonly first: number
  readonly last: number
  readonly words: number
}

/** A chapter. */
export interface ChapterRow {
  readonly kind: 'chapter'
  readonly number: number
  readonly title: string
  readonly words: number
}

/** Returns the rows of a preview. A novel that is not parted into volumes has none of theirs. */
export function rowsOf({ volumes }: Pick<Preview, 'volumes'>): Row[] {
  const hasVolumes = volumes.length > 1 || volumes.some(({ title }) => title !== '')
  const rows: Row[] = []
  let number = 0
  for (const [volume, { title, chapters }] of volumes.entries()) {
    const words = chapters.reduce((sum, chapter) => sum + chapter.words, 0)
    if (hasVolumes && chapters.length > 0) {
      const last = number + chapters.length - 1
      rows.push({ kind: 'volume', volume, title, first: number, last, words })
    }
    for (const chapter of chapters)
      rows.push({ kind: 'chapter', number: number++, title: chapter.title, words: chapter.words })
  }
  return rows
}

/** Returns the chapters among the rows, in order: a chapter stands at its number. */
export function chaptersOf(rows: readonly Row[]): ChapterRow[] {
  return rows.filter(row => row.kind === 'chapter')
}

/** Returns the numbers of the chapters that some rows stand for, the ends included. */
export function numbersOf(rows: readonly Row[]): number[] {
  const numbers = new Set<number>()
  for (const row of rows) {
    if (row.kind === 'chapter') numbers.add(row.number)
    else for (let number = row.first; number <= row.last; number++) numbers.add(number)
  }
  return [...numbers]
}

/** Returns the same choice with some chapters left out, or taken in again. */
export function withChapters(
  excluded: ReadonlySet<number>,
  numbers: readonly number[],
  isChosen: boolean,
): ReadonlySet<number> {
  const changed = new Set(excluded)
  for (const number of numbers) {
    if (isChosen) changed.delete(number)
    else changed.add(number)
  }
  return changed
}

/** Returns how much of a row is chosen. */
export function chosenOf(row: Row, excluded: ReadonlySet<number>): 'all' | 'some' | 'none' {
  if (row.kind === 'chapter') return excluded.has(row.number) ? 'none' : 'all'
  let out = 0
  for (let number = row.first; number <= row.last; number++) if (excluded.has(number)) out++
  return out === 0 ? 'all' : out === row.last - row.first + 1 ? 'none' : 'some'
}
