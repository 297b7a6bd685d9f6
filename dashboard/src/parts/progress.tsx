import { Group, Progress, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { useWriting } from '../text/format.ts'

/** How far something is. */
interface ProgressBarProps {
  done: number
  /** 0: not known yet; then only the words are shown. */
  total: number
  /** What is being measured, for those who do not see the bar. */
  label: string
  /** What is done right now, beside the bar. */
  step?: ReactNode
  /** In a row of a list: the bar and the percentage alone. */
  isSlim?: boolean
  color?: string
}

/** A bar with its percentage, and what is done right now. It never claims to be full before it is. */
export function ProgressBar({ done, total, label, step, isSlim = false, color = 'ink' }: ProgressBarProps) {
  const writing = useWriting()
  const share = shareOf(done, total)
  if (total <= 0) return step === undefined ? null : <Text size="sm">{step}</Text>
  const bar = (
    <Progress
      value={share * 100}
      color={color}
      size={isSlim ? 'sm' : 'md'}
      flex={1}
      miw={0}
      aria-label={label}
    />
  )
  const percent = (
    <Text size={isSlim ? 'xs' : 'sm'} c="dimmed" className="numbers" w="3rem" ta="right">
      {writing.percent(share)}
    </Text>
  )
  if (isSlim)
    return (
      <Group gap={4} wrap="nowrap" w="100%">
        {bar}
        {percent}
      </Group>
    )
  return (
    <Stack gap={4}>
      <Group gap="xs" wrap="nowrap">
        {bar}
        {percent}
      </Group>
      {step !== undefined && (
        <Text size="sm" c="dimmed">
          {step}
        </Text>
      )}
    </Stack>
  )
}

/** Rounded down to whole percents, so that 100 % means all of it. */
function shareOf(done: number, total: number): number {
  if (total <= 0) return 0
  return Math.floor((Math.min(Math.max(done, 0), total) / total) * 100) / 100
}

/** How far a task is, as far as it reports. */
interface TaskSteps {
  done: number
  /** 0: not reported. */
  total: number
  /** The name of the step, such as `summarising`. */
  stage?: string
  /** Words written so far. */
  words?: number
  /** `done` is a share of 100, or counts sub-tasks: the bar says it all. */
  isBarOnly?: true
}

/**
 * How far a task is: from what it reports; of a task that waits for its sub-tasks and names no step, from their counts. Undefined where
 * neither says anything.
 */
export function stepsOf({ progress, phase, subTaskStatusSummary }: TaskLike): TaskSteps | undefined {
  const reported = reportedSteps(progress)
  if (reported?.stage !== undefined || phase !== 'awaiting-subtasks' || subTaskStatusSummary === undefined)
    return reported
  const total = sum(Object.values(subTaskStatusSummary))
  const { QUEUED = 0, RUNNING = 0, RETRYING = 0 } = subTaskStatusSummary
  return total === 0 ? reported : { done: total - QUEUED - RUNNING - RETRYING, total, isBarOnly: true }
}

type TaskLike = Pick<Task, 'progress' | 'phase' | 'subTaskStatusSummary'>

/** Returns the progress that a task reports: a share, or an object that says how much of how much is done. */
function reportedSteps(progress: unknown): TaskSteps | undefined {
  if (typeof progress === 'number')
    return { done: progress <= 1 ? progress * 100 : progress, total: 100, isBarOnly: true }
  if (typeof progress !== 'object' || progress === null) return undefined
  const fields = progress as Record<string, unknown>
  if (typeof fields['percent'] === 'number') return { done: fields['percent'], total: 100, isBarOnly: true }
  const done = firstNumber(fields['processed'], fields['done'], fields['current'])
  const total = firstNumber(fields['total']) ?? 0
  const stage = fields['stage'] ?? fields['step']
  const words = fields['words']
  if (done === undefined && typeof stage !== 'string') return undefined
  return {
    done: done ?? 0,
    total,
    ...(typeof stage === 'string' ? { stage } : {}),
    ...(typeof words === 'number' && words > 0 ? { words } : {}),
  }
}

function firstNumber(...values: unknown[]): number | undefined {
  return values.find((value): value is number => typeof value === 'number')
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

/** Returns what a task is doing right now, in words; undefined where it does not say. */
function useStepText(): (steps: TaskSteps) => string | undefined {
  const t = useTranslations('task')
  return ({ done, total, stage, words, isBarOnly }) => {
    const named =
      stage === undefined
        ? undefined
        : t.has(`stages.${stage as 'reading'}`)
          ? t(`stages.${stage as 'reading'}`)
          : stage
    const counted = total > 0 && isBarOnly !== true ? t('steps', { done, total }) : undefined
    const written = words === undefined ? undefined : t('wordsSoFar', { words })
    const said = [named, counted, written].filter(part => part !== undefined)
    return said.length === 0 ? undefined : said.join(' · ')
  }
}

/** The progress of a task, while it lives. Nothing where the task says nothing of it. */
export function TaskProgress({ task, isSlim = false }: { task: Task; isSlim?: boolean }) {
  const t = useTranslations('task')
  const stepText = useStepText()
  const steps = task.done ? undefined : stepsOf(task)
  if (steps === undefined) return null
  const step = isSlim ? undefined : stepText(steps)
  return (
    <ProgressBar
      done={steps.done}
      total={steps.total}
      label={t('progress')}
      isSlim={isSlim}
      {...(step === undefined ? {} : { step })}
    />
  )
}
