import { List, Text } from '@mantine/core'
import { createContext, type ReactNode, useContext } from 'react'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { useNovelTitles } from '../queries/novel-queries.ts'
import { namedBy, tagged, textField } from './subject.ts'

/** Returns the name of a task type for authors; one that the product does not bring keeps its own. */
export function useTaskTypeName(): (taskType: string) => string {
  const t = useTranslations('taskTypes')
  return taskType => (t.has(taskType as 'ImportNovel') ? t(taskType as 'ImportNovel') : taskType)
}

/** Returns how a task is called where others are named beside it: its type, and the title that it is about. */
export function useTaskName(): (task: Task) => string {
  const typeName = useTaskTypeName()
  return ({ taskType, result, parameters }) => {
    const title = textField(result, 'title') ?? textField(parameters, 'title')
    return title === undefined ? typeName(taskType) : `${typeName(taskType)}: ${title}`
  }
}

/** The titles of the novels of the shelf, by their ids. Empty until they are known. */
const TitlesContext = createContext<ReadonlyMap<string, string>>(new Map())

/** Reads the titles of the novels for everything below it, once one of the tasks is about a novel. */
export function NovelTitles({ tasks, children }: { tasks: readonly Task[]; children: ReactNode }) {
  const titles = useNovelTitles({ enabled: tasks.some(task => tagged(task.tags, 'novel') !== undefined) })
  return <TitlesContext value={titles}>{children}</TitlesContext>
}

/** Parameters that say nothing to a person. */
const ids = new Set(['novelId', 'sceneId', 'uploadId', 'chapterId', 'startChapterId', 'endChapterId'])

/** Returns the subject of a task in a line: the title of its novel, its own tags, or the first of its parameters. */
export function useSubjectLine(): (task: Task) => string {
  const titles = useContext(TitlesContext)
  return task => {
    const title = titles.get(tagged(task.tags, 'novel') ?? '')
    const tags = task.tags.filter(tag => !/^(novel|scene):/.test(tag))
    const name = title ?? namedBy(task)
    const said = [...(name === undefined ? [] : [name]), ...tags]
    return (said.length > 0 ? said : firstParameters(task.parameters)).join(' · ')
  }
}

/** At most three plain parameters. */
function firstParameters(parameters: unknown): string[] {
  if (typeof parameters !== 'object' || parameters === null) return []
  return Object.entries(parameters)
    .filter(([name, value]) => !ids.has(name) && ['string', 'number', 'boolean'].includes(typeof value))
    .slice(0, 3)
    .map(([name, value]) => `${name}: ${String(value).slice(0, 60)}`)
}

/** Names in a dialog before it says how many more there are. */
const mostNamed = 5

/** Names tasks: their type, their subject, and the end of their id. `note`: what is said of each. */
export function TaskNames({ tasks, note }: { tasks: readonly Task[]; note?: (task: Task) => string }) {
  const t = useTranslations('tasks')
  const nameOf = useTaskTypeName()
  const subjectLineOf = useSubjectLine()
  if (tasks.length === 0) return null
  return (
    <List size="sm" withPadding>
      {tasks.slice(0, mostNamed).map(task => (
        <List.Item key={task.id}>
          {[nameOf(task.taskType), subjectLineOf(task).slice(0, 60), `…${task.id.slice(-6)}`]
            .filter(part => part !== '')
            .join(' · ')}
          {note && (
            <Text span inherit c="dimmed">
              {` – ${note(task)}`}
            </Text>
          )}
        </List.Item>
      ))}
      {tasks.length > mostNamed && (
        <List.Item>{t('moreTasks', { count: tasks.length - mostNamed })}</List.Item>
      )}
    </List>
  )
}
