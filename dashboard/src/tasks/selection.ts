import { useRef, useState } from 'react'
import type { Task } from '../api/task.ts'

/** Which rows of a list are chosen. */
export interface Selection {
  /** The chosen ones that are in the list, in its order. */
  readonly tasks: readonly Task[]
  readonly has: (taskId: string) => boolean
  /** Chooses a row, or not any more. `range`: with all between it and the row that was chosen before. */
  readonly toggle: (taskId: string, range?: boolean) => void
  /** Chooses all that are shown, or none when they all are. */
  readonly toggleAll: () => void
  readonly clear: () => void
}

/** Keeps which rows are chosen. A choice belongs to the list that it was made in: another `listing` begins with none. */
export function useSelection(rows: readonly Task[], listing: unknown): Selection {
  const [choice, setChoice] = useState<{ listing: unknown; ids: ReadonlySet<string> }>({ listing, ids: none })
  const last = useRef<string>(undefined)
  const ids = choice.listing === listing ? choice.ids : none
  const choose = (changed: ReadonlySet<string>) => setChoice({ listing, ids: changed })
  const tasks = ids.size === 0 ? noTasks : rows.filter(({ id }) => ids.has(id))
  return {
    tasks,
    has: taskId => ids.has(taskId),
    toggle(taskId, range = false) {
      const isOn = !ids.has(taskId)
      const changed = new Set(ids)
      for (const id of range ? between(rows, last.current, taskId) : [taskId]) {
        if (isOn) changed.add(id)
        else changed.delete(id)
      }
      last.current = taskId
      choose(changed)
    },
    toggleAll: () => choose(tasks.length === rows.length ? none : new Set(rows.map(({ id }) => id))),
    clear: () => choose(none),
  }
}

const none: ReadonlySet<string> = new Set()
const noTasks: readonly Task[] = []

/** The ids from one row to another, whichever comes first; the second alone when the first is gone. */
function between(rows: readonly Task[], from: string | undefined, to: string): string[] {
  const ends = [from, to].map(id => rows.findIndex(row => row.id === id))
  if (ends.includes(-1)) return [to]
  return rows.slice(Math.min(...ends), Math.max(...ends) + 1).map(({ id }) => id)
}
