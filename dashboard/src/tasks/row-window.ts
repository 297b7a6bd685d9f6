import { useWindowVirtualizer, type VirtualItem } from '@tanstack/react-virtual'
import { type RefObject, useEffect, useLayoutEffect, useRef, useState } from 'react'
import type { Task } from '../api/task.ts'
import { useShortcuts } from '../browser/shortcuts.tsx'
import type { TaskAction } from './task-actions.ts'
import type { RowRange } from './task-list.ts'

/** The rows that are drawn: those on the screen, and some beyond it. */
export interface RowWindow {
  /** Goes on what holds the rows. */
  readonly ref: RefObject<HTMLDivElement | null>
  readonly items: readonly VirtualItem[]
  /** Pixels before the first row that is drawn, and after the last. */
  readonly before: number
  readonly after: number
  /** For rows whose height is not known before they are drawn; goes on each with `data-index`. */
  readonly measure: (element: Element | null) => void
  /** Brings a row onto the screen. */
  readonly show: (index: number) => void
}

/** What stands above the rows and does not scroll away, in pixels. */
const headHeight = 110
/** Rows beyond the screen that are drawn, and a step of the range that is reported. */
const beyond = 10

/** Draws only those of many rows that are on the screen, which scrolls as a whole. `onRange` gets roughly which these are. */
export function useRowWindow(
  rows: readonly Task[],
  { rowHeight, gap = 0, onRange }: { rowHeight: number; gap?: number; onRange: (range: RowRange) => void },
): RowWindow {
  const ref = useRef<HTMLDivElement>(null)
  const [top, setTop] = useState(0)
  // What stands above the rows changes with what is chosen and said there.
  useLayoutEffect(() => {
    const found = (ref.current?.getBoundingClientRect().top ?? 0) + window.scrollY
    if (Math.abs(found - top) >= 1) setTop(found)
  })
  const virtual = useWindowVirtualizer<Element>({
    count: rows.length,
    estimateSize: () => rowHeight,
    gap,
    overscan: beyond,
    scrollMargin: top,
    scrollPaddingStart: headHeight,
    scrollPaddingEnd: headHeight,
    getItemKey: index => rows[index]?.id ?? index,
  })
  const items = virtual.getVirtualItems()
  const first = stepDown(items[0]?.index ?? 0)
  const last = stepDown(items.at(-1)?.index ?? 0) + beyond
  useEffect(() => onRange({ first, last }), [onRange, first, last])
  return {
    ref,
    items,
    before: (items[0]?.start ?? top) - top,
    after: items.length === 0 ? 0 : virtual.getTotalSize() - ((items.at(-1)?.end ?? top) - top),
    measure: virtual.measureElement,
    show: index => virtual.scrollToIndex(index, { align: 'auto' }),
  }
}

function stepDown(index: number): number {
  return Math.floor(index / beyond) * beyond
}

/** What the keys of a list do. */
interface RowKeys {
  rows: readonly Task[]
  /** Brings a row onto the screen. */
  show: (index: number) => void
  onOpen: (task: Task) => void
  onToggle: (taskId: string, range: boolean) => void
  onAct: (action: TaskAction, task: Task) => void
}

/** Lets keys go from row to row (j, k), and do something with the row that is in focus: open it, choose it, cancel it, try it again. */
export function useRowKeys({ rows, show, onOpen, onToggle, onAct }: RowKeys): void {
  const [wanted, setWanted] = useState<string>()
  const last = useRef<string>(undefined)
  // A row that was far away is drawn only after the page has scrolled to it.
  useEffect(() => {
    if (wanted === undefined) return
    const row = document.querySelector<HTMLElement>(`[data-task-id="${CSS.escape(wanted)}"]`)
    if (row === null) return
    row.focus({ preventScroll: true })
    setWanted(undefined)
  })

  const go = (step: 1 | -1) => {
    const current = rows.findIndex(({ id }) => id === (idInFocus() ?? last.current))
    const index = Math.min(Math.max(current + step, 0), rows.length - 1)
    const task = rows[index]
    if (task === undefined) return
    last.current = task.id
    show(index)
    setWanted(task.id)
  }
  const withRow = (use: (task: Task) => void) => () => {
    const task = rows.find(({ id }) => id === idInFocus())
    if (task !== undefined) use(task)
  }
  useShortcuts({
    j: () => go(1),
    k: () => go(-1),
    x: withRow(({ id }) => onToggle(id, false)),
    'Shift+X': withRow(({ id }) => onToggle(id, true)),
    c: withRow(task => onAct('cancel', task)),
    r: withRow(task => onAct('retry', task)),
  })
  useOpenKey(withRow(onOpen))
}

/** Enter opens a row only where the row itself is in focus: in a link or a button of it, it is the key of those. */
function useOpenKey(open: () => void): void {
  const current = useRef(open)
  useEffect(() => {
    current.current = open
  })
  useEffect(() => {
    const onKey = ({ key, target }: KeyboardEvent) => {
      if (key === 'Enter' && target instanceof HTMLElement && target.dataset['taskId'] !== undefined)
        current.current()
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [])
}

function idInFocus(): string | undefined {
  const row = document.activeElement?.closest('[data-task-id]')
  return row instanceof HTMLElement ? row.dataset['taskId'] : undefined
}
