import { defaultRangeExtractor, useVirtualizer } from '@tanstack/react-virtual'
import { type RefObject, useEffect, useRef } from 'react'
import type { Row } from './rows.ts'

/** Height of every row, in pixels; a row is one line, whatever its title. */
export const rowHeight = 40

/** A row that is in view, and where it stands. */
export interface VisibleRow {
  readonly index: number
  /** Pixels from the top of the list. */
  readonly start: number
  readonly row: Row
}

/** The rows that are in view, and always the one that the keyboard is on (`at`), which would lose it otherwise. */
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
    const index = rows.findIndex(row => row.kind === 'chapter' && row.number === wanted.number)
    if (index >= 0) show(index)
  })
}
