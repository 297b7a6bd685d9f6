import type { Broker, HeardEvents } from '../broker/broker.ts'
import type { RateLimiter } from '../rate-limit/limiter.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Emitter } from '../runtime/emitter.ts'
import type { Gather } from '../runtime/gather.ts'
import type { Logger } from '../runtime/log.ts'
import type { Claim, Claimed, Created, Delivery, Overdue, Store, UsageRow } from '../store/store.ts'
import type { AdmissionLimits } from '../task/admission.ts'
import type { ResolvedTask } from '../task/definition.ts'
import type { NewTask, TaskRecord } from '../task/task.ts'
import type { Tracer } from '../task/tracer.ts'
import type { Applied, Transition } from '../task/transition.ts'
import type { Attempt, Start } from './attempt.ts'
import type { BudgetLedger } from './budget.ts'
import type { OutputSignals, TaskBus, Waiters } from './listeners.ts'
import type { FollowedValues } from './operator-values.ts'
import type { Quarantine } from './quarantine.ts'
import type { EngineSettings } from './settings.ts'
import type { Slots } from './slots.ts'
import type { Threads } from './threads.ts'

/** What the parts of one engine share. Built once by `engine.ts`; the parts never reach each other any other way. */
export interface Core {
  readonly store: Store<never>
  readonly broker: Broker
  readonly limiter: RateLimiter
  readonly budgets: BudgetLedger
  readonly clock: Clock
  /** The events of this process. */
  readonly bus: TaskBus
  /** The events of every process; the same bus where there is only this one. */
  readonly live: TaskBus
  /** What calls of models used, in this process, once it is stored. */
  readonly paid: Emitter<[task: TaskRecord, usage: UsageRow]>
  readonly log: Logger
  readonly trace: Tracer | undefined
  readonly settings: EngineSettings
  readonly slots: Slots
  readonly threads: Threads
  readonly operatorValues: FollowedValues
  readonly tasks: ReadonlyMap<string, ResolvedTask>
  readonly services: unknown
  readonly admission: AdmissionLimits
  /** The writes of every task, gathered: those of one moment are one call of the store. */
  readonly writes: {
    readonly create: Gather<NewTask, Created>
    readonly claim: Gather<Claim, Claimed>
    readonly apply: Gather<Transition, Applied>
    /** Deliveries that the creating write took the right to send. */
    readonly send: Gather<Delivery, Delivery>
  }
  /** The attempts that this process runs, by task id. */
  readonly running: Map<string, Attempt>
  /** Claims whose answer is not known yet: an engine that stops waits for them. */
  readonly claims: { inFlight: number }
  readonly quarantine: Quarantine
  readonly peers: Peers
  /** Lanes in which more tasks were due than the broker had capacity for: a new task must not overtake them. */
  readonly saturated: Set<string>
  readonly swept: Swept
  readonly counts: EngineCounts
  /** No new attempt begins any more. */
  stopping: boolean
  /** It was started: until then it is a client. */
  started: boolean
  readonly waiters: Waiters
  readonly outputSignals: OutputSignals
  /** A number in [0, 1); a parameter so that tests repeat themselves. */
  random(): number
  /** Takes a free slot for a task that is about to be created; undefined when there is none. */
  reserveStart(lane: string): Start | undefined
  /** Has the relay run soon, once it was started: something may be due. */
  wakeRelay: () => void
  /** Wakes the loop of the schedules, in a process that runs it: one was made or changed. */
  wakeSchedules: () => void
  /** Begins to receive events of other processes, for a listener that wants all, or a wait for a result. */
  listenToOthers: (which: HeardEvents) => void
}

/** The other processes, as far as they can run what this one cannot. */
export interface Peers {
  /**
   * Returns whether a live process runs tasks of a type, with parameters of a version, in a lane, as the store last said. Where the store fails,
   * what it said before. Never rejects.
   */
  canRun(task: { taskType: string; version: number; lane: string }): Promise<boolean>
  /** Notes that a task was left to them. Returns how often it was, as far as that is remembered. */
  leave(taskId: string): number
  /** Returns when such a process was last known to live, by the clock of the store; undefined where none was. */
  lastSeen(taskType: string, version: number): number | undefined
}

/** What is known of the sweeps of this process. Times are epoch milliseconds. */
export interface Swept {
  /** When the last one ended; 0 before the first. */
  at: number
  /** When what COMPLETED tasks keep is walked over again, by the monotonic clock; with the next sweep when an attempt ended here. */
  trimAgainAt: number
  /** What an earlier process left running was settled. */
  isRescued: boolean
  /** When the store last told which leases have expired, by its clock. */
  leasesSeenAt: number | undefined
  /** The store could not tell since then. */
  hasFailed: boolean
  /** Until then an expired lease does not show that its process is gone, by the clock of the store. */
  spareUntil: number | undefined
}

/** What an engine has counted since it was made, where no event reports it. */
export interface EngineCounts {
  /** Writes of attempts that no longer held their task, refused by the store. */
  fencedWrites: number
  /** Events of the broker that the store did not confirm, so that they were shown to nobody. */
  unconfirmedEvents: number
  /** Records that the sweep moved: attempts whose lease had expired, and waiting tasks past their deadline. */
  rescued: Record<Overdue['why'], number>
}
