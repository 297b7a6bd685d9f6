/**
 * The real store under random commands, and what must be true of it after each of them. The world keeps what the commands have in
 * their hands: attempts (also those that lost their task), deliveries, what a sweep saw, records that a person read a while ago.
 */
import { createEngine, defineTask, type Engine } from 'quillwork'
import { expect } from 'vitest'
import { z } from 'zod'
import type { Delivery, Overdue, Store } from '../../src/store/store.ts'
import { hasEnded, isLegal, type TaskStatus, taskStatuses } from '../../src/task/status.ts'
import { totalOf } from '../../src/task/subtasks.ts'
import type { SubTaskSummary, TaskRecord } from '../../src/task/task.ts'
import type { Place } from './model-places.ts'

/** What a command may change beside its own moves. */
export interface Allowed {
  /** Ended tasks may be left: an explicit retry. */
  retry?: boolean
  /** Ended trees may be gone. */
  prune?: boolean
  /** Dead letters may be closed without a retry. */
  discard?: boolean
  /** Attempts may begin. */
  claim?: boolean
  /** Records may have made many moves since the last look. */
  many?: boolean
}

/** What happened how often, over all runs: a search that never meets a case proves nothing about it. */
/** The signal that all wait for. */
export const word = 'word'

export const seen = new Map<string, number>()

/** Counts that something happened. */
export function saw(what: string): void {
  seen.set(what, (seen.get(what) ?? 0) + 1)
}

/** What commands ask before they are run; kept by `World.observe`. */
export interface Model {
  tasks: number
  attempts: number
  deliveries: number
  sights: number
  reads: number
}

const write = defineTask({
  type: 'Write',
  parameters: z.unknown(),
  result: z.unknown(),
  execute: () => 'never run here',
})

/** Two lanes, so that each has its own order and pause. */
export const lanes = ['default', 'batch'] as const
/** Two users, so that they take turns. */
export const users = ['ann', 'bob'] as const

/** The store with everything that commands have in their hands. */
export class World {
  now = Date.UTC(2030, 0, 1)
  /** The next commits fail, as on a broken disk. */
  failingCommits = 0
  store: Store
  engine: Engine
  /** Every attempt that was ever claimed, as its holder knows it. */
  readonly attempts: TaskRecord[] = []
  /** Deliveries that were told and not yet answered. */
  readonly deliveries: Delivery[] = []
  /** What a sweep saw and has not acted upon. */
  readonly sights: Overdue[] = []
  /** Records as somebody read them. */
  readonly reads: TaskRecord[] = []
  /** Lanes that are paused. */
  readonly paused = new Set<string>()
  /** Every record as it was after the last command. */
  last = new Map<string, TaskRecord>()
  readonly #place: Place
  readonly #discarded = new Set<string>()

  private constructor(place: Place, store: Store, engine: Engine) {
    this.#place = place
    this.store = store
    this.engine = engine
  }

  static async make(place: Place): Promise<World> {
    let world: World | undefined
    const store = await place.open(() => world)
    world = new World(place, store, await clientOf(store))
    return world
  }

  /** The process ends and begins again. */
  async reopen(): Promise<void> {
    await this.store.tasks.close()
    this.store = await this.#place.open(() => this)
    this.engine = await clientOf(this.store)
    this.deliveries.length = 0
  }

  /** Waits until parents have counted their sub-tasks. */
  rest(): Promise<void> {
    return this.#place.rest(this.store)
  }

  async end(): Promise<void> {
    await this.store.tasks.close()
    await this.#place.remove()
  }

  ids(): string[] {
    return [...this.last.keys()]
  }

  present(id: string): TaskRecord | undefined {
    return this.last.get(id)
  }

  /** Reads everything, and holds what must be true whatever was done. */
  async observe(model: Model, allowed: Allowed = {}): Promise<void> {
    await this.rest()
    const [page, counts, laneStates, dead] = await Promise.all([
      this.store.queries.list({}, { pageSize: 10_000 }),
      this.store.queries.counts(),
      this.store.lanes.lanes(),
      this.store.queries.deadLetters({}, { pageSize: 10_000 }),
    ])
    const records = new Map([...page.items].reverse().map(record => [record.id, record]))
    for (const record of records.values()) {
      const before = this.last.get(record.id)
      if (before !== undefined && before.version !== record.version) this.#expectMove(before, record, allowed)
      else if (before !== undefined) expect(withoutLease(record)).toEqual(withoutLease(before))
      this.#expectRecord(record)
    }
    for (const [id, before] of this.last) {
      if (records.has(id)) continue
      expect(allowed.prune === true && hasEnded(before.status), `${id} is gone`).toBe(true)
    }
    expectSummaries(records)
    expect(counts).toEqual(tally([...records.values()].map(({ status }) => status)))
    for (const lane of lanes)
      expect(laneStates.find(state => state.lane === lane)?.waiting ?? 0).toBe(waitingIn(records, lane))
    const open = [...records.values()].filter(({ deadLetter }) => deadLetter !== undefined)
    expect(dead.items.map(({ id }) => id).sort()).toEqual(open.map(({ id }) => id).sort())
    this.last = records
    model.tasks = records.size
    model.attempts = this.attempts.length
    model.deliveries = this.deliveries.length
    model.sights = this.sights.length
    model.reads = this.reads.length
  }

  #expectMove(before: TaskRecord, after: TaskRecord, allowed: Allowed): void {
    const what = `${before.id}: ${before.status}/${before.phase} -> ${after.status}/${after.phase}`
    expect(after.version, what).toBeGreaterThan(before.version)
    expect(after.attempt, what).toBeGreaterThanOrEqual(before.attempt)
    if (allowed.many === true) return
    if (before.status !== after.status || before.phase !== after.phase) {
      expect(isLegal(before.status, before.phase, after.status, after.phase), what).toBe(true)
      saw(`${before.status}/${before.phase} -> ${after.status}/${after.phase}`)
    }
    if (hasEnded(before.status) && allowed.retry !== true) {
      if (allowed.discard === true && before.deadLetter !== undefined && after.deadLetter === undefined)
        this.#discarded.add(after.id)
      else expect(ended(after), what).toEqual(ended(before))
    }
    if (!hasEnded(after.status)) this.#discarded.delete(after.id)
    const begun = after.attempt - before.attempt
    expect(begun === 0 || (begun === 1 && allowed.claim === true), `${what}: ${begun} attempts began`).toBe(
      true,
    )
    if (begun === 1) {
      expect(after.status).toBe('RUNNING')
      expect(before.nextAttemptTimestamp ?? 0).toBeLessThanOrEqual(this.now)
    }
  }

  #expectRecord(record: TaskRecord): void {
    const what = `${record.id} ${record.status}`
    const isDead = record.status === 'FAILED' || record.status === 'DEAD_LETTER'
    expect(record.deadLetter !== undefined, what).toBe(isDead && !this.#discarded.has(record.id))
    const held = record.status === 'RUNNING' && record.phase !== 'awaiting-subtasks'
    expect([record.claimToken !== undefined, record.leaseUntil !== undefined], what).toEqual([held, held])
    expect(record.completedAt !== undefined, what).toBe(hasEnded(record.status))
    if (record.status === 'COMPLETED' && record.phase === 'executing')
      expect(record.result, what).toBeDefined()
    expect(record.retryCount, what).toBeLessThan(2)
  }
}

/** An engine that is not started: what people do (cancel, retry) goes through its own verbs. */
function clientOf(store: Store): Promise<Engine> {
  return createEngine({ tasks: [write], store, lanes: { batch: { slots: 1 } } })
}

/** An extension moves the lease end and is not a change of the record; a checkpoint is not told by the version either. */
function withoutLease({ leaseUntil: _lease, checkpointAttempt: _checkpoint, ...record }: TaskRecord) {
  return record
}

/** What never changes in an ended task, whatever becomes of its sub-tasks. */
function ended({
  status,
  phase,
  result,
  completedAt,
  attempt,
  deadLetter,
  errorInfo,
  retryCount,
}: TaskRecord) {
  return { status, phase, result, completedAt, attempt, deadLetter, errorInfo, retryCount }
}

function tally(statuses: readonly TaskStatus[]): Record<string, number> {
  const counts = Object.fromEntries(taskStatuses.map(status => [status, 0]))
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

function waitingIn(records: ReadonlyMap<string, TaskRecord>, lane: string): number {
  const waits = ({ status }: TaskRecord) => status === 'QUEUED' || status === 'RETRYING'
  return [...records.values()].filter(record => record.lane === lane && waits(record)).length
}

/** At every read the summary of a parent is what a recount of its sub-tasks says. */
function expectSummaries(records: ReadonlyMap<string, TaskRecord>): void {
  const families = new Map<string, TaskStatus[]>()
  for (const { parentTaskId, status } of records.values())
    if (parentTaskId !== undefined)
      families.set(parentTaskId, [...(families.get(parentTaskId) ?? []), status])
  for (const record of records.values()) {
    const children = families.get(record.id) ?? []
    const summary: SubTaskSummary = record.subTaskStatusSummary ?? {}
    expect(totalOf(summary), record.id).toBe(children.length)
    expect({ ...tally([]), ...summary }, record.id).toEqual(tally(children))
  }
}
