/**
 * The statuses of a task and the one table of legal moves. The tests hold every transition against this table, and
 * the state diagram of the documentation is generated from it.
 */

/** The statuses in which a task still has work to do. */
export const liveStatuses = ['QUEUED', 'RUNNING', 'RETRYING'] as const

/** The ended statuses of tasks that did not do what they were for. */
export const unsuccessfulStatuses = ['FAILED', 'DEAD_LETTER', 'CANCELLED'] as const

/** The ended statuses of tasks that may be retried. */
export const retryableStatuses = [...unsuccessfulStatuses, 'COMPLETED_WITH_ERRORS'] as const

/** The statuses in which a task has ended. */
export const endedStatuses = ['COMPLETED', 'COMPLETED_WITH_ERRORS', ...unsuccessfulStatuses] as const

/** Every status, in the order in which a task usually meets them. */
export const taskStatuses = [...liveStatuses, ...endedStatuses] as const

/** Where a task is in its life. */
export type TaskStatus = (typeof taskStatuses)[number]

/** Every phase. */
export const phases = ['executing', 'awaiting-subtasks', 'reducing'] as const

/**
 * Which handler runs next, or what is waited for: `executing` = `execute`, `awaiting-subtasks` = none, until the sub-tasks have
 * ended, `reducing` = `onSubTasksSettled`. It survives QUEUED and RETRYING.
 */
export type Phase = (typeof phases)[number]

/** A status that never changes again, except by an explicit retry. */
export type EndedStatus = (typeof endedStatuses)[number]

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

function movesFrom(start: Pick<Move, 'from' | 'fromPhase'>, to: readonly Omit<Move, 'from'>[]): Move[] {
  return to.map(move => ({ ...start, ...move }))
}

/** The one table of legal moves. */
export const moves: readonly Move[] = [
  ...(['QUEUED', 'RETRYING'] as const).flatMap(from =>
    movesFrom({ from }, [
      { to: 'RUNNING', by: ['claim'], why: 'claimed' },
      { to: 'CANCELLED', by: ['person', 'aggregate'], why: 'cancelled' },
      { to: 'FAILED', by: ['sweep'], why: 'deadline passed' },
    ]),
  ),
  ...(['executing', 'reducing'] as const).flatMap(fromPhase =>
    movesFrom({ from: 'RUNNING', fromPhase }, [
      { to: 'COMPLETED', by: ['attempt'], why: 'result returned' },
      { to: 'RETRYING', by: ['attempt', 'rescue'], why: 'retry, snooze, wait or crash' },
      { to: 'FAILED', by: ['attempt', 'rescue'], why: 'permanent error or deadline' },
      { to: 'DEAD_LETTER', by: ['attempt', 'rescue'], why: 'attempts exhausted, or unreadable' },
      { to: 'CANCELLED', by: ['attempt', 'rescue'], why: 'cancelled' },
      { to: 'QUEUED', by: ['attempt', 'rescue'], why: 'given back' },
      { to: 'RUNNING', toPhase: 'awaiting-subtasks', by: ['attempt'], why: 'sub-tasks submitted' },
    ]),
  ),
  ...movesFrom({ from: 'RUNNING', fromPhase: 'reducing' }, [
    { to: 'COMPLETED_WITH_ERRORS', by: ['attempt'], why: 'result, some sub-tasks failed' },
  ]),
  ...movesFrom({ from: 'RUNNING', fromPhase: 'awaiting-subtasks' }, [
    { to: 'QUEUED', toPhase: 'reducing', by: ['aggregate'], why: 'reduce is due' },
    { to: 'COMPLETED', by: ['aggregate'], why: 'all sub-tasks completed' },
    { to: 'COMPLETED_WITH_ERRORS', by: ['aggregate'], why: 'some sub-tasks failed' },
    { to: 'FAILED', by: ['aggregate', 'sweep'], why: 'no sub-task completed, or deadline' },
    { to: 'CANCELLED', by: ['person', 'aggregate'], why: 'cancelled' },
  ]),
  ...unsuccessfulStatuses.map(
    (from): Move => ({ from, to: 'QUEUED', by: ['person'], why: 'explicit retry' }),
  ),
  ...(['FAILED', 'DEAD_LETTER', 'COMPLETED_WITH_ERRORS', 'CANCELLED'] as const).flatMap(from =>
    movesFrom({ from }, [
      { to: 'RUNNING', toPhase: 'awaiting-subtasks', by: ['person', 'aggregate'], why: 'reopened' },
    ]),
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
