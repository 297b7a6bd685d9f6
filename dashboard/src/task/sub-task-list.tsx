import { Anchor, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { useCallback, useEffect, useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { useShortcuts } from '../browser/shortcuts.tsx'
import { correctsOnTheWayDown, useTopOf } from '../browser/virtual-rows.ts'
import { TextLink } from '../parts/links.tsx'
import { Pending } from '../parts/states.tsx'
import { namedBy } from '../parts/subject.ts'
import { useTaskTypeName } from '../parts/task-name.tsx'
import { useChildren } from '../queries/task-queries.ts'
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

/** Returns which rows are open; kept here, for a row that is scrolled away is unmounted. */
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

/** Lets keys go from row to row, open sub-tasks among them. */
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

/** Levels below the task of the page that are shown on it; what lies deeper is shown on pages of its own. */
const deepest = 3
/** Pages of sub-tasks of a sub-task that are shown in place. */
const mostPages = 3

/** A row, and below it, when it is open, its own sub-tasks. `level`: of the row, from 1. */
function SubTaskBranch({ task, level }: { task: Task; level: number }) {
  const [isOpen, { toggle }] = useDisclosure()
  return (
    <>
      <SubTaskRow task={task} isOpen={isOpen} onToggle={toggle} />
      {isOpen && <NestedSubTasks parent={task} level={level + 1} />}
    </>
  )
}

/** The sub-tasks of a sub-task, read when it is opened, some at a time. */
function NestedSubTasks({ parent, level }: { parent: Task; level: number }) {
  const t = useTranslations('task.children')
  const typeName = useTaskTypeName()
  const name = namedBy(parent) ?? typeName(parent.taskType)
  if (level > deepest)
    return (
      <div className={classes['nested']}>
        <OpenLink taskId={parent.id} text={t('deeper')} />
      </div>
    )
  return (
    <ul className={classes['nested']} aria-label={t('below', { name })}>
      <NestedRows parentId={parent.id} level={level} />
    </ul>
  )
}

function NestedRows({ parentId, level }: { parentId: string; level: number }) {
  const t = useTranslations('actions')
  const children = useTranslations('task.children')
  const { data, error, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = useChildren(parentId)
  if (data === undefined)
    return (
      <li>
        <Pending error={error} onRetry={refetch} lines={2} />
      </li>
    )
  return (
    <>
      {data.pages.flatMap(({ items }) =>
        items.map(task => (
          <li key={task.id}>
            <SubTaskBranch task={task} level={level} />
          </li>
        )),
      )}
      {hasNextPage && (
        <li>
          {data.pages.length < mostPages ? (
            <Anchor
              component="button"
              type="button"
              size="sm"
              disabled={isFetchingNextPage}
              onClick={() => void fetchNextPage()}
            >
              {t('more')}
            </Anchor>
          ) : (
            <OpenLink taskId={parentId} text={children('moreInside')} />
          )}
        </li>
      )}
    </>
  )
}

function OpenLink({ taskId, text }: { taskId: string; text: string }) {
  return (
    <Text size="sm" py="xs">
      <TextLink to="/tasks/$taskId" params={{ taskId }} search={{ part: 'sub-tasks' }}>
        {text}
      </TextLink>
    </Text>
  )
}
