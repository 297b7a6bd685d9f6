import { eventAfter, eventNameOf } from '../task/events.ts'
import { type EndedStatus, hasEnded } from '../task/status.ts'
import type { TaskRecord } from '../task/task.ts'
import type { Transition } from '../task/transition.ts'
import type { Core } from './core.ts'
import { notifyEnded } from './hooks.ts'
import type { End } from './waiters.ts'
import { giveUpPlace } from './wake.ts'

/** Tells what a transition did, after it was committed: to those who wait for the end, to hooks, and on the bus. Best effort. */
export function tell(core: Core, record: TaskRecord, transition: Transition): void {
  const status = transition.set.status ?? record.status
  if (hasEnded(status)) {
    if (!hasEnded(record.status)) tellEnd(core, record, transition, status)
  } else if (hasEnded(record.status)) core.waiters.forget(record.id)
  if (transition.set.errorInfo?.code === 'BUDGET_EXHAUSTED') core.budgets.waits(record.rootTaskId)
  const name = eventNameOf(transition)
  if (name === undefined || !core.bus.wants(name)) return
  const moment = { at: core.store.tasks.now(), version: record.version + 1 }
  core.bus.emit(eventAfter(name, record, transition, moment))
}

function tellEnd(core: Core, record: TaskRecord, { set }: Transition, status: EndedStatus): void {
  const end: End = { id: record.id, status }
  const result = set.result ?? record.result
  const errorInfo = set.errorInfo ?? record.errorInfo
  if (typeof result === 'string') end.result = result
  if (errorInfo !== undefined) end.errorInfo = errorInfo
  core.waiters.tell(end)
  // It will not come back for its place.
  if (record.status === 'RETRYING' && record.errorInfo?.limit !== undefined)
    giveUpPlace(core, record.errorInfo.limit, record.id)
  notifyEnded(core, record, status)
}
