import type { DeadMessage } from '../broker/broker.ts'
import { hasEnded } from '../task/status.ts'
import type { Core } from './core.ts'

/**
 * Takes what arrives in the dead letter queue. The record of a task is the truth: its dead letter was opened by the write that ended
 * it, and the message only adds how it came here. A message that names no task is filed with its text; one that names a live task
 * fails nothing, and the task is sent again. What could not be looked at the broker keeps, and tries again. Returns an unsubscribe function.
 */
export function consumeDeadLetters(core: Core): () => void {
  return core.broker.remote?.consumeDeadLetters(message => receive(core, message)) ?? (() => undefined)
}

async function receive(core: Core, message: DeadMessage): Promise<void> {
  const { taskId, malformed } = message
  if (malformed !== undefined || taskId === undefined)
    return file(core, message, malformed ?? 'The message names no task.')
  const [record] = await core.store.queries.get([taskId])
  if (record === undefined) return file(core, message, `There is no task ${taskId}.`)
  const { attempt, story } = message
  if (!hasEnded(record.status)) {
    // Of an attempt before: the task was retried, and sent again, while the message was on its way.
    if (attempt !== undefined && attempt < record.attempt) return
    await file(core, message, `Task ${taskId} is ${record.status}; it was sent again.`)
    // Durable before the message is acknowledged, where the store offers it.
    if (core.store.outbox.defer === undefined) core.store.outbox.requeue([taskId])
    else await core.store.outbox.defer([taskId], 0)
    return core.wakeRelay()
  }
  if (record.deadLetter === undefined) return
  if (attempt !== undefined && attempt < record.deadLetter.attempt - 1) return
  await core.store.outbox.notified?.([{ taskId, attempt: record.deadLetter.attempt, story }])
}

async function file(core: Core, { id, content, story }: DeadMessage, reason: string): Promise<void> {
  core.log.warn({ stray: id, reason }, 'a message was put aside')
  const at = core.store.tasks.now()
  await core.store.unparsable.file([{ id, at, reason: `${reason} ${story}`.trim(), content }])
}
