import { type EditedChapter, editedOutline, isTaken } from '../../../src/novel/import/edited-outline.ts'
import { defined } from '../../../src/task/defined.ts'
import { type Place, type PreviewEdit, withPart } from './edits.ts'
import type { Preview } from './upload-query.ts'

/** A line of the list of chapters, as they will be imported. */
export type Row = VolumeRow | ChapterRow

/** A volume, with its chapters. */
export interface VolumeRow {
  readonly kind: 'volume'
  /** Of its first chapter, which tells volumes apart. */
  readonly key: string
  /** From 0. */
  readonly volume: number
  readonly title: string
  readonly chapters: readonly ChapterRow[]
  readonly words: number
}

/** A chapter, with the place where it begins in the file. */
export interface ChapterRow extends Place {
  readonly kind: 'chapter'
  readonly key: string
  /** In the list, from 0. */
  readonly position: number
  readonly title: string
  readonly words: number
  readonly isOut: boolean
  /** Indexes of the chapters of the file that continue it. */
  readonly merged: readonly number[]
}

/** What is chosen of a preview, as far as its rows depend on it. */
export interface Shape {
  /** Indexes of the chapters of the file that are left out. */
  readonly excluded: ReadonlySet<number>
  readonly edits: readonly PreviewEdit[]
}

/** Returns the rows of a preview as it is chosen. A novel that is not parted into volumes has none of theirs. */
export function rowsOf({ volumes }: Pick<Preview, 'volumes'>, { excluded, edits }: Shape): Row[] {
  const outline = editedOutline(volumes, edits)
  const wordsOf = wordCounts(volumes, edits)
  const all = volumes.flatMap(volume => volume.chapters).keys()
  const taken = new Set([...all].filter(index => !excluded.has(index)))
  const hasVolumes = outline.length > 1 || outline.some(({ title }) => title !== '')
  const rows: Row[] = []
  let position = 0
  for (const [volume, { title, chapters }] of outline.entries()) {
    const own = chapters.map((chapter): ChapterRow => {
      const { index, line, merged, title: name } = chapter
      const key = line === undefined ? `${index}` : `${index}:${line}`
      const row = { key, index, title: name, position: position++, merged, ...defined({ line }) }
      return { kind: 'chapter', ...row, words: wordsOf(chapter), isOut: !isTaken(chapter, taken) }
    })
    const words = own.reduce((sum, chapter) => sum + chapter.words, 0)
    const [first] = own
    if (hasVolumes && first !== undefined)
      rows.push({ kind: 'volume', key: `volume ${first.key}`, volume, title, chapters: own, words })
    rows.push(...own)
  }
  return rows
}

/** Returns how many words a chapter has: of the file up to where the next one begins in it, and what is merged into it. */
function wordCounts(volumes: Preview['volumes'], edits: readonly PreviewEdit[]) {
  const all = volumes.flatMap(volume => volume.chapters.map(({ words }) => words))
  const cuts = new Map<number, PreviewEdit[]>()
  for (const edit of edits)
    if (edit.line !== undefined) cuts.set(edit.index, [...(cuts.get(edit.index) ?? []), edit])
  /** From a line on, or from the beginning, to the next cut. */
  const stretch = (index: number, line: number | undefined): number => {
    const own = cuts.get(index) ?? []
    const at = line === undefined ? -1 : own.findIndex(edit => edit.line === line)
    const { wordsBefore = 0, ownWords = 0, heading } = own[at] ?? {}
    const end = own[at + 1]?.wordsBefore ?? all[index] ?? 0
    return Math.max(0, end - wordsBefore - (heading === true ? ownWords : 0))
  }
  return ({ index, line, merged }: Pick<EditedChapter, 'index' | 'line' | 'merged'>) =>
    merged.reduce((sum, other) => sum + stretch(other, undefined), stretch(index, line))
}

/** Returns the chapters among the rows, in order: a chapter stands at its position. */
export function chaptersOf(rows: readonly Row[]): ChapterRow[] {
  return rows.filter(row => row.kind === 'chapter')
}

/** Returns the row that a chapter of the file is in, or begins. */
export function rowOf(chapters: readonly ChapterRow[], index: number): ChapterRow | undefined {
  const own = chapters.find(row => row.index === index && row.line === undefined)
  return own ?? chapters.find(({ merged }) => merged.includes(index))
}

/** Returns the chapters that some rows stand for, each once. */
export function chaptersWithin(rows: readonly Row[]): ChapterRow[] {
  return [...new Set(rows.flatMap(row => (row.kind === 'chapter' ? [row] : row.chapters)))]
}

/** Returns the same choice with some chapters left out, or taken in again. */
export function withChapters(shape: Shape, chapters: readonly ChapterRow[], isChosen: boolean): Shape {
  const excluded = new Set(shape.excluded)
  let { edits } = shape
  for (const { index, line } of chapters) {
    if (line !== undefined) edits = withPart(edits, { index, line }, isChosen)
    else if (isChosen) excluded.delete(index)
    else excluded.add(index)
  }
  return { excluded, edits }
}

/** Returns how much of a row is chosen. */
export function chosenOf(row: Row): 'all' | 'some' | 'none' {
  if (row.kind === 'chapter') return row.isOut ? 'none' : 'all'
  const out = row.chapters.filter(({ isOut }) => isOut).length
  return out === 0 ? 'all' : out === row.chapters.length ? 'none' : 'some'
}
