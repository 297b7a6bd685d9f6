import type { Task } from '../api/task.ts'

/** The names of the events of the stream that tell of a task. */
export const taskEventNames = [
  'task.created',
  'task.updated',
  'task.progress',
  'task.completed',
  'task.failed',
  'task.cancelled',
  'task.dead-lettered',
] as const

/** What became of a task: never its parameters or result, which are one request away. */
export interface TaskEvent {
  name: (typeof taskEventNames)[number]
  taskId: string
  taskType: string
  userId: string
  lane: string
  rootTaskId: string
  parentTaskId?: string
  status: Task['status']
  /** RFC 3339. */
  at: string
  attempt?: number
  progress?: unknown
  nextAttemptTimestamp?: string
  errorInfo?: Task['errorInfo']
}

/** What a stream tells: something of a task, or that something may have been missed. */
export type LiveMessage = { kind: 'task'; id: string; event: TaskEvent } | { kind: 'reset'; id: string }

/** Reads an event of the stream; undefined for a kind that is not known here, such as one of a newer server. */
export function messageOf(name: string, id: string, data: string): LiveMessage | undefined {
  if (name === 'reset') return { kind: 'reset', id }
  const known = taskEventNames.find(each => each === name)
  if (known === undefined) return undefined
  return { kind: 'task', id, event: { ...(JSON.parse(data) as Omit<TaskEvent, 'name'>), name: known } }
}
