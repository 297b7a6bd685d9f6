import type { Task } from '../api/task.ts'
import { textField } from '../parts/subject.ts'
import { useTaskTypeName } from '../parts/task-type.ts'

/** How a task is called where others are named beside it: its type, and the title that it is about. */
export function useTaskName(): (task: Task) => string {
  const typeName = useTaskTypeName()
  return ({ taskType, result, parameters }) => {
    const title = textField(result, 'title') ?? textField(parameters, 'title')
    return title === undefined ? typeName(taskType) : `${typeName(taskType)}: ${title}`
  }
}
