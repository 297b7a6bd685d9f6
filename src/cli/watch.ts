import type { TaskJson } from '../http/index.ts'
import type { Client } from './client.ts'
import { createPatience } from './patience.ts'
import type { Terminal } from './terminal.ts'
import { advanceOf, detailOf, type TaskTree, treeLines } from './tree.ts'

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
