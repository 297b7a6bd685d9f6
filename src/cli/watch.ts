import type { TaskJson } from '../http/index.ts'
import { QuillworkError } from '../index.ts'
import type { Client } from './client.ts'
import { advanceOf, detailOf, type TaskTree, treeLines } from './task-lines.ts'
import type { Terminal } from './terminal.ts'

/** What is watched and where it is shown. */
export interface Watch {
  client: Client
  /** Finds the server anew when it does not answer. */
  renew?: () => Promise<Client | undefined>
  taskIds: readonly string[]
  terminal: Terminal
  /** Show nothing: a program reads the output. */
  quiet: boolean
  /** Ends the watching; the tasks go on. */
  signal: AbortSignal
  /** A word before the lines of each tree, such as the title of the novel. */
  titles?: readonly string[]
}

/** Sub-tasks that are shown of each task. */
const mostChildren = 12

/** Watches trees until their roots have ended, and answers the roots. Throws the signal's reason, SERVER_UNREACHABLE. */
export async function watchTrees(watch: Watch): Promise<readonly TaskJson[]> {
  const { taskIds, terminal, quiet } = watch
  const patience = createPatience(watch)
  const printer = quiet ? () => undefined : createPrinter(watch)
  for (;;) {
    try {
      const trees = await readTrees(patience.client, taskIds)
      patience.answered()
      printer(trees)
      if (trees.every(({ task }) => task.done)) {
        terminal.keep()
        return trees.map(({ task }) => task)
      }
    } catch (error) {
      await patience.bear(error)
    }
    await patience.pause()
  }
}

function readTrees(client: Client, taskIds: readonly string[]): Promise<TaskTree[]> {
  return Promise.all(taskIds.map(taskId => readTree(client, taskId)))
}

/** A task with its first sub-tasks; those that did not complete come first where there are many. */
export async function readTree(client: Client, taskId: string): Promise<TaskTree> {
  const task = await client.get<TaskJson>(`/v1/tasks/${encodeURIComponent(taskId)}`)
  return withChildren(client, task, 0)
}

async function withChildren(client: Client, task: TaskJson, depth: number): Promise<TaskTree> {
  const total = Object.values(task.subTaskStatusSummary ?? {}).reduce(
    (sum: number, count) => sum + (count ?? 0),
    0,
  )
  // Many children are counted, not listed; only those directly below what is watched are read.
  if (total === 0 || depth > 0) return { task, children: [], more: 0 }
  const page = await client.get<{ items: TaskJson[] }>(`/v1/tasks/${task.id}/children`, {
    pageSize: mostChildren,
    ...(total > mostChildren ? { failedFirst: true } : {}),
  })
  const children = await Promise.all(page.items.map(child => withChildren(client, child, depth + 1)))
  return { task, children, more: Math.max(0, total - children.length) }
}

/** On a terminal the trees are drawn over and over; elsewhere, a line tells of each change. */
function createPrinter({ terminal, titles = [] }: Watch): (trees: readonly TaskTree[]) => void {
  if (terminal.isInteractive) {
    return trees =>
      terminal.live(
        trees.flatMap((tree, index) => {
          const title = titles[index]
          return [...(title === undefined ? [] : [title]), ...treeLines(tree, { bars: true })]
        }),
      )
  }
  const told = new Map<string, string>()
  return trees => {
    trees.forEach((tree, index) => {
      const title = titles[index]
      for (const { task } of [tree, ...tree.children]) {
        const line = changeOf(task)
        if (told.get(task.id) === line.key) continue
        told.set(task.id, line.key)
        terminal.out(title === undefined ? line.text : `${title}: ${line.text}`)
      }
    })
  }
}

/** The line for a task, and what must change for another one: its status, its stage, or a tenth of its way. */
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

/** Between two looks. */
const lookMs = 200
/** A server that restarts is waited for. */
const patienceMs = 10_000

/** Asks a server again and again, for as long as somebody watches; one that is away for a while is waited for. */
export interface Patience {
  /** The server as it was last found. */
  readonly client: Client
  /** The server answered. */
  answered(): void
  /** The server did not: finds it anew. Throws what was thrown when it is another error, or the server has been away too long. */
  bear(error: unknown): Promise<void>
  /** Waits a moment. Throws the signal's reason. */
  pause(): Promise<void>
}

/** @param renew Finds the server anew when it does not answer. */
export function createPatience(options: {
  client: Client
  renew?: () => Promise<Client | undefined>
  signal: AbortSignal
}): Patience {
  const { renew, signal } = options
  let { client } = options
  let awaySince: number | undefined
  return {
    get client() {
      return client
    },
    answered() {
      awaySince = undefined
    },
    async bear(error) {
      const now = performance.now()
      awaySince ??= now
      if (!isAway(error) || now - awaySince > patienceMs) throw error
      client = (await renew?.()) ?? client
    },
    pause: () => pause(lookMs, signal),
  }
}

/** It does not answer, or says that it cannot now, such as while its database is away. */
function isAway(error: unknown): boolean {
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
