import { Button, Group, SegmentedControl, Stack, Text } from '@mantine/core'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { ErrorNotice } from '../parts/error-notice.tsx'
import { Empty, Loading } from '../parts/states.tsx'
import classes from './log.module.css'
import { type LogLine, useLog } from './log-query.ts'
import { LogRow } from './log-row.tsx'
import { correctsOnTheWayDown } from './steady-scroll.ts'
import { useTaskSearch } from './task-search.ts'

/** What a task said while it ran, newest last. */
export function LogView({ task: { id, done } }: { task: Task }) {
  const t = useTranslations('task.log')
  const [{ level }] = useTaskSearch()
  const { data, error, refetch } = useLog(id, !done)
  if (data === undefined)
    return error === null ? (
      <Loading lines={5} />
    ) : (
      <ErrorNotice error={error} onRetry={() => void refetch()} />
    )
  if (data.length === 0) return <Empty title={t('empty')} text={t('emptyText')} />
  const lines = level === undefined ? data : data.filter(line => line.level === level)
  return (
    <Stack gap="xs">
      <LogHead count={lines.length} isLive={!done} />
      {lines.length === 0 ? <Text c="dimmed">{t('noErrors')}</Text> : <LogLines lines={lines} />}
      <Text size="xs" c="dimmed">
        {t('kept')}
      </Text>
    </Stack>
  )
}

function LogHead({ count, isLive }: { count: number; isLive: boolean }) {
  const t = useTranslations('task.log')
  const [{ level }, change] = useTaskSearch()
  return (
    <Group justify="space-between">
      <SegmentedControl
        size="xs"
        aria-label={t('level')}
        value={level ?? 'all'}
        onChange={value => change({ level: value === 'error' ? 'error' : undefined })}
        data={[
          { value: 'all', label: t('all') },
          { value: 'error', label: t('errors') },
        ]}
      />
      <Text size="sm" c="dimmed" className="numbers">
        {t('lines', { count })}
        {isLive && ` · ${t('follows')}`}
      </Text>
    </Group>
  )
}

/** Pixels of a line that does not wrap; lines are measured once they are there. */
const usualHeight = 26
/** Pixels from the end within which one is at the end. */
const endMargin = 24

function LogLines({ lines }: { lines: readonly LogLine[] }) {
  const t = useTranslations('task.log')
  const box = useRef<HTMLDivElement>(null)
  const [isAtEnd, setIsAtEnd] = useState(true)
  const virtualizer = useVirtualizer({
    count: lines.length,
    getScrollElement: () => box.current,
    estimateSize: () => usualHeight,
    overscan: 10,
    getItemKey: index => lines[index]?.sequence ?? index,
  })
  virtualizer.shouldAdjustScrollPositionOnItemSizeChange = correctsOnTheWayDown
  // Whoever reads further up is not moved.
  useEffect(() => {
    if (isAtEnd && lines.length > 0) virtualizer.scrollToIndex(lines.length - 1, { align: 'end' })
  }, [isAtEnd, lines.length, virtualizer])
  return (
    <div className={classes['frame']}>
      <div
        ref={box}
        className={classes['box']}
        role="log"
        aria-label={t('label')}
        aria-live="off"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls has to be reached by keyboard (WCAG 2.1.1).
        tabIndex={0}
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) =>
          setIsAtEnd(scrollTop + clientHeight >= scrollHeight - endMargin)
        }
      >
        <ol style={{ height: virtualizer.getTotalSize() }}>
          {virtualizer.getVirtualItems().map(({ index, key, start }) => {
            const line = lines[index]
            return (
              line !== undefined && (
                <li
                  key={key}
                  ref={virtualizer.measureElement}
                  data-index={index}
                  style={{ transform: `translateY(${start}px)` }}
                >
                  <LogRow line={line} />
                </li>
              )
            )
          })}
        </ol>
      </div>
      {!isAtEnd && (
        <Button className={classes['toEnd']} size="xs" onClick={() => setIsAtEnd(true)}>
          {t('toEnd')}
        </Button>
      )}
    </div>
  )
}
