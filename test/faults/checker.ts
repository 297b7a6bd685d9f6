/**
 * The invariants of the distributed composition, computed from the records of the store and the ledger that the processes wrote outside
 * it. Each answers what is broken, as lines of text.
 */
import { hasEnded, type TaskRecord } from 'quillwork'
import {
  endedTwice,
  lost,
  staleEntries,
  wrongCounts,
  wrongDeadLetters,
  wrongEnd,
  wrongKeys,
  wrongResults,
  wrongSummary,
} from '../process/crash/checker.ts'
import type { Held } from '../process/crash/records.ts'
import { entriesIn, type Line, linesOf } from './ledger.ts'

/** What a row knows beforehand of what it did. */
export interface Expectations {
  /** Processes were paused: what a handler does outside the store may come late, and the ledger may be out of order. */
  paused?: boolean
  /** Trees were cancelled: their tasks end as cancelled or as they would have. */
  cancels?: boolean
  /** Retries that the policy of the load grants. */
  maxAttempts?: number
}

/** The invariants by their number. */
export type Broken = Readonly<Record<string, readonly string[]>>

/** Milliseconds by which an attempt may start before its time: clocks of one machine, read one after the other. */
const earlyMs = 50
/** Milliseconds within which a running attempt may go on after its cancel was accepted: a heartbeat and a second. */
const cancelMs = 2_000

/** Checks everything once nothing moves any more. An invariant that holds has no lines. */
export function checkInvariants(held: Held, lines: readonly Line[], expected: Expectations = {}): Broken {
  const byId = new Map(held.tasks.map(task => [task.id, task]))
  const entries = entriesIn(lines)
  return {
    'I1 nothing acknowledged is lost, all of it ended': [...lost(byId, entries), ...live(held)],
    'I2 one end per task, with the result of its attempt': [
      ...endedTwice(held, entries),
      ...wrongResults(held, entries),
    ],
    'I3 attempts rise, none writes after a later one': expected.paused
      ? startedTwice(lines)
      : staleEntries(byId, entries),
    'I4 parents count and end as their sub-tasks do': held.tasks.flatMap(task => [
      ...wrongSummary(task, held),
      ...(expected.cancels ? [] : wrongEnd(task, held)),
    ]),
    'I6 no attempt too many or too early': [
      ...tooMany(held.tasks, expected.maxAttempts ?? 50),
      ...tooEarly(lines),
    ],
    'I7 counters equal a recount': [
      ...wrongCounts(held),
      ...(held.waiting === 0 ? [] : [`the lanes count ${held.waiting} waiting tasks`]),
    ],
    'I8 what failed is in the dead letters': wrongDeadLetters(held),
    'I10 nothing begins after its cancel or its end': startedAfterEnd(lines, expected),
    'I11 one task per key, one key per task': wrongKeys(held, entries),
    'I3 late writes are refused': appliedLate(lines),
  }
}

/** The broken invariants as one list, the longest parts cut. */
export function listed(broken: Broken): string[] {
  return Object.entries(broken).flatMap(([invariant, lines]) =>
    lines.slice(0, 10).map((line, index) => {
      const more = index === 9 && lines.length > 10 ? ` (and ${lines.length - 10} more)` : ''
      return `${invariant}: ${line}${more}`
    }),
  )
}

function live({ tasks }: Held): string[] {
  return tasks
    .filter(({ status }) => !hasEnded(status))
    .map(({ id, status, phase, attempt }) => `${id} is still ${status} (${phase}, attempt ${attempt})`)
}

function startedTwice(lines: readonly Line[]): string[] {
  const seen = new Set<string>()
  return linesOf(lines, 'started').flatMap(({ taskId, attempt }) => {
    const key = `${taskId} ${attempt}`
    if (seen.has(key)) return [`attempt ${attempt} of ${taskId} began twice`]
    seen.add(key)
    return []
  })
}

/** What an attempt wrote after a later one had begun. */
function appliedLate(lines: readonly Line[]): string[] {
  const newest = new Map<string, number>()
  const broken: string[] = []
  for (const line of lines) {
    if (line.is === 'started') newest.set(line.taskId, Math.max(newest.get(line.taskId) ?? 0, line.attempt))
    if (line.is !== 'late' || line.answer !== 'applied') continue
    const { taskId, attempt, write } = line
    const now = newest.get(taskId) ?? 0
    if (now > attempt) broken.push(`${write} of attempt ${attempt} of ${taskId} was applied during ${now}`)
  }
  return broken
}

function tooMany(tasks: readonly TaskRecord[], maxAttempts: number): string[] {
  return tasks
    .filter(({ retryCount }) => retryCount >= maxAttempts)
    .map(({ id, retryCount }) => `${id} was retried ${retryCount} times of ${maxAttempts - 1}`)
}

function tooEarly(lines: readonly Line[]): string[] {
  const notBefore = new Map<string, number>()
  const broken: string[] = []
  for (const line of lines) {
    if (line.is === 'attempt-over' && line.notBefore !== undefined)
      notBefore.set(`${line.taskId} ${line.attempt}`, line.notBefore)
    if (line.is !== 'started') continue
    const time = notBefore.get(`${line.taskId} ${line.attempt - 1}`)
    if (time !== undefined && line.ms < time - earlyMs)
      broken.push(`attempt ${line.attempt} of ${line.taskId} began ${time - line.ms} ms too early`)
  }
  return broken
}

/** Nothing begins once its end was told, nor a while after its cancel was accepted. */
function startedAfterEnd(lines: readonly Line[], { paused = false }: Expectations): string[] {
  const over = new Map<string, Line>()
  const broken: string[] = []
  for (const line of lines) {
    if (line.is === 'ended' || line.is === 'cancel-accepted') over.set(line.taskId, line)
    if (line.is !== 'started') continue
    const end = over.get(line.taskId)
    if (end === undefined || paused) continue
    if (end.is === 'ended' || line.ms > end.ms + cancelMs)
      broken.push(
        `${line.taskId} began attempt ${line.attempt} ${line.ms - end.ms} ms after it was ${end.is}`,
      )
  }
  return broken
}
