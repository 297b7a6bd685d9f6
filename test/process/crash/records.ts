import {
  type Page,
  type PageRequest,
  type Store,
  type TaskRecord,
  type TaskStatus,
  taskStatuses,
} from 'quillwork'
import { sqlite } from 'quillwork/sqlite'

/** What a store holds, read while no engine runs. */
export interface Held {
  /** All tasks, oldest first. */
  readonly tasks: readonly TaskRecord[]
  readonly counts: Readonly<Record<TaskStatus, number>>
  /** Ids of the tasks with an open dead letter, as the listing gives them. */
  readonly deadLetters: readonly string[]
  /** Attempts that ended without completing, by task. */
  readonly attempts: ReadonlyMap<string, readonly number[]>
  /** Attempts that ended with their process, over all tasks. */
  readonly crashes: number
  /** Tasks that wait, over all lanes, by the counters of the lanes. */
  readonly waiting: number
  /** Answer of the file's own check of itself. */
  readonly integrity: string
}

/** Opens the file, reads everything, and closes it. */
export async function readStore(file: string): Promise<Held> {
  const store = sqlite({ file })
  try {
    const integrity = await store.database.read(db => db.pragma('integrity_check', { simple: true }))
    return await readHeld(store, String(integrity))
  } finally {
    await store.tasks.close()
  }
}

/** Reads everything that an open store holds; `integrity` is its own check of itself. */
export async function readHeld<Tx>(store: Store<Tx>, integrity = 'ok'): Promise<Held> {
  const tasks = (await allPages(page => store.queries.list({}, page))).reverse()
  const dead = await allPages(page => store.queries.deadLetters({}, page))
  const rows = await attemptsOf(store, tasks)
  const lanes = await store.lanes.lanes()
  return {
    tasks,
    counts: await store.queries.counts(),
    deadLetters: dead.map(({ id }) => id),
    attempts: new Map(rows.map(([id, attempts]) => [id, attempts.map(({ attempt }) => attempt)])),
    crashes: rows.flatMap(([, attempts]) => attempts).filter(({ code }) => code === 'LEASE_LOST').length,
    waiting: lanes.reduce((sum, { waiting }) => sum + waiting, 0),
    integrity,
  }
}

/** Attempts that are read at once: a database that is busy with what a row left running answers so many in time, and not thousands. */
const readAtOnce = 100

async function attemptsOf<Tx>({ queries }: Store<Tx>, tasks: readonly TaskRecord[]) {
  const rows = []
  for (let from = 0; from < tasks.length; from += readAtOnce) {
    const some = tasks.slice(from, from + readAtOnce)
    rows.push(...(await Promise.all(some.map(async ({ id }) => [id, await queries.attempts(id)] as const))))
  }
  return rows
}

async function allPages<T>(read: (page: PageRequest) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = []
  for (let pageToken: string | undefined, first = true; first || pageToken !== undefined; first = false) {
    const page = await read(pageToken === undefined ? { pageSize: 500 } : { pageSize: 500, pageToken })
    items.push(...page.items)
    pageToken = page.nextPageToken
  }
  return items
}

/** Tasks by status; every status is there. */
export function recount(tasks: readonly TaskRecord[]): Record<TaskStatus, number> {
  const counts = Object.fromEntries(taskStatuses.map(status => [status, 0])) as Record<TaskStatus, number>
  for (const { status } of tasks) counts[status] += 1
  return counts
}
