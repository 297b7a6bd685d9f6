import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { useShortcuts } from '../browser/shortcuts.tsx'
import { NestedSubTasks } from './nested-sub-tasks.tsx'
import { correctsOnTheWayDown } from './steady-scroll.ts'
import { SubTaskRow } from './sub-task-row.tsx'
import classes from './sub-tasks.module.css'

interface SubTaskListProps {
  tasks: readonly Task[]
  /** How many there are in all, read or not. */
  total: number
  hasMore: boolean
  /** Asks for the next page. Called again and again while the end is near. */
  onNearEnd: () => void
}

/** Pixels of a row with one line; rows are measured once they are there. */
const usualHeight = 41
/** Rows before the end at which the next page is asked for. */
const nearEnd = 25

/** Any number of sub-tasks: only those that can be seen are in the document. */
export function SubTaskList({ tasks, total, hasMore, onNearEnd }: SubTaskListProps) {
  const t = useTranslations('task.children')
  const list = useRef<HTMLUListElement>(null)
  const [open, toggle] = useOpenRows()
  const top = useTopOf(list)
  const virtualizer = useWindowVirtualizer({
    count: tasks.length,
    estimateSize: () => usualHeight,
    overscan: 8,
    scrollMargin: top,
    getItemKey: index => tasks[index]?.id ?? index,
  })
  virtualizer.shouldAdjustScrollPositionOnItemSizeChange = correctsOnTheWayDown
  const rows = virtualizer.getVirtualItems()
  const last = rows.at(-1)?.index ?? 0
  useEffect(() => {
    if (hasMore && last >= tasks.length - nearEnd) onNearEnd()
  }, [hasMore, last, tasks.length, onNearEnd])
  useRowKeys(list)
  return (
    <ul
      ref={list}
      className={classes['list']}
      aria-label={t('label')}
      style={{ height: virtualizer.getTotalSize() }}
    >
      {rows.map(({ index, key, start }) => {
        const task = tasks[index]
        if (task === undefined) return null
        return (
          <li
            key={key}
            ref={virtualizer.measureElement}
            data-index={index}
            aria-posinset={index + 1}
            aria-setsize={total}
            style={{ transform: `translateY(${start - top}px)` }}
          >
            <SubTaskRow task={task} isOpen={open.has(task.id)} onToggle={toggle} />
            {open.has(task.id) && <NestedSubTasks parent={task} level={2} />}
          </li>
        )
      })}
    </ul>
  )
}

/** Which rows are open; kept here, for a row that is scrolled away is gone. */
function useOpenRows(): [ReadonlySet<string>, (taskId: string) => void] {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set())
  const toggle = useCallback(
    (taskId: string) =>
      setOpen(before => {
        const after = new Set(before)
        if (!after.delete(taskId)) after.add(taskId)
        return after
      }),
    [],
  )
  return [open, toggle]
}

/** Pixels from the top of the page to an element, which move when what is above it grows. */
function useTopOf(element: React.RefObject<HTMLElement | null>): number {
  const [top, setTop] = useState(0)
  useLayoutEffect(() => {
    const measure = () => {
      const box = element.current?.getBoundingClientRect()
      if (box !== undefined) setTop(Math.round(box.top + window.scrollY))
    }
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(document.body)
    return () => observer.disconnect()
  }, [element])
  return top
}

/** The keys that go from row to row, open sub-tasks among them. */
function useRowKeys(list: React.RefObject<HTMLElement | null>): void {
  const go = (step: 1 | -1) => {
    const links = [...(list.current?.querySelectorAll<HTMLElement>('[data-row-link]') ?? [])]
    const at = links.findIndex(link => link.contains(document.activeElement))
    const next = at === -1 ? links.find(isInSight) : links[at + step]
    next?.focus()
  }
  useShortcuts({ j: () => go(1), k: () => go(-1) })
}

function isInSight(element: HTMLElement): boolean {
  return element.getBoundingClientRect().top > 0
}
