import { createContext, type ReactNode, useContext } from 'react'
import type { Task } from '../api/task.ts'
import { useNovelTitles } from '../queries/novel-titles.ts'
import { namedBy } from './subject.ts'

/** The titles of the novels of the shelf, by their ids. Empty until they are known. */
const TitlesContext = createContext<ReadonlyMap<string, string>>(new Map())

/** Reads the titles of the novels for everything below it, once one of the tasks concerns a novel. */
export function NovelTitles({ tasks, children }: { tasks: readonly Task[]; children: ReactNode }) {
  const titles = useNovelTitles({ enabled: tasks.some(task => novelOf(task) !== undefined) })
  return <TitlesContext value={titles}>{children}</TitlesContext>
}

const ofNovel = 'novel:'
/** What tells a person nothing: it stands beside the tags. */
const ids = new Set(['novelId', 'sceneId', 'uploadId', 'chapterId', 'startChapterId', 'endChapterId'])

function novelOf({ tags }: Task): string | undefined {
  return tags.find(tag => tag.startsWith(ofNovel))?.slice(ofNovel.length)
}

/** Tells in a line what a task concerns: the title of its novel, its own tags, or the first of its parameters. */
export function useConcern(): (task: Task) => string {
  const titles = useContext(TitlesContext)
  return task => {
    const title = titles.get(novelOf(task) ?? '')
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
