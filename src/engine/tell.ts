import { eventBase, type TaskEvent, type TaskEventName } from '../task/events.ts'
import { hasEnded } from '../task/status.ts'
import type { TaskRecord } from '../task/task.ts'
import type { RecordChange, Transition, TransitionName } from '../task/transition.ts'
import type { Core } from './core.ts'
import { notifyEnded } from './hooks.ts'

const eventOf: Record<TransitionName, TaskEventName | undefined> = {
  completed: 'completed',
  'awaiting-subtasks': 'waiting',
  retrying: 'retrying',
  snoozed: 'retrying',
  'given-back': 'givenBack',
  failed: 'failed',
  'dead-lettered': 'deadLettered',
  cancelled: 'cancelled',
  'cancel-requested': undefined,
  'reduce-due': 'waiting',
  closed: 'completed',
  retried: 'reopened',
  reopened: 'reopened',
  discarded: undefined,
}

/** The record as a transition leaves it. */
export function recordAfter(record: TaskRecord, { set }: Transition, now: number): TaskRecord {
  const after: TaskRecord = { ...record, updatedAt: now, version: record.version + 1 }
  for (const key of Object.keys(set) as (keyof RecordChange)[]) {
    const value = set[key]
    if (value === null) delete after[key]
    else Object.assign(after, { [key]: value })
  }
  return after
}

/** Tells what a transition did, after it was committed: to those who wait for the end, to hooks, and on the bus. Best effort. */
export function tell(core: Core, record: TaskRecord, transition: Transition): TaskRecord {
  const now = core.store.tasks.now()
  const after = recordAfter(record, transition, now)
  if (hasEnded(after.status) && !hasEnded(record.status)) {
    core.waiters.tell(after)
    notifyEnded(core, after)
  } else if (hasEnded(record.status) && !hasEnded(after.status)) core.waiters.forget(after.id)
  const name = transition.name === 'closed' && after.status === 'FAILED' ? 'failed' : eventOf[transition.name]
  if (name !== undefined && core.bus.wants(name)) core.bus.emit(eventFor(name, after, now))
  return after
}

function eventFor(name: TaskEventName, record: TaskRecord, at: number): TaskEvent {
  const base = eventBase(record, at)
  const ranMs = Math.max(0, at - (record.lastAttemptTimestamp ?? at))
  const { errorInfo } = record
  const fields = {
    status: record.status,
    phase: record.phase,
    ranMs,
    retryCount: record.retryCount,
    ...(record.nextAttemptTimestamp === undefined
      ? {}
      : { nextAttemptTimestamp: record.nextAttemptTimestamp }),
    ...(errorInfo === undefined ? {} : { errorInfo }),
  }
  return { name, ...base, ...fields } as TaskEvent
}
