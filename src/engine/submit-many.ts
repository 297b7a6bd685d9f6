/** Bulk submissions: all tasks or none, or each for itself. */
import { setImmediate } from 'node:timers/promises'
import type { Created, CreateOptions } from '../store/store.ts'
import type { In, Schema, TaskType } from '../task/definition.ts'
import { QuillworkError } from '../task/errors.ts'
import { isSameSubmission } from '../task/idempotency.ts'
import type { SubmitOptions } from '../task/submission.ts'
import type { NewTask, TaskRecord } from '../task/task.ts'
import { isA, messageOf } from '../task/thrown.ts'
import { traceSubmission } from '../task/tracer.ts'
import type { Core } from './core.ts'
import { accepted, acceptedSilently, announce, check, newTask, requireTransactions } from './submit.ts'

/** One task of a bulk submission. */
export type SubmitItem<P extends Schema, Tx = never> = SubmitOptions<Tx> & { parameters: In<P> }

type Item = SubmitItem<Schema>

/** Tasks that are created all or none at most: a store keeps as many in one transaction. */
export const mostTogether = 10_000
/** Tasks that are checked in one turn of the event loop, and written in one where each is for itself. */
const perWrite = 500

/** A task of a submission. `isNew`: this one created it, not an earlier one of the same idempotency key. */
export interface Accepted {
  record: TaskRecord
  isNew: boolean
  error?: undefined
}

/** Submits all tasks, or none where one is refused. Throws the first refusal, with the index of its item. */
export async function submitMany(core: Core, type: TaskType, items: Iterable<Item>): Promise<Accepted[]> {
  const tasks: NewTask[] = []
  let transaction: unknown
  for (const item of items) {
    if (tasks.length === mostTogether) throw tooMany()
    if (tasks.length % perWrite === perWrite - 1) await setImmediate()
    transaction ??= item.transaction
    const checking = checkedTask(core, type, item)
    tasks.push(await checking.catch(error => refuseAll(tasks.length, error)))
  }
  if (transaction !== undefined) requireTransactions(core)
  const created = await create(core, tasks, transaction, { allOrNone: isSameSubmission })
  const records = tasks.flatMap((task, index) => acceptedAt(index, task, created[index]))
  if (transaction === undefined) for (const each of created) announce(core, each)
  return records
}

function tooMany(): QuillworkError {
  const message = `submitMany takes at most ${mostTogether} tasks, for it creates all of them or none. Submit parts of at most ${mostTogether}, with idempotency keys, so that a part can be submitted again; or use submitEach, where each task has an outcome of its own.`
  return new QuillworkError('OPTION_INVALID', message, { details: { most: mostTogether } })
}

/** Returns an accepted task; nothing for one that was only withheld. Throws the refusal. */
function acceptedAt(index: number, task: NewTask, created: Created | undefined): Accepted | [] {
  if (created?.outcome === 'withheld') return []
  try {
    return { record: acceptedSilently(task, created), isNew: created?.outcome === 'created' }
  } catch (error) {
    return refuseAll(index, error)
  }
}

/** Throws an error that says which item was refused. */
function refuseAll(index: number, error: unknown): never {
  if (!isA(error, QuillworkError)) throw error
  const message = `Item ${index} was refused, so none was submitted: ${error.message}`
  throw new QuillworkError(error.code, message, { cause: error, details: { ...error.details, index } })
}

/** What became of one task that was submitted for itself: its record, or the error that it was refused with. */
export type ItemOutcome = Accepted | { error: QuillworkError; record?: undefined }

/**
 * Submits each task for itself. Returns their outcomes, one for one. Where the store fails, the tasks from there on have its error; within a
 * transaction of the caller it is thrown, for that transaction is lost.
 */
export async function submitEach(core: Core, type: TaskType, items: Iterable<Item>): Promise<ItemOutcome[]> {
  const all = [...items]
  const transaction: unknown = all.find(item => item.transaction !== undefined)?.transaction
  if (transaction !== undefined) requireTransactions(core)
  const outcomes: ItemOutcome[] = []
  let failure: QuillworkError | undefined
  for (let from = 0; from < all.length && failure === undefined; from += perWrite) {
    const checked = await checkEach(core, type, all.slice(from, from + perWrite))
    const tasks = checked.filter((each): each is NewTask => !(each instanceof QuillworkError))
    const created = await create(core, tasks, transaction).catch(error => {
      if (transaction !== undefined) throw error
      failure = codedError(error)
      return []
    })
    const answers = new Map(tasks.map((task, index) => [task, created[index]]))
    const accept = transaction === undefined ? accepted.bind(undefined, core) : acceptedSilently
    const acceptOne = (task: NewTask, answer: Created | undefined) => ({
      record: accept(task, answer),
      isNew: answer?.outcome === 'created',
    })
    for (const each of checked)
      outcomes.push(outcomeOf(each, task => failure ?? acceptOne(task, answers.get(task))))
  }
  const error = failure
  if (error !== undefined) while (outcomes.length < all.length) outcomes.push({ error })
  return outcomes
}

/** Returns the tasks of the items, and the error in the place of one that is refused. */
async function checkEach(core: Core, type: TaskType, items: readonly Item[]) {
  const checked: (NewTask | QuillworkError)[] = []
  for (const item of items) checked.push(await checkedTask(core, type, item).catch(codedError))
  return checked
}

function outcomeOf(
  checked: NewTask | QuillworkError,
  accept: (task: NewTask) => Accepted | QuillworkError,
): ItemOutcome {
  if (checked instanceof QuillworkError) return { error: checked }
  try {
    const answer = accept(checked)
    return answer instanceof QuillworkError ? { error: answer } : answer
  } catch (error) {
    return { error: codedError(error) }
  }
}

/** Returns an error with a code; what a schema throws has none. */
function codedError(error: unknown): QuillworkError {
  if (isA(error, QuillworkError)) return error
  return new QuillworkError('SUBMISSION_REFUSED', messageOf(error), { cause: error })
}

async function checkedTask(core: Core, type: TaskType, { parameters, ...options }: Item): Promise<NewTask> {
  const checked = check(core, type, parameters, options)
  if (checked instanceof Promise) await checked
  return newTask(core, type, { parameters, options })
}

function create(core: Core, tasks: readonly NewTask[], transaction: unknown, options: CreateOptions = {}) {
  return traceSubmission(core.trace, tasks, () =>
    core.store.tasks.create(tasks, core.admission, { ...options, transaction }),
  )
}
