import { useEffect, useRef, useState } from 'react'
import type { Task } from '../api/task.ts'
import { useShortcuts } from '../browser/shortcuts.tsx'
import type { TaskAction } from './task-actions.ts'

/** What the keys of a list do. */
export interface RowKeys {
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
