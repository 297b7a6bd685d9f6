/** Which tasks an identity may see, and act on. */

import { bulkActionType } from '../engine/bulk-selection.ts'
import { noDeadLetter } from '../engine/dead-letter.ts'
import type { Engine } from '../engine/engine.ts'
import { taskNotFound } from '../engine/read-task.ts'
import { eraseUser } from '../novel/erase-user.ts'
import { isSubjectTag } from '../novel/subject-tag.ts'
import { readable } from '../task/codec.ts'
import { defined } from '../task/defined.ts'
import { type ErrorCode, QuillworkError } from '../task/errors.ts'
import type { TaskRecord } from '../task/task.ts'
import { fieldOf } from '../task/thrown.ts'
import { deliverWebhook } from '../webhooks/deliver.ts'
import { type Identity, type Need, requireRight, userActedAs, userIn, usesAll } from './identity.ts'
import { readParameters } from './json-values.ts'

/** A route that names a task. */
interface TaskRoute {
  readonly needs: Need
  /** The codes of the route, by which it says that there is no such task. */
  readonly refuses: readonly ErrorCode[]
  readonly params: unknown
}

/**
 * Resolves where an identity may see, and act on, the task that a route names. Rejects as the route does for a task that is not there, and with FORBIDDEN for one that may only
 * be seen. Undefined for an identity that may use all tasks: then nothing is read. A task that is not there is left to the route.
 */
export function requireTask(
  engine: Pick<Engine, 'store'>,
  identity: Identity,
  { needs, refuses, params }: TaskRoute,
): Promise<void> | undefined {
  if (usesAll(identity, needs === 'read' ? 'see' : 'operate')) return undefined
  const { taskId } = params as { taskId: string }
  return engine.store.queries.get([taskId]).then(([task]) => {
    if (task === undefined || task.userId === identity.userId) return
    if (identity.sees === 'own') throw hidden(taskId, refuses)
    requireRight(identity, 'operate')
  })
}

/** As the engine says it for a task that is not there. */
function hidden(taskId: string, refuses: readonly ErrorCode[]): QuillworkError {
  return refuses.includes('TASK_NOT_FOUND') ? taskNotFound(taskId) : noDeadLetter(taskId)
}

/**
 * Throws OPTION_INVALID for a tag that names what a task is about: the server has made it, and finds the tasks of a novel by it that end when the
 * novel is deleted.
 */
export function requireOwnTags(removed: unknown): void {
  const subject = Array.isArray(removed) ? removed.find(isSubjectTag) : undefined
  if (subject === undefined) return
  const message = `The tag ${JSON.stringify(subject)} says what a task is about, so it stays. Remove other tags.`
  throw new QuillworkError('OPTION_INVALID', message)
}

/**
 * Returns a bulk action among the tasks that the identity may act on. Throws FORBIDDEN where its filter names another user, and OPTION_INVALID where it
 * would remove a tag that stays.
 */
export function ownSelection<S extends { readonly filter: { readonly userId?: string | undefined } }>(
  identity: Identity,
  selection: S,
) {
  if (fieldOf(selection, 'action') === 'removeTags') requireOwnTags(fieldOf(selection, 'tags'))
  const userId = userIn(identity, selection.filter.userId, 'operate')
  return { ...selection, filter: defined({ ...selection.filter, userId }) }
}

/**
 * Returns parameters that came as JSON as the schema of their type takes them; see `readParameters`. Throws FORBIDDEN for those that name another user
 * whose data are to be deleted, or on whose tasks a bulk action is to act, unless the identity may, and for a delivery
 * to a webhook, which only who sets webhooks up may make.
 */
export function ownParameters(
  engine: Engine,
  identity: Identity,
  { taskType, parameters }: { taskType: string; parameters: unknown },
): Promise<unknown> {
  const userId = taskType === eraseUser.type ? fieldOf(parameters, 'userId') : undefined
  if (typeof userId === 'string') userActedAs(identity, userId)
  if (taskType === deliverWebhook.type) requireRight(identity, 'administer')
  const isSelection = taskType === bulkActionType && typeof (fieldOf(parameters, 'filter') ?? 0) === 'object'
  const own = isSelection ? ownSelection(identity, parameters as { filter: object }) : parameters
  return readParameters(engine, taskType, own)
}

/**
 * Throws FORBIDDEN where a task that runs again with the parameters that it has would act on other users, and the identity may not: a key of the same
 * user with more rights submitted it.
 */
export function requireOwnSubject(
  identity: Identity,
  { taskType, parameters }: Pick<TaskRecord, 'taskType' | 'parameters'>,
): void {
  const isErasure = taskType === eraseUser.type
  if ((!isErasure && taskType !== bulkActionType) || usesAll(identity, 'operate')) return
  const stored = readable(parameters)
  if (fieldOf(isErasure ? stored : fieldOf(stored, 'filter'), 'userId') === identity.userId) return
  const { name, userId } = identity
  throw new QuillworkError(
    'FORBIDDEN',
    `${JSON.stringify(name)} acts for the user ${JSON.stringify(userId)}, and this task acts on other users too.`,
  )
}
