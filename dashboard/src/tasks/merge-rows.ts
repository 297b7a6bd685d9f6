import type { Task } from '../api/task.ts'
import type { TaskPage } from '../live/apply.ts'
import { mostPerPage } from './task-query.ts'

/**
 * A list on the screen does not follow the server row by row: what changes its status would vanish under the pointer, and what comes in
 * would push the rest away. So the pages that are shown keep their rows; the same pages as they are now are laid over them.
 */

/** A page of the list: as it is shown, and as it is now. */
export interface PagePair {
  readonly shown: TaskPage
  readonly now: TaskPage
}

/** The rows of the list, each as it is known now, none twice. */
export function rowsOf(pairs: readonly PagePair[]): Task[] {
  const current = new Map(pairs.flatMap(({ now }) => now.items.map(task => [task.id, task])))
  const rows = new Map<string, Task>()
  for (const { shown } of pairs)
    for (const task of shown.items) if (!rows.has(task.id)) rows.set(task.id, current.get(task.id) ?? task)
  return [...rows.values()]
}

/** The pages with what came in since, and how many that are. `isCut`: more came in than a page holds, so that there is a gap. */
export interface TakenIn {
  readonly pages: TaskPage[]
  readonly count: number
  readonly isCut: boolean
}

/**
 * Puts what came in where it belongs. On each page that is each row before one that is shown; at the end of the list, what follows it.
 * A page whose rows are all new has a gap before the next: then the list has to begin anew.
 */
export function takeIn(pairs: readonly PagePair[]): TakenIn {
  const known = new Set(pairs.flatMap(({ shown }) => shown.items.map(({ id }) => id)))
  let count = 0
  let isCut = false
  const pages = pairs.map(({ shown, now }, index) => {
    const isEnd = index === pairs.length - 1 && shown.nextPageToken === undefined
    const groups = groupsOfNew(now.items, known)
    if (groups.isAllNew && now.items.length > 0 && !(isEnd && shown.items.length === 0)) isCut = true
    const items = shown.items.flatMap(task => [...(groups.before.get(task.id) ?? []), task])
    const tail = isEnd ? groups.tail : []
    const all = [...items, ...tail]
    count += all.length - shown.items.length
    if (all.length > mostPerPage) isCut = true
    if (all.length === shown.items.length) return shown
    return withToken(all, isEnd ? now.nextPageToken : shown.nextPageToken)
  })
  return { pages, count: isCut ? Math.max(count, pairs[0]?.now.items.length ?? 0) : count, isCut }
}

function withToken(items: Task[], nextPageToken: string | undefined): TaskPage {
  return nextPageToken === undefined ? { items } : { items, nextPageToken }
}

/** The new rows of a page, by the shown row that they stand before; `tail`: those after the last one that is shown. */
function groupsOfNew(items: readonly Task[], known: ReadonlySet<string>) {
  const before = new Map<string, Task[]>()
  let waiting: Task[] = []
  for (const task of items) {
    if (!known.has(task.id)) {
      waiting.push(task)
      continue
    }
    if (waiting.length > 0) before.set(task.id, waiting)
    waiting = []
  }
  return { before, tail: waiting, isAllNew: waiting.length === items.length }
}
