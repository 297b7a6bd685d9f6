import type { z } from 'zod'
import type { TaskJson } from '../http/index.ts'
import type { attemptSchema, logLineSchema } from '../http/routes/task-details.ts'
import type { Client } from './client.ts'
import { everyEntry } from './list.ts'
import { progressBar } from './terminal.ts'
import { pad, printable } from './text.ts'
import { agoText, countOf, numberText } from './words.ts'

type LogLine = z.output<typeof logLineSchema>

/** Number of the last lines of the log that are shown. */
const lastLines = 20

/** Returns a task for a person: the tree, its fields, attempts that did not complete, the end of its log. */
export async function taskLines(client: Client, tree: TaskTree): Promise<string[]> {
  const { task } = tree
  const attempts = await client.get<{ items: z.output<typeof attemptSchema>[] }>(
    `/v1/tasks/${task.id}/attempts`,
  )
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

/** Returns the last lines of a log, which the API lists from its beginning. */
async function endOfLog(client: Client, taskId: string): Promise<LogLine[]> {
  const last: LogLine[] = []
  for await (const line of everyEntry<LogLine>(client, `/v1/tasks/${taskId}/logs`)) {
    last.push(line)
    if (last.length > lastLines) last.shift()
  }
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
    ['after', task.after?.keys.map(key => printable(key)).join(', ')],
    ['rerun of', task.rerunOf],
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

/** A task with the tasks below it that are shown. */
export interface TaskTree {
  readonly task: TaskJson
  readonly children: readonly TaskTree[]
  /** Sub-tasks that are not among `children`. */
  readonly more: number
}

/** Returns the tree as lines, one for each task, with what it does. */
export function treeLines(tree: TaskTree, options: { bars: boolean }): string[] {
  return linesBelow(tree, '', '', options)
}

function linesBelow(
  { task, children, more }: TaskTree,
  first: string,
  rest: string,
  options: { bars: boolean },
): string[] {
  const name = pad(first + task.taskType, 24)
  const lines = [`${name} ${pad(task.status, 12)} ${detailOf(task, options)}`.trimEnd()]
  children.forEach((child, index) => {
    const isLast = index === children.length - 1 && more === 0
    lines.push(
      ...linesBelow(child, `${rest}${isLast ? '└─ ' : '├─ '}`, `${rest}${isLast ? '   ' : '│  '}`, options),
    )
  })
  if (more > 0) lines.push(`${rest}└─ ${countOf(more, 'more sub-task')}`)
  return lines
}

/** Returns what a task does, or did, in a few words. */
export function detailOf(task: TaskJson, { bars }: { bars: boolean }): string {
  if (task.errorInfo !== undefined && task.status !== 'RUNNING')
    return `${task.errorInfo.code}: ${printable(task.errorInfo.message)}`
  const { done, total } = advanceOf(task)
  const words = [stageOf(task), retryOf(task), waitOf(task)].filter(text => text !== '')
  if (!task.done && total > 0) {
    const count = `${numberText(done)}/${numberText(total)}`
    words.unshift(bars ? `${progressBar(done, total)} ${count}` : count)
  } else if (task.done) words.unshift(resultOf(task))
  return words.filter(text => text !== '').join(', ')
}

/** Returns how far a task is: by the progress that it reports, else by its sub-tasks. */
export function advanceOf(task: TaskJson): { done: number; total: number } {
  const counts = Object.entries(task.subTaskStatusSummary ?? {})
  const progress = numbersOf(task.progress)
  if (progress['done'] !== undefined && progress['total'] !== undefined)
    return { done: progress['done'], total: progress['total'] }
  const live = new Set(['QUEUED', 'RUNNING', 'RETRYING'])
  const sum = (of: typeof counts) => of.reduce((total, [, count]) => total + (count ?? 0), 0)
  return { done: sum(counts.filter(([status]) => !live.has(status))), total: sum(counts) }
}

function stageOf({ progress, done }: TaskJson): string {
  if (done) return ''
  const stage = (progress as { stage?: unknown } | undefined)?.stage
  return typeof stage === 'string' ? stage : ''
}

/** Returns the number of retries. Attempts would mislead: those of a parent rise with each of its stages. */
function retryOf({ done, retryCount }: TaskJson): string {
  return done || retryCount === 0 ? '' : `retry ${retryCount}`
}

/** Returns what a task waits for: a signal or a time, another sub-task, or a parent beside its sub-tasks. */
function waitOf({ waitingFor }: TaskJson): string {
  if (waitingFor?.kind === 'signal')
    return `waits for the signal ${waitingFor.signals.map(printable).join(', ')}`
  if (waitingFor?.kind === 'time') return `waits until ${waitingFor.until}`
  if (waitingFor?.kind === 'sub-task') return `waits for the sub-task ${printable(waitingFor.key)}`
  if (waitingFor?.kind !== 'budget' || waitingFor.tasks === undefined) return ''
  return `${countOf(waitingFor.tasks, 'sub-task')} wait for the budget (quillwork budget ${waitingFor.rootTaskId})`
}

/** Counts of a result that are shown. */
const nouns: Record<string, readonly [one: string, many: string]> = {
  volumes: ['volume', 'volumes'],
  chapters: ['chapter', 'chapters'],
  scenes: ['scene', 'scenes'],
  words: ['word', 'words'],
  success: ['done', 'done'],
  failed: ['failed', 'failed'],
  conflict: ['conflict', 'conflicts'],
  proposed: ['with candidates', 'with candidates'],
  skipped: ['skipped', 'skipped'],
  notAttempted: ['not attempted', 'not attempted'],
  passages: ['passage', 'passages'],
}

/** What the tasks of a batch create. */
const made: Record<string, typeof nouns> = {
  BatchGenerateSummary: { success: ['summary', 'summaries'] },
  BatchGenerateScene: { success: ['scene', 'scenes'] },
}

function resultOf({ result, taskType }: TaskJson): string {
  const counts = numbersOf(result)
  const words = Object.entries({ ...nouns, ...made[taskType] })
  return [
    ...words.flatMap(([name, [one, many]]) => {
      const count = counts[name] ?? 0
      return count === 0 ? [] : [`${numberText(count)} ${count === 1 ? one : many}`]
    }),
    ...flagsOf(result),
  ].join(', ')
}

/** Returns why a text is not in its scene, where it is not. */
function flagsOf(result: unknown): string[] {
  const { conflict, accepted, candidates, skipped } = (result ?? {}) as Readonly<Record<string, unknown>>
  return [
    ...(conflict === true ? ['not put into the scene, which was edited meanwhile'] : []),
    ...(accepted === false && Array.isArray(candidates) && candidates.length > 0
      ? [countOf(candidates.length, 'candidate')]
      : []),
    ...(skipped === true ? ['skipped'] : []),
  ]
}

function numbersOf(value: unknown): Record<string, number> {
  if (typeof value !== 'object' || value === null) return {}
  const entries = Object.entries(value).filter(([, item]) => typeof item === 'number')
  return Object.fromEntries(entries) as Record<string, number>
}
