import { eventBase, type TaskEvent, type TaskEventName } from '../task/events.ts'
import { type EndedStatus, hasEnded } from '../task/status.ts'
import type { TaskRecord } from '../task/task.ts'
import type { RecordChange, Transition, TransitionName } from '../task/transition.ts'
import type { Core } from './core.ts'
import { notifyEnded } from './hooks.ts'
import type { End } from './waiters.ts'

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
  'turn-came': undefined,
}

/** Tells what a transition did, after it was committed: to those who wait for the end, to hooks, and on the bus. Best effort. */
export function tell(core: Core, record: TaskRecord, transition: Transition): void {
  const status = transition.set.status ?? record.status
  if (hasEnded(status)) {
    if (!hasEnded(record.status)) tellEnd(core, record, transition, status)
  } else if (hasEnded(record.status)) core.waiters.forget(record.id)
  const name = transition.name === 'closed' && status === 'FAILED' ? 'failed' : eventOf[transition.name]
  if (name !== undefined && core.bus.wants(name)) core.bus.emit(eventFor(core, name, record, transition.set))
}

function tellEnd(core: Core, record: TaskRecord, { set }: Transition, status: EndedStatus): void {
  const end: End = { id: record.id, status }
  const result = set.result ?? record.result
  const errorInfo = set.errorInfo ?? record.errorInfo
  if (typeof result === 'string') end.result = result
  if (errorInfo !== undefined) end.errorInfo = errorInfo
  core.waiters.tell(end)
  notifyEnded(core, record, status)
}

function eventFor(core: Core, name: TaskEventName, record: TaskRecord, set: RecordChange): TaskEvent {
  const at = core.store.tasks.now()
  const errorInfo = set.errorInfo ?? undefined
  const next = set.nextAttemptTimestamp ?? undefined
  const fields = {
    version: record.version + 1,
    status: set.status ?? record.status,
    phase: set.phase ?? record.phase,
    ranMs: Math.max(0, at - (record.lastAttemptTimestamp ?? at)),
    retryCount: set.retryCount ?? record.retryCount,
    ...(next === undefined ? {} : { nextAttemptTimestamp: next }),
    ...(errorInfo === undefined ? {} : { errorInfo }),
  }
  return { name, ...eventBase(record, at), ...fields } as TaskEvent
}
