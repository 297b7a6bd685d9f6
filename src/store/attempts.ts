/** The ports of what attempts leave behind: progress, checkpoints, log lines, usage. */
import { defined } from '../task/defined.ts'
import type { Usage } from '../task/paid-call.ts'
import type { Applied } from '../task/transition.ts'

/** One stored line of a task's log. */
export interface LogLine {
  at: number
  attempt: number
  level: 'info' | 'error'
  message: string
  /** Plain data as JSON text. */
  fields?: string
}

/** What one call of a model used. */
export interface UsageRow extends Usage {
  /** Chosen by the writer, so that a row that is sent again meets itself. */
  id?: string
  at: number
  attempt: number
}

/** One call of a model, as it is shown. */
export type CallRow = Omit<UsageRow, 'id' | 'call' | 'subject'>

/** Returns what is shown of a call. */
export function shownCall({ at, attempt, model, inputTokens, outputTokens, ...row }: UsageRow): CallRow {
  const { cachedInputTokens, cost, isEstimated } = row
  return {
    at,
    attempt,
    model,
    inputTokens,
    outputTokens,
    ...defined({ cachedInputTokens, cost, isEstimated }),
  }
}

/** One ended attempt that did not end the task, or did so without completing it. */
export interface AttemptRow {
  attempt: number
  executionNodeId?: string
  startedAt: number
  endedAt: number
  /** The name of the transition that ended it. */
  outcome: string
  code?: string
  message?: string
  /** Where its error was thrown. Of a task the newest that have one keep it, see `mostStacks`. */
  stack?: string
}

/** Attempts of a task of which the stack is kept. */
export const mostStacks = 5

/** An attempt's write: refused as stale once the task has moved on. */
export interface Fenced {
  taskId: string
  attempt: number
}

/** The value of a finished step. */
export interface CheckpointWrite extends Fenced {
  key: string
  value: string
  /** It only says what is about to happen: the record does not say that the attempt has progressed. */
  isMark?: boolean
}

/** What an attempt leaves behind. Fenced by the attempt; usage is kept even when stale, for it was paid. */
export interface AttemptStore {
  progress(writes: readonly (Fenced & { progress: string })[]): Promise<Applied[]>
  /** Keeps the value of a finished step; the first writer of a key wins. */
  checkpoint(writes: readonly CheckpointWrite[]): Promise<Applied[]>
  checkpoints(taskId: string): Promise<ReadonlyMap<string, string>>
  /** Deletes values of finished steps that no attempt will ask for again. */
  forget(writes: readonly (Fenced & { keys: readonly string[] })[]): Promise<Applied[]>
  /** Lines are kept up to a cap per task, the newest win; not fenced. */
  log(taskId: string, lines: readonly LogLine[]): Promise<void>
  usage(taskId: string, rows: readonly UsageRow[]): Promise<void>
}

/** Where a walk over the calls goes on: at this time, behind so many calls of it that were left. */
export interface UsagePlace {
  at: number
  skip: number
}

/** Which calls one step takes. */
export interface RollUp {
  /** The beginning of a day in UTC: calls before it are old. */
  before: number
  /** Default: at the oldest call. */
  from?: UsagePlace | undefined
  /** Calls that are read at most. */
  limit: number
}

/** The upkeep of what calls of models used. */
export interface UsageStore {
  /**
   * Adds old calls to the sums of their days and deletes them, in one commit. Calls of a tree that is live, or may be retried, are left: its
   * budget, and calls that it repeats, need them. Returns where the next step goes on; undefined after the last call. Processes may do it at once.
   */
  rollUp(request: RollUp): Promise<UsagePlace | undefined>
  /** Deletes at most `limit` sums of days that began before a time, and returns how many. */
  expire(before: number, limit: number): Promise<number>
}
