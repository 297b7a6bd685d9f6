import { setTimeout as sleep } from 'node:timers/promises'
import type { TaskJson } from '../http/index.ts'
import type { ResolvedConfig } from '../server/config.ts'
import { type Connection, connect } from './connect.ts'
import { exitCodes } from './exit-codes.ts'
import { commandText } from './hints.ts'
import { followOutput, printText } from './output.ts'
import { printJson, type Run } from './run.ts'
import { listenForSignals, type Signals } from './signals.ts'
import { detailOf } from './task-lines.ts'
import { watchTrees } from './watch.ts'

/** A command that submits a task and may stay until it has ended. */
export interface Visit {
  readonly resolved: ResolvedConfig
  readonly connection: Connection
  readonly signals: Signals
}

/** Connects for a command that submits a task, and lets go again; a signal ends it with its exit code. */
export async function withVisit(
  run: Run,
  command: string,
  act: (visit: Visit) => Promise<number>,
): Promise<number> {
  using signals = listenForSignals()
  const resolved = run.configure()
  const connection = await connect(resolved, { command, works: true, signal: signals.asked })
  try {
    return await act({ resolved, connection, signals })
  } catch (error) {
    if (!signals.asked.aborted) throw error
    return signals.exitCode
  } finally {
    await connection.close()
  }
}

/** A task that was submitted, and how it is stayed with. */
export interface Stay {
  readonly taskId: string
  /** Do not wait for its end; where no server runs, this process is the only one that can do the work, so it stays all the same. */
  readonly goes: boolean
  /** What is shown meanwhile: the text that it writes, the tree, or nothing. */
  readonly shows: 'output' | 'tree' | 'nothing'
  /** Told of a task that completed. */
  sayEnd(task: TaskJson): void | Promise<void>
}

/** Stays with a task until it has ended, shows it, and answers the exit code. */
export async function stay(run: Run, visit: Visit, staying: Stay): Promise<number> {
  const { terminal, json } = run
  const { resolved, connection } = visit
  const { taskId } = staying
  if (staying.goes && !connection.isOwn) {
    if (json) printJson(run, { taskId, status: 'QUEUED' })
    else terminal.out(`The task runs on the server. Watch it: ${watchText(resolved, taskId)}`)
    return exitCodes.ok
  }
  try {
    const task = await untilEnd(run, visit, staying)
    if (json) printJson(run, { taskId, status: task.status, result: task.result })
    if (task.status !== 'COMPLETED') {
      sayFailure(run, task)
      return exitCodes.failed
    }
    if (!json) await staying.sayEnd(task)
    return exitCodes.ok
  } catch (error) {
    if (visit.signals.asked.aborted) sayLeaving(run, visit, taskId)
    throw error
  }
}

async function untilEnd(run: Run, visit: Visit, { taskId, shows }: Stay): Promise<TaskJson> {
  const { connection, signals } = visit
  const signal = signals.asked
  if (shows === 'output' && !run.json) {
    const printer = printText(run)
    const isOver = new AbortController()
    const waits = tellWaits(run, connection, { taskId, signal: AbortSignal.any([signal, isOver.signal]) })
    try {
      await followOutput({ ...connection, signal }, taskId, printer)
    } finally {
      printer.end()
      isOver.abort()
      await waits
    }
  }
  const { client, renew } = connection
  const quiet = run.json || shows !== 'tree'
  const [task] = await watchTrees({
    ...{ client, renew, signal, quiet },
    taskIds: [taskId],
    terminal: run.terminal,
  })
  return task ?? client.get<TaskJson>(`/v1/tasks/${taskId}`)
}

/** Between two looks whether a task waits. */
const lookMs = 1_000

/** Says why no text comes: the task waits for its turn, its budget, or another try. */
async function tellWaits(
  { terminal }: Run,
  { client }: Connection,
  { taskId, signal }: { taskId: string; signal: AbortSignal },
): Promise<void> {
  let told = ''
  while (!signal.aborted) {
    // A server that is away is the matter of whoever follows the text.
    const task = await client.get<TaskJson>(`/v1/tasks/${taskId}`).catch(() => undefined)
    const waits = task?.status === 'RETRYING' ? detailOf(task, { bars: false }) : ''
    if (waits !== '' && waits !== told) terminal.note(`-- ${waits} --`)
    told = waits
    await sleep(lookMs, undefined, { signal }).catch(() => undefined)
  }
}

function sayLeaving({ terminal, json }: Run, { resolved, connection }: Visit, taskId: string): void {
  terminal.keep()
  if (json) return
  terminal.note(
    connection.isOwn
      ? `Stopped. The task goes on where it was when a server is started: ${commandText('serve', resolved)}`
      : `Not watching any more; the task goes on. Watch it again: ${watchText(resolved, taskId)}. Stop it: ${commandText(`tasks cancel ${taskId}`, resolved)}`,
  )
}

/** Why a task did not complete: its own error, or what became of the tasks below it. */
export function sayFailure({ terminal, json }: Run, task: TaskJson): void {
  const { errorInfo, status, id, taskType } = task
  const code = errorInfo?.code ?? 'TASK_FAILED'
  const message = errorInfo?.message ?? `${taskType} ended ${status}: ${detailOf(task, { bars: false })}`
  terminal.note(
    json ? JSON.stringify({ code, message, details: { taskId: id } }) : `error ${code}: ${message}`,
  )
}

/** How to watch a task. */
export function watchText(resolved: ResolvedConfig, taskId: string): string {
  return commandText(`tasks show ${taskId} --watch`, resolved)
}
