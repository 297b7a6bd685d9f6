import { defined } from '../../../src/task/defined.ts'
import type { Task } from '../api/task.ts'

/** What a task is about. */
export interface Subject {
  novelId?: string
  sceneId?: string
}

/** Returns what a task is about, by its tags (`novel:ID`, `scene:ID`), else by its parameters or its result. */
export function subjectOf({
  tags,
  parameters,
  result,
}: Pick<Task, 'tags' | 'parameters' | 'result'>): Subject {
  const find = (kind: 'novel' | 'scene') =>
    tagged(tags, kind) ?? textField(parameters, `${kind}Id`) ?? textField(result, `${kind}Id`)
  return defined({ novelId: find('novel'), sceneId: find('scene') })
}

/** Returns the id in a tag such as `novel:ID`. */
export function tagged(tags: readonly string[], kind: 'novel' | 'scene'): string | undefined {
  return tags.find(tag => tag.startsWith(`${kind}:`))?.slice(kind.length + 1)
}

/** Returns the field of a value of unknown shape, if it is a text with something in it. */
export function textField(value: unknown, name: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const found = (value as Record<string, unknown>)[name]
  return typeof found === 'string' && found !== '' ? found : undefined
}

/** Returns whether a task is an import, or the reading of its file, that has made no novel yet. */
export function isBeforeNovel({
  taskType,
  done,
  progress,
}: Pick<Task, 'taskType' | 'done' | 'progress'>): boolean {
  if (done) return false
  if (taskType === 'ParseFile') return true
  return taskType === 'ImportNovel' && ['parsing', undefined].includes(textField(progress, 'stage'))
}

/** Returns what distinguishes a task from others of its type: a title that its result or its parameters name, else its name below its parent. */
export function labelOf({ result, parameters, subTaskKey }: Task): string | undefined {
  return textField(result, 'title') ?? textField(parameters, 'title') ?? subTaskKey
}

/** Returns what a task is named by, unless that is an id, which says nothing to a person. */
export function namedBy(task: Task): string | undefined {
  const label = labelOf(task)
  return label === undefined || isId(label) ? undefined : label
}

/** Returns whether a label is an id, which says nothing to a person. */
export function isId(label: string): boolean {
  return /^[\da-f-]{32,}$/i.test(label)
}
