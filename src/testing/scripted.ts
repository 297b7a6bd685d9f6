import { z } from 'zod'
import { defineTask, type SubTaskOptions, type TaskContext, type TaskDefinition } from '../task/definition.ts'
import { PermanentError, SnoozeError } from '../task/errors.ts'
import type { Usage } from '../task/paid-call.ts'

/** One thing that a scripted handler does; it does them in order. */
export type Order =
  /** Returns this value and does nothing of what follows. */
  | { do: 'succeed'; value?: unknown }
  /** Throws, on attempts up to `attempts` (default: on all), an error that is retried. */
  | { do: 'fail'; attempts?: number; message?: string }
  /** Throws, on attempts up to `attempts` (default: on all), an error that is not retried. */
  | { do: 'failForGood'; attempts?: number; message?: string }
  /** Waits for the signal, then throws as a well-behaved handler does. */
  | { do: 'hang'; attempts?: number }
  /** Waits for the signal, then returns its value all the same. */
  | { do: 'finishLate'; value?: unknown }
  /** Never ends, whatever the signal says. */
  | { do: 'ignoreSignal'; attempts?: number }
  /** Ends the attempt until that time (epoch milliseconds), on attempts up to `attempts` (default: on all). */
  | { do: 'snooze'; until: number; attempts?: number }
  /** Throws what a provider's 429 with a Retry-After looks like, on attempts up to `attempts` (default: on all). */
  | { do: 'tooMany'; retryAfterMs: number; attempts?: number }
  /** Ends the process, on attempts up to `attempts` (default: on all); only in processes of their own. */
  | { do: 'die'; how: 'abort' | 'exit' | 'kill'; attempts?: number }
  /** Runs a step that a later attempt does not run again; the journal tells when it ran. */
  | { do: 'checkpoint'; key: string }
  | { do: 'progress'; value: number }
  | { do: 'log'; message: string }
  /** Adds to the output of the attempt. */
  | { do: 'write'; text: string }
  | ({ do: 'use' } & Omit<Usage, 'call' | 'isEstimated'>)
  /** Waits for a signal, and notes its payload. */
  | { do: 'waitFor'; name: string }
  /** Waits for a place under a limit. */
  | { do: 'acquire'; limit: string; cost?: number }
  /** Reserves under the budget of the tree and, unless `keep`, commits `spent`, or the estimate. */
  | { do: 'reserve'; tokens: number; cost?: number; spent?: number; keep?: boolean }
  /** Submits sub-tasks of the same type, each with its own orders. */
  | { do: 'submit'; subTasks: readonly (SubTaskOptions & { orders: readonly Order[] })[] }
  /** Submits so many sub-tasks that obey the same orders. */
  | { do: 'submitMany'; count: number; orders: readonly Order[] }

const orders = z.array(z.custom<Order>(order => typeof order === 'object' && order !== null && 'do' in order))
const parametersSchema = z.object({ orders: orders.readonly(), note: z.string().optional() })
const resultSchema = z.unknown()
const progressSchema = z.number()

type Parameters = typeof parametersSchema
type Result = typeof resultSchema
type Progress = typeof progressSchema
/** A scripted task type. */
export type ScriptedTask = TaskDefinition<Parameters, Result, Progress, unknown>

/** One thing that a scripted handler did. */
export interface JournalEntry {
  taskId: string
  attempt: number
  /** The order's name, or `start` and `reduce`. */
  did: string
  detail?: unknown
}

/** Tasks that do as their parameters say, and the journal of what they did. */
export interface ScriptedTasks {
  /** A task without a hook: type `Scripted`. */
  scripted: ScriptedTask
  /** A task whose hook counts its sub-tasks by status: type `ScriptedParent`. Its sub-tasks are of type `Scripted`. */
  parent: ScriptedTask
  readonly journal: readonly JournalEntry[]
}

/** Makes task types that do as their parameters say: `{ orders: [{ do: 'fail', attempts: 2 }, { do: 'succeed', value: 1 }] }`. */
export function scriptedTasks(): ScriptedTasks {
  const journal: JournalEntry[] = []
  const type = { parameters: parametersSchema, result: resultSchema, progress: progressSchema }

  const scripted: ScriptedTask = defineTask({
    ...type,
    type: 'Scripted',
    execute: ctx => obey(ctx, scripted, journal),
  })
  const parent: ScriptedTask = defineTask({
    ...type,
    type: 'ScriptedParent',
    async execute(ctx) {
      await obey(ctx, scripted, journal)
    },
    async onSubTasksSettled(ctx) {
      journal.push({ taskId: ctx.taskId, attempt: ctx.attempt, did: 'reduce', detail: ctx.round })
      const counts: Record<string, number> = {}
      for await (const { status } of ctx.subTasks(scripted)) counts[status] = (counts[status] ?? 0) + 1
      return counts
    },
  })
  return { scripted, parent, journal }
}

type ScriptedContext = TaskContext<Parameters, Progress, unknown>

async function obey(ctx: ScriptedContext, child: ScriptedTask, journal: JournalEntry[]): Promise<unknown> {
  const { taskId, attempt } = ctx
  journal.push({ taskId, attempt, did: 'start' })
  for (const order of ctx.parameters.orders) {
    if ('attempts' in order && order.attempts !== undefined && attempt > order.attempts) continue
    const note = (detail?: unknown) => journal.push({ taskId, attempt, did: order.do, detail })
    if (order.do === 'succeed') return order.value
    if (order.do === 'finishLate') {
      await fired(ctx.signal)
      return order.value
    }
    await carryOut(ctx, order, { child, note })
  }
  return undefined
}

/** Carries out an order that goes on to the next one, or throws. */
async function carryOut(
  ctx: ScriptedContext,
  order: Exclude<Order, { do: 'succeed' | 'finishLate' }>,
  { child, note }: { child: ScriptedTask; note: (detail?: unknown) => void },
): Promise<void> {
  switch (order.do) {
    case 'fail':
      throw new Error(order.message ?? 'told to fail')
    case 'failForGood':
      throw new PermanentError(order.message ?? 'told to fail for good')
    case 'hang':
      await fired(ctx.signal)
      note()
      return ctx.signal.throwIfAborted()
    case 'ignoreSignal':
      return new Promise<void>(() => undefined)
    case 'snooze':
      throw new SnoozeError(order.until, 'told to snooze')
    case 'tooMany':
      throw Object.assign(new Error('too many requests'), {
        statusCode: 429,
        retryAfterMs: order.retryAfterMs,
      })
    case 'die':
      return die(order.how)
    case 'checkpoint':
      await ctx.checkpoint(order.key, () => note(order.key))
      return
    case 'progress':
      return ctx.updateProgress(order.value)
    case 'log':
      return ctx.logInfo(order.message)
    case 'write':
      return ctx.write(order.text)
    case 'use': {
      const { do: _, ...usage } = order
      return ctx.addUsage(usage)
    }
    case 'waitFor':
      return note(await ctx.waitFor(order.name, { schema: z.unknown() }))
    case 'acquire':
      return note(await ctx.acquire(order.limit, order.cost))
    case 'reserve':
      return note(await spend(ctx, order))
    case 'submit':
      await ctx.submitSubTasks(
        child,
        order.subTasks.map(({ orders, ...options }) => ({ ...options, parameters: { orders } })),
      )
      return
    case 'submitMany':
      await ctx.submitSubTasks(
        child,
        Array.from({ length: order.count }, (_, index) => ({
          key: `${index}`,
          parameters: { orders: order.orders },
        })),
      )
  }
}

async function spend(ctx: ScriptedContext, order: Extract<Order, { do: 'reserve' }>): Promise<void> {
  const { tokens, cost, spent = tokens, keep = false } = order
  const hold = await ctx.reserve(cost === undefined ? { tokens } : { tokens, cost })
  if (!keep) await hold.commit(cost === undefined ? { tokens: spent } : { tokens: spent, cost })
}

function fired(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function die(how: 'abort' | 'exit' | 'kill'): never {
  if (how === 'abort') process.abort()
  if (how === 'kill') process.kill(process.pid, 'SIGKILL')
  process.exit(1)
}
