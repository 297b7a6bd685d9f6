import { Button, Group, SegmentedControl, Stack, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useVirtualizer } from '@tanstack/react-virtual'
import { memo, useEffect, useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { Task } from '../api/task.ts'
import { correctsOnTheWayDown } from '../browser/virtual-rows.ts'
import { Empty, Pending } from '../parts/states.tsx'
import { useWriting } from '../text/format.ts'
import classes from './log.module.css'
import { useTaskSearch } from './task-search.ts'

/** What a task said while it ran, newest last. */
export function LogView({ task: { id, done } }: { task: Task }) {
  const t = useTranslations('task.log')
  const [{ level, attempt }] = useTaskSearch()
  const { data, error, refetch } = useLog(id, !done)
  if (data === undefined) return <Pending error={error} onRetry={refetch} lines={5} />
  if (data.length === 0) return <Empty title={t('empty')} text={t('emptyText')} />
  const lines = data.filter(
    line => (level ?? line.level) === line.level && (attempt ?? line.attempt) === line.attempt,
  )
  return (
    <Stack gap="xs">
      <LogHead count={lines.length} isLive={!done} />
      {lines.length === 0 ? (
        <Text c="dimmed">{t(level === undefined ? 'noneOfAttempt' : 'noErrors')}</Text>
      ) : (
        <LogLines lines={lines} />
      )}
      <Text size="xs" c="dimmed">
        {t('kept')}
      </Text>
    </Stack>
  )
}

function LogHead({ count, isLive }: { count: number; isLive: boolean }) {
  const t = useTranslations('task.log')
  const [{ level, attempt }, change] = useTaskSearch()
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
      {attempt !== undefined && (
        <Button size="compact-xs" variant="default" onClick={() => change({ attempt: undefined })}>
          {t('everyAttempt', { attempt })}
        </Button>
      )}
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
  const height = virtualizer.getTotalSize()
  const followedTo = useRef(0)
  // A reader who scrolled up is not moved, also before the browser has told so; a way to the last line that the list corrects for some
  // frames would pull them back.
  useEffect(() => {
    const { current } = box
    if (!isAtEnd || current === null) return
    const { scrollTop, scrollHeight, clientHeight } = current
    const below = scrollHeight - clientHeight - scrollTop
    if (scrollTop < followedTo.current - endMargin && below > endMargin) return
    current.scrollTo({ top: height })
    followedTo.current = current.scrollTop
  }, [isAtEnd, height])
  const toEnd = () => {
    followedTo.current = 0
    setIsAtEnd(true)
  }
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
        <ol style={{ height }}>
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
        <Button className={classes['toEnd']} size="xs" onClick={toEnd}>
          {t('toEnd')}
        </Button>
      )}
    </div>
  )
}

/** Longest fields, in characters, that stand behind a line. */
const longestFields = 400

/** One line of a log: when, in which attempt, and what. */
const LogRow = memo(function LogRow({ line }: { line: LogLine }) {
  const t = useTranslations('task.log')
  const writing = useWriting()
  const { at, attempt, level, message, fields } = line
  return (
    <div className={classes['line']} data-level={level}>
      <time dateTime={at} title={writing.dateTime(at)}>
        {writing.time(at)}
      </time>
      <span className={classes['attempt']} title={t('attempt', { attempt })}>
        {attempt}
      </span>
      <span className={classes['message']}>
        {level === 'error' && <b>{t('error')} </b>}
        {message}
        {fields !== undefined && <span className={classes['fields']}> {shortened(fields)}</span>}
      </span>
    </div>
  )
})

function shortened(fields: unknown): string {
  const text = typeof fields === 'string' ? fields : (JSON.stringify(fields) ?? '')
  return text.length <= longestFields ? text : `${text.slice(0, longestFields)}…`
}

/** One line of the log of a task. */
type LogLine = Awaited<ReturnType<typeof readPage>>['items'][number]

/** Lines that the server keeps, and that are kept here. */
const mostLines = 1_000
/** Lines that one request reads. */
const perPage = 200
/** Milliseconds between two readings of the log of a task that has not ended: the stream does not carry its lines. */
const readEveryMs = 2_000

function readPage(taskId: string, after: number) {
  return dataOf(
    api.GET('/v1/tasks/{taskId}/logs', {
      params: {
        path: { taskId },
        query: { pageSize: perPage, ...(after === 0 ? {} : { pageToken: `${after}` }) },
      },
    }),
  )
}

/** Reads what came after the lines that are known. */
async function readNew(taskId: string, known: readonly LogLine[]): Promise<readonly LogLine[]> {
  const lines = [...known]
  for (let hasMore = true; hasMore; ) {
    const { items, nextPageToken } = await readPage(taskId, lines.at(-1)?.sequence ?? 0)
    lines.push(...items)
    hasMore = nextPageToken !== undefined
  }
  return lines.length === known.length ? known : lines.slice(-mostLines)
}

/** Returns the log of a task; of one that lives it grows. */
function useLog(taskId: string, isLive: boolean) {
  const queries = useQueryClient()
  const queryKey = keys.logs(taskId)
  return useQuery({
    queryKey,
    queryFn: () => readNew(taskId, queries.getQueryData<readonly LogLine[]>(queryKey) ?? []),
    refetchInterval: isLive ? readEveryMs : false,
    // Lines never change, so none has to be compared.
    structuralSharing: false,
  })
}
