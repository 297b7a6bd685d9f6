/** What a handler in a thread has of the context of its attempt: the main thread's side of it. */
import { defined } from '../task/defined.ts'
import type {
  Schema,
  StepOptions,
  SubTask,
  SubTaskItem,
  SubTaskOptions,
  TaskType,
} from '../task/definition.ts'
import { QuillworkError } from '../task/errors.ts'
import type { Usage } from '../task/paid-call.ts'
import type { AttemptContext } from './context.ts'
import type { Core } from './core.ts'
import { factNames, type Methods, type RunRequest } from './thread-line.ts'
import type { Thread } from './threads.ts'

/** Runs the handler of an attempt in a thread: what it does with its context is done here. Rejects as `Thread.run` does. */
export function runInThread(
  core: Core,
  context: AttemptContext,
  thread: Thread,
  handler: Pick<RunRequest, 'module' | 'handler'>,
): Promise<unknown> {
  const request = { ...handler, ...factsOf(context) }
  return thread.run(request, context.signal, runStep => methodsOf(core, context, runStep))
}

function factsOf(context: AttemptContext): Omit<RunRequest, 'module' | 'handler'> {
  const { parameters, parametersVersion, checkpointScope } = context.record
  const facts = Object.fromEntries(factNames.map(name => [name, context[name]]))
  return {
    ...{ parameters, parametersVersion, ...defined({ checkpointScope }) },
    ...(facts as Pick<AttemptContext, (typeof factNames)[number]>),
  }
}

/** Sub-tasks that cross at a time. */
const subTasksPerCall = 100

/** Returns what a handler in a thread may ask of its context. `runStep` has the thread run the step with a number. */
function methodsOf(
  { tasks }: Core,
  context: AttemptContext,
  runStep: (step: number) => Promise<unknown>,
): Methods {
  const listings: AsyncIterator<SubTask<Schema, Schema>>[] = []
  const typeOf = (type: string): TaskType => {
    const task = tasks.get(type)
    if (task !== undefined) return task
    const message = `A handler in a thread submitted a sub-task of the type ${type}, which this engine does not have; give it the task.`
    throw new QuillworkError('TASK_TYPE_UNKNOWN', message)
  }
  return {
    updateProgress: (progress: unknown) => context.updateProgress(progress),
    logInfo: (message: string, fields?: object) => context.logInfo(message, fields),
    logError: (message: string, fields?: object) => context.logError(message, fields),
    write: (text: string) => context.write(text),
    checkpoint: (key: string, step: number, options?: StepOptions) =>
      context.checkpoint(key, () => runStep(step), options),
    earlierOutput: () => context.earlierOutput(),
    addUsage: (usage: Usage) => context.addUsage(usage),
    submitSubTask: (type: string, parameters: unknown, options: SubTaskOptions) =>
      context.submitSubTask(typeOf(type), parameters, options),
    submitSubTasks: (type: string, items: SubTaskItem<Schema>[]) =>
      context.submitSubTasks(typeOf(type), items),
    listSubTasks: (type: string) => listings.push(context.subTasks(typeOf(type))) - 1,
    async nextSubTasks(listing: number) {
      const found: SubTask<Schema, Schema>[] = []
      while (found.length < subTasksPerCall) {
        const next = await listings[listing]?.next()
        if (next === undefined || next.done) return { found, isLast: true }
        found.push(next.value)
      }
      return { found, isLast: false }
    },
  }
}
