/**
 * The checker: compares what the store holds with what the child processes wrote down outside it. It answers the broken promises as
 * lines of text, so that a test shows all of them at once.
 */
import { decode, hasEnded, type TaskRecord } from 'quillwork'
import { type Entry, entriesOf } from './ledger.ts'
import { type Held, recount } from './records.ts'

/** Checks what holds at every moment, also between two processes: nothing acknowledged is lost, every counter is a recount. */
export function checkAlways(held: Held, entries: readonly Entry[]): string[] {
  const byId = new Map(held.tasks.map(task => [task.id, task]))
  return [
    ...lost(byId, entries),
    ...wrongCounts(held),
    ...wrongDeadLetters(held),
    ...held.tasks.flatMap(task => wrongSummary(task, held)),
    ...staleEntries(byId, entries),
    ...(held.integrity === 'ok' ? [] : [`the file is damaged: ${held.integrity}`]),
  ]
}

/** Checks what holds once everything has ended. */
export function checkAtRest(held: Held, entries: readonly Entry[]): string[] {
  const live = held.tasks.filter(({ status }) => !hasEnded(status))
  return [
    ...checkAlways(held, entries),
    ...live.map(({ id, status }) => `${id} is still ${status}`),
    ...(held.waiting === 0 ? [] : [`the lanes count ${held.waiting} waiting tasks`]),
    ...held.tasks.flatMap(task => wrongEnd(task, held)),
    ...wrongResults(held, entries),
    ...wrongKeys(held, entries),
    ...endedTwice(held, entries),
    ...startedAfterEnd(held, entries),
    ...stepsRunAgain(entries),
  ]
}

/** Remembers how tasks ended, and tells which have another end later on. */
export class Ends {
  readonly #seen = new Map<string, string>()

  check(tasks: readonly TaskRecord[]): string[] {
    const broken: string[] = []
    for (const { id, status, attempt, result, completedAt } of tasks) {
      const end = hasEnded(status) ? JSON.stringify({ status, attempt, result, completedAt }) : undefined
      const before = this.#seen.get(id)
      if (before !== undefined && before !== end)
        broken.push(`${id} had ended ${before}, now ${end ?? status}`)
      if (end !== undefined) this.#seen.set(id, end)
    }
    return broken
  }
}

type Tasks = ReadonlyMap<string, TaskRecord>

/** What was acknowledged and is not there. */
export function lost(tasks: Tasks, entries: readonly Entry[]): string[] {
  return entriesOf(entries, 'accepted')
    .filter(({ taskId }) => !tasks.has(taskId))
    .map(({ key }) => `${key} was acknowledged and is lost`)
}

/** Counters by status that are not a recount. */
export function wrongCounts({ counts, tasks }: Held): string[] {
  const right = recount(tasks)
  return Object.entries(right)
    .filter(([status, count]) => counts[status as keyof typeof right] !== count)
    .map(([status, count]) => `${count} tasks are ${status}, the counters say ${JSON.stringify(counts)}`)
}

/** Exactly one open dead letter per failed task. */
export function wrongDeadLetters({ tasks, deadLetters }: Held): string[] {
  const failed = tasks
    .filter(({ status }) => status === 'FAILED' || status === 'DEAD_LETTER')
    .map(({ id }) => id)
  const listed = [...deadLetters].sort()
  if (JSON.stringify(listed) === JSON.stringify(failed.sort())) return []
  return [`the dead letters are ${listed.join()}, the failed tasks ${failed.join()}`]
}

/** Sub-tasks counted wrongly by their parent. */
export function wrongSummary(parent: TaskRecord, held: Held): string[] {
  const children = childrenOf(parent, held)
  const right = Object.fromEntries(Object.entries(recount(children)).filter(([, count]) => count > 0))
  const kept = parent.subTaskStatusSummary ?? {}
  const same = Object.keys({ ...right, ...kept }).every(
    status => (right[status] ?? 0) === (kept[status as keyof typeof kept] ?? 0),
  )
  return same
    ? []
    : [`${parent.id} counts its sub-tasks as ${JSON.stringify(kept)}, they are ${JSON.stringify(right)}`]
}

/** Attempts rise, no number is given twice, and no attempt leaves an effect once a later one has begun. */
export function staleEntries(tasks: Tasks, entries: readonly Entry[]): string[] {
  const broken: string[] = []
  const newest = new Map<string, number>()
  const effects = new Set<string>()
  for (const entry of entries) {
    if (entry.is !== 'started' && entry.is !== 'effect') continue
    const { taskId, attempt } = entry
    const before = newest.get(taskId) ?? 0
    if (entry.is === 'started') {
      if (attempt <= before) broken.push(`${taskId} began attempt ${attempt} after attempt ${before}`)
      newest.set(taskId, attempt)
      const recorded = tasks.get(taskId)?.attempt ?? 0
      if (attempt > recorded) broken.push(`${taskId} ran attempt ${attempt}, the record knows ${recorded}`)
    } else {
      if (attempt !== before) broken.push(`${taskId} left an effect of attempt ${attempt} during ${before}`)
      const effect = `${taskId} ${attempt}`
      if (effects.has(effect)) broken.push(`${effect} left its effect twice`)
      effects.add(effect)
    }
  }
  return broken
}

/** How a task has to end, by what it was asked to do and how its sub-tasks ended. */
export function wrongEnd(task: TaskRecord, held: Held): string[] {
  const right = rightEnd(task, held)
  const broken =
    right === undefined || right === task.status ? [] : [`${task.id} is ${task.status}, not ${right}`]
  const rows = held.attempts.get(task.id) ?? []
  // A crashed attempt is told apart from the next one: each leaves a row, numbered one by one.
  const oneByOne =
    task.subTaskStatusSummary !== undefined || rows.every((attempt, index) => attempt === index + 1)
  const rises = rows.every((attempt, index) => attempt > (rows[index - 1] ?? 0) && attempt <= task.attempt)
  if (!rises || !oneByOne) broken.push(`${task.id} has the attempts ${rows.join()} of ${task.attempt}`)
  return broken
}

function rightEnd(task: TaskRecord, held: Held): string | undefined {
  const parameters = decode(task.parameters) as { kind?: string; children?: readonly string[] }
  if (parameters.kind === 'hang') return 'CANCELLED'
  const parent = familiesOf(held).records.get(task.parentTaskId ?? '')
  // A sub-task of a parent that was cancelled has ended before or has not.
  if (parent?.status === 'CANCELLED') return undefined
  if (parameters.kind !== undefined) return endsOfKinds[parameters.kind] ?? 'COMPLETED'
  if (parameters.children === undefined) return undefined
  if (parameters.children.includes('hang')) return 'CANCELLED'
  const children = childrenOf(task, held)
  if (children.length !== parameters.children.length) return `a parent of ${parameters.children.length}`
  const completed = children.filter(({ status }) => status === 'COMPLETED').length
  if (completed === children.length) return 'COMPLETED'
  return completed === 0 ? 'FAILED' : 'COMPLETED_WITH_ERRORS'
}

/** Kinds of tasks that do not complete. */
const endsOfKinds: Readonly<Record<string, string>> = { permanent: 'FAILED', poison: 'DEAD_LETTER' }

/** The records by id and the sub-tasks by parent, made once of what was read. */
interface Families {
  records: ReadonlyMap<string, TaskRecord>
  children: ReadonlyMap<string, readonly TaskRecord[]>
}

const families = new WeakMap<Held, Families>()

function familiesOf(held: Held): Families {
  const known = families.get(held)
  if (known !== undefined) return known
  const children = new Map<string, TaskRecord[]>()
  for (const task of held.tasks) {
    if (task.parentTaskId === undefined) continue
    const siblings = children.get(task.parentTaskId) ?? []
    siblings.push(task)
    children.set(task.parentTaskId, siblings)
  }
  const made = { records: new Map(held.tasks.map(task => [task.id, task])), children }
  families.set(held, made)
  return made
}

/** The sub-tasks of a task, oldest first. */
function childrenOf(task: TaskRecord, held: Held): readonly TaskRecord[] {
  return familiesOf(held).children.get(task.id) ?? []
}

/** A result belongs to the last attempt that ran the handler, and that attempt left its effect. */
export function wrongResults({ tasks }: Held, entries: readonly Entry[]): string[] {
  const effects = new Set(entriesOf(entries, 'effect').map(({ taskId, attempt }) => `${taskId} ${attempt}`))
  const broken: string[] = []
  for (const { id, status, result, attempt } of tasks) {
    if (status !== 'COMPLETED' && status !== 'COMPLETED_WITH_ERRORS') continue
    const made = result === undefined ? undefined : (decode(result) as { attempt?: number })
    if (made?.attempt !== attempt)
      broken.push(`${id} ended in attempt ${attempt} with the result of attempt ${made?.attempt}`)
    if (!effects.has(`${id} ${attempt}`))
      broken.push(`${id} ended in attempt ${attempt}, which had no effect`)
  }
  return broken
}

/** One task per key, and one key per task, over all attempts. */
export function wrongKeys({ tasks }: Held, entries: readonly Entry[]): string[] {
  const broken: string[] = []
  const taskOf = new Map<string, string>()
  for (const { idempotencyKey, id } of tasks) {
    if (idempotencyKey === undefined) continue
    if (taskOf.has(idempotencyKey)) broken.push(`${idempotencyKey} made two tasks`)
    taskOf.set(idempotencyKey, id)
  }
  for (const { key, taskId } of entriesOf(entries, 'accepted'))
    if (taskOf.get(key) !== taskId)
      broken.push(`${key} was acknowledged as ${taskId}, it is ${taskOf.get(key)}`)
  for (const { key } of entriesOf(entries, 'asked'))
    if (!taskOf.has(key)) broken.push(`${key} was asked for until it was heard, and is not there`)
  const keyOf = new Map<string, string>()
  for (const { taskId, effectKey } of entriesOf(entries, 'effect')) {
    const before = keyOf.get(taskId) ?? effectKey
    if (before !== effectKey) broken.push(`${taskId} left effects under ${before} and ${effectKey}`)
    keyOf.set(taskId, effectKey)
  }
  return broken
}

/** An end is told once at most, and it is the one that stands. */
export function endedTwice({ tasks }: Held, entries: readonly Entry[]): string[] {
  const statusOf = new Map(tasks.map(({ id, status }) => [id, status]))
  const told = new Map<string, string>()
  const broken: string[] = []
  for (const { taskId, name } of entriesOf(entries, 'ended')) {
    if (told.has(taskId)) broken.push(`${taskId} ended ${told.get(taskId)} and ${name}`)
    told.set(taskId, name)
    const status = statusOf.get(taskId) ?? ''
    if (!(endsTold[status] ?? []).includes(name))
      broken.push(`${taskId} was told as ${name}, it is ${status}`)
  }
  return broken
}

const endsTold: Readonly<Record<string, readonly string[]>> = {
  COMPLETED: ['completed'],
  COMPLETED_WITH_ERRORS: ['completed'],
  FAILED: ['failed'],
  DEAD_LETTER: ['deadLettered'],
  CANCELLED: ['cancelled'],
}

/** Nothing begins once its end was told, nor once its own cancel or its parent's was acknowledged. */
function startedAfterEnd({ tasks }: Held, entries: readonly Entry[]): string[] {
  const parentOf = new Map(tasks.map(({ id, parentTaskId }) => [id, parentTaskId]))
  const over = new Map<string, string>()
  const broken: string[] = []
  for (const entry of entries) {
    if (entry.is === 'ended' || entry.is === 'cancel-accepted') over.set(entry.taskId, entry.is)
    if (entry.is !== 'started') continue
    const { taskId, attempt } = entry
    const parent = parentOf.get(taskId)
    if (over.has(taskId)) broken.push(`${taskId} began attempt ${attempt} after it was ${over.get(taskId)}`)
    if (parent !== undefined && over.get(parent) === 'cancel-accepted')
      broken.push(`${taskId} began attempt ${attempt} after its parent was cancelled`)
  }
  return broken
}

function stepsRunAgain(entries: readonly Entry[]): string[] {
  const kept = new Set<string>()
  const broken: string[] = []
  for (const entry of entries) {
    if (entry.is === 'step-kept') kept.add(entry.taskId)
    if (entry.is === 'step' && kept.has(entry.taskId)) broken.push(`${entry.taskId} ran a step that was kept`)
  }
  return broken
}
