import type { TaskJson } from '../http/index.ts'
import type { Client } from './client.ts'
import { type TaskTree, treeLines } from './tree.ts'
import { printable } from './width.ts'
import { agoText } from './words.ts'

interface AttemptJson {
  attempt: number
  endedAt: string
  outcome: string
  code?: string
  message?: string
}

interface LogJson {
  at: string
  attempt: number
  level: string
  message: string
}

/** Lines of the log that are shown: the last ones. */
const lastLines = 20

/** A task for a person: what it is, the tree, attempts that did not complete, the end of its log. */
export async function taskLines(client: Client, tree: TaskTree): Promise<string[]> {
  const { task } = tree
  const attempts = await client.get<{ items: AttemptJson[] }>(`/v1/tasks/${task.id}/attempts`)
  const logs = await endOfLog(client, task.id)
  return [
    ...treeLines(tree, { bars: false }),
    '',
    ...factsOf(task),
    ...section(
      'attempts that did not complete',
      attempts.items.map(({ attempt, outcome, code, message, endedAt }) => {
        const why = code === undefined ? '' : ` ${code}: ${printable(message ?? '')}`
        return `${attempt}  ${endedAt}  ${outcome}${why}`
      }),
    ),
    ...section(
      'log',
      logs.map(
        ({ at, attempt, level, message }) => `${at}  attempt ${attempt}  ${level}  ${printable(message)}`,
      ),
    ),
  ]
}

/** The last lines of a log, which is told from its beginning, page by page. */
async function endOfLog(client: Client, taskId: string): Promise<LogJson[]> {
  let last: LogJson[] = []
  let pageToken: string | undefined
  do {
    const page = await client.get<{ items: LogJson[]; nextPageToken?: string }>(`/v1/tasks/${taskId}/logs`, {
      pageSize: 200,
      pageToken,
    })
    last = [...last, ...page.items].slice(-lastLines)
    pageToken = page.nextPageToken
  } while (pageToken !== undefined)
  return last
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines.map(line => `  ${line}`)]
}

function factsOf(task: TaskJson): string[] {
  const { timestamps, errorInfo } = task
  const facts: [string, string | undefined][] = [
    ['id', task.id],
    ['parent', task.parentTaskId],
    ['user', task.userId],
    ['lane', `${task.lane}${task.priority === 'high' ? ', high priority' : ''}`],
    ['created', `${timestamps.createdAt} (${agoText(timestamps.createdAt)})`],
    ['started', timestamps.startedAt],
    ['ended', timestamps.completedAt],
    ['attempts', `${task.attempt}, retries spent ${task.retryCount}`],
    ['next attempt', task.done ? undefined : task.nextAttemptTimestamp],
    ['cancel asked', task.done ? undefined : task.cancelRequestedAt],
    ['dead letter', task.deadLetter && `${task.deadLetter.reason}, since ${task.deadLetter.openedAt}`],
    ['error', errorInfo && `${errorInfo.code}: ${printable(errorInfo.message)}`],
    ['parameters', JSON.stringify(task.parameters)],
    ['result', task.result === undefined ? undefined : JSON.stringify(task.result)],
  ]
  return facts.filter(([, text]) => text !== undefined).map(([name, text]) => `${name.padEnd(13)} ${text}`)
}
