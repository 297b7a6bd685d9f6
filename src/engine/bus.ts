import type { Logger } from '../runtime/log.ts'
import type { TaskEvent, TaskEventName, TaskEvents } from '../task/events.ts'

/** Listens to one kind of event. */
export type TaskEventListener<N extends TaskEventName> = (event: { name: N } & TaskEvents[N]) => void

/**
 * The in-process bus: who may know. It may lose: an event that nobody heard is gone, and a listener that throws harms nobody.
 * Nothing that correctness needs hangs on it.
 */
export interface TaskBus {
  /** Listens to one kind of event. Returns an unsubscribe function. */
  on<N extends TaskEventName>(name: N, listener: TaskEventListener<N>): () => void
  /** Listens to everything. Returns an unsubscribe function. */
  onAny(listener: (event: TaskEvent) => void): () => void
  /** Whether anybody listens, so that an event nobody wants need not be made. */
  wants(name: TaskEventName): boolean
  emit(event: TaskEvent): void
}

/**
 * A bus without listeners.
 *
 * @param onListen Called each time that somebody begins to listen; default nothing.
 */
export function createBus(log: Logger, onListen: () => void = () => undefined): TaskBus {
  const named = new Map<TaskEventName, Set<(event: never) => void>>()
  const any = new Set<(event: TaskEvent) => void>()

  function call(listener: (event: never) => unknown, event: TaskEvent): void {
    const failed = (error: unknown) =>
      log.error({ err: error, event: event.name, taskId: event.taskId }, 'an event listener threw')
    try {
      const answer = listener(event as never)
      if (answer instanceof Promise) answer.catch(failed)
    } catch (error) {
      failed(error)
    }
  }

  return {
    on(name, listener) {
      onListen()
      const listeners = named.get(name) ?? new Set()
      named.set(name, listeners)
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    onAny(listener) {
      onListen()
      any.add(listener)
      return () => any.delete(listener)
    },
    wants: name => any.size > 0 || (named.get(name)?.size ?? 0) > 0,
    emit(event) {
      for (const listener of named.get(event.name) ?? []) call(listener, event)
      for (const listener of any) call(listener, event)
    },
  }
}
