import { createEmitter, type Emitter } from '../runtime/emitter.ts'
import type { Logger } from '../runtime/log.ts'
import type { TaskEvent, TaskEventName, TaskEvents } from '../task/events.ts'

/** Listens to one kind of event. */
export type TaskEventListener<N extends TaskEventName> = (event: { name: N } & TaskEvents[N]) => void

/**
 * The in-process bus. It may lose: an event without a listener is gone, and a listener that throws harms nobody. Nothing that correctness
 * needs hangs on it.
 */
export interface TaskBus {
  /** Listens to one kind of event. Returns an unsubscribe function. */
  on<N extends TaskEventName>(name: N, listener: TaskEventListener<N>): () => void
  /** Listens to everything. Returns an unsubscribe function. */
  onAny(listener: (event: TaskEvent) => void): () => void
  /** Whether an event of this name has a listener: else it need not be made. */
  wants(name: TaskEventName): boolean
  emit(event: TaskEvent): void
}

/**
 * Returns a bus without listeners.
 *
 * @param onListen Called before each listener is added; default nothing.
 */
export function createBus(log: Logger, onListen: () => void = () => undefined): TaskBus {
  const failed = (error: unknown, event: TaskEvent) =>
    log.error({ err: error, event: event.name, taskId: event.taskId }, 'event listener failed')
  const named = new Map<TaskEventName, Emitter<[event: never]>>()
  const any = createEmitter<[event: TaskEvent]>(failed)

  return {
    on(name, listener) {
      onListen()
      const listeners = named.get(name) ?? createEmitter<[event: never]>(failed)
      named.set(name, listeners)
      return listeners.on(listener)
    },
    onAny(listener) {
      onListen()
      return any.on(listener)
    },
    wants: name => any.size > 0 || (named.get(name)?.size ?? 0) > 0,
    emit(event) {
      named.get(event.name)?.emit(event as never)
      any.emit(event)
    },
  }
}
