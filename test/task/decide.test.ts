import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { classifyError } from '../../src/task/classify.ts'
import { decide, decideOverdue, decideParent, type Outcome } from '../../src/task/decide.ts'
import { PermanentError, SnoozeError } from '../../src/task/errors.ts'
import type { RetryPolicy } from '../../src/task/retry-policy.ts'
import { isLegal } from '../../src/task/status.ts'
import type { TaskRecord } from '../../src/task/task.ts'
import { endOf, now, recordOf } from './records.ts'

const policy = { maxAttempts: 5, backoff: [15_000, 60_000, 300_000, 1_800_000], jitter: 0.1 }
const circumstances = { policy, now, random: 0.5 }
const minute = 60_000

function thrown(error: unknown): Outcome {
  return { kind: 'failed', error: classifyError(error, now) }
}

const tooMany = (retryAfter?: string) =>
  Object.assign(new Error('slow down'), {
    statusCode: 429,
    ...(retryAfter === undefined ? {} : { responseHeaders: { 'retry-after': retryAfter } }),
  })

interface Row {
  when: string
  outcome: Outcome
  record?: Partial<TaskRecord>
  policy?: RetryPolicy
  leads: {
    name: string
    at?: number
    retryCount?: number
    crashCount?: number
    reason?: string
    code?: string
  }
}

const boom = thrown(new Error('boom'))
const crash: Outcome = { kind: 'lease-lost' }

const rows: readonly Row[] = [
  { when: 'a result is returned', outcome: { kind: 'completed', result: '1' }, leads: { name: 'completed' } },
  {
    when: 'a result is returned although a cancel was asked for',
    outcome: { kind: 'completed', result: '1' },
    record: { cancelRequestedAt: now - 1 },
    leads: { name: 'completed' },
  },
  {
    when: 'a result is returned after the deadline',
    outcome: { kind: 'completed', result: '1' },
    record: { deadline: now - 1 },
    leads: { name: 'completed' },
  },
  {
    when: 'sub-tasks go on',
    outcome: { kind: 'awaiting-subtasks', reduces: true },
    leads: { name: 'awaiting-subtasks' },
  },
  {
    when: 'sub-tasks go on although a cancel was asked for',
    outcome: { kind: 'awaiting-subtasks', reduces: true },
    record: { cancelRequestedAt: now - 1 },
    leads: { name: 'cancelled' },
  },
  {
    when: 'a cancel is obeyed',
    outcome: { kind: 'cancelled' },
    leads: { name: 'cancelled', code: 'TASK_CANCELLED' },
  },
  {
    when: 'it fails after a cancel was asked for',
    outcome: boom,
    record: { cancelRequestedAt: now - 1 },
    leads: { name: 'cancelled' },
  },
  {
    when: 'its process is gone after a cancel was asked for',
    outcome: crash,
    record: { cancelRequestedAt: now - 1 },
    leads: { name: 'cancelled' },
  },
  {
    when: 'it is given back after a cancel was asked for',
    outcome: { kind: 'given-back' },
    record: { cancelRequestedAt: now - 1 },
    leads: { name: 'cancelled' },
  },
  {
    when: 'the process stops',
    outcome: { kind: 'given-back' },
    record: { retryCount: 4 },
    leads: { name: 'given-back' },
  },
  {
    when: 'the first failure',
    outcome: boom,
    leads: { name: 'retrying', at: now + 15_000, retryCount: 1, crashCount: 0 },
  },
  {
    when: 'the second failure',
    outcome: boom,
    record: { retryCount: 1 },
    leads: { name: 'retrying', at: now + minute, retryCount: 2 },
  },
  {
    when: 'the fourth failure',
    outcome: boom,
    record: { retryCount: 3 },
    leads: { name: 'retrying', at: now + 30 * minute, retryCount: 4 },
  },
  {
    when: 'the fifth failure',
    outcome: boom,
    record: { retryCount: 4 },
    leads: { name: 'dead-lettered', reason: 'attempts-exhausted' },
  },
  {
    when: 'a failure whose retry would come at the deadline',
    outcome: boom,
    record: { deadline: now + 15_000 },
    leads: { name: 'failed', reason: 'deadline', code: 'DEADLINE_PASSED' },
  },
  {
    when: 'a failure whose retry comes before the deadline',
    outcome: boom,
    record: { deadline: now + 15_001 },
    leads: { name: 'retrying', at: now + 15_000 },
  },
  {
    when: 'a permanent error',
    outcome: thrown(new PermanentError('no', { code: 'SCENE_GONE' })),
    leads: { name: 'failed', reason: 'permanent', code: 'SCENE_GONE' },
  },
  {
    when: 'a refusal of the provider',
    outcome: thrown({ status: 401 }),
    leads: { name: 'failed', reason: 'permanent' },
  },
  {
    when: 'E4, E10: too many requests with a time',
    outcome: thrown(tooMany('120')),
    record: { retryCount: 4 },
    leads: { name: 'snoozed', at: now + 120_000 },
  },
  {
    when: 'too many requests without a time',
    outcome: thrown(tooMany()),
    leads: { name: 'retrying', at: now + 15_000, retryCount: 1 },
  },
  {
    when: 'E6: too many requests that ask for no wait',
    outcome: thrown(tooMany('0')),
    leads: { name: 'snoozed', at: now + 1_000 },
  },
  {
    when: 'too many requests until after the deadline',
    outcome: thrown(tooMany('120')),
    record: { deadline: now + minute },
    leads: { name: 'failed', reason: 'deadline' },
  },
  {
    when: 'a snooze',
    outcome: thrown(new SnoozeError(now + 5_000, 'later')),
    record: { retryCount: 4 },
    leads: { name: 'snoozed', at: now + 5_000 },
  },
  {
    when: 'a snooze until a time that is not one',
    outcome: thrown(new SnoozeError(Number.NaN, 'later')),
    leads: { name: 'retrying', at: now + 15_000, retryCount: 1 },
  },
  {
    when: 'unavailable, with a Retry-After beyond the backoff',
    outcome: thrown(Object.assign(new Error('503'), { status: 503, headers: { 'Retry-After': '90' } })),
    leads: { name: 'retrying', at: now + 90_000, retryCount: 1 },
  },
  {
    when: 'unavailable, with a Retry-After below the backoff',
    outcome: thrown(Object.assign(new Error('503'), { status: 503, headers: { 'Retry-After': '2' } })),
    leads: { name: 'retrying', at: now + 15_000 },
  },
  {
    when: 'the first crash',
    outcome: crash,
    leads: { name: 'retrying', at: now, retryCount: 0, crashCount: 1, code: 'LEASE_LOST' },
  },
  {
    when: 'the second crash in a row: from now on it is quarantined',
    outcome: crash,
    record: { crashCount: 1, retryCount: 3 },
    leads: { name: 'retrying', at: now + 15_000, retryCount: 3, crashCount: 2 },
  },
  {
    when: 'the first crash in quarantine',
    outcome: crash,
    record: { crashCount: 2 },
    leads: { name: 'retrying', at: now + 60_000, retryCount: 1, crashCount: 3 },
  },
  {
    when: 'the fifth crash in quarantine',
    outcome: crash,
    record: { crashCount: 6, retryCount: 4 },
    leads: { name: 'dead-lettered', reason: 'crashes' },
  },
  {
    when: 'a crash of a task that may have one attempt',
    outcome: crash,
    policy: { ...policy, maxAttempts: 1 },
    record: { attempt: 9, checkpointAttempt: 9 },
    leads: { name: 'dead-lettered', reason: 'crashes' },
  },
  {
    when: 'a snooze after crashes',
    outcome: thrown(tooMany('3')),
    record: { crashCount: 2, retryCount: 1 },
    leads: { name: 'snoozed' },
  },
  {
    when: 'a crash after this attempt wrote a checkpoint',
    outcome: crash,
    record: { attempt: 9, checkpointAttempt: 9, crashCount: 4, retryCount: 4 },
    leads: { name: 'retrying', at: now, retryCount: 0, crashCount: 1 },
  },
  {
    when: 'a snooze after this attempt wrote a checkpoint',
    outcome: thrown(tooMany('3')),
    record: { attempt: 9, checkpointAttempt: 9, crashCount: 2, retryCount: 4 },
    leads: { name: 'snoozed', retryCount: 0, crashCount: 0 },
  },
  {
    when: 'a wait after crashes',
    outcome: { kind: 'waiting', waits: [{ key: 'a', until: now + 7 }] },
    record: { crashCount: 2, retryCount: 1 },
    leads: { name: 'waiting', at: now + 7, crashCount: 0 },
  },
  {
    when: 'a wait of a task that was asked to stop',
    outcome: { kind: 'waiting', waits: [{ key: 'a' }] },
    record: { cancelRequestedAt: now },
    leads: { name: 'cancelled' },
  },
  {
    when: 'a stop of the process after this attempt wrote a checkpoint',
    outcome: { kind: 'given-back' },
    record: { attempt: 9, checkpointAttempt: 9, crashCount: 2, retryCount: 4 },
    leads: { name: 'given-back', retryCount: 0, crashCount: 0 },
  },
  {
    when: 'a failure after this attempt wrote a checkpoint',
    outcome: boom,
    record: { attempt: 9, checkpointAttempt: 9, retryCount: 4 },
    leads: { name: 'retrying', retryCount: 1, crashCount: 0 },
  },
  {
    when: 'a failure after an earlier attempt wrote a checkpoint',
    outcome: boom,
    record: { attempt: 9, checkpointAttempt: 8, retryCount: 4 },
    leads: { name: 'dead-lettered', reason: 'attempts-exhausted' },
  },
  {
    when: 'a failure with a checkpoint of a task that may have one attempt',
    outcome: boom,
    policy: { ...policy, maxAttempts: 1 },
    record: { attempt: 9, checkpointAttempt: 9 },
    leads: { name: 'dead-lettered', reason: 'attempts-exhausted' },
  },
  {
    when: 'a crash after an earlier attempt wrote a checkpoint',
    outcome: crash,
    record: { attempt: 9, checkpointAttempt: 8, crashCount: 4, retryCount: 4 },
    leads: { name: 'dead-lettered', reason: 'crashes' },
  },
  {
    when: 'a failure after crashes',
    outcome: boom,
    record: { crashCount: 2, retryCount: 2 },
    leads: { name: 'retrying', retryCount: 3, crashCount: 0 },
  },
  {
    when: 'a crash after the deadline',
    outcome: crash,
    record: { deadline: now - 1 },
    leads: { name: 'failed', reason: 'deadline' },
  },
]

describe('decide', () => {
  it.each(rows)('$when', ({ outcome, record: change, policy: own = policy, leads }) => {
    const record = recordOf(change)
    const transition = decide(record, outcome, { ...circumstances, policy: own })
    const { set } = transition
    expect(transition.name).toBe(leads.name)
    if (leads.at !== undefined) {
      expect(transition.wake).toEqual({ at: leads.at })
      expect(set.nextAttemptTimestamp).toBe(leads.at)
    }
    if (leads.retryCount !== undefined) expect(set.retryCount).toBe(leads.retryCount)
    if (leads.crashCount !== undefined) expect(set.crashCount).toBe(leads.crashCount)
    if (leads.reason !== undefined) expect(set.deadLetter?.reason).toBe(leads.reason)
    if (leads.code !== undefined) expect(set.errorInfo?.code).toBe(leads.code)
    // What they do not name stays as it was.
    const isNamed = leads.retryCount !== undefined || leads.crashCount !== undefined
    if ((transition.name === 'snoozed' || transition.name === 'given-back') && !isNamed)
      expect([set.retryCount, set.crashCount]).toEqual([undefined, undefined])
  })

  const outcomes = fc.constantFrom<Outcome>(
    { kind: 'completed', result: '1' },
    { kind: 'awaiting-subtasks', reduces: false, result: '1' },
    boom,
    crash,
    thrown(new PermanentError('no')),
    thrown(tooMany('3')),
    { kind: 'cancelled' },
    { kind: 'given-back' },
  )
  const situations = fc.record({
    phase: fc.constantFrom('executing' as const, 'reducing' as const),
    retryCount: fc.nat(6),
    crashCount: fc.nat(6),
    attempt: fc.integer({ min: 1, max: 9 }),
    checkpointAttempt: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
    cancelRequestedAt: fc.option(fc.constant(now), { nil: undefined }),
    deadline: fc.option(fc.integer({ min: now - 10_000, max: now + 100_000 }), { nil: undefined }),
  })

  it('whatever happens, the move is legal, its times are whole, and a retry lies before the deadline', () => {
    fc.assert(
      fc.property(
        situations,
        outcomes,
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (situation, outcome, random) => {
          const { checkpointAttempt, cancelRequestedAt, deadline, ...rest } = situation
          const record = recordOf({
            ...rest,
            ...(checkpointAttempt === undefined ? {} : { checkpointAttempt }),
            ...(cancelRequestedAt === undefined ? {} : { cancelRequestedAt }),
            ...(deadline === undefined ? {} : { deadline }),
          })
          const transition = decide(record, outcome, { policy, now, random })
          const to = endOf(record, transition)
          expect(isLegal('RUNNING', record.phase, to.status, to.phase)).toBe(true)
          const at = transition.set.nextAttemptTimestamp
          if (typeof at !== 'number') return
          expect(Number.isSafeInteger(at)).toBe(true)
          expect(at).toBeGreaterThanOrEqual(now)
          if (deadline !== undefined) expect(at).toBeLessThan(deadline)
        },
      ),
    )
  })

  /** Attempts until a task is a dead letter that fails or crashes in this order, and crashes from then on. */
  function attemptsOf(crashes: readonly boolean[]): number {
    let record = recordOf()
    for (; record.attempt < 100; ) {
      const crashed = crashes[record.attempt - 1] ?? true
      const { set, name } = decide(record, crashed ? crash : boom, circumstances)
      if (name === 'dead-lettered') return record.attempt
      const { retryCount = 0, crashCount = 0 } = set
      record = recordOf({ attempt: record.attempt + 1, retryCount, crashCount })
    }
    return record.attempt
  }

  it('a task that always fails ends in maxAttempts attempts; one that always crashes in two more, which were on probation', () => {
    expect(attemptsOf(Array.from({ length: 20 }, () => false))).toBe(5)
    expect(attemptsOf([])).toBe(7)
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 20 }), crashes => {
        // At most two crashes before each failure are nobody's.
        expect(attemptsOf(crashes)).toBeLessThanOrEqual(15)
      }),
    )
  })
})

describe('decideParent', () => {
  const awaiting = (change: Partial<TaskRecord>) => recordOf({ phase: 'awaiting-subtasks', ...change })

  it.each([
    { summary: undefined, reduces: false, name: 'closed', status: 'COMPLETED' },
    { summary: { COMPLETED: 3 }, reduces: false, name: 'closed', status: 'COMPLETED' },
    { summary: { COMPLETED: 2, FAILED: 1 }, reduces: false, name: 'closed', status: 'COMPLETED_WITH_ERRORS' },
    {
      summary: { COMPLETED_WITH_ERRORS: 1 },
      reduces: false,
      name: 'closed',
      status: 'COMPLETED_WITH_ERRORS',
    },
    {
      summary: { FAILED: 1, CANCELLED: 1, DEAD_LETTER: 1 },
      reduces: false,
      name: 'closed',
      status: 'FAILED',
    },
    { summary: { FAILED: 3 }, reduces: true, name: 'reduce-due', status: 'QUEUED' },
    { summary: undefined, reduces: true, name: 'reduce-due', status: 'QUEUED' },
  ] as const)('$summary, hook: $reduces -> $status', ({ summary, reduces, name, status }) => {
    const record = awaiting({ reduces, ...(summary === undefined ? {} : { subTaskStatusSummary: summary }) })
    const transition = decideParent(record, [], now)
    expect(transition).toMatchObject({ name, set: { status }, fence: { version: record.version } })
  })

  it.each(['QUEUED', 'RUNNING', 'RETRYING'] as const)('waits while a sub-task is %s', status => {
    expect(
      decideParent(awaiting({ subTaskStatusSummary: { COMPLETED: 9, [status]: 1 } }), [], now),
    ).toBeUndefined()
  })

  it('leaves alone whatever does not wait for sub-tasks', () => {
    expect(decideParent(recordOf(), [], now)).toBeUndefined()
    expect(decideParent(awaiting({ status: 'CANCELLED' }), [], now)).toBeUndefined()
  })

  it('C6: names the first sub-task that failed and why', () => {
    const failed = [{ taskId: 'c', key: 'scene 1', status: 'FAILED', reason: 'no text' }] as const
    const transition = decideParent(awaiting({ subTaskStatusSummary: { FAILED: 1 } }), failed, now)
    expect(transition?.set.errorInfo).toMatchObject({
      code: 'SUBTASKS_FAILED',
      message: expect.stringContaining('scene 1'),
    })
    expect(transition?.set.errorInfo?.message).toContain('no text')
  })
})

describe('decideOverdue', () => {
  it('fails a waiting task and tells the last error', () => {
    const record = recordOf({
      status: 'RETRYING',
      errorInfo: { code: 'X', message: 'the last one', retryable: true, errorClass: 'retryable' },
    })
    const { name, set } = decideOverdue(record, now)
    expect([name, set.status, set.deadLetter?.reason]).toEqual(['failed', 'FAILED', 'deadline'])
    expect(set.errorInfo?.message).toContain('the last one')
  })
})
