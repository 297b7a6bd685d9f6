import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import type { TaskSearch } from '../queries/search.ts'

/** What is to be different in the address; undefined takes a part away. */
type Change = { [Name in keyof TaskSearch]: TaskSearch[Name] | undefined }

/** Returns what the address of the task page says, and how to change it. A change is no step to go back to, and moves nothing. */
export function useTaskSearch(): [TaskSearch, (change: Partial<Change>) => void] {
  const search = useSearch({ from: '/tasks/$taskId' })
  const { taskId } = useParams({ from: '/tasks/$taskId' })
  const navigate = useNavigate()
  return [
    search,
    change => {
      const entries = Object.entries({ ...search, ...change }).filter(([, value]) => value !== undefined)
      void navigate({
        to: '/tasks/$taskId',
        params: { taskId },
        search: Object.fromEntries(entries) as TaskSearch,
        replace: true,
        resetScroll: false,
      })
    },
  ]
}
