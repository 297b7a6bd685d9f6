/** A task that a command submitted, followed until it has ended. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { TaskJson } from '../http/index.ts'
import type { EstimateJson } from '../http/routes/estimates.ts'
import type { ResolvedConfig } from '../server/config.ts'
import { hasEnded } from '../task/status.ts'
import { type BudgetOptions, budgetGiven } from './commands/budget.ts'
import type { Connection } from './connect.ts'
import { exitCodes } from './exit-codes.ts'
import { commandText } from './hints.ts'
import { followOutput, textPrinter } from './output.ts'
import { type Ending, print, printJson, type Run, type Session, withSession } from './run.ts'
import { detailOf } from './task-lines.ts'
import { estimateLines } from './usage-lines.ts'
import { watchTask } from './watch.ts'

/** A task that was submitted, and how it is followed. */
export interface Followed {
  /** As the server answered the submission: one with a key that was sent before may have ended. */
  readonly task: TaskJson
  /** Do not wait for its end. Where no server runs, this process is the only one that can do the work, so it waits all the same. */
  readonly detached: boolean
  /** What is shown meanwhile: the text that the task writes, the tree, or nothing. */
  readonly shows: 'output' | 'tree' | 'nothing'
  /** Does what is left to do with a task that completed. Its fields are part of the JSON that is printed. */
  end?(task: TaskJson): Promise<object>
  /** Called with a task that completed, to print it for a person. */
  sayEnd(task: TaskJson): void | Promise<void>
}

/** Options of a command that submits a task, or prints what it would cost. */
export interface SubmitOptions extends BudgetOptions {
  estimate?: boolean
  background?: boolean
}

/** A task that is to be submitted, and how it is followed. */
export interface Planned extends Omit<Followed, 'task' | 'detached'> {
  readonly submission: { readonly taskType: string; readonly parameters: object; readonly userId?: string }
  /** Default: that of the task type. */
  readonly lane?: string
  /** Called when it is submitted. */
  begun?(): void
}

/** Submits a task within the budget of the options and follows it, or prints what it would cost. */
export async function submitTask(
  run: Run<SubmitOptions>,
  plan: (session: Session) => Promise<Planned>,
): Ending {
  const budget = budgetGiven(run.options)
  const isEstimate = run.options.estimate === true
  const act = async (session: Session) => {
    const { client } = session.connection
    const { submission, lane, begun, ...how } = await plan(session)
    if (isEstimate) {
      const estimate = await client.post<EstimateJson>('/v1/estimates', submission)
      return print(run, estimate, widest => estimateLines(estimate, widest))
    }
    const task = await client.post<TaskJson>('/v1/tasks', { ...submission, lane, budget })
    begun?.()
    return followTask(run, session, { task, detached: run.options.background === true, ...how })
  }
  return withSession(run, act, { works: !isEstimate })
}

/** Follows a task until it has ended, shows it, and returns the exit code. */
export async function followTask(run: Run, session: Session, followed: Followed): Ending {
  const { terminal, json } = run
  const { resolved, connection } = session
  const { id: taskId, status: firstStatus } = followed.task
  if (followed.detached && !connection.isOwn) {
    if (json) printJson(run, { taskId, status: firstStatus })
    else if (hasEnded(firstStatus))
      terminal.out(
        `The task was submitted before, and has ended ${firstStatus}. See it: ${commandText(`tasks show ${taskId}`, resolved)}`,
      )
    else terminal.out(`The task runs on the server. Watch it: ${watchText(resolved, taskId)}`)
    return
  }
  const task = await untilEnd(run, session, followed).catch(error => {
    if (session.signals.asked.aborted) sayLeaving(run, session, taskId)
    throw error
  })
  const { status, result } = task
  const isWell = status === 'COMPLETED'
  const more = isWell ? await followed.end?.(task) : undefined
  if (json) printJson(run, { taskId, status, result, ...more })
  else if (isWell) await followed.sayEnd(task)
  if (isWell) return
  sayFailure(run, task)
  return exitCodes.failed
}

async function untilEnd(run: Run, session: Session, { task, shows }: Followed): Promise<TaskJson> {
  const { connection, signals } = session
  const { id: taskId } = task
  const signal = signals.asked
  if (shows === 'output' && !run.json) {
    const printer = textPrinter(run)
    const isOver = new AbortController()
    const waits = sayWaits(run, connection, { taskId, signal: AbortSignal.any([signal, isOver.signal]) })
    try {
      await followOutput({ ...connection, signal }, taskId, printer)
    } finally {
      printer.end()
      isOver.abort()
      await waits
    }
  }
  return watchTask(run, session, taskId, run.json || shows !== 'tree')
}

/** How often a task is asked whether it waits, milliseconds. */
const pollMs = 1_000

/** Says why no text comes: the task waits for a rate limit, its budget, or another attempt. */
async function sayWaits(
  { terminal }: Run,
  { client }: Connection,
  { taskId, signal }: { taskId: string; signal: AbortSignal },
): Promise<void> {
  let last = ''
  while (!signal.aborted) {
    // The follower of the text handles a server that is unavailable.
    const task = await client.get<TaskJson>(`/v1/tasks/${taskId}`).catch(() => undefined)
    const waits = task?.status === 'RETRYING' ? detailOf(task, { bars: false }) : ''
    if (waits !== '' && waits !== last) terminal.note(`-- ${waits} --`)
    last = waits
    await sleep(pollMs, undefined, { signal }).catch(() => undefined)
  }
}

function sayLeaving({ terminal, json }: Run, { resolved, connection }: Session, taskId: string): void {
  terminal.keep()
  if (json) return
  terminal.note(
    connection.isOwn
      ? `Stopped. The task continues when a server is started: ${commandText('serve', resolved)}`
      : `Not watching any more; the task continues. Watch it again: ${watchText(resolved, taskId)}. Stop it: ${commandText(`tasks cancel ${taskId}`, resolved)}`,
  )
}

/** Says why a task did not complete: its own error, or what became of the tasks below it. */
export function sayFailure({ terminal, json }: Run, task: TaskJson): void {
  const { errorInfo, status, id, taskType } = task
  const code = errorInfo?.code ?? 'TASK_FAILED'
  const message = errorInfo?.message ?? `${taskType} ended ${status}: ${detailOf(task, { bars: false })}`
  terminal.note(
    json ? JSON.stringify({ code, message, details: { taskId: id } }) : `error ${code}: ${message}`,
  )
}

/** Returns the command that watches a task. */
export function watchText(resolved: ResolvedConfig, taskId: string): string {
  return commandText(`tasks show ${taskId} --watch`, resolved)
}

/** Says, where no server runs, how to start one that runs the tasks. */
export function sayWhoWorks({ terminal, json, configure }: Run, { isOwn }: Connection): void {
  if (!isOwn || json) return
  terminal.note(`No server is running. To run the tasks, start one: ${commandText('serve', configure())}`)
}
