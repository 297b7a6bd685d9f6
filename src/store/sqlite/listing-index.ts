/**
 * The index of what tasks are listed by: a narrow row of the table `listing` for each task, indexed by each field, one of `task_tags` for each of
 * its tags, and one of `task_keys` for its idempotency key. It is filled in bulk, some way behind the newest tasks: a task that starts and ends
 * within a moment would otherwise change nine indexes one by one, and a page of the tags for each tag. What lists has it filled first, and reads
 * the few rows that are left out from the tasks themselves.
 */
import type { Steps } from '../../runtime/cooperate.ts'
import type { DatabaseFile, Statements } from './database.ts'

/** Tasks that are taken before the event loop may turn: about two milliseconds. */
const perStep = 250
/** Tasks that are taken in one transaction: it writes each page of an index once, and keeps others from writing for some 15 milliseconds. */
const perCommit = 2_500
/** Tasks that may be left out when somebody lists. */
const fewLeftOut = 500
/** The newest tasks that are left out while nobody lists: so many are taken in some fifty milliseconds. */
const mostLeftOut = 20_000
/** The same while more are created than the background takes: who creates takes them. Bounds what an opening of the file reads, see keys.ts. */
const mostBehind = 40_000

/** The index of listings of one file. */
export type ListingIndex = ReturnType<typeof createListingIndex>

/** The index of listings of a file, which takes part in its transactions. */
export function createListingIndex(file: DatabaseFile, sql: Statements) {
  const moved = new Set<number>()
  let newest = Number(sql('SELECT coalesce(max(seq), 0) FROM tasks').pluck().get())
  /** The last task that was taken; undefined = to be read. */
  let last: number | undefined
  let filling: Promise<void> | undefined

  function taken(): number {
    last ??= Number(sql('SELECT last FROM listed').pluck().get())
    return last
  }

  function take(): void {
    // A write that changes nothing would keep an idle store from cutting its log off.
    if (leftOut() <= 0) return
    const after = taken()
    const until = Math.min(after + perStep, newest)
    index(sql, 'seq > ? AND seq <= ?', after, until)
    sql('UPDATE listed SET last = ?').run(until)
    last = until
  }

  const leftOut = () => newest - taken()

  /** Resolves when few tasks are left out, or no more can be taken; undefined where that is so already. Never rejects. */
  function fill(): Promise<void> | undefined {
    if (leftOut() <= fewLeftOut) return undefined
    filling ??= fillUp(file, take, leftOut).finally(() => {
      filling = undefined
    })
    return filling
  }

  file.onCommit(() => {
    if (leftOut() > mostLeftOut) void fill()
  })

  return {
    fill,
    /** Takes those that `fill` may leave out; called in a transaction. */
    takeFew() {
      for (let left = fewLeftOut; left > 0; left -= perStep) take()
    },
    /** The last task that was taken. */
    get last() {
      return taken()
    },
    /** No task is left out. */
    get isComplete() {
      return leftOut() <= 0
    },
    /** A row was written; it may have the number of one that was deleted. */
    wrote(seq: number): void {
      newest = Math.max(newest, seq)
      if (leftOut() > mostBehind) take()
      if (seq <= taken()) index(sql, 'seq = ?', seq)
    },
    /** The status of a task changed. */
    moved(seq: number): void {
      if (seq <= taken()) moved.add(seq)
    },
    deleted(seq: number): void {
      sql('DELETE FROM listing WHERE seq = ?').run(seq)
    },
    flush() {
      for (const seq of moved) sql(follow).run(seq)
      moved.clear()
    },
    reset() {
      moved.clear()
      last = undefined
    },
  }
}

async function fillUp(file: DatabaseFile, take: () => void, leftOut: () => number): Promise<void> {
  function* takeMany(): Steps<void> {
    for (let steps = 0; steps < perCommit / perStep && leftOut() > 0; steps++) {
      take()
      yield
    }
  }
  // Where a full disk takes nothing, those who list read what is left out.
  for (let left = leftOut(); left > fewLeftOut; left = leftOut()) {
    await file.writeInSteps(takeMany).catch(() => undefined)
    if (leftOut() >= left) return
  }
}

/** Writes what the rows of tasks are listed and found by. */
function index(sql: Statements, rows: string, ...values: number[]): void {
  sql(`INSERT OR REPLACE INTO listing (seq, task_type, user_id, lane, status, is_root, completed_at)
    SELECT seq, task_type, user_id, lane, status, parent_id IS NULL, completed_at FROM tasks WHERE ${rows}`).run(
    ...values,
  )
  // In the order of the index, so that a page of it is written once. A tag that a task has twice counts once.
  sql(`INSERT OR IGNORE INTO task_tags (tag, task_seq)
    SELECT value, seq FROM tasks, json_each(iif(json_valid(tags), tags, '[]')) WHERE ${rows} AND tags IS NOT NULL
    ORDER BY value, seq`).run(...values)
  sql(`INSERT OR IGNORE INTO task_keys (user_id, task_type, idempotency_key, task_seq)
    SELECT user_id, task_type, idempotency_key, seq FROM tasks WHERE ${rows} AND idempotency_key IS NOT NULL
    ORDER BY user_id, task_type, idempotency_key`).run(...values)
}

const follow = `UPDATE listing SET (status, completed_at) = (SELECT status, completed_at FROM tasks WHERE tasks.seq = listing.seq)
  WHERE seq = ?`
