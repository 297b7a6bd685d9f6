import { Group, Loader, Stack, Text } from '@mantine/core'
import { IconCircle, IconCircleCheck } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { itemsOf, pageByPage } from '../api/pages.ts'
import type { Task } from '../api/task.ts'
import { ProgressBar, stepsOf } from '../parts/progress.tsx'
import classes from './home.module.css'

/** The steps of an import with the counts of the one that runs, and a bar over all. */
export function ImportSteps({ task }: { task: Task }) {
  const t = useTranslations('home')
  const steps = useImportSteps(task)
  return (
    <Stack gap="xs">
      <ProgressBar done={shareOf(steps) * 100} total={100} label={t('importProgress')} />
      <Group component="ol" gap="lg" className={classes['plain'] ?? ''}>
        {steps.map(step => (
          <Group key={step.name} component="li" gap={6} wrap="nowrap" data-step={step.state}>
            <StepIcon state={step.state} />
            <StepText step={step} />
          </Group>
        ))}
      </Group>
    </Stack>
  )
}

/** The same, for a card on the shelf: the bar, and what is being done. */
export function ImportLine({ task }: { task: Task }) {
  const t = useTranslations('home')
  const steps = useImportSteps(task)
  const now = steps.find(({ state }) => state === 'now')
  return (
    <Stack gap={4}>
      <ProgressBar done={shareOf(steps) * 100} total={100} label={t('importProgress')} isSlim />
      {now !== undefined && <StepText step={now} />}
    </Stack>
  )
}

function StepIcon({ state }: Pick<ImportStep, 'state'>) {
  const t = useTranslations('home.steps')
  if (state === 'now') return <Loader size={16} aria-label={t('now')} role="img" />
  if (state === 'done')
    return (
      <IconCircleCheck
        size={18}
        color="var(--mantine-color-green-filled)"
        aria-label={t('done')}
        role="img"
      />
    )
  return <IconCircle size={18} color="var(--mantine-color-dimmed)" aria-label={t('ahead')} role="img" />
}

function StepText({ step: { name, state, done, total } }: { step: ImportStep }) {
  const t = useTranslations('home.steps')
  const counted = state === 'now' && total > 0
  return (
    <Text size="sm" className="numbers" {...(state === 'ahead' ? { c: 'dimmed' } : {})}>
      {counted ? t(`${name}Counted`, { done, total }) : t(name)}
    </Text>
  )
}

/** A step of an import, and how far it is. */
interface ImportStep {
  readonly name: 'parsing' | 'summarising' | 'indexing'
  readonly state: 'ahead' | 'now' | 'done'
  /** Chapters of the first, scenes of the others. `total` 0: not known yet. */
  readonly done: number
  readonly total: number
}

/** The sub-tasks of an import, by the step that they are. */
const stepOfKey: Readonly<Record<string, ImportStep['name']>> = {
  parse: 'parsing',
  summaries: 'summarising',
  index: 'indexing',
  words: 'indexing',
}

/** Returns the steps of an import that has not ended, from its sub-tasks. Kept up to date by the live stream. */
function useImportSteps(task: Task): readonly ImportStep[] {
  const filter = { pageSize: 10 }
  const { data } = useInfiniteQuery({
    queryKey: keys.childList(task.id, filter),
    queryFn: ({ signal }) =>
      dataOf(
        api.GET('/v1/tasks/{taskId}/children', {
          params: { path: { taskId: task.id }, query: filter },
          signal,
        }),
      ),
    ...pageByPage,
  })
  const parts = itemsOf(data)
  return stepNames(task).map(name => stepFrom(name, task, partOf(name, parts)))
}

function stepNames({ parameters }: Task): ImportStep['name'][] {
  const isShort =
    typeof parameters === 'object' &&
    parameters !== null &&
    'summarise' in parameters &&
    parameters.summarise === false
  return isShort ? ['parsing', 'indexing'] : ['parsing', 'summarising', 'indexing']
}

/** Returns the newest sub-task of a step: an index of words is made where the one of a model failed. */
function partOf(name: ImportStep['name'], parts: readonly Task[]): Task | undefined {
  return parts.findLast(({ subTaskKey }) => stepOfKey[subTaskKey ?? ''] === name)
}

function stepFrom(name: ImportStep['name'], task: Task, part: Task | undefined): ImportStep {
  if (part === undefined) return { name, state: 'ahead', done: 0, total: 0 }
  if (part.done || task.done) return { name, state: 'done', done: 1, total: 1 }
  const { done = 0, total = 0 } = stepsOf(part) ?? {}
  return { name, state: 'now', done, total }
}

/** Returns how far an import is as a whole, 0 to 1: each step is an equal part. */
function shareOf(steps: readonly ImportStep[]): number {
  const shares = steps.map(({ state, done, total }) =>
    state === 'done' ? 1 : total === 0 ? 0 : Math.min(1, done / total),
  )
  return shares.reduce((sum, share) => sum + share, 0) / Math.max(1, steps.length)
}
