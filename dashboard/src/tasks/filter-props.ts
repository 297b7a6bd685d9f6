import type { TasksSearch } from '../queries/search.ts'

/** What the list shows, and what to do when that is changed. */
export interface FilterProps {
  search: TasksSearch
  onSearch: (search: TasksSearch) => void
}
