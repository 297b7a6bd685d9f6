/**
 * The statuses of a task and the one table of legal moves. The tests hold every transition against this table, and
 * the state diagram of the documentation is generated from it.
 */

/** Every status, in the order in which a task usually meets them. */
export const taskStatuses = [
  'QUEUED',
  'RUNNING',
  'RETRYING',
  'COMPLETED',
  'COMPLETED_WITH_ERRORS',
  'FAILED',
  'DEAD_LETTER',
  'CANCELLED',
] as const

/** Where a task is in its life. */
export type TaskStatus = (typeof taskStatuses)[number]

/**
 * Which handler runs next, or what is waited for: `executing` = `execute`, `awaiting-subtasks` = none, until the sub-tasks have
 * ended, `reducing` = `onSubTasksSettled`. It survives QUEUED and RETRYING.
 */
export type Phase = 'executing' | 'awaiting-subtasks' | 'reducing'

/** A status that never changes again, except by an explicit retry. */
export type EndedStatus = 'COMPLETED' | 'COMPLETED_WITH_ERRORS' | 'FAILED' | 'DEAD_LETTER' | 'CANCELLED'

/** The statuses in which a task still has work to do. */
export const liveStatuses = ['QUEUED', 'RUNNING', 'RETRYING'] as const satisfies readonly TaskStatus[]

/** The statuses in which a task has ended. */
export const endedStatuses = [
  'COMPLETED',
  'COMPLETED_WITH_ERRORS',
  'FAILED',
  'DEAD_LETTER',
  'CANCELLED',
] as const satisfies readonly EndedStatus[]

/** The ended statuses of tasks that did not do what they were for. */
export const unsuccessfulStatuses = [
  'FAILED',
  'DEAD_LETTER',
  'CANCELLED',
] as const satisfies readonly EndedStatus[]

/** Whether the task has ended. */
export function hasEnded(status: TaskStatus): status is EndedStatus {
  return (endedStatuses as readonly TaskStatus[]).includes(status)
}

/** Who may make a move. */
export type Mover = 'claim' | 'attempt' | 'rescue' | 'aggregate' | 'person' | 'sweep'

/** One row of the table: from where, to where, who may do it, and why it happens. */
export interface Move {
  from: TaskStatus
  fromPhase?: Phase
  to: TaskStatus
  toPhase?: Phase
  by: readonly Mover[]
  why: string
}

const waiting = ['QUEUED', 'RETRYING'] as const
const working = ['executing', 'reducing'] as const

/** The one table of legal moves. */
export const moves: readonly Move[] = [
  ...waiting.flatMap((from): Move[] => [
    { from, to: 'RUNNING', by: ['claim'], why: 'claimed' },
    { from, to: 'CANCELLED', by: ['person', 'aggregate'], why: 'cancelled' },
    { from, to: 'FAILED', by: ['sweep'], why: 'deadline passed' },
  ]),
  ...working.flatMap((fromPhase): Move[] => [
    { from: 'RUNNING', fromPhase, to: 'COMPLETED', by: ['attempt'], why: 'result returned' },
    { from: 'RUNNING', fromPhase, to: 'RETRYING', by: ['attempt', 'rescue'], why: 'retry, snooze or crash' },
    {
      from: 'RUNNING',
      fromPhase,
      to: 'FAILED',
      by: ['attempt', 'rescue'],
      why: 'permanent error or deadline',
    },
    {
      from: 'RUNNING',
      fromPhase,
      to: 'DEAD_LETTER',
      by: ['attempt', 'rescue'],
      why: 'attempts exhausted, or unreadable',
    },
    { from: 'RUNNING', fromPhase, to: 'CANCELLED', by: ['attempt', 'rescue'], why: 'cancelled' },
    { from: 'RUNNING', fromPhase, to: 'QUEUED', by: ['attempt', 'rescue'], why: 'given back' },
    {
      from: 'RUNNING',
      fromPhase,
      to: 'RUNNING',
      toPhase: 'awaiting-subtasks',
      by: ['attempt'],
      why: 'sub-tasks submitted',
    },
  ]),
  {
    from: 'RUNNING',
    fromPhase: 'reducing',
    to: 'COMPLETED_WITH_ERRORS',
    by: ['attempt'],
    why: 'result, some sub-tasks failed',
  },
  {
    from: 'RUNNING',
    fromPhase: 'awaiting-subtasks',
    to: 'QUEUED',
    toPhase: 'reducing',
    by: ['aggregate'],
    why: 'reduce is due',
  },
  {
    from: 'RUNNING',
    fromPhase: 'awaiting-subtasks',
    to: 'COMPLETED',
    by: ['aggregate'],
    why: 'all sub-tasks completed',
  },
  {
    from: 'RUNNING',
    fromPhase: 'awaiting-subtasks',
    to: 'COMPLETED_WITH_ERRORS',
    by: ['aggregate'],
    why: 'some sub-tasks failed',
  },
  {
    from: 'RUNNING',
    fromPhase: 'awaiting-subtasks',
    to: 'FAILED',
    by: ['aggregate', 'sweep'],
    why: 'no sub-task completed, or deadline',
  },
  {
    from: 'RUNNING',
    fromPhase: 'awaiting-subtasks',
    to: 'CANCELLED',
    by: ['person', 'aggregate'],
    why: 'cancelled',
  },
  ...(['FAILED', 'DEAD_LETTER', 'CANCELLED'] as const).map(
    (from): Move => ({ from, to: 'QUEUED', by: ['person'], why: 'explicit retry' }),
  ),
  ...(['FAILED', 'DEAD_LETTER', 'COMPLETED_WITH_ERRORS', 'CANCELLED'] as const).map(
    (from): Move => ({
      from,
      to: 'RUNNING',
      toPhase: 'awaiting-subtasks',
      by: ['person', 'aggregate'],
      why: 'reopened',
    }),
  ),
]

/** Whether the table allows the move; a row without a phase covers every phase. */
export function isLegal(from: TaskStatus, fromPhase: Phase, to: TaskStatus, toPhase: Phase): boolean {
  return moves.some(
    move =>
      move.from === from &&
      move.to === to &&
      (move.fromPhase === undefined || move.fromPhase === fromPhase) &&
      (move.toPhase === undefined ? !(from === 'RUNNING' && to === 'RUNNING') : move.toPhase === toPhase),
  )
}
