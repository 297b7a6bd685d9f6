/** What the edits of a preview make of its volumes and chapters. The import and the pages work it out with this one function, which reads no file. */
import { defined } from '../../task/defined.ts'

/**
 * An edit of the preview at one place: the beginning of a chapter of the file, or a line within it, at which a chapter of its own begins.
 * Each place has one edit at most, so that their order says nothing.
 */
export interface ImportEdit {
  /** Index of the chapter in the preview, from 0. */
  readonly index: number
  /** Line of the file, from 1, at which a chapter begins. Default: the beginning of the chapter of the file. */
  readonly line?: number | undefined
  /** Title of the chapter. Required with `line`. */
  readonly title?: string | undefined
  /** The line is the heading of its chapter, and no text. */
  readonly heading?: true | undefined
  /** The chapter that begins at the line is left out. Chapters of the file are left out by `chapters`. */
  readonly leftOut?: true | undefined
  /** The chapter of the file continues the chapter before it; its heading becomes text. */
  readonly merge?: true | undefined
  /** A volume with this title begins here; null: none does any more. */
  readonly volume?: string | null | undefined
}

/** A chapter that is imported. */
export interface EditedChapter {
  /** The place where it begins, as in the edits. */
  readonly index: number
  readonly line?: number
  readonly title: string
  /** The file has its heading at this line, from 1: it is no text. */
  readonly headingLine?: number
  /** Of a chapter that begins at a line: it is left out. */
  readonly isLeftOut: boolean
  /** Indexes of the chapters of the file that continue it, ascending. */
  readonly merged: number[]
}

/** A volume that is imported. */
export interface EditedVolume {
  readonly title: string
  readonly chapters: EditedChapter[]
}

/** The volumes of a preview, as far as edits concern them. */
interface PreviewVolume {
  readonly title: string
  readonly chapters: readonly { readonly title: string }[]
}

/** Chapters after which the outline of many yields. */
const perStep = 256

/**
 * Returns the volumes and chapters of a preview after its edits. A volume begins at the first of its chapters that is not merged; one without
 * any disappears, unless the file has it so. What stands before all volumes is in one without a title. Yields in between, for a preview may have
 * many thousand chapters.
 */
export function* editedSteps(
  volumes: readonly PreviewVolume[],
  edits: readonly ImportEdit[],
): Generator<void, EditedVolume[], void> {
  const byChapter = editsByChapter(edits)
  const builder = new EditedBuilder()
  let index = 0
  for (const { title: volume, chapters } of volumes) {
    builder.expectVolume(volume, chapters.length === 0)
    for (const { title } of chapters) {
      if (index % perStep === 0) yield
      const edited = byChapter.get(index)
      if (edited === undefined) builder.add({ index, title })
      else builder.addEdited({ index, title }, edited)
      index++
    }
  }
  return builder.volumes
}

/** Returns what `editedSteps` does, without a pause. */
export function editedOutline(
  volumes: readonly PreviewVolume[],
  edits: readonly ImportEdit[],
): EditedVolume[] {
  const steps = editedSteps(volumes, edits)
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/** The edits of a chapter of the file: of its beginning, and of lines within it, ascending. */
interface ChapterEdits {
  own?: ImportEdit
  parts: ImportEdit[]
}

function editsByChapter(edits: readonly ImportEdit[]): ReadonlyMap<number, ChapterEdits> {
  const byChapter = new Map<number, ChapterEdits>()
  for (const edit of inPlaceOrder(edits)) {
    const edited = byChapter.get(edit.index) ?? { parts: [] }
    byChapter.set(edit.index, edited)
    if (edit.line === undefined) edited.own = edit
    else edited.parts.push(edit)
  }
  return byChapter
}

/** Returns edits in the order of their places. */
export function inPlaceOrder<Edit extends ImportEdit>(edits: readonly Edit[]): Edit[] {
  return [...edits].sort((a, b) => a.index - b.index || (a.line ?? 0) - (b.line ?? 0))
}

class EditedBuilder {
  readonly volumes: EditedVolume[] = []
  /** The last chapter that was added. */
  #last: EditedChapter | undefined
  /** Title of a volume of the file that begins with the next chapter. */
  #expected: string | undefined

  /** Takes a volume of the file. `isEmpty`: it has no chapters. */
  expectVolume(title: string, isEmpty: boolean): void {
    if (isEmpty) this.volumes.push({ title, chapters: [] })
    this.#expected = isEmpty ? undefined : title
  }

  /** Adds a chapter of the file with what its edits make of it. */
  addEdited({ index, title }: { index: number; title: string }, { own, parts }: ChapterEdits): void {
    if (own?.merge === true) this.#last?.merged.push(index)
    else this.add({ ...own, index, title: own?.title ?? title })
    for (const part of parts) this.add({ ...part, title: part.title ?? title })
  }

  add({ index, line, title, heading, leftOut, volume }: ImportEdit & { title: string }): void {
    const opened = volume === undefined ? this.#expected : volume
    this.#expected = undefined
    if (typeof opened === 'string') this.volumes.push({ title: opened, chapters: [] })
    else if (this.#last === undefined) this.volumes.push({ title: '', chapters: [] })
    const headingLine = heading === true ? line : undefined
    const chapter = { index, title, isLeftOut: leftOut === true, merged: [] }
    this.#last = line === undefined ? chapter : { ...chapter, line, ...defined({ headingLine }) }
    this.volumes.at(-1)?.chapters.push(this.#last)
  }
}

/** Whether a chapter is imported. `chapters`: indexes of the chapters of the file that are; undefined: all. A merged chapter goes with the one that it continues. */
export function isTaken(
  { index, line, isLeftOut }: Pick<EditedChapter, 'index' | 'line' | 'isLeftOut'>,
  chapters: ReadonlySet<number> | undefined,
): boolean {
  return line === undefined ? (chapters?.has(index) ?? true) : !isLeftOut
}
