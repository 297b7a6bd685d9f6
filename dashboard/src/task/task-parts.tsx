import { Accordion, Loader, Paper, Stack, Tabs, Text } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { Task } from '../api/task.ts'
import { useOutput } from '../live/follow-output.ts'
import { JsonView } from '../parts/json-view.tsx'
import { ButtonLink } from '../parts/links.tsx'
import { Empty } from '../parts/states.tsx'
import { subjectOf } from '../parts/subject.ts'
import type { TaskPart } from '../queries/search.ts'
import { belowOf } from './below.ts'
import { LogView } from './log-view.tsx'
import { SubTasks } from './sub-tasks.tsx'
import { useTaskSearch } from './task-search.ts'
import { TimelineView } from './timeline-view.tsx'
import { UsagePart } from './usage-part.tsx'

/** Task types that always have sub-tasks, also before they have made any. */
const parents: ReadonlySet<string> = new Set([
  'ImportNovel',
  'BatchGenerateSummary',
  'BatchGenerateScene',
  'ContinueWriting',
  'UpdateSummaries',
])

const contents = {
  'sub-tasks': SubTasks,
  attempts: TimelineView,
  text: TextPart,
  log: LogView,
  parameters: ParametersPart,
  result: ResultPart,
  usage: UsagePart,
} as const

/** Returns the parts that a task has, in their order. */
function usePartsOf(task: Task): TaskPart[] {
  const hasText = useHasText(task)
  const hasSubTasks = belowOf(task).total > 0 || parents.has(task.taskType)
  return [
    ...(hasSubTasks ? (['sub-tasks'] as const) : []),
    ...(hasText ? (['text'] as const) : []),
    'attempts',
    'log',
    'parameters',
    'result',
    'usage',
  ]
}

/** The parts of a task, one open at a time: as tabs, on a phone one below the other. */
export function TaskParts({ task }: { task: Task }) {
  const parts = usePartsOf(task)
  const [{ part }, change] = useTaskSearch()
  // What is open at first does not change when a part comes that was not there.
  const [first] = useState(parts[0])
  const wanted = part ?? first
  const open = parts.find(each => each === wanted) ?? 'attempts'
  const isNarrow = useMediaQuery('(max-width: 48em)', false, { getInitialValueInEffect: false })
  const Layout = isNarrow ? StackedParts : TabbedParts
  return <Layout task={task} parts={parts} open={open} onOpen={each => change({ part: each })} />
}

interface LayoutProps {
  task: Task
  parts: readonly TaskPart[]
  open: TaskPart
  onOpen: (part: TaskPart) => void
}

function TabbedParts({ task, parts, open, onOpen }: LayoutProps) {
  const t = useTranslations('task.parts')
  return (
    <Tabs
      value={open}
      onChange={value => {
        const part = parts.find(each => each === value)
        if (part !== undefined) onOpen(part)
      }}
      keepMounted={false}
    >
      <Tabs.List aria-label={t('label')}>
        {parts.map(part => (
          <Tabs.Tab key={part} value={part}>
            {t(part)}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {parts.map(part => {
        const Content = contents[part]
        return (
          <Tabs.Panel key={part} value={part} pt="md">
            <Content task={task} />
          </Tabs.Panel>
        )
      })}
    </Tabs>
  )
}

function StackedParts({ task, parts, open, onOpen }: LayoutProps) {
  const t = useTranslations('task.parts')
  return (
    <Accordion
      value={open}
      onChange={value => {
        const part = parts.find(each => each === value)
        if (part !== undefined) onOpen(part)
      }}
      order={2}
      variant="contained"
    >
      {parts.map(part => {
        const Content = contents[part]
        return (
          <Accordion.Item key={part} value={part}>
            <Accordion.Control>{t(part)}</Accordion.Control>
            <Accordion.Panel>{part === open && <Content task={task} />}</Accordion.Panel>
          </Accordion.Item>
        )
      })}
    </Accordion>
  )
}

/** What a task was submitted with. */
function ParametersPart({ task: { id, parameters } }: { task: Task }) {
  const t = useTranslations('task.values')
  if (parameters === undefined || isBare(parameters))
    return <Empty title={t('noParameters')} text={t('noParametersText')} />
  return (
    <Stack gap="xs">
      <JsonView value={parameters} label={t('parameters')} fileName={`${id}-parameters.json`} />
      <Text size="xs" c="dimmed">
        {t('note')}
      </Text>
    </Stack>
  )
}

/** What a task made. */
function ResultPart({ task: { id, result, done } }: { task: Task }) {
  const t = useTranslations('task.values')
  if (result === undefined)
    return <Empty title={t('noResult')} text={t(done ? 'noResultEnded' : 'noResultLive')} />
  return (
    <Stack gap="xs">
      <JsonView value={result} label={t('result')} fileName={`${id}-result.json`} />
      <Text size="xs" c="dimmed">
        {t('note')}
      </Text>
    </Stack>
  )
}

function isBare(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

/** Task types of the product that write no text of their own. */
const writeNothing: ReadonlySet<string> = new Set([
  'ImportNovel',
  'ParseFile',
  'AppendToNovel',
  'BatchGenerateSummary',
  'BatchGenerateScene',
  'ContinueWriting',
  'GenerateNextSummaries',
  'ReviewChapter',
  'UpdateSummaries',
  'RestoreSnapshot',
  'ExportNovel',
  'ExportUser',
  'SceneBrief',
  'ProposeCodexEntries',
  'CheckCodex',
  'Vectorize',
  'EraseNovel',
  'EraseUser',
  'BulkAction',
  'DeliverWebhook',
])

/** Milliseconds between two questions whether a task that lives has written: no event tells of its first text. */
const askEveryMs = 2_000

/** Returns whether a task has written any text; asked again while it lives, until it has. */
function useHasText({ id, taskType, done, subTaskStatusSummary }: Task): boolean {
  const { data } = useQuery({
    // What ends is asked once more: its text may have come since.
    queryKey: [...keys.output(id), 'any', done],
    queryFn: async () => {
      const answer = await dataOf(api.GET('/v1/tasks/{taskId}/output', { params: { path: { taskId: id } } }))
      return typeof answer === 'object' && answer.attempt > 0
    },
    enabled: ({ state }) =>
      state.data !== true && subTaskStatusSummary === undefined && !writeNothing.has(taskType),
    placeholderData: keepPreviousData,
    refetchInterval: done ? false : askEveryMs,
  })
  return data ?? false
}

/** The text that a task has written so far, as it grows. */
function TextPart({ task }: { task: Task }) {
  const t = useTranslations('task.output')
  const { text, attempt, isWhole, isCut } = useOutput(task.id, task.done)
  const { novelId, sceneId } = subjectOf(task)
  return (
    <Stack gap="sm">
      {novelId !== undefined && sceneId !== undefined && (
        <ButtonLink
          to="/novels/$novelId/scenes/$sceneId"
          params={{ novelId, sceneId }}
          variant="light"
          w="fit-content"
          maw="100%"
        >
          {t('openScene')}
        </ButtonLink>
      )}
      <Text size="sm" c="dimmed">
        {attempt > 0 && t('attempt', { attempt })} <TextState task={task} />
      </Text>
      <Paper withBorder p="lg">
        {text === '' && !isWhole ? (
          <Loader size="sm" type="dots" role="img" aria-label={t('label')} />
        ) : (
          <section className="prose" aria-label={t('label')}>
            {text}
            {(text === '' || isCut) && <p>{t('gone')}</p>}
          </section>
        )}
      </Paper>
    </Stack>
  )
}

function TextState({ task: { done, status } }: { task: Task }) {
  const t = useTranslations('task.output')
  if (!done) return t('writing')
  return status === 'COMPLETED' ? null : t('ended')
}
