import { defined } from '../../../src/task/defined.ts'
import type { Task } from '../api/task.ts'
import type { Attempt } from '../queries/task-queries.ts'

/** How an attempt ended, or that it has not. */
type AttemptOutcome =
  | 'completed'
  | 'awaiting'
  | 'retrying'
  | 'snoozed'
  | 'waiting'
  | 'given-back'
  | 'failed'
  | 'dead-lettered'
  | 'cancelled'
  | 'crashed'
  | 'running'

/** What a task waited for between two things that happened to it. */
type GapReason = 'queue' | 'backoff' | 'limit' | 'budget' | 'answer' | 'given-back' | 'person' | 'sub-tasks'

/** One thing that happened to a task. Times are RFC 3339. */
export type Moment =
  | { kind: 'created'; at: string }
  | {
      kind: 'attempt'
      attempt: number
      startedAt: string
      /** Absent while it runs, and where it is not known. */
      endedAt?: string
      node?: string
      outcome: AttemptOutcome
      code?: string
      message?: string
    }
  /** Attempts that ended by leaving the task to its sub-tasks: nothing is kept of them. */
  | { kind: 'handed-over'; first: number; last: number }
  /** Absent `to`: it waits now. `due`: when that will be over. */
  | { kind: 'gap'; reason: GapReason; from: string; to?: string; due?: string }
  | { kind: 'end'; status: Task['status']; at: string }

type AttemptMoment = Extract<Moment, { kind: 'attempt' }>

/**
 * What happened to a task, oldest first, with the waits between. `attempts` has those that did not complete it; the record has
 * the last one.
 */
export function timelineOf(task: Task, attempts: readonly Attempt[]): Moment[] {
  const { createdAt, completedAt } = task.timestamps
  const runs = [...pastRuns(attempts), ...lastRun(task, attempts)]
  const moments: Moment[] = [{ kind: 'created', at: createdAt }]
  let before: AttemptMoment | undefined
  for (const run of runs) {
    moments.push(...between(before, run, createdAt), run)
    before = run
  }
  moments.push(...afterLast(task, before))
  if (task.done && completedAt !== undefined)
    moments.push({ kind: 'end', status: task.status, at: completedAt })
  return moments
}

function pastRuns(attempts: readonly Attempt[]): AttemptMoment[] {
  return [...attempts]
    .sort((a, b) => a.attempt - b.attempt)
    .map(({ attempt, startedAt, endedAt, executionNodeId, outcome, code, message }) => ({
      kind: 'attempt',
      attempt,
      startedAt,
      endedAt,
      outcome: outcomeOf(outcome, code),
      ...defined({ node: executionNodeId, code, message }),
    }))
}

const recorded: readonly AttemptOutcome[] = [
  'retrying',
  'snoozed',
  'waiting',
  'given-back',
  'failed',
  'dead-lettered',
  'cancelled',
]

function outcomeOf(name: string, code: string | undefined): AttemptOutcome {
  if (code === 'LEASE_LOST' && name === 'retrying') return 'crashed'
  return recorded.find(each => each === name) ?? 'failed'
}

/** Returns the attempt that the record itself names, unless it is among the others. */
function lastRun(task: Task, attempts: readonly Attempt[]): AttemptMoment[] {
  const { attempt, lastAttemptTimestamp, timestamps, executionNodeId, phase, status } = task
  const isListed = attempts.some(each => each.attempt >= attempt)
  if (attempt === 0 || isListed || lastAttemptTimestamp === undefined) return []
  const isRunning = status === 'RUNNING' && phase !== 'awaiting-subtasks'
  const hasSubTasks = task.subTaskStatusSummary !== undefined && phase === 'awaiting-subtasks'
  const outcome = isRunning ? 'running' : task.done && !hasSubTasks ? 'completed' : 'awaiting'
  const { completedAt } = timestamps
  return [
    {
      kind: 'attempt',
      attempt,
      startedAt: lastAttemptTimestamp,
      outcome,
      ...defined({ endedAt: outcome === 'completed' ? completedAt : undefined, node: executionNodeId }),
    },
  ]
}

/** Returns what lies between two attempts, or before the first: a wait, and attempts of which nothing is kept. */
function between(before: AttemptMoment | undefined, run: AttemptMoment, createdAt: string): Moment[] {
  const missing = run.attempt - (before?.attempt ?? 0) - 1
  if (missing > 0) return [{ kind: 'handed-over', first: (before?.attempt ?? 0) + 1, last: run.attempt - 1 }]
  const from = before === undefined ? createdAt : before.endedAt
  if (from === undefined) return []
  return [{ kind: 'gap', reason: reasonAfter(before), from, to: run.startedAt }]
}

function reasonAfter(run: AttemptMoment | undefined): GapReason {
  switch (run?.outcome) {
    case undefined:
      return 'queue'
    case 'retrying':
    case 'crashed':
      return 'backoff'
    case 'snoozed':
      return run.code === 'BUDGET_EXHAUSTED' ? 'budget' : 'limit'
    case 'waiting':
      return 'answer'
    case 'given-back':
      return 'given-back'
    case 'awaiting':
      return 'sub-tasks'
    default:
      return 'person'
  }
}

/** Returns what it waits for now, or waited for until it ended. */
function afterLast(task: Task, last: AttemptMoment | undefined): Moment[] {
  if (last?.outcome === 'running' || last?.outcome === 'completed') return []
  const { createdAt, completedAt } = task.timestamps
  const from = last === undefined ? createdAt : (last.endedAt ?? last.startedAt)
  const reason = reasonAfter(last)
  if (task.done) {
    const isLong = completedAt !== undefined && completedAt > from
    return isLong ? [{ kind: 'gap', reason, from, to: completedAt }] : []
  }
  // A budget is checked now and then until it is raised: the next check is nothing to count down to.
  const due = reason === 'budget' ? undefined : task.nextAttemptTimestamp
  return [{ kind: 'gap', reason, from, ...defined({ due }) }]
}
