import { Accordion, Tabs } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import type { TaskPart } from '../queries/search.ts'
import { belowOf } from './counts-below.ts'
import { CourseView } from './course-view.tsx'
import { LogView } from './log-view.tsx'
import { SubTasks } from './sub-tasks.tsx'
import { useTaskSearch } from './task-search.ts'
import { TextPart, useHasText } from './text-part.tsx'
import { UsagePart } from './usage-part.tsx'
import { ParametersPart, ResultPart } from './values.tsx'

/** Task types that always have sub-tasks, also before they have made any. */
const parents: ReadonlySet<string> = new Set(['ImportNovel', 'BatchGenerateSummary', 'BatchGenerateScene'])

const contents = {
  'sub-tasks': SubTasks,
  attempts: CourseView,
  text: TextPart,
  log: LogView,
  parameters: ParametersPart,
  result: ResultPart,
  usage: UsagePart,
} as const

/** The parts that a task has, in their order. */
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
