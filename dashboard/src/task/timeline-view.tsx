import { Anchor, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { Pending } from '../parts/states.tsx'
import { Countdown, useNow } from '../parts/time.tsx'
import { useAttempts } from '../queries/task-queries.ts'
import { useWriting } from '../text/format.ts'
import classes from './timeline.module.css'
import { type Moment, timelineOf } from './timeline.ts'
import { AttemptTrace, Steps } from './trace.tsx'

/** Moments from which on the middle is left out until it is asked for, and what is shown of the beginning and of the end. */
const most = { whole: 60, first: 6, last: 24 }

/** What happened to a task, from its submission to now or to its end, with the waits between. */
export function TimelineView({ task }: { task: Task }) {
  const { data, error, refetch } = useAttempts(task.id)
  if (data === undefined) return <Pending error={error} onRetry={refetch} lines={5} />
  return (
    <Stack gap="sm">
      <Moments moments={timelineOf(task, data)} taskId={task.id} />
      <Steps taskId={task.id} />
      <Whole task={task} />
    </Stack>
  )
}

function Moments({ moments, taskId }: { moments: readonly Moment[]; taskId: string }) {
  const t = useTranslations('task.timeline')
  const [isWhole, setIsWhole] = useState(false)
  const isCut = moments.length > most.whole && !isWhole
  const first = isCut ? moments.slice(0, most.first) : moments
  const last = isCut ? moments.slice(-most.last) : []
  const between = moments.slice(first.length, moments.length - last.length)
  const attempts = between.filter(({ kind }) => kind === 'attempt').length
  return (
    <ol className={classes['timeline']} aria-label={t('label')}>
      {first.map(moment => (
        <MomentItem key={keyOf(moment)} moment={moment} taskId={taskId} />
      ))}
      {isCut && (
        <li className={classes['gap']}>
          <Anchor component="button" type="button" size="sm" onClick={() => setIsWhole(true)}>
            {t('earlier', { count: attempts })}
          </Anchor>
        </li>
      )}
      {last.map(moment => (
        <MomentItem key={keyOf(moment)} moment={moment} taskId={taskId} />
      ))}
    </ol>
  )
}

function keyOf(moment: Moment): string {
  switch (moment.kind) {
    case 'attempt':
      return `attempt ${moment.attempt}`
    case 'handed-over':
      return `handed-over ${moment.first}`
    case 'gap':
      return `gap ${moment.from} ${moment.reason}`
    default:
      return moment.kind
  }
}

function MomentItem({ moment, taskId }: { moment: Moment; taskId: string }) {
  const t = useTranslations('task.timeline')
  const status = useTranslations('status')
  switch (moment.kind) {
    case 'created':
      return <PlainItem text={t('created')} at={moment.at} />
    case 'end':
      return <PlainItem text={status(moment.status)} at={moment.at} tone={moment.status} />
    case 'handed-over': {
      const { first, last } = moment
      return <PlainItem text={t('handedOver', { first, last, count: last - first + 1 })} />
    }
    case 'gap':
      return <GapItem gap={moment} />
    case 'attempt':
      return <AttemptItem run={moment} taskId={taskId} />
  }
}

function PlainItem({ text, at, tone }: { text: string; at?: string; tone?: string }) {
  const writing = useWriting()
  return (
    <li className={classes['moment']} data-tone={tone}>
      <Text size="sm" fw={600}>
        {text}
      </Text>
      {at !== undefined && (
        <Text size="xs" c="dimmed" className="numbers" component="time" dateTime={at}>
          {writing.dateTime(at)}
        </Text>
      )}
    </li>
  )
}

function GapItem({ gap: { reason, from, to, due } }: { gap: Extract<Moment, { kind: 'gap' }> }) {
  const t = useTranslations('task.timeline')
  return (
    <li className={classes['gap']} data-gap={reason}>
      <Text size="xs" c="dimmed" className="numbers">
        <Span from={from} to={to} /> · {t(to === undefined ? `nowGaps.${reason}` : `gaps.${reason}`)}
        {due !== undefined && (
          <>
            {' · '}
            <Countdown at={due} />
          </>
        )}
      </Text>
    </li>
  )
}

/** A length of time; one that has no end yet grows. Never less than nothing. */
function Span({ from, to }: { from: string; to: string | undefined }) {
  return to === undefined ? <GrowingSpan from={from} /> : <FixedSpan ms={Date.parse(to) - Date.parse(from)} />
}

function GrowingSpan({ from }: { from: string }) {
  return <FixedSpan ms={useNow() - Date.parse(from)} />
}

function FixedSpan({ ms }: { ms: number }) {
  return useWriting().duration(ms)
}

function AttemptItem({ run, taskId }: { run: Extract<Moment, { kind: 'attempt' }>; taskId: string }) {
  const t = useTranslations('task.timeline')
  const writing = useWriting()
  const { attempt, startedAt, endedAt, node, outcome, code, message } = run
  return (
    <li className={classes['moment']} data-tone={outcome}>
      <Text size="sm" fw={600}>
        {t('attempt', { attempt })} · {t(`outcomes.${outcome}`)}
      </Text>
      <Text size="xs" c="dimmed" className="numbers">
        <time dateTime={startedAt}>{writing.dateTime(startedAt)}</time>
        {outcome === 'running' && (
          <>
            {' · '}
            <Running from={startedAt} />
          </>
        )}
        {endedAt !== undefined &&
          ` · ${t('ran', { time: writing.duration(Date.parse(endedAt) - Date.parse(startedAt)) })}`}
        {node !== undefined && ` · ${t('on', { node })}`}
      </Text>
      {code !== undefined && outcome !== 'cancelled' && (
        <Text size="sm" lang="en">
          <Text span inherit ff="monospace" size="xs" c="dimmed">
            {code}
          </Text>{' '}
          {message}
        </Text>
      )}
      <AttemptTrace taskId={taskId} attempt={attempt} />
    </li>
  )
}

function Running({ from }: { from: string }) {
  const t = useTranslations('task.timeline')
  const writing = useWriting()
  return t('running', { time: writing.duration(useNow() - Date.parse(from)) })
}

function Whole({ task: { timestamps, done } }: { task: Task }) {
  const t = useTranslations('task.timeline')
  const writing = useWriting()
  const { createdAt, completedAt } = timestamps
  if (!done || completedAt === undefined) return null
  return (
    <Text size="sm" c="dimmed">
      {t('whole', { time: writing.duration(Date.parse(completedAt) - Date.parse(createdAt)) })}
    </Text>
  )
}
