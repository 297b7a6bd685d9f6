/** Calls between the main thread and a handler in a thread, over a port. Values cross as the text that a store would keep of them. */
import type { MessagePort } from 'node:worker_threads'
import { decode, encode } from '../task/codec.ts'
import type { ThreadContext } from '../task/definition.ts'
import { PermanentError, QuillworkError, SnoozeError } from '../task/errors.ts'
import type { TaskRecord } from '../task/task.ts'
import { fieldOf, isA, messageOf, textIn } from '../task/thrown.ts'

/** What one side can be asked for, by name. */
export type Methods = Readonly<Record<string, (...args: never[]) => unknown>>

/** What crosses: a call, which is answered where it has an id; or the answer to one. */
type Message =
  | { call: string; args: string; id?: number }
  | { answers: number; value: string }
  | { answers: number; error: SentError }

/** An error as it crosses; or one that the other side sent before, by its number there. */
type SentError = ErrorFields | { returned: number }
interface ErrorFields {
  number: number
  kind: keyof typeof classes | 'object' | 'text'
  fields: string
  cause?: SentError
}

const classes = { PermanentError, SnoozeError, QuillworkError, Error }
const classNames = ['PermanentError', 'SnoozeError', 'QuillworkError', 'Error'] as const
/** What the engine reads of an error; see `classifyError`. */
const fieldNames = [
  ...['name', 'message', 'stack', 'code', 'details', 'status', 'statusCode', 'headers', 'responseHeaders'],
  ...['retryAfterMs', 'until', 'limit', 'limitCost', 'budget'],
]
const deepestCause = 5

/** The `workerData` of a thread that runs handlers. */
export const threadMark = 'quillwork handlers'

/** What a thread is sent to run one handler. */
export interface RunMessage {
  /** Closed when the handler has ended: what it left behind reaches nobody. */
  port: MessagePort
  /** Not 0 once the attempt was interrupted: known to a computation that never yields. */
  aborted: Int32Array
}

/** The handler, and what of its context never changes. */
export interface RunRequest
  extends Pick<TaskRecord, 'parameters' | 'parametersVersion' | 'checkpointScope'>,
    Pick<ThreadContext, (typeof factNames)[number]> {
  /** URL of the module that exports the task. */
  module: string
  handler: 'execute' | 'onSubTasksSettled'
}

/** What of a context never changes while its attempt runs. */
export const factNames = [
  ...(['taskId', 'taskType', 'userId', 'parentTaskId', 'rootTaskId', 'tags', 'executionNodeId'] as const),
  ...(['traceparent', 'scheduledFor', 'attempt', 'retryCount', 'round', 'retriedAttempt'] as const),
]

/** One end of the port. */
export class Line {
  readonly #port: MessagePort
  readonly #methods: Methods
  readonly #failed: (error: unknown) => void
  readonly #calls = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>()
  #lastCall = 0
  /** Errors that were sent, by number: one that comes back is the object that it was. */
  readonly #sent: unknown[] = []
  readonly #received = new WeakMap<object, number>()

  /** `failed`: gets what a method throws whose caller waits for no answer. */
  constructor(port: MessagePort, methods: Methods, failed: (error: unknown) => void) {
    this.#port = port
    this.#methods = methods
    this.#failed = failed
    port.on('message', (message: Message) => void this.#receive(message))
  }

  /** Calls a method of the other side, and returns its answer. Rejects with what it throws, and VALUE_NOT_STORABLE. */
  call(method: string, ...args: unknown[]): Promise<unknown> {
    this.#lastCall += 1
    const id = this.#lastCall
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#send({ call: method, args: encode(args), id })
      this.#calls.set(id, { resolve, reject })
    })
    // A handler may wait for none of its submissions; a refusal must not end its thread.
    answer.catch(() => undefined)
    return answer
  }

  /** Calls a method of the other side, and waits for nothing. Throws VALUE_NOT_STORABLE. */
  tell(method: string, ...args: unknown[]): void {
    this.#send({ call: method, args: encode(args) })
  }

  #send(message: Message): void {
    this.#port.postMessage(message)
  }

  async #receive(message: Message): Promise<void> {
    if ('answers' in message) return this.#answered(message)
    const { call, args, id } = message
    try {
      const method = this.#methods[call] as (...args: unknown[]) => unknown
      const value = await method(...(decode(args) as unknown[]))
      if (id !== undefined) this.#send({ answers: id, value: encode(value) })
    } catch (error) {
      if (id === undefined) this.#failed(error)
      else this.#send({ answers: id, error: this.#toSend(error) })
    }
  }

  #answered(message: Extract<Message, { answers: number }>): void {
    const call = this.#calls.get(message.answers)
    this.#calls.delete(message.answers)
    if ('error' in message) call?.reject(this.#revived(message.error))
    else call?.resolve(decode(message.value))
  }

  #toSend(error: unknown, depth = 1): SentError {
    const returned = this.#received.get(Object(error))
    if (returned !== undefined) return { returned }
    const number = this.#sent.push(error) - 1
    const cause = depth < deepestCause ? (fieldOf(error, 'cause') ?? undefined) : undefined
    const rest = cause === undefined ? {} : { cause: this.#toSend(cause, depth + 1) }
    const kind = classNames.find(name => isA(error, classes[name]))
    if (kind === undefined && textIn(error, 'message') === undefined)
      return { number, kind: 'text', fields: encode(messageOf(error)), ...rest }
    const fields = fieldNames.flatMap(name => {
      const value = storable(fieldOf(error, name))
      return value === undefined ? [] : [[name, value]]
    })
    return { number, kind: kind ?? 'object', fields: encode(Object.fromEntries(fields)), ...rest }
  }

  #revived(sent: SentError): unknown {
    if ('returned' in sent) return this.#sent[sent.returned]
    const { kind, number } = sent
    const fields = decode(sent.fields)
    if (kind === 'text') return fields
    const bare = kind === 'object' ? {} : Object.setPrototypeOf(new Error(), classes[kind].prototype)
    const cause = sent.cause === undefined ? {} : { cause: this.#revived(sent.cause) }
    const error: object = Object.assign(bare, fields, cause)
    this.#received.set(error, number)
    return error
  }
}

/** Returns a field of an error as it can cross; undefined for one that cannot. */
function storable(value: unknown): unknown {
  try {
    const plain = value instanceof Headers ? Object.fromEntries(value) : value
    encode(plain)
    return plain
  } catch {
    return undefined
  }
}
