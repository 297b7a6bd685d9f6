/** Reads what the tasks of a user were asked, did and cost, for a task of that user. */
import { plainOfText } from '../task/codec.ts'
import { defined } from '../task/defined.ts'
import type { OwnTask, OwnTasks } from '../task/own-tasks.ts'
import { everyItem } from '../task/page.ts'
import { type DeadLetter, type Signal, shownRecord, type TaskRecord, type Wait } from '../task/task.ts'
import type { Attempt } from './attempt.ts'
import type { Core } from './core.ts'
import { usageByModel } from './operate.ts'
import { readOutput } from './output.ts'

/** Records read at a time: their parameters and results may have many megabytes. */
const tasksPerPage = 10
const sumsPerPage = 200
/** A task has no more lines. */
const mostLines = 1_000

/** Returns what the engine has of the user of an attempt. */
export function ownTasksOf(
  core: Core,
  { record: { userId }, signal }: Pick<Attempt, 'record' | 'signal'>,
): OwnTasks {
  const { queries } = core.store
  return {
    async *every() {
      for await (const record of everyItem(tasksPerPage, page =>
        queries.list({ userId }, { ...page, order: 'oldest' }),
      )) {
        signal.throwIfAborted()
        yield await ownTask(core, record)
      }
    },
    usage: by => everyItem(sumsPerPage, page => queries.usageReport({ userId }, { by, ...page })),
  }
}

async function ownTask(core: Core, record: TaskRecord): Promise<OwnTask> {
  const { queries } = core.store
  const { id } = record
  const [attempts, lines, output, usage] = await Promise.all([
    queries.attempts(id),
    queries.logs(id, 0, mostLines),
    readOutput(core, id),
    usageByModel(queries, { taskId: id }),
  ])
  const log = lines.map(({ at, fields, sequence: _, ...line }) => ({
    ...{ at: time(at), ...line },
    ...defined({ fields: plainOfText(fields) }),
  }))
  return {
    ...fieldsOf(record),
    ...(attempts.length > 0 && { attempts: attempts.map(shownAttempt) }),
    ...(log.length > 0 && { log }),
    ...(output.text !== '' && { output: output.text }),
    ...(usage.length > 0 && { usage }),
  }
}

function shownAttempt({
  executionNodeId: _,
  stack: _stack,
  startedAt,
  endedAt,
  ...attempt
}: Awaited<ReturnType<Core['store']['queries']['attempts']>>[number]) {
  return { ...attempt, startedAt: time(startedAt), endedAt: time(endedAt) }
}

const time = (at: number) => new Date(at).toISOString()
const same = (value: unknown) => value
const deadLetter = ({ openedAt, closedAt, story: _, parameters, ...rest }: DeadLetter) => ({
  ...{ ...rest, openedAt: time(openedAt) },
  ...defined({ closedAt: closedAt && time(closedAt), parameters: plainOfText(parameters) }),
})
const wait = ({ key, signal, until }: Wait) => defined({ key, signal, until: until && time(until) })
const signal = ({ id, name, at, payload }: Signal) => ({
  ...{ id, name, at: time(at) },
  ...defined({ payload: plainOfText(payload) }),
})

/** How each field of a record is written; undefined: not at all, because only the engine needs it. A new field has to be decided here. */
const fields: { readonly [F in keyof Required<TaskRecord>]: ((value: never) => unknown) | undefined } = {
  ...{ id: same, taskType: same, userId: same, lane: same, priority: same, tags: same },
  ...{ status: same, phase: same, version: undefined },
  ...{ parameters: plainOfText, parametersVersion: same, progress: plainOfText, result: plainOfText },
  errorInfo: same,
  ...{ attempt: same, retryCount: same, crashCount: undefined, round: same },
  ...{ checkpointAttempt: undefined, checkpointScope: undefined },
  ...{ createdAt: time, updatedAt: time, startedAt: time, completedAt: time, deadline: time },
  ...{ lastAttemptTimestamp: time, nextAttemptTimestamp: time, cancelRequestedAt: time },
  ...{ executionNodeId: undefined, claimToken: undefined, leaseUntil: undefined, traceparent: undefined },
  ...{ parentTaskId: same, rootTaskId: same, subTaskKey: same, depth: same, after: same, predecessor: same },
  ...{ retry: same, subTaskStatusSummary: same, reduces: undefined, failedSubTasks: same },
  waits: (waits: readonly Wait[]) => waits.map(wait),
  signals: (signals: readonly Signal[]) => signals.map(signal),
  signalCount: undefined,
  ...{ idempotencyKey: same, submissionHash: undefined, rerunOf: same, budget: same },
  deadLetter,
  deadLetterHistory: (letters: readonly DeadLetter[]) => letters.map(deadLetter),
}

/** Returns the fields of a record that a user may keep. */
function fieldsOf(record: TaskRecord): Record<string, unknown> {
  const shown = shownRecord(record)
  const written = Object.entries(fields).flatMap(([field, write]) => {
    const value: unknown = Reflect.get(shown, field)
    return write !== undefined && value !== undefined ? [[field, write(value as never)]] : []
  })
  return Object.fromEntries(written) as Record<string, unknown>
}
