import { describe, expect, it } from 'vitest'
import {
  hasEnded,
  isLegal,
  liveStatuses,
  moves,
  type Phase,
  type TaskStatus,
  taskStatuses,
} from '../../src/task/status.ts'
import type { TaskRecord } from '../../src/task/task.ts'
import {
  awaitingSubTasks,
  cancelled,
  cancelledWaiting,
  cancelRequested,
  claiming,
  closed,
  completed,
  deadLettered,
  discarded,
  dueEarly,
  endsAttempt,
  failed,
  failedWaiting,
  givenBack,
  reduceDue,
  reopened,
  retried,
  retrying,
  snoozed,
  type Transition,
} from '../../src/task/transition.ts'
import { notAttempted, waiting } from '../../src/task/wait-transitions.ts'
import { endOf, now, recordOf, someError } from './records.ts'

const phases: readonly Phase[] = ['executing', 'awaiting-subtasks', 'reducing']
const summary = { COMPLETED: 1, FAILED: 1 }

/** Every constructor, with the phases in which whoever calls it may find the record. */
const constructors: readonly {
  name: string
  phases: readonly Phase[]
  make(record: TaskRecord): Transition
}[] = [
  { name: 'completed', phases: ['executing', 'reducing'], make: record => completed(record, '1', now) },
  {
    name: 'awaiting-subtasks',
    phases: ['executing', 'reducing'],
    make: record => awaitingSubTasks(record, { reduces: true }),
  },
  {
    name: 'retrying',
    phases: ['executing', 'reducing'],
    make: record => retrying(record, { at: now + 1, error: someError, retryCount: 1, crashCount: 0 }),
  },
  { name: 'snoozed', phases: ['executing', 'reducing'], make: record => snoozed(record, now + 1, someError) },
  {
    name: 'waiting',
    phases: ['executing', 'reducing'],
    make: record => waiting(record, { waits: [{ key: 'a', until: now + 1 }] }, now),
  },
  { name: 'given-back', phases: ['executing', 'reducing'], make: record => givenBack(record) },
  {
    name: 'failed',
    phases: ['executing', 'reducing'],
    make: record => failed(record, someError, 'permanent', now),
  },
  {
    name: 'dead-lettered',
    phases: ['executing', 'reducing'],
    make: record => deadLettered(record, { error: someError, reason: 'crashes', crashCount: 1 }, now),
  },
  { name: 'cancelled', phases: ['executing', 'reducing'], make: record => cancelled(record, someError, now) },
  { name: 'reduce-due', phases: ['awaiting-subtasks'], make: record => reduceDue(record) },
  {
    name: 'closed',
    phases: ['awaiting-subtasks'],
    make: record => closed(record, { failedSubTasks: [], error: someError }, now),
  },
  { name: 'retried', phases, make: record => retried(record, now) },
  { name: 'not-attempted', phases, make: record => notAttempted(record, 'a', someError, now) },
  { name: 'reopened', phases, make: record => reopened(record, now) },
]

/** Statuses and phases that a record can have together. */
const situations = taskStatuses.flatMap(status => phases.map(phase => ({ status, phase })))

describe('the table of moves', () => {
  it.each(constructors)(
    '$name leads only where the table allows, from every status and phase',
    ({ phases: own, make }) => {
      let checked = 0
      for (const { status, phase } of situations) {
        const record = recordOf({ status, phase, subTaskStatusSummary: summary })
        const transition = make(record)
        if (!transition.from.includes(status) || !own.includes(phase)) continue
        if (transition.fromPhase !== undefined && transition.fromPhase !== phase) continue
        const to = endOf(record, transition)
        expect(
          isLegal(status, phase, to.status, to.phase),
          `${status}/${phase} -> ${to.status}/${to.phase}`,
        ).toBe(true)
        checked += 1
      }
      expect(checked).toBeGreaterThan(0)
    },
  )

  it.each([...liveStatuses].flatMap(status => phases.map(phase => ({ status, phase }))))(
    'a person cancels, and a sweep fails, a task that no attempt holds: $status, $phase',
    ({ status, phase }) => {
      if (status === 'RUNNING' && phase !== 'awaiting-subtasks') return
      const record = recordOf({ status, phase })
      const transitions = [cancelledWaiting(record, someError, now), failedWaiting(record, someError, now)]
      for (const transition of transitions) {
        expect(transition.from).toEqual([status])
        expect(transition.fromPhase).toBe(phase)
        expect(transition.fence).toEqual({ version: 7 })
        const to = endOf(record, transition)
        expect(isLegal(status, phase, to.status, to.phase)).toBe(true)
      }
    },
  )

  it('a claim leaves only what waits, and makes it RUNNING', () => {
    const claimable = moves.filter(move => move.by.includes('claim'))
    expect(claimable.map(move => move.from).sort()).toEqual([...claiming.from].sort())
    expect(new Set(claimable.map(move => move.to))).toEqual(new Set([claiming.to]))
  })

  it('an ended task moves by a person or by its sub-tasks alone, and never out of COMPLETED', () => {
    for (const move of moves.filter(({ from }) => hasEnded(from))) {
      expect(['QUEUED', 'RUNNING']).toContain(move.to)
      expect(move.by.every(mover => mover === 'person' || mover === 'aggregate')).toBe(true)
    }
    expect(moves.filter(({ from }) => from === 'COMPLETED')).toEqual([])
  })

  it('every status can be reached, and every live one can be left', () => {
    const reached = new Set<TaskStatus>(['QUEUED', ...moves.map(({ to }) => to)])
    expect([...reached].sort()).toEqual([...taskStatuses].sort())
    for (const status of liveStatuses) expect(moves.some(({ from }) => from === status)).toBe(true)
  })
})

describe('what a transition writes', () => {
  const attemptMade = constructors.filter(({ phases: own }) => own.includes('executing') && own.length === 2)

  it.each(attemptMade)('$name is fenced by the attempt and lets go of the lease', ({ make }) => {
    const transition = make(recordOf({ attempt: 3 }))
    expect(transition.fence).toEqual({ attempt: 3 })
    expect(transition.from).toEqual(['RUNNING'])
    expect(transition.set).toMatchObject({ claimToken: null, leaseUntil: null })
  })

  it.each(constructors)('$name ends an attempt exactly when an attempt made it', ({ make, phases: own }) => {
    const ends = own.every(phase => phase !== 'awaiting-subtasks')
    expect(endsAttempt(make(recordOf({ subTaskStatusSummary: summary })))).toBe(ends)
  })

  it('what happens to a task while no attempt holds it, or while its attempt goes on, ends none', () => {
    const record = recordOf({ status: 'QUEUED' })
    for (const transition of [
      cancelledWaiting(record, someError, now),
      failedWaiting(record, someError, now),
      dueEarly(record, now),
      cancelRequested(recordOf(), now),
      discarded(recordOf({ status: 'FAILED' }), now),
    ])
      expect(endsAttempt(transition), transition.name).toBe(false)
  })

  it.each(constructors)('$name sets the time of the end exactly when it ends the task', ({ make }) => {
    const record = recordOf({ phase: 'awaiting-subtasks', subTaskStatusSummary: summary })
    const { set } = make(record)
    const ends = set.status !== undefined && hasEnded(set.status)
    expect(typeof set.completedAt === 'number').toBe(ends)
  })

  it.each(constructors)(
    '$name opens a dead letter exactly when it makes a task FAILED or DEAD_LETTER',
    ({ make }) => {
      for (const counts of [{ FAILED: 2 }, { COMPLETED: 2 }, summary]) {
        const { set } = make(recordOf({ subTaskStatusSummary: counts, attempt: 2 }))
        const dead = set.status === 'FAILED' || set.status === 'DEAD_LETTER'
        expect(set.deadLetter !== undefined && set.deadLetter !== null).toBe(dead)
        if (dead) expect(set.deadLetter).toMatchObject({ attempt: 2, openedAt: now, error: someError })
      }
    },
  )

  it('a retry closes the dead letter, keeps the last ten, and starts the retries anew', () => {
    const open = { fingerprint: 'f', reason: 'permanent', attempt: 5, openedAt: 1, error: someError } as const
    const history = Array.from({ length: 10 }, (_, index) => ({ ...open, attempt: index, closedAt: 2 }))
    const record = recordOf({
      status: 'DEAD_LETTER',
      deadLetter: open,
      deadLetterHistory: history,
      retryCount: 4,
    })
    for (const { set } of [retried(record, now), reopened(record, now)]) {
      expect(set).toMatchObject({
        retryCount: 0,
        crashCount: 0,
        deadLetter: null,
        deadline: null,
        completedAt: null,
      })
      expect(set.deadLetterHistory).toHaveLength(10)
      expect(set.deadLetterHistory?.at(-1)).toEqual({ ...open, closedAt: now })
      expect(set.deadLetterHistory?.[0]?.attempt).toBe(1)
    }
  })

  it('a retry with other parameters keeps those that failed', () => {
    const open = { fingerprint: 'f', reason: 'permanent', attempt: 1, openedAt: 1, error: someError } as const
    const record = recordOf({
      status: 'FAILED',
      deadLetter: open,
      parameters: '{"bad":1}',
      parametersVersion: 2,
    })
    const { set } = retried(record, now, { parameters: '{"good":1}', parametersVersion: 3 })
    expect(set).toMatchObject({ parameters: '{"good":1}', parametersVersion: 3 })
    expect(set.deadLetterHistory?.[0]).toMatchObject({ parameters: '{"bad":1}', parametersVersion: 2 })
    expect(retried(record, now).set.deadLetterHistory?.[0]).not.toHaveProperty('parameters')
  })

  it('parameters of a megabyte are not copied into the story of a task', () => {
    const open = { fingerprint: 'f', reason: 'permanent', attempt: 1, openedAt: 1, error: someError } as const
    const record = recordOf({ status: 'FAILED', deadLetter: open, parameters: `"${'x'.repeat(1_000_000)}"` })
    const { set } = retried(record, now, { parameters: '{"good":1}', parametersVersion: 1 })
    expect(set.deadLetterHistory?.[0]).toEqual({ ...open, closedAt: now })
  })

  it('a parent that waited when it ended runs its hook when it is retried; a second request to cancel keeps the first time', () => {
    expect(retried(recordOf({ status: 'FAILED', phase: 'awaiting-subtasks' }), now).set.phase).toBe(
      'reducing',
    )
    expect(retried(recordOf({ status: 'FAILED', phase: 'executing' }), now).set.phase).toBe('executing')
    expect(cancelRequested(recordOf({ cancelRequestedAt: 5 }), now).set.cancelRequestedAt).toBe(5)
    expect(cancelRequested(recordOf(), now)).toMatchObject({
      wake: 'as-it-was',
      set: { cancelRequestedAt: now },
    })
  })

  it('a discarded dead letter leaves the task as it ended', () => {
    const open = { fingerprint: 'f', reason: 'permanent', attempt: 1, openedAt: 1, error: someError } as const
    const { set } = discarded(recordOf({ status: 'FAILED', deadLetter: open }), now)
    expect(set).toEqual({ deadLetter: null, deadLetterHistory: [{ ...open, closedAt: now }] })
  })

  it('a reopened parent waits again, one round further', () => {
    expect(reopened(recordOf({ status: 'FAILED', round: 2 }), now).set).toMatchObject({
      status: 'RUNNING',
      phase: 'awaiting-subtasks',
      round: 3,
      failedSubTasks: null,
    })
  })
})
