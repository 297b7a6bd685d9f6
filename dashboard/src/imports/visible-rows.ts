import { defaultRangeExtractor, useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, type RefObject, useEffect, useRef, useState } from 'react'
import { type ChapterRow, chaptersOf, chaptersWithin, chosenOf, type Row, rowOf } from './rows.ts'

/** Height of every row, in pixels; a row is one line, whatever its title. */
export const rowHeight = 40

/** A row that is in view, and where it stands. */
interface VisibleRow {
  readonly index: number
  /** Pixels from the top of the list. */
  readonly start: number
  readonly row: Row
}

/** Returns the rows that are in view, and always the one that the keyboard is on (`at`), which would lose it otherwise. */
export function useVisibleRows(
  box: RefObject<HTMLDivElement | null>,
  rows: readonly Row[],
  at: number,
  wanted: { number: number; at: number } | undefined,
) {
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => rowHeight,
    overscan: 10,
    rangeExtractor(range) {
      const usual = defaultRangeExtractor(range)
      return usual.includes(at) ? usual : [...usual, at].sort((a, b) => a - b)
    },
  })
  useWanted(rows, wanted, index => virtualizer.scrollToIndex(index, { align: 'center' }))
  const items = virtualizer.getVirtualItems().flatMap(({ index, start }): VisibleRow[] => {
    const row = rows[index]
    return row === undefined ? [] : [{ index, start, row }]
  })
  const focusWanted = useRef<number>(undefined)
  useEffect(() => {
    if (focusWanted.current === undefined) return
    const found = box.current?.querySelector<HTMLElement>(`[data-row="${focusWanted.current}"] input`)
    if (!found) return
    focusWanted.current = undefined
    found.focus({ preventScroll: true })
  })
  return {
    items,
    height: virtualizer.getTotalSize(),
    /** Brings a row into view and the keyboard onto it. */
    focus(index: number) {
      focusWanted.current = index
      virtualizer.scrollToIndex(index)
    },
  }
}

/** Brings a chapter into view each time it is wanted. */
function useWanted(
  rows: readonly Row[],
  wanted: { number: number; at: number } | undefined,
  show: (index: number) => void,
): void {
  const shown = useRef(wanted?.at)
  useEffect(() => {
    if (wanted === undefined || shown.current === wanted.at) return
    shown.current = wanted.at
    const row = rowOf(chaptersOf(rows), wanted.number)
    if (row !== undefined) show(rows.indexOf(row))
  })
}

/** Rows that a page of the keyboard goes over. */
const pageRows = 10

/** The list that keys move in. */
interface RowKeysOptions {
  rows: readonly Row[]
  onChoose: (chapters: readonly ChapterRow[], isChosen: boolean) => void
}

/**
 * The keyboard in the list of chapters: one stop for Tab, the arrows move, the space bar chooses, with Shift from the last chosen row to
 * this one. `at`: the row that the keyboard is on.
 */
export function useRowKeys({ rows, onChoose }: RowKeysOptions) {
  const [place, setPlace] = useState(0)
  const [anchor, setAnchor] = useState(0)
  const at = Math.max(0, Math.min(place, rows.length - 1))

  const toggle = (index: number, isRange: boolean) => {
    const row = rows[index]
    if (row === undefined) return
    const [from, to] = isRange ? [Math.min(anchor, index), Math.max(anchor, index)] : [index, index]
    setPlace(index)
    // The end of a range is where the next one begins.
    setAnchor(index)
    // A range takes over what its start was last made, as lists everywhere do; a single row turns over.
    const first = rows[anchor]
    const isChosen = isRange && first !== undefined ? chosenOf(first) !== 'none' : chosenOf(row) === 'none'
    // The heading of a volume within a range must not reach beyond it.
    const meant = rows.slice(from, to + 1).filter(each => !isRange || each.kind === 'chapter')
    onChoose(chaptersWithin(meant), isChosen)
  }

  const onKeyDown = (event: KeyboardEvent, index: number, focus: (index: number) => void) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === ' ' && event.shiftKey) {
      event.preventDefault()
      toggle(index, true)
      return
    }
    const to = placeAfter(event.key, index, rows.length)
    if (to === undefined) return
    event.preventDefault()
    setPlace(to)
    focus(to)
  }

  return { at, toggle, onKeyDown }
}

/** Returns where a key leads from a row; undefined for keys that lead nowhere. */
function placeAfter(key: string, index: number, count: number): number | undefined {
  const last = count - 1
  const places: Record<string, number> = {
    ArrowDown: index + 1,
    ArrowUp: index - 1,
    PageDown: index + pageRows,
    PageUp: index - pageRows,
    Home: 0,
    End: last,
  }
  const to = places[key]
  return to === undefined ? undefined : Math.max(0, Math.min(to, last))
}
