import { type ImportEdit, inPlaceOrder } from '../../../src/novel/import/edited-outline.ts'
import { defined } from '../../../src/task/defined.ts'

/** An edit as the page keeps it: with the words that tell how long the chapters on both sides of a line are. */
export interface PreviewEdit extends ImportEdit {
  /** Words of the chapter of the file before the line. */
  readonly wordsBefore?: number
  /** Words of the line. */
  readonly ownWords?: number
}

/** The beginning of a chapter: of the file, or at a line of it. */
export type Place = Pick<ImportEdit, 'index' | 'line'>

/** A line of the text of a chapter at which another one may begin. */
export interface CutPlace extends Place {
  readonly line: number
  readonly text: string
  readonly wordsBefore: number
  readonly ownWords: number
}

const isAt =
  ({ index, line }: Place) =>
  (edit: Place) =>
    edit.index === index && edit.line === line

/** Returns the edits with other fields at a place; what is undefined is taken back. */
function withFields(
  edits: readonly PreviewEdit[],
  { index, line }: Place,
  fields: Partial<PreviewEdit>,
): PreviewEdit[] {
  const place = defined({ index, line })
  const changed = defined({ ...edits.find(isAt(place)), ...place, ...fields })
  const others = edits.filter(edit => !isAt(place)(edit))
  const isEdit = Object.keys(changed).length > Object.keys(place).length
  return isEdit ? inPlaceOrder([...others, changed]) : others
}

/** Returns the edits with a chapter renamed. */
export function renamed(edits: readonly PreviewEdit[], place: Place, title: string): PreviewEdit[] {
  return withFields(edits, place, { title })
}

/** Returns the edits with a chapter merged into the one above. One that began at a line begins there no more. */
export function merged(edits: readonly PreviewEdit[], { index, line }: Place): PreviewEdit[] {
  const others = edits.filter(edit => !isAt(defined({ index, line }))(edit))
  return line === undefined ? inPlaceOrder([...others, { index, merge: true }]) : others
}

/** Returns the edits with a volume of this title at a chapter; null: with none that begins there. */
export function withVolume(
  edits: readonly PreviewEdit[],
  place: Place,
  volume: string | null,
): PreviewEdit[] {
  return withFields(edits, place, { volume })
}

/** Returns the edits with a chapter left out that begins at a line, or taken again. */
export function withPart(edits: readonly PreviewEdit[], place: Place, isTaken: boolean): PreviewEdit[] {
  return withFields(edits, place, { leftOut: isTaken ? undefined : true })
}

/** Longest line that is taken for the heading of its chapter. */
const longestHeading = 60
const longestTitle = 300

/** Returns the edits with a chapter that begins at a line: a short line without the end of a sentence is its heading. */
export function cut(
  edits: readonly PreviewEdit[],
  { index, line, text, wordsBefore, ownWords }: CutPlace,
  untitled: string,
): PreviewEdit[] {
  const own = text.trim()
  const isHeading = own.length <= longestHeading && !/[.!?。！？…”"」』]$/.test(own)
  const fields = { title: isHeading ? own.slice(0, longestTitle) : untitled, wordsBefore, ownWords }
  return withFields(edits, { index, line }, { ...fields, heading: isHeading ? true : undefined })
}

/** Returns the edits with the line of a chapter as its heading, or as text. */
export function withHeading(edits: readonly PreviewEdit[], place: Place, isHeading: boolean): PreviewEdit[] {
  return withFields(edits, place, { heading: isHeading ? true : undefined })
}

/** A change that can be taken back alone. */
export interface Change extends Place {
  readonly kind: 'renamed' | 'merged' | 'cut' | 'volume' | 'volumeEnded'
  /** The new title, where there is one. */
  readonly title: string
}

/** Returns the changes that some edits are. What becomes of a chapter that begins at a line is one with its line. */
export function changesOf(edits: readonly PreviewEdit[]): Change[] {
  return edits.flatMap(({ index, line, title = '', merge, volume }) => {
    const place = defined({ index, line })
    const changes: Change[] = []
    if (merge === true) changes.push({ ...place, kind: 'merged', title: '' })
    else if (line !== undefined) changes.push({ ...place, kind: 'cut', title })
    else if (title !== '') changes.push({ ...place, kind: 'renamed', title })
    if (volume === null) changes.push({ ...place, kind: 'volumeEnded', title: '' })
    else if (volume !== undefined) changes.push({ ...place, kind: 'volume', title: volume })
    return changes
  })
}

/** Returns the edits without a change. */
export function undone(edits: readonly PreviewEdit[], { kind, index, line }: Change): PreviewEdit[] {
  const place = defined({ index, line })
  if (kind === 'renamed') return withFields(edits, place, { title: undefined })
  if (kind === 'volume' || kind === 'volumeEnded') return withFields(edits, place, { volume: undefined })
  return edits.filter(edit => !isAt(place)(edit))
}

/** Returns the edits as they are sent. */
export function sentEdits(edits: readonly PreviewEdit[]) {
  return edits.map(({ wordsBefore: _, ownWords: __, ...edit }) => defined(edit))
}
