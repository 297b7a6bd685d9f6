import type { TaskBus } from '../engine/listeners.ts'
import type { Logger } from '../runtime/log.ts'
import type { TaskEvent, TaskEventName, TaskEvents } from '../task/events.ts'

/** One recorded event of a name. */
export type Recorded<N extends TaskEventName> = { name: N } & TaskEvents[N]

/** Which events: those whose fields have these values, or for which the function says yes. */
export type EventMatch<N extends TaskEventName> = Partial<Recorded<N>> | ((event: Recorded<N>) => boolean)

/** Remembers every event, so that a test waits for what happened instead of for time. */
export interface Recorder {
  readonly events: readonly TaskEvent[]
  /** Resolves with the first event that matches; at once when it was seen already. It waits as long as it takes. */
  waitFor<N extends TaskEventName>(name: N, match?: EventMatch<N>): Promise<Recorded<N>>
  /** The events of a name that match, oldest first. */
  all<N extends TaskEventName>(name: N, match?: EventMatch<N>): readonly Recorded<N>[]
  /** The names of a task's events in the order in which they came. */
  storyOf(taskId: string): readonly TaskEventName[]
  /** Forgets what was seen. */
  clear(): void
  /** Listens to one more bus: that of an engine that was started anew. Returns an unsubscribe function. */
  attach(bus: TaskBus): () => void
}

interface Waiter {
  sees(event: TaskEvent): boolean
  found(event: TaskEvent): void
}

/** A recorder that listens to nothing yet. */
export function createRecorder(): Recorder {
  const events: TaskEvent[] = []
  const waiters = new Set<Waiter>()

  function record(event: TaskEvent): void {
    events.push(event)
    for (const waiter of waiters) {
      if (!waiter.sees(event)) continue
      waiters.delete(waiter)
      waiter.found(event)
    }
  }

  function all<N extends TaskEventName>(name: N, match?: EventMatch<N>): Recorded<N>[] {
    return events.filter(event => matches(event, name, match)) as Recorded<N>[]
  }

  return {
    events,
    all,
    waitFor<N extends TaskEventName>(name: N, match?: EventMatch<N>): Promise<Recorded<N>> {
      const [seen] = all(name, match)
      if (seen !== undefined) return Promise.resolve(seen)
      return new Promise(resolve => {
        waiters.add({
          sees: event => matches(event, name, match),
          found: event => resolve(event as Recorded<N>),
        })
      })
    },
    storyOf: taskId => events.filter(event => event.taskId === taskId).map(event => event.name),
    clear() {
      events.length = 0
    },
    attach: bus => bus.onAny(record),
  }
}

function matches<N extends TaskEventName>(
  event: TaskEvent,
  name: N,
  match: EventMatch<N> | undefined,
): boolean {
  if (event.name !== name) return false
  if (match === undefined) return true
  if (typeof match === 'function') return match(event as Recorded<N>)
  return Object.entries(match).every(([key, value]) => Object.is(Reflect.get(event, key), value))
}

/** One line of the process log. */
export interface CapturedLine {
  level: keyof Logger
  message: string
  fields: object
}

/** A logger that keeps its lines, for tests that ask what was said. */
export interface CapturedLog extends Logger {
  readonly lines: readonly CapturedLine[]
  /** The messages of a level, oldest first. */
  messages(level: keyof Logger): readonly string[]
}

/** A logger that keeps its lines. */
export function createCapturedLog(): CapturedLog {
  const lines: CapturedLine[] = []
  const keep = (level: keyof Logger) => (fields: object, message: string) => {
    lines.push({ level, message, fields })
  }
  return {
    lines,
    info: keep('info'),
    warn: keep('warn'),
    error: keep('error'),
    messages: level => lines.filter(line => line.level === level).map(line => line.message),
  }
}

/** A gate that a handler waits at until the test opens it. */
export interface Gate<T = void> {
  readonly opened: Promise<T>
  open(value: T): void
}

/** A closed gate. */
export function createGate<T = void>(): Gate<T> {
  let open: (value: T) => void = () => undefined
  const opened = new Promise<T>(resolve => {
    open = resolve
  })
  return { opened, open }
}
