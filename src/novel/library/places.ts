/**
 * Changes of places. Positions count from 0 without gaps: a row that comes, goes or moves gives all behind it other positions, in one
 * change for each kind that has them.
 */
import { type Change, each, type Selection } from '../../records/records.ts'
import { defined } from '../../task/defined.ts'
import { chapters, readings, scenes, volumes } from './kinds.ts'

/** Positions from one to another that is not meant any more; default: to the end. */
export interface Span {
  from: number
  end?: number
}

/** What becomes of rows: another position, and another novel for what goes into the bin or comes back. */
export interface Placed {
  by: number
  novelId?: string
  /** Of scenes: the position of another chapter. */
  chapter?: number
}

/** Makes the changes that give the rows of a span other places. */
export type Place = (span: Span, placed: Placed) => Change[]

/** Returns what changes the positions of volumes. */
export function volumesOf(novelId: string): Place {
  return (span, { by, novelId: to }) => [
    each(volumes, spanOf('position', { novelId }, span), { by: { position: by }, set: setOf(to) }),
  ]
}

/** Returns what changes the positions of chapters, with those that their scenes and what was read in these know. */
export function chaptersOf(novelId: string): Place {
  return (span, { by, novelId: to }) => [
    each(chapters, spanOf('position', { novelId }, span), { by: { position: by }, set: setOf(to) }),
    each(scenes, spanOf('chapter', { novelId }, span), { by: { chapter: by }, set: setOf(to) }),
    each(readings, spanOf('chapter', { novelId }, span), { by: { chapter: by }, set: setOf(to) }),
  ]
}

/** Returns what changes the positions of scenes within a chapter, with those that what was read in them knows. */
export function scenesOf(novelId: string, chapter: number): Place {
  return (span, { by, novelId: to, chapter: toChapter }) => {
    const of = spanOf('position', { novelId, chapter }, span)
    const change = { by: { position: by }, set: { ...setOf(to), ...defined({ chapter: toChapter }) } }
    return [each(scenes, of, change), each(readings, of, change)]
  }
}

function setOf(novelId: string | undefined): { novelId?: string } {
  return defined({ novelId })
}

/** What is in reading order. */
export interface InOrder {
  novelId: string
  chapter: number
  position: number
}

/** Selects the rows of a span. */
export function spanOf(
  field: 'position' | 'chapter',
  equal: Partial<InOrder>,
  { from, end }: Span,
): Selection<InOrder> {
  const most = end === undefined ? {} : { most: { [field]: end - 1 } }
  return { equal, above: { [field]: from - 1 }, ...most }
}

/** Farther than any position: where rows are put aside while others take their place. */
const aside = 1_000_000_000

/** Returns the changes that move rows: `to` counts those that are to be before them. */
export function moved(
  place: Place,
  { from, count, to }: { from: number; count: number; to: number },
): Change[] {
  if (to === from || count === 0) return []
  const others =
    to > from
      ? place({ from: from + count, end: to + count }, { by: -count })
      : place({ from: to, end: from }, { by: count })
  return [
    ...place({ from, end: from + count }, { by: aside }),
    ...others,
    ...place({ from: aside }, { by: to - from - aside }),
  ]
}
