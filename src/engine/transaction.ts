/** Submits within a transaction of the caller, in the file of the store. */
import type { CallerStatement, CallerTransaction } from '../store/store.ts'
import type { In, Schema, TaskType } from '../task/definition.ts'
import { QuillworkError } from '../task/errors.ts'
import type { SubmitOptions } from '../task/submission.ts'
import type { Core } from './core.ts'
import { Handle, type TaskHandle } from './handle.ts'
import { acceptedSilently, announce, check, newTask } from './submit.ts'

/** What the work of `engine.transaction` has, while it runs. */
export interface EngineTransaction {
  /**
   * Prepares a statement on tables of your own in the file of the store. Throws what SQLite says of it; OPTION_INVALID for one that begins or ends a
   * transaction or changes settings of the file.
   */
  prepare(sql: string): CallerStatement
  /** Submits a task, which comes to be with the transaction. Throws as `engine.submit`; OPTION_INVALID where the type checks its parameters asynchronously. */
  submit<P extends Schema, R extends Schema>(
    type: TaskType<P, R>,
    parameters: In<P>,
    options?: SubmitOptions,
  ): TaskHandle<R>
}

/** Runs work in a transaction of the store. Resolves with what it returns, when that is durable; then what it submitted is announced. */
export async function transact<T>(core: Core, work: (tx: EngineTransaction) => T): Promise<T> {
  const { store } = core
  if (store.transact === undefined) {
    const message = `The store ${store.kind} has no transaction in its process; begin one by its own client, and give it to \`submit\` as \`transaction\`.`
    throw new QuillworkError('OPTION_INVALID', message)
  }
  /** Called when all is durable, or with why nothing is. */
  const endings: ((error?: unknown) => void)[] = []
  try {
    const value = await store.transact(tx =>
      work({
        prepare: sql => tx.prepare(sql),
        submit: (type, parameters, options = {}) => {
          const submission = { parameters, options: options as SubmitOptions }
          return submitNow(core, tx, type, submission, endings)
        },
      }),
    )
    for (const end of endings) end()
    if (endings.length > 0) core.wakeRelay()
    return value
  } catch (error) {
    for (const end of endings) end(error)
    throw error
  }
}

function submitNow<R extends Schema>(
  core: Core,
  tx: CallerTransaction,
  type: TaskType<Schema, R>,
  { parameters, options }: { parameters: unknown; options: SubmitOptions },
  endings: ((error?: unknown) => void)[],
): TaskHandle<R> {
  const { seen } = core.waiters
  const checked = check(core, type, parameters, { userId: options.userId })
  if (checked instanceof Promise) {
    checked.catch(() => undefined)
    const message = `${type.type} checks its parameters asynchronously, by its schema or by \`admit\`; submit it outside of the transaction.`
    throw new QuillworkError('OPTION_INVALID', message)
  }
  const task = newTask(core, type, { parameters, options })
  const traced = core.trace?.submitting([task])
  try {
    const [created] = tx.create([task], core.admission)
    const record = acceptedSilently(task, created)
    endings.push(error => {
      traced?.(error)
      if (error === undefined) announce(core, created)
    })
    return new Handle<R>(core, record, seen, created?.outcome === 'created')
  } catch (refusal) {
    traced?.(refusal)
    throw refusal
  }
}
