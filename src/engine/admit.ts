import type { Awaitable, ResolvedTask, TaskType } from '../task/definition.ts'
import { QuillworkError } from '../task/errors.ts'
import { parseWith } from '../task/schema.ts'
import type { Core } from './core.ts'

/** Checks parameters against the schema; what the schema makes of them is made again at each attempt. */
export function validate(type: TaskType, parameters: unknown): Awaitable<unknown> {
  return parseWith(
    type.parameters,
    parameters,
    'PARAMETERS_INVALID',
    `The parameters of ${type.type} are not valid`,
  )
}

/**
 * Checks what is submitted by itself, and asks the hook of the type where this engine has one. Throws, or rejects with, the refusal. A
 * schema and a hook that answer at once cost no promise.
 */
export function check(core: Core, type: TaskType, parameters: unknown, userId = ''): Awaitable<unknown> {
  const validated = validate(type, parameters)
  const task = core.tasks.get(type.type)
  if (task?.admit === undefined) return validated
  const isAtHand = task.parameters === type.parameters && !(validated instanceof Promise)
  return isAtHand
    ? ask(core, task, validated, userId)
    : askLater(core, task, { type, parameters, validated, userId })
}

/** A client may know the type by another schema: the hook gets what its own makes of the parameters. */
async function askLater(
  core: Core,
  task: ResolvedTask,
  asked: { type: TaskType; parameters: unknown; validated: unknown; userId: string },
): Promise<void> {
  const { type, parameters, userId } = asked
  const validated = await asked.validated
  const own = task.parameters === type.parameters ? validated : await validate(task, parameters)
  await ask(core, task, own, userId)
}

function ask({ services }: Core, task: ResolvedTask, parameters: unknown, userId: string): Awaitable<void> {
  try {
    const answer: unknown = task.admit?.(parameters, { services, userId })
    // Whatever can be waited for is: a refusal must not get lost in a promise of another kind.
    return answer === undefined ? undefined : answered(task, answer)
  } catch (error) {
    throw refusalOf(task, error)
  }
}

async function answered(task: ResolvedTask, answer: unknown): Promise<void> {
  try {
    await answer
  } catch (error) {
    throw refusalOf(task, error)
  }
}

/** Whatever a hook throws is a refusal; one with a code of ours says more than that. */
function refusalOf({ type }: ResolvedTask, error: unknown): unknown {
  if (error instanceof QuillworkError) return error
  const why = error instanceof Error ? error.message : String(error)
  return new QuillworkError('SUBMISSION_REFUSED', `${type} refuses what was submitted: ${why}`, {
    cause: error,
  })
}
