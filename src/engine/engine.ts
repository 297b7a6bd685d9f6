/**
 * The engine: the map of what happens to a task. It builds the parts in the order in which a task meets them (submit, relay,
 * consume, execute, settle, aggregate; heartbeat and sweep beside them), starts them in that order and stops them in reverse.
 */
import type { Broker } from '../broker/broker.ts'
import { memoryBroker } from '../broker/memory/broker.ts'
import type { Limit, LimitSource, RateLimiter } from '../rate-limit/limiter.ts'
import { createLocalLimiter } from '../rate-limit/local.ts'
import { type Clock, systemClock } from '../runtime/clock.ts'
import { createEmitter } from '../runtime/emitter.ts'
import { gather, weightOf } from '../runtime/gather.ts'
import { guardLog, type Logger, silentLog } from '../runtime/log.ts'
import {
  type Backup,
  backupsOf,
  type Delivery,
  type NodeState,
  type OperatorValues,
  type Store,
  type UsageRow,
} from '../store/store.ts'
import type { AdmissionLimits } from '../task/admission.ts'
import { defined } from '../task/defined.ts'
import {
  type AnyTask,
  type In,
  type Needs,
  type ResolvedTask,
  resolveTask,
  type Schema,
  type SignalOptions,
  type TaskType,
} from '../task/definition.ts'
import type { Duration } from '../task/duration.ts'
import { QuillworkError } from '../task/errors.ts'
import type { TaskStatus } from '../task/status.ts'
import type { SubmitOptions } from '../task/submission.ts'
import type { TaskRecord } from '../task/task.ts'
import { messageOf } from '../task/thrown.ts'
import { guardTracer, type Tracer } from '../task/tracer.ts'
import { BudgetLedger, type Budgets } from './budget.ts'
import { type Bulk, bulkOf } from './bulk-action.ts'
import { reserveStart } from './consume.ts'
import type { Core } from './core.ts'
import { type DeadLetters, deadLettersOf } from './dead-letter.ts'
import { Handle, type TaskHandle } from './handle.ts'
import { type Lanes, lanesOf } from './lanes.ts'
import { createLifecycle } from './lifecycle.ts'
import { type Limits, limitsOf } from './limits.ts'
import { createLink, createPeers } from './link.ts'
import { createBus, OutputSignals, type TaskBus, Waiters } from './listeners.ts'
import { type EngineHealth, healthOf, type Tasks, tasksOf } from './operate.ts'
import { FollowedValues } from './operator-values.ts'
import { processesOf } from './processes.ts'
import { Quarantine } from './quarantine.ts'
import { send } from './relay.ts'
import { type AnySchedule, planSchedules } from './schedule.ts'
import { createPlans } from './schedule-plans.ts'
import { type Schedules, schedulesOf } from './schedules.ts'
import {
  type EngineRole,
  type EngineSettings,
  type EngineTimes,
  resolveSettings,
  type ThreadOptions,
  type UsageRetention,
} from './settings.ts'
import { Slots } from './slots.ts'
import { submitAs } from './submit.ts'
import { type SubmitItem, submitEach, submitMany } from './submit-many.ts'
import { refuseHandlerThread, Threads } from './threads.ts'
import { type EngineTransaction, transact } from './transaction.ts'
import { signalTask } from './wait.ts'

/** The parts and settings of an engine. */
export interface EngineOptions<Tx = never> {
  store: Store<Tx>
  /** Default: within this process. */
  broker?: Broker
  /**
   * Worker slots per lane; lanes that task types name and that are absent here get 10. 0 leaves a lane to the other processes that share
   * the store.
   */
  lanes?: Record<string, { slots: number }>
  /** How many tasks may wait; default no limit. */
  admission?: AdmissionLimits
  /** Largest parameters of a task, as they are stored, in bytes; default 16 MB. Larger ones are refused (PARAMETERS_TOO_LARGE). */
  parametersBytes?: number
  /** Limits by key, for `ctx.acquire`, which refuses all other keys; `{}` stands for a key without limits. Default none. Or where they are read with every ask, or a limiter of one's own. */
  limits?: Record<string, Limit> | LimitSource | RateLimiter
  /** How long ended trees are kept, by the status of their root; default indefinitely. */
  retention?: Partial<Record<TaskStatus, Duration>>
  /** How long what calls of models used is kept, by call and by day; default 30 days and three years. */
  usageRetention?: UsageRetention
  /** How long lines of the audit trail are kept; default 90 days. */
  auditRetention?: Duration
  schedules?: readonly AnySchedule[]
  times?: EngineTimes
  threads?: ThreadOptions
  /** Default: silent. */
  log?: Logger
  /** Traces tasks, such as `openTelemetry()`; default none. */
  trace?: Tracer | undefined
  clock?: Clock
  /**
   * What a started engine does beside publishing what it submits; default both. Only where several processes share the store should it
   * be less: `worker` runs tasks, `maintenance` rescues, prunes and keeps schedules, which at least one process must do.
   */
  roles?: readonly EngineRole[]
  /** Unique per process start; default made of host name and chance. */
  nodeId?: string
  /** A number in [0, 1) for jitter; default `Math.random`. */
  random?: () => number
}

/** What became of one item of `submitEach`: its task, or the error that it was refused with. */
export type SubmitOutcome<R extends Schema> =
  | { task: TaskHandle<R>; error?: undefined }
  | { error: QuillworkError; task?: undefined }

/** Durable background tasks. An engine that is not started is a client. */
export interface Engine<Tx = never> extends AsyncDisposable {
  /**
   * Submits a task. Resolves when it is durable. Throws PARAMETERS_INVALID, VALUE_NOT_STORABLE, OPTION_INVALID, LANE_UNKNOWN,
   * USER_QUEUE_FULL, LANE_QUEUE_FULL, IDEMPOTENCY_KEY_REUSED, and what the type's own `admit` refuses (SUBMISSION_REFUSED).
   */
  submit<P extends Schema, R extends Schema>(
    type: TaskType<P, R>,
    parameters: In<P>,
    options?: SubmitOptions<Tx>,
  ): Promise<TaskHandle<R>>
  /**
   * Submits at most 10,000 tasks of one type: all of them or none, also when the process dies meanwhile. Throws what `submit` throws for the
   * first that is refused, with its `index` as details; OPTION_INVALID for more than 10,000.
   */
  submitMany<P extends Schema, R extends Schema>(
    type: TaskType<P, R>,
    items: Iterable<SubmitItem<P, Tx>>,
  ): Promise<readonly TaskHandle<R>[]>
  /**
   * Submits any number of tasks of one type, each for itself. Returns one outcome for each item, in order: its handle, or the error that
   * `submit` would have thrown. Where the store fails, the items from there on have its error, and some may have been stored: give them
   * idempotency keys, and submit them again. Within a transaction of the caller a failure of the store is thrown.
   */
  submitEach<P extends Schema, R extends Schema>(
    type: TaskType<P, R>,
    items: Iterable<SubmitItem<P, Tx>>,
  ): Promise<readonly SubmitOutcome<R>[]>
  /**
   * Runs `work` once in a transaction of the store on SQLite, with statements on tables of your own in its file: they and the tasks that it submits come to
   * be together, or not at all. `work` is synchronous. Resolves with what it returns when that is durable; rejects with what it throws, as it was.
   * Throws OPTION_INVALID for a promise, and on another store: there `submit` takes a `transaction`.
   */
  transaction<T>(work: (tx: EngineTransaction) => T): Promise<T>
  /** The handle of a task, or undefined when there is none. */
  find<R extends Schema>(type: TaskType<Schema, R>, taskId: string): Promise<TaskHandle<R> | undefined>
  /**
   * Tells a task something, which its handler takes with `ctx.waitFor(name)`. It is in the record when this resolves. Returns whether it is new:
   * a signal with an id that came before changes nothing. Throws TASK_NOT_FOUND, TASK_ALREADY_ENDED, TASK_CHANGED, SIGNAL_TOO_LARGE, SIGNALS_FULL,
   * VALUE_NOT_STORABLE, OPTION_INVALID.
   */
  signal(
    taskId: string,
    name: string,
    payload?: unknown,
    options?: SignalOptions,
  ): Promise<{ isNew: boolean }>
  /** Begins to run tasks. */
  start(): Promise<void>
  /** Stops taking tasks; running attempts get the grace time, then their signal, and are given back. `grace: 0` stops now. */
  stop(options?: { grace?: Duration }): Promise<void>
  /** What an operator asks and does. */
  readonly tasks: Tasks
  readonly deadLetters: DeadLetters
  /** What would be done to many tasks; it is done by a task, see `bulkAction`. */
  readonly bulk: Bulk
  readonly lanes: Lanes
  readonly limits: Limits
  /**
   * Copies all that the store has into a new file, while tasks run: the file can be opened as a store. Throws BACKUP_UNSUPPORTED for a store without a file
   * of its own, and what `Backups.write` throws.
   */
  backup(file: string): Promise<Backup>
  /** Returns the processes that share the store and sent a heartbeat within a minute, this one among them. */
  processes(): Promise<readonly NodeState[]>
  readonly schedules: Schedules
  /** What trees may spend. */
  readonly budgets: Budgets
  /** What happens in this process, as it happens; best effort. */
  readonly events: TaskBus
  /** What happens in every process that shares the store; the same as `events` where there is only this one. */
  readonly live: TaskBus
  /** Listens to what calls of models used in this process, once it is stored; best effort. Returns an unsubscribe function. */
  onUsage(listener: (task: TaskRecord, usage: UsageRow) => void): () => void
  /** Listens to gaps: `live` may have missed something, because the broker was away; read again what you show. Returns an unsubscribe function. */
  onGap(listener: () => void): () => void
  /** How the parts are doing. Never throws. */
  health(): Promise<EngineHealth>
  readonly settings: EngineSettings
  /** The task types that this engine runs. */
  readonly types: readonly ResolvedTask[]
  readonly limiter: RateLimiter
  readonly store: Store<Tx>
}

/** The services that the tasks need, or nothing when they need none. */
export type ServicesOf<T extends readonly AnyTask[]> =
  object extends Needs<T[number]> ? { services?: undefined } : { services: Needs<T[number]> }

/**
 * Returns an engine, which owns the store and the broker from now on: `stop` closes them. Throws TASK_TYPE_DUPLICATE, OPTION_INVALID,
 * SCHEDULE_INVALID, THREAD_UNSUPPORTED, and what the store and the broker throw when they are opened; they are closed then, too.
 */
export async function createEngine<const T extends readonly AnyTask[], Tx = never>(
  options: EngineOptions<Tx> & { tasks: T } & ServicesOf<T>,
): Promise<Engine<Tx>> {
  try {
    refuseHandlerThread()
    return await makeEngine(options)
  } catch (error) {
    await Promise.allSettled([options.broker?.close(), options.store.tasks.close()])
    throw error
  }
}

async function makeEngine<Tx>(
  options: EngineOptions<Tx> & { tasks: readonly AnyTask[]; services?: unknown },
): Promise<Engine<Tx>> {
  const core = buildCore(options)
  const plans = createPlans(core, await planSchedules(core, options.schedules ?? []))
  await core.store.open?.()
  await core.operatorValues.refresh()
  await core.broker.open([...core.settings.lanes].map(([lane, { slots }]) => ({ lane, slots })))
  const link = createLink(core)
  const lifecycle = createLifecycle(core, plans, link)
  return {
    submit(type, parameters, submitOptions = {}) {
      const { seen } = core.waiters
      return submitAs(core, type, {
        parameters,
        options: submitOptions as SubmitOptions,
        as: (record, isNew) => new Handle(core, record, isNew ? core.waiters.seen : seen, isNew),
      })
    },
    async submitMany(type, items) {
      const { seen } = core.waiters
      const records = await submitMany(core, type, items as Iterable<SubmitItem<Schema>>)
      return records.map(({ record, isNew }) => new Handle(core, record, seen, isNew))
    },
    async submitEach(type, items) {
      const { seen } = core.waiters
      const outcomes = await submitEach(core, type, items as Iterable<SubmitItem<Schema>>)
      return outcomes.map(outcome =>
        outcome.record === undefined
          ? { error: outcome.error }
          : { task: new Handle(core, outcome.record, seen, outcome.isNew) },
      )
    },
    transaction: work => transact(core, work),
    async find(_type, taskId) {
      const { seen } = core.waiters
      const [record] = await core.store.queries.get([taskId])
      return record === undefined ? undefined : new Handle(core, record, seen, false)
    },
    signal: (taskId, name, payload, signalOptions = {}) =>
      signalTask(core, taskId, name, payload, signalOptions),
    start: lifecycle.start,
    stop: lifecycle.stop,
    [Symbol.asyncDispose]: () => lifecycle.stop(),
    tasks: tasksOf(core),
    deadLetters: deadLettersOf(core),
    bulk: bulkOf(core),
    lanes: lanesOf(core),
    limits: limitsOf(core),
    backup: async file => backupsOf(options.store).write(file),
    processes: () => processesOf(core),
    schedules: schedulesOf(core, plans),
    budgets: core.budgets,
    events: core.bus,
    live: core.live,
    onUsage: core.paid.on,
    onGap: link.onGap,
    health: () => healthOf(core),
    settings: core.settings,
    types: [...core.tasks.values()],
    limiter: core.limiter,
    store: options.store,
  }
}

function buildCore<Tx>(options: EngineOptions<Tx> & { tasks: readonly AnyTask[]; services?: unknown }): Core {
  const log = guardLog(options.log ?? silentLog, messageOf)
  const clock = options.clock ?? systemClock
  const tasks = new Map<string, ResolvedTask>()
  for (const definition of options.tasks) {
    if (tasks.has(definition.type))
      throw new QuillworkError('TASK_TYPE_DUPLICATE', `Two tasks have the type ${definition.type}.`)
    tasks.set(definition.type, resolveTask(definition))
  }
  const store = options.store as unknown as Store<never>
  const admission = options.admission ?? {}
  const broker = options.broker ?? memoryBroker()
  const random = options.random ?? Math.random
  const bus = createBus(log)
  const answering = {
    // More in one turn of the event loop are several writes, and the loop turns in between: as many records, or a megabyte of text.
    perCall: 500,
    failed: (error: unknown) => log.error({ err: error }, 'handling a store answer failed'),
  }
  const lanes = [...tasks.values()].map(({ lane }) => lane)
  const settings = resolveSettings(options, lanes)
  const core: Core = {
    store,
    writes: {
      create: gather(items => store.tasks.create(items, admission), {
        ...answering,
        weightOf: ({ parameters }) => weightOf(parameters.length),
      }),
      claim: gather(items => store.tasks.claim(items), answering),
      apply: gather(items => store.tasks.apply(items), {
        ...answering,
        weightOf: ({ set }) => weightOf(set.result?.length ?? 0),
      }),
      send: gather(deliveries => sendNow(core, deliveries), answering),
    },
    broker,
    paid: createPaid(log),
    limiter: limiterOf(options, store, clock),
    budgets: new BudgetLedger({ store, clock, log, random }),
    clock,
    bus,
    live: broker.remote?.publishesEvents === true ? createBus(log, () => core.listenToOthers('all')) : bus,
    log,
    trace: guardedTracer(options.trace, log),
    settings,
    slots: new Slots(settings, log),
    threads: new Threads(settings.threads, clock),
    operatorValues: new FollowedValues(store.operatorValues, values => useValues(core, values), log),
    tasks,
    services: options.services,
    admission,
    running: new Map(),
    claims: { inFlight: 0 },
    quarantine: new Quarantine(clock),
    peers: createPeers(store, clock),
    saturated: new Set(),
    swept: newSwept(),
    counts: { fencedWrites: 0, unconfirmedEvents: 0, rescued: { lease: 0, deadline: 0 } },
    stopping: false,
    started: false,
    waiters: new Waiters({
      onWait: () => core.listenToOthers('ends'),
      failed: (error, taskId) => log.error({ err: error, taskId }, 'a wait for the end of a task failed'),
    }),
    outputSignals: new OutputSignals(),
    random,
    reserveStart: lane => reserveStart(core, lane),
    wakeRelay: () => undefined,
    wakeSchedules: () => undefined,
    listenToOthers: () => undefined,
  }
  return core
}

function limiterOf({ limits = {} }: Pick<EngineOptions, 'limits'>, store: Store, clock: Clock): RateLimiter {
  if (isLimiter(limits)) return limits
  // Of a store that processes share each would overwrite what the others have used.
  const kept = store.capabilities.manyProcesses ? undefined : { states: store.states, clock }
  return createLocalLimiter(defined({ limits, clock, kept }))
}

function useValues({ limiter, slots }: Core, values: OperatorValues): void {
  slots.use(values.slots)
  limiter.overrides?.use(values.limits)
}

function createPaid(log: Logger): Core['paid'] {
  return createEmitter<[task: TaskRecord, usage: UsageRow]>(error =>
    log.error({ err: error }, 'usage listener failed'),
  )
}

function guardedTracer(tracer: Tracer | undefined, log: Logger): Tracer | undefined {
  return tracer && guardTracer(tracer, error => log.error({ err: error }, 'tracing failed'))
}

function newSwept(): Core['swept'] {
  const times = { leasesSeenAt: undefined, spareUntil: undefined }
  return { at: 0, trimAgainAt: 0, isRescued: false, hasFailed: false, ...times }
}

/** Sends the deliveries that the creating write took the right to send. What fails is sent again by the relay. */
async function sendNow(core: Core, deliveries: readonly Delivery[]): Promise<readonly Delivery[]> {
  await send(core, deliveries).catch(error => {
    core.log.warn({ err: error }, 'immediate delivery failed; the relay will send again')
  })
  return deliveries
}

function isLimiter(limits: NonNullable<EngineOptions['limits']>): limits is RateLimiter {
  return 'acquire' in limits && typeof limits.acquire === 'function'
}
