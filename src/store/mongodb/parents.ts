/** Which task is whose sub-task, as far as this process knows, and when each parent aggregates its sub-tasks. */
import { aggregate, type KnownParents } from './aggregate.ts'
import {
  aggregateTasks,
  type Context,
  type Moved,
  type ParentIndex,
  readFields,
  type Session,
} from './session.ts'

/** Tasks that are remembered at most; the parents of others are read when they are needed. */
const mostKnown = 50_000
/** Another process that aggregates the same parent at the same time wins at most this often in a row; then it does so for both. */
const mostRefusals = 20
/** Milliseconds of chance between two tries. */
const jitterMs = 20

/** @param aggregateAfterMs Milliseconds until a parent aggregates a sub-task that moves again. */
export function createParentIndex(context: Context, aggregateAfterMs: number): ParentIndex {
  const parents = new Map<string, string | null>()
  const known = new Set<string>()
  const lookups = new Set<Promise<void>>()
  const aggregations = createAggregations(context, aggregateAfterMs)

  function set(taskId: string, parentId: string | undefined): void {
    parents.set(taskId, parentId ?? null)
    if (parentId !== undefined) known.add(parentId)
    dropOldest(parents)
    dropOldest(known)
  }

  async function lookUp(taskIds: readonly string[], aggregateIn: (parentId: string) => void): Promise<void> {
    const moved = { _id: { $in: [...taskIds] }, uncounted: { $exists: true } }
    const found = await readFields(context, 'which have parents', moved, ['parentTaskId'])
    for (const { _id, parentTaskId } of found) set(_id, parentTaskId)
    for (const parentId of new Set(found.flatMap(({ parentTaskId }) => parentTaskId ?? [])))
      aggregateIn(parentId)
  }

  const parentOf = (taskId: string) => parents.get(taskId)

  return {
    set,
    parentOf,
    isParent: taskId => known.has(taskId),
    moved(tasks, { isLive } = { isLive: false }) {
      const taskIds = own(context, tasks, isLive, parentOf)
      const aggregateIn = isLive ? aggregations.later : aggregations.soon
      const touched = new Set(taskIds.map(taskId => parents.get(taskId)))
      for (const parentId of touched) if (typeof parentId === 'string') aggregateIn(parentId)
      const unknown = touched.has(undefined) ? taskIds.filter(taskId => !parents.has(taskId)) : []
      if (unknown.length === 0) return
      const lookup = lookUp(unknown, aggregateIn).catch(() => undefined)
      lookups.add(lookup)
      void lookup.finally(() => lookups.delete(lookup))
    },
    aggregate: aggregations.now,
    async idle() {
      await Promise.allSettled(lookups)
      await aggregations.idle()
    },
    async flush() {
      await Promise.allSettled(lookups)
      await aggregations.flush()
    },
  }
}

/**
 * Returns the tasks whose parents this process aggregates. The relay that holds the partition of another one is notified: at once of an end; what goes on
 * is found by its poll.
 */
function own(
  { partitions }: Context,
  tasks: readonly Moved[],
  isLive: boolean,
  parentOf: (taskId: string) => string | null | undefined,
): string[] {
  return tasks.flatMap(({ taskId, partition }) => {
    if (partitions.holds(partition)) return [taskId]
    if (!isLive && parentOf(taskId) !== null) partitions.becameDueIn(partition)
    return []
  })
}

/** Forgets the older half where more is remembered than there is capacity for. */
function dropOldest(known: Map<string, unknown> | Set<string>): void {
  if (known.size <= mostKnown) return
  for (const key of known.keys()) {
    if (known.size <= mostKnown / 2) return
    known.delete(key)
  }
}

interface Aggregation {
  running: Promise<void>
  /** The one after it, for what moved since it began. */
  next?: Promise<void>
}

/** The aggregations of this process: one at a time for each parent, and what moves meanwhile is left to the one after it. */
function createAggregations(context: Context, laterMs: number) {
  const present = new Map<string, Aggregation>()
  const timers = new Map<string, NodeJS.Timeout>()
  const parents: KnownParents = new Map()

  function begin(parentId: string): Promise<void> {
    clearTimeout(timers.get(parentId))
    timers.delete(parentId)
    const running = aggregateAll(context, parentId, parents)
    const own: Aggregation = { running }
    present.set(parentId, own)
    const end = () => {
      if (present.get(parentId) === own) present.delete(parentId)
    }
    running.then(end, () => {
      end()
      context.partitions.failed()
    })
    return running
  }

  /** Aggregates what moved before this call. Rejects when the database fails. */
  function now(parentId: string): Promise<void> {
    const own = present.get(parentId)
    if (own === undefined) return begin(parentId)
    own.next ??= own.running.catch(() => undefined).then(() => begin(parentId))
    return own.next
  }

  /** As `now`; one that fails is left to the sweep. */
  function soon(parentId: string): void {
    now(parentId).catch(() => undefined)
  }

  /** Aggregates what moved before this call at the next `now`, or when a moment is over. */
  function later(parentId: string): void {
    if (timers.has(parentId) || present.get(parentId)?.next !== undefined) return
    if (laterMs === 0) soon(parentId)
    else timers.set(parentId, setTimeout(soon, laterMs, parentId).unref())
  }

  /**
   * Resolves when the aggregations that have begun, or are next, have ended. Of this moment only: where sub-tasks move all the time,
   * another one is always on its way.
   */
  async function idle(): Promise<void> {
    await Promise.allSettled([...present.values()].map(({ running, next }) => next ?? running))
  }

  /** Resolves when what moved before this call is aggregated, or has failed. */
  async function flush(): Promise<void> {
    for (const parentId of timers.keys()) soon(parentId)
    await idle()
  }

  return { now, soon, later, idle, flush }
}

/** Aggregates until nothing is left. Several processes may do so: one of them is refused, and starts over. */
async function aggregateAll(context: Context, parentId: string, parents: KnownParents): Promise<void> {
  let hasChanged = false
  for (let refusals = 0; refusals < mostRefusals; ) {
    const result = await aggregate(context, parentId, parents)
    // The aggregation before set the flags.
    if (result === 'nothing') break
    hasChanged = true
    if (result === 'all') break
    if (result === 'refused') {
      refusals += 1
      await context.database.wait(Math.random() * jitterMs)
    }
  }
  if (!hasChanged) return
  const parent = parents.get(parentId)
  if (parent !== undefined && !context.partitions.holds(parent.partition))
    context.partitions.becameDueIn(parent.partition)
  else {
    context.flags.pendingParents = true
    context.flags.setReady()
  }
  dropOldest(parents)
  context.notifyDue()
}

/** By parent: many sub-tasks of one must not hide those of another. */
async function withUncounted(context: Context, parentIds: readonly string[]): Promise<ReadonlySet<string>> {
  const flagged = { $in: context.partitions.flags() }
  const moved = { uncounted: flagged, parentTaskId: { $in: [...parentIds] } }
  const pipeline = [{ $match: moved }, { $group: { _id: '$parentTaskId' } }]
  const operation = 'which have sub-tasks that moved'
  const found = await aggregateTasks<{ _id: string }>(context, operation, 'tasks_uncounted', pipeline)
  return new Set(found.map(({ _id }) => _id))
}

/**
 * Returns records to reconcile, after the sub-tasks that moved have been aggregated. Each call goes on where the last one ended: records
 * that stay pending, such as a parent whose sub-tasks do not stop, hold up no others.
 */
export async function pendingParents(session: Session, limit: number): Promise<string[]> {
  const { flags, parents } = session
  await parents.idle()
  await session.poll.run()
  const moved = [...flags.movedParents]
  flags.movedParents.clear()
  // One that fails holds up no other, and nothing else that is due; the next poll finds it again.
  await Promise.allSettled(moved.map(parentId => parents.aggregate(parentId)))
  if (!flags.pendingParents) return []
  flags.pendingParents = false
  const found = await nextPending(session, limit)
  if (found.length === 0) return []
  // What is pending now may be so again at the next call.
  flags.pendingParents = true
  const moving = await withUncounted(session, found)
  await Promise.all([...moving].map(parentId => parents.aggregate(parentId)))
  return found.filter(id => !moving.has(id))
}

async function nextPending(session: Session, limit: number): Promise<string[]> {
  const flagged = { $in: session.partitions.flags() }
  if (flagged.$in.length === 0) return []
  const read = (order: object, most: number) => {
    const options = { hint: 'tasks_look', sort: { order: 1 }, limit: most } as const
    return readFields(session, 'pending parents', { look: flagged, order }, ['order'], options)
  }
  const from = session.flags.reconciledUpTo
  const found = await read({ $gt: from }, limit)
  if (found.length < limit && from > 0) found.push(...(await read({ $lte: from }, limit - found.length)))
  session.flags.reconciledUpTo = found.at(-1)?.order ?? 0
  return found.map(({ _id }) => _id)
}
