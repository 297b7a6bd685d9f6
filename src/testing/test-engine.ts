import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createEngine, type Engine, type EngineOptions, type ServicesOf } from '../engine/engine.ts'
import type { Clock } from '../runtime/clock.ts'
import { sqlite } from '../store/sqlite/index.ts'
import type { Store } from '../store/store.ts'
import { decode } from '../task/codec.ts'
import type { AnyTask, In, Schema, TaskType } from '../task/definition.ts'
import { type Duration, durationMs } from '../task/duration.ts'
import { everyItem } from '../task/page.ts'
import type { TaskRecord } from '../task/task.ts'
import { createManualClock, type ManualClock } from './manual-clock.ts'
import { type CapturedLog, createCapturedLog, createRecorder, type Recorder } from './recorder.ts'

/** How a test engine is made. What is not named is as for `createEngine`. */
export type TestEngineOptions<T extends readonly AnyTask[]> = Omit<
  EngineOptions,
  'store' | 'clock' | 'log'
> & { tasks: T } & ServicesOf<T> & {
    /** The clock to run on; default a new one. */
    clock?: ManualClock
    /** Keep the tasks in a temporary file, so that `restart` and `crash` have something to go on with; default in memory. */
    persistent?: boolean
    /** Opens a store on the test's clock; called again by `restart` and `crash`. Default SQLite, in memory or in a temporary file. */
    openStore?: (now: () => number) => Store
    /** Whether the engine begins to run tasks at once; default true. */
    start?: boolean
  }

/** An engine for tests: on a clock that is moved by hand, with everything recorded. */
export interface TestEngine extends Engine {
  readonly clock: ManualClock
  readonly recorder: Recorder
  readonly log: CapturedLog
  /** The engine itself; another one after `restart` and `crash`. Its `stop` waits for the clock to be moved. */
  readonly engine: Engine
  /** Lets time pass; see `ManualClock.advance`. */
  advance(duration: Duration): Promise<void>
  /** Lets time pass at once; see `ManualClock.jump`. */
  jump(duration: Duration): Promise<void>
  /** Resolves when everything that is due has been done, as far as it goes without time passing. */
  drain(): Promise<void>
  /** That much later than now, for `startAt` and the like. */
  fromNow(duration: Duration): Date
  /** Stops the engine in order, with no grace time unless one is given, and starts a new one on the same store. */
  restart(options?: { grace?: Duration; tasks?: readonly AnyTask[] }): Promise<void>
  /** Ends the engine as a kill does: nothing more is written. Then starts a new one on the same store. */
  crash(options?: { tasks?: readonly AnyTask[] }): Promise<void>
}

/** What a test engine has from the engine that runs now. */
type EnginePart = Exclude<keyof Engine, 'stop' | typeof Symbol.asyncDispose>

/** Makes an engine for a test and starts it. `await using` stops it and removes its files. */
export async function testEngine<const T extends readonly AnyTask[]>(
  options: TestEngineOptions<T>,
): Promise<TestEngine> {
  const {
    clock = createManualClock(),
    persistent = false,
    openStore,
    start = true,
    ...engineOptions
  } = options
  const folder = persistent ? mkdtempSync(path.join(tmpdir(), 'quillwork-test-')) : undefined
  const file = folder === undefined ? ':memory:' : path.join(folder, 'tasks.db')
  const open = openStore ?? (now => sqlite({ file, now }))
  const recorder = createRecorder()
  const log = createCapturedLog()
  const base = { random: () => 0.5, ...engineOptions, log }
  let current: { tasks: readonly AnyTask[]; die(): void } = { tasks: options.tasks, die: () => undefined }

  /** Starts an engine with these tasks in place of the one before, whose parts are then the test engine's own. */
  async function begin(tasks: readonly AnyTask[] = current.tasks): Promise<void> {
    current.die()
    const mortal = mortalClock(clock)
    const all = { ...base, tasks, store: open(clock.now), clock: mortal.clock }
    const engine = await createEngine(all as unknown as EngineOptions & { tasks: T } & ServicesOf<T>)
    recorder.attach(engine.events)
    if (start) await engine.start()
    current = { tasks, die: mortal.die }
    const { stop: _stop, [Symbol.asyncDispose]: _dispose, ...parts } = engine
    Object.assign(made, parts, { engine })
  }

  /** What stays the same; all else is that of the engine. */
  const own: Omit<TestEngine, EnginePart | 'engine'> = {
    clock,
    recorder,
    log,
    advance: clock.advance,
    jump: clock.jump,
    drain: clock.settle,
    fromNow: duration => new Date(clock.now() + durationMs(duration, 'duration')),
    stop: stopOptions => stopOn(clock, made.engine.stop(stopOptions)),
    async restart({ grace = 0, tasks } = {}) {
      await made.stop({ grace })
      await begin(tasks)
    },
    async crash({ tasks } = {}) {
      current.die()
      await made.store.tasks.close()
      await begin(tasks)
    },
    async [Symbol.asyncDispose]() {
      await made.stop({ grace: 0 })
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
    },
  }
  const made = own as TestEngine
  await begin()
  return made
}

/** Moves the clock for as long as an engine takes to stop. */
async function stopOn(clock: ManualClock, stop: Promise<void>): Promise<void> {
  let stopped = false
  const stopping = stop.finally(() => {
    stopped = true
  })
  for (await clock.settle(); !stopped; await clock.settle()) await clock.advance(stepMs)
  await stopping
}

/** Milliseconds per step while an engine stops. */
const stepMs = 5

/** A clock whose timers end with the engine that set them. */
function mortalClock(clock: ManualClock): { clock: Clock; die(): void } {
  let dead = false
  return {
    clock: {
      now: clock.now,
      monotonic: clock.monotonic,
      stayAlive: clock.stayAlive,
      after: (ms, callback) =>
        clock.after(ms, () => {
          if (!dead) callback()
        }),
    },
    die() {
      dead = true
    },
  }
}

/** A task that was submitted, with its parameters as they were given. */
export type Submitted<P extends Schema> = Omit<TaskRecord, 'parameters'> & { parameters: In<P> }

const perPage = 200

/** The tasks of a type that were submitted to an engine, newest first: roots and sub-tasks, in whatever status. */
export async function submittedTasks<P extends Schema>(
  engine: Pick<Engine, 'tasks'>,
  type: TaskType<P>,
): Promise<readonly Submitted<P>[]> {
  const found: Submitted<P>[] = []
  const records = everyItem(perPage, page => engine.tasks.list({ taskType: [type.type] }, page))
  for await (const record of records)
    found.push({ ...record, parameters: decode(record.parameters) as In<P> })
  return found
}
