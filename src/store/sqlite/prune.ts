import type { TaskStatus } from '../../task/status.ts'
import { states } from '../cold-records.ts'
import { createWalk } from '../pages.ts'
import { budgetKey, type Retention, type TaskStore } from '../store.ts'
import type { Statements } from './database.ts'
import { deleteBelongings } from './rows.ts'
import type { Session } from './session.ts'

/** A live task below an ended root has an ended ancestor with a live sub-task, and that one is to be reconciled. */
const allEnded = `tasks.look IS NOT 1
  AND NOT EXISTS (SELECT 1 FROM tasks AS open INDEXED BY tasks_look WHERE open.root_id = tasks.id AND open.look = 1)`

/**
 * Deletes ended trees whose root ended longer ago than its status is kept: leaves first, the root last, at most `limit` records per
 * call, so that the tree is gone step by step and never half of a live one. Its root is marked before the first step: a task of a tree that
 * is being deleted cannot be retried. What its model calls used is kept: it is the history of cost.
 */
export async function prune(session: Session, retention: Retention, limit: number): Promise<number> {
  const { sql } = session
  await session.listing.fill()
  return deleting(session, limit, (most, left) => {
    session.listing.takeFew()
    const now = session.now()
    let gone = 0
    for (const [status, age] of Object.entries(retention)) {
      const roots = sql(`SELECT id FROM listing INDEXED BY listing_expiry CROSS JOIN tasks USING (seq)
        WHERE listing.status = ? AND listing.completed_at < ? AND is_root = 1 AND listing.completed_at IS NOT NULL
        AND ${allEnded} ORDER BY listing.completed_at LIMIT ?`).pluck()
      for (const root of roots.all(status, now - age, most) as string[]) {
        if (gone >= most || isUsedUp(left)) return gone
        gone += pruneTree(session, root, most - gone, left)
      }
    }
    return gone
  })
}

/** Returns `TaskStore.erase`: deletes a tree as `prune` does, whenever it ended. */
export async function erase(session: Session, rootTaskId: string, limit: number): Promise<number> {
  const root =
    session.sql(`SELECT 1 FROM tasks WHERE id = ? AND parent_id IS NULL AND completed_at IS NOT NULL
    AND ${allEnded}`)
  return deleting(session, limit, (most, left) =>
    root.get(rootTaskId) === undefined ? 0 : pruneTree(session, rootTaskId, most, left),
  )
}

/** Deletes up to `limit` records. Only of what completed has `trim` deleted what it wrote: so each write deletes a bounded part of that. */
async function deleting(
  session: Session,
  limit: number,
  step: (most: number, left: Left) => number,
): Promise<number> {
  let gone = 0
  for (;;) {
    const { more, isCut } = await session.file.write(() => {
      const left = { bytes: mostBytes, rows: mostRows }
      return { more: step(limit - gone, left), isCut: isUsedUp(left) }
    })
    gone += more
    if (gone >= limit || !isCut) return gone
  }
}

/** Marks a root, and deletes up to `limit` records of its tree. */
function pruneTree(session: Session, root: string, limit: number, left: Left): number {
  session.sql('UPDATE tasks SET pruning = 1 WHERE id = ?').run(root)
  return pruneBelow(session, root, limit, left)
}

/** Deletes up to `limit` records of the subtree, deepest first. */
function pruneBelow(session: Session, id: string, limit: number, left: Left): number {
  const { sql } = session
  const below = sql('SELECT id FROM tasks WHERE parent_id = ? LIMIT ?').pluck()
  let gone = 0
  for (;;) {
    const children = below.all(id, limit - gone) as string[]
    if (children.length === 0) break
    const before = gone
    for (const child of children) {
      if (gone >= limit) return gone
      gone += pruneBelow(session, child, limit - gone, left)
    }
    if (gone === before || gone >= limit) return gone
  }
  return gone + remove(session, id, left)
}

/** Returns 1; 0 where there is more of what the task wrote than is left to delete. */
function remove({ sql, aggregate, inFlight, listing, keys }: Session, id: string, left: Left): number {
  const row = sql('SELECT seq, status FROM tasks WHERE id = ? AND completed_at IS NOT NULL').get(id)
  if (row === undefined) return 0
  const { seq, status } = row as { seq: number; status: TaskStatus }
  const isDone = 1
  for (const part of removed) if (deleteSome(sql, part, [{ seq, isDone }], left) !== undefined) return 0
  deleteBelongings(sql, seq)
  keys.deleted(seq)
  sql(`DELETE FROM ${states.name} WHERE id = ?`).run(budgetKey(id))
  sql('DELETE FROM tasks WHERE seq = ?').run(seq)
  listing.deleted(seq)
  // The number of a deleted row may be given to a new one.
  inFlight.recall(seq)
  inFlight.reclaim(id)
  aggregate.moved(status, undefined)
  return 1
}

/** What tasks wrote while they ran: the table, what names a row beside the task, and its text. */
const work = [
  { table: 'checkpoints', key: 'key', text: 'value' },
  { table: 'output', key: 'attempt, sequence', text: 'text' },
] as const
/** What goes with a task, where that can be much. */
const removed = [...work, { table: 'logs', key: 'sequence', text: 'message' }] as const
type Work = (typeof work)[number]

/** What a write deletes at most, in bytes and as a number of rows, about: it holds the event loop. */
const mostBytes = 4_000_000
const mostRows = 1_000

/** What a write may still delete of what tasks wrote. */
interface Left {
  bytes: number
  rows: number
}

function isUsedUp({ bytes, rows }: Left): boolean {
  return bytes <= 0 || rows <= 0
}

/**
 * Returns `TaskStore.trim`. It walks over the tasks that have rows in a table, so that no other task pays for it, and what an earlier version
 * wrote is found too.
 */
export function createTrim({ file, sql, now }: Session): TaskStore['trim'] {
  /** `after`: the row of the last task that was looked at. */
  return createWalk(work, async (part: Work, after: number | undefined, outputMs: number, limit: number) => {
    const age = part.table === 'output' ? outputMs : 0
    const find = () => findHolders(sql, part, [after ?? 0, limit, now() - age])
    const holders = await file.read(find)
    if (holders.some(({ isDone }) => isDone === 1)) {
      const unfinished = await file.write(() => deleteSome(sql, part, find()), undefined, mostRows)
      if (unfinished !== undefined) return unfinished - 0.5
    }
    return holders.length < limit ? undefined : Math.max(...holders.map(({ seq }) => seq))
  })
}

/** A task that has rows in a table; done: COMPLETED for long enough. */
interface Holder {
  seq: number
  isDone: 0 | 1
}

/** By an index of their own: a search of the table reads every large text that it passes. */
function findHolders(
  sql: Statements,
  { table }: Work,
  values: [after: number, limit: number, until: number],
) {
  const next = `SELECT min(task_seq) FROM ${table} INDEXED BY ${table}_task WHERE task_seq >`
  const query = `WITH RECURSIVE holders (seq) AS (
      ${next} ? UNION ALL SELECT (${next} holders.seq) FROM holders WHERE seq IS NOT NULL LIMIT ?
    ) SELECT seq, status = 'COMPLETED' AND completed_at <= ? AS isDone FROM holders CROSS JOIN tasks USING (seq)`
  return sql(query).all(...values) as Holder[]
}

/** Returns the row of the task whose rows did not all go. */
function deleteSome(
  sql: Statements,
  { table, key, text }: (typeof removed)[number],
  holders: readonly Holder[],
  left: Left = { bytes: mostBytes, rows: mostRows },
) {
  const rows = sql(`SELECT octet_length(${text}), ${key} FROM ${table} WHERE task_seq = ?`).raw()
  const remove = sql(`DELETE FROM ${table} WHERE task_seq = ? AND (${key}) = (${key.replace(/\w+/g, '?')})`)
  for (const { seq } of holders.filter(({ isDone }) => isDone === 1)) {
    const names: unknown[][] = []
    // Row by row: each that is read is read whole.
    for (const [bytes, ...name] of rows.iterate(seq) as Iterable<[number, ...unknown[]]>) {
      if (isUsedUp(left)) break
      left.bytes -= bytes
      left.rows -= 1
      names.push(name)
    }
    for (const name of names) remove.run(seq, ...name)
    if (isUsedUp(left)) return seq
  }
  return undefined
}
