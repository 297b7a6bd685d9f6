/** Tasks that are watched until they have ended, through restarts of the server. */
import type { TaskJson } from '../http/index.ts'
import { QuillworkError } from '../index.ts'
import { type Client, taskPath } from './client.ts'
import type { Run, Session } from './run.ts'
import { advanceOf, detailOf, type TaskTree, treeLines } from './task-lines.ts'
import type { Terminal } from './terminal.ts'

/** Time between two requests, milliseconds. */
const pollMs = 200
/** How long an unavailable server is retried, milliseconds. A restart takes less. */
const longestOutageMs = 10_000

/** A server that is asked again and again. */
export interface WatchedServer {
  readonly client: Client
  /** Finds the server again when it does not answer. */
  readonly renew?: () => Promise<Client | undefined>
  /** Ends the watching; the tasks continue. */
  readonly signal: AbortSignal
}

/**
 * Calls `ask` every 200 ms until it returns something, and returns that. While the server is unavailable, for at most 10 s, finds it
 * again and retries. `ask` calls `reached` when the server answers long before `ask` ends. Throws the signal's reason, SERVER_UNREACHABLE,
 * and any other error of `ask`.
 */
export async function retryWhileUnavailable<T>(
  server: WatchedServer,
  ask: (client: Client, reached: () => void) => Promise<T | undefined>,
): Promise<T> {
  let { client } = server
  let unavailableSince: number | undefined
  const reached = () => {
    unavailableSince = undefined
  }
  for (;;) {
    try {
      const answer = await ask(client, reached)
      reached()
      if (answer !== undefined) return answer
    } catch (error) {
      const now = performance.now()
      unavailableSince ??= now
      if (!isUnavailable(error) || now - unavailableSince > longestOutageMs) throw error
      client = (await server.renew?.()) ?? client
    }
    await pause(pollMs, server.signal)
  }
}

/** Returns whether the server does not answer, or says that it cannot now, such as while its database is down. */
function isUnavailable(error: unknown): boolean {
  if (!(error instanceof QuillworkError)) return false
  const { status, retryable } = error.details ?? {}
  return error.code === 'SERVER_UNREACHABLE' || (status === 503 && retryable === true)
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    }, ms)
    signal.addEventListener('abort', onAbort, { once: true })
  })
}

/** What is watched and where it is shown. */
export interface Watch extends WatchedServer {
  taskIds: readonly string[]
  terminal: Terminal
  /** Shows nothing: a program reads the output. */
  quiet: boolean
  /** A line before each tree, such as the title of the novel. */
  titles?: readonly string[]
}

/** Sub-tasks that are shown of each task. */
const mostChildren = 12

/** Watches trees until their roots have ended, and returns the roots. Throws the signal's reason, SERVER_UNREACHABLE. */
export function watchTrees(watch: Watch): Promise<readonly TaskJson[]> {
  const { taskIds, terminal, quiet } = watch
  const show = quiet ? () => undefined : treePrinter(watch)
  return retryWhileUnavailable(watch, async client => {
    const trees = await Promise.all(taskIds.map(taskId => readTree(client, taskId)))
    show(trees)
    if (!trees.every(({ task }) => task.done)) return undefined
    terminal.keep()
    return trees.map(({ task }) => task)
  })
}

/** Watches the task of a command until it has ended, and returns it. `quiet`: default for a program that reads the output. */
export async function watchTask(
  { terminal, json }: Pick<Run, 'terminal' | 'json'>,
  { connection: { client, renew }, signals }: Pick<Session, 'connection' | 'signals'>,
  taskId: string,
  quiet = json,
): Promise<TaskJson> {
  const signal = signals.asked
  const [task] = await watchTrees({ client, renew, taskIds: [taskId], terminal, quiet, signal })
  return task ?? client.get(taskPath(taskId))
}

/** Returns a task with its first sub-tasks; where there are many, those that did not complete come first. */
export async function readTree(client: Client, taskId: string): Promise<TaskTree> {
  const task = await client.get<TaskJson>(taskPath(taskId))
  return withChildren(client, task, 0)
}

async function withChildren(client: Client, task: TaskJson, depth: number): Promise<TaskTree> {
  const total = Object.values(task.subTaskStatusSummary ?? {}).reduce(
    (sum: number, count) => sum + (count ?? 0),
    0,
  )
  // Many children are counted, not listed. Only those directly below the watched task are read.
  if (total === 0 || depth > 0) return { task, children: [], more: 0 }
  const page = await client.get<{ items: TaskJson[] }>(`/v1/tasks/${task.id}/children`, {
    pageSize: mostChildren,
    failedFirst: total > mostChildren ? true : undefined,
  })
  const children = await Promise.all(page.items.map(child => withChildren(client, child, depth + 1)))
  return { task, children, more: Math.max(0, total - children.length) }
}

/** Returns what shows the trees: drawn over on a terminal, elsewhere a line for each change. */
function treePrinter({ terminal, titles = [] }: Watch): (trees: readonly TaskTree[]) => void {
  if (terminal.isInteractive) {
    return trees =>
      terminal.live(
        trees.flatMap((tree, index) => {
          const title = titles[index]
          return [...(title === undefined ? [] : [title]), ...treeLines(tree, { bars: true })]
        }),
      )
  }
  const printed = new Map<string, string>()
  return trees => {
    trees.forEach((tree, index) => {
      const title = titles[index]
      for (const { task } of [tree, ...tree.children]) {
        const { key, text } = changeOf(task)
        if (printed.get(task.id) === key) continue
        printed.set(task.id, key)
        terminal.out(title === undefined ? text : `${title}: ${text}`)
      }
    })
  }
}

/** Returns the line for a task, and a key that changes when another line is due: with its status, its stage, or a tenth of its progress. */
function changeOf(task: TaskJson): { key: string; text: string } {
  const { done, total } = advanceOf(task)
  const tenth = total === 0 ? 0 : Math.floor((done / total) * 10)
  const { stage = '' } = (task.progress ?? {}) as { stage?: string }
  const detail = detailOf(task, { bars: false })
  return {
    key: `${task.status} ${task.attempt} ${stage} ${task.done ? '' : tenth}`,
    text: `${task.taskType} ${task.status}${detail === '' ? '' : ` ${detail}`}`,
  }
}
