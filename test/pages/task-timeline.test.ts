import { describe, expect, test } from 'vitest'
import { RowOrder } from '../../dashboard/src/parts/row-order.ts'
import { labelOf, subjectOf } from '../../dashboard/src/parts/subject.ts'
import type { Attempt } from '../../dashboard/src/queries/task-queries.ts'
import { belowOf, isOutOfOrder } from '../../dashboard/src/task/below.ts'
import { curlToRead, curlToSubmit } from '../../dashboard/src/task/curl.ts'
import { type Moment, timelineOf } from '../../dashboard/src/task/timeline.ts'
import { taskOf } from './task-of.ts'

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1_000).toISOString()
const times = (fields: object) => ({ createdAt: at(0), updatedAt: at(99), ...fields })

function attempt(number: number, from: number, to: number, outcome: string, code?: string): Attempt {
  return {
    attempt: number,
    startedAt: at(from),
    endedAt: at(to),
    outcome,
    ...(code === undefined ? {} : { code }),
  }
}

/** A timeline in one line per moment. */
function linesOf(moments: readonly Moment[]): string[] {
  return moments.map(moment => {
    switch (moment.kind) {
      case 'attempt':
        return `${moment.attempt} ${moment.outcome}`
      case 'gap':
        return `${moment.reason} ${moment.to === undefined ? 'now' : (Date.parse(moment.to) - Date.parse(moment.from)) / 1_000}`
      case 'handed-over':
        return `${moment.first}-${moment.last} handed over`
      case 'end':
        return `end ${moment.status}`
      default:
        return moment.kind
    }
  })
}

describe('the timeline', () => {
  test('of a task that waits in the queue', () => {
    expect(linesOf(timelineOf(taskOf(), []))).toEqual(['created', 'queue now'])
  })

  test('of a task that failed, waited for a limit, was released and then completed', () => {
    const task = taskOf({
      status: 'COMPLETED',
      done: true,
      attempt: 4,
      lastAttemptTimestamp: at(60),
      timestamps: times({ startedAt: at(2), completedAt: at(61) }),
    })
    const rows = [
      attempt(3, 50, 55, 'given-back'),
      attempt(1, 2, 5, 'retrying', 'HANDLER_FAILED'),
      attempt(2, 20, 21, 'snoozed', 'RATE_LIMITED'),
    ]
    expect(linesOf(timelineOf(task, rows))).toEqual([
      'created',
      'queue 2',
      '1 retrying',
      'backoff 15',
      '2 snoozed',
      'limit 29',
      '3 given-back',
      'given-back 5',
      '4 completed',
      'end COMPLETED',
    ])
  })

  test('of a task that waits for the budget: nothing to count down to', () => {
    const task = taskOf({
      status: 'RETRYING',
      attempt: 1,
      nextAttemptTimestamp: at(90),
      lastAttemptTimestamp: at(1),
    })
    const timeline = timelineOf(task, [attempt(1, 1, 2, 'snoozed', 'BUDGET_EXHAUSTED')])
    expect(timeline.at(-1)).toEqual({ kind: 'gap', reason: 'budget', from: at(2) })
    const limited = timelineOf(task, [attempt(1, 1, 2, 'snoozed', 'RATE_LIMITED')])
    expect(limited.at(-1)).toEqual({ kind: 'gap', reason: 'limit', from: at(2), due: at(90) })
  })

  test('of a task that crashed, was given up, and runs again because somebody said so', () => {
    const task = taskOf({
      status: 'RUNNING',
      attempt: 3,
      lastAttemptTimestamp: at(100),
      executionNodeId: 'node',
    })
    const rows = [
      attempt(1, 0, 30, 'retrying', 'LEASE_LOST'),
      attempt(2, 30, 40, 'dead-lettered', 'LEASE_LOST'),
    ]
    const timeline = timelineOf(task, rows)
    expect(linesOf(timeline)).toEqual([
      'created',
      'queue 0',
      '1 crashed',
      'backoff 0',
      '2 dead-lettered',
      'person 60',
      '3 running',
    ])
    expect(timeline.at(-1)).toMatchObject({ node: 'node', startedAt: at(100) })
    expect(timeline.at(-1)).not.toHaveProperty('endedAt')
  })

  test('of a parent: of attempts that left it to its sub-tasks nothing is kept but that they were', () => {
    const waiting = taskOf({
      status: 'RUNNING',
      phase: 'awaiting-subtasks',
      attempt: 1,
      lastAttemptTimestamp: at(1),
      subTaskStatusSummary: { RUNNING: 2 },
    })
    expect(linesOf(timelineOf(waiting, []))).toEqual(['created', 'queue 1', '1 awaiting', 'sub-tasks now'])
    const reduced = taskOf({
      status: 'COMPLETED',
      done: true,
      phase: 'reducing',
      attempt: 3,
      lastAttemptTimestamp: at(50),
      subTaskStatusSummary: { COMPLETED: 2 },
      timestamps: times({ startedAt: at(1), completedAt: at(51) }),
    })
    expect(linesOf(timelineOf(reduced, []))).toEqual([
      'created',
      '1-2 handed over',
      '3 completed',
      'end COMPLETED',
    ])
  })

  test('of a task that was cancelled before it began', () => {
    const task = taskOf({ status: 'CANCELLED', done: true, timestamps: times({ completedAt: at(7) }) })
    expect(linesOf(timelineOf(task, []))).toEqual(['created', 'queue 7', 'end CANCELLED'])
  })

  test('never goes back in time, however many attempts there were', () => {
    const rows = Array.from({ length: 50 }, (_, index) =>
      attempt(index + 1, index * 10 + 1, index * 10 + 3, 'retrying', 'HANDLER_FAILED'),
    )
    const task = taskOf({
      status: 'RETRYING',
      attempt: 50,
      lastAttemptTimestamp: at(491),
      nextAttemptTimestamp: at(600),
    })
    const timeline = timelineOf(task, rows)
    expect(timeline).toHaveLength(102)
    const starts = timeline.flatMap(moment =>
      'from' in moment ? moment.from : 'startedAt' in moment ? moment.startedAt : [],
    )
    expect([...starts].sort()).toEqual(starts)
  })
})

describe('the order of sub-tasks', () => {
  const row = (id: string) => ({ id })

  test('stays as it was while rows change, and takes new ones at the end', () => {
    const order = new RowOrder()
    expect(order.arrange([row('a'), row('b')])).toEqual([row('a'), row('b')])
    expect(order.arrange([row('c'), row('b'), row('a')])).toEqual([row('a'), row('b'), row('c')])
    expect(order.arrange([row('b'), row('c')])).toEqual([row('b'), row('c')])
  })

  test('a row that is on two pages is shown once, as it was read last', () => {
    const newest = { id: 'a', at: 2 }
    expect(new RowOrder().arrange([{ id: 'a', at: 1 }, { id: 'b', at: 1 }, newest])).toEqual([
      newest,
      { id: 'b', at: 1 },
    ])
  })

  test.each([
    [['FAILED', 'COMPLETED'], { FAILED: 1, COMPLETED: 1 }, false],
    [['COMPLETED', 'FAILED'], { FAILED: 1, COMPLETED: 1 }, true],
    [['COMPLETED', 'RUNNING'], { DEAD_LETTER: 1, COMPLETED: 1, RUNNING: 1 }, true],
    [['FAILED', 'CANCELLED'], { FAILED: 1, CANCELLED: 5 }, false],
    [[], {}, false],
  ] as const)('%j of %j is out of order: %s', (statuses, counts, isWrong) => {
    const rows = statuses.map(status => ({ status }))
    expect(isOutOfOrder(rows, belowOf({ subTaskStatusSummary: counts }))).toBe(isWrong)
  })
})

test('sub-tasks are counted by the record alone', () => {
  const subTaskStatusSummary = {
    QUEUED: 1,
    RUNNING: 2,
    COMPLETED: 3,
    FAILED: 4,
    DEAD_LETTER: 5,
    CANCELLED: 6,
  }
  expect(belowOf({ subTaskStatusSummary })).toMatchObject({ total: 21, open: 3, incomplete: 15, failed: 9 })
  expect(belowOf({})).toMatchObject({ total: 0, open: 0 })
})

test('what a task is about is linesOf by its tags, else by its parameters', () => {
  expect(subjectOf(taskOf({ tags: ['x', 'novel:n1', 'scene:s1'] }))).toEqual({ novelId: 'n1', sceneId: 's1' })
  expect(subjectOf(taskOf({ parameters: { novelId: 'n2' }, tags: ['novels:n3'] }))).toEqual({ novelId: 'n2' })
  expect(subjectOf(taskOf({ parameters: ['novelId'], result: { novelId: 7 } }))).toEqual({})
  expect(labelOf(taskOf({ result: { title: 'The storm' }, subTaskKey: 'k' }))).toBe('The storm')
  expect(labelOf(taskOf({ parameters: { title: '' }, subTaskKey: 'k' }))).toBe('k')
})

test('a command for the shell quotes whatever is in it, and never holds the token', () => {
  const task = taskOf({ id: '1', parameters: { text: `it's $HOME "here"\nand` } })
  const place = { origin: 'http://127.0.0.1:7420', wantsToken: true }
  expect(curlToRead(task, place)).toBe(
    `curl \\\n  -H "authorization: Bearer $QUILLWORK_TOKEN" \\\n  'http://127.0.0.1:7420/v1/tasks/1'`,
  )
  const command = curlToSubmit(task, { ...place, wantsToken: false })
  expect(command).toContain(`{"text":"it'\\''s $HOME \\"here\\"\\nand"}`)
  expect(command).not.toContain('authorization')
})
