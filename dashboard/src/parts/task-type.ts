import { useTranslations } from 'use-intl'

/** The name of a task type for authors; one that the product does not bring keeps its own. */
export function useTaskTypeName(): (taskType: string) => string {
  const t = useTranslations('taskTypes')
  return taskType => (t.has(taskType as 'ImportNovel') ? t(taskType as 'ImportNovel') : taskType)
}
