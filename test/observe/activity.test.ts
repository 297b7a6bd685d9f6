import fc from 'fast-check'
import type { Engine } from 'quillwork'
import { createCapturedLog, scriptedTasks, testEngine } from 'quillwork/testing'
import { describe, expect, test } from 'vitest'
import { createBus } from '../../src/engine/listeners.ts'
import type { LaneDetails } from '../../src/index.ts'
import {
  Activity,
  Counts,
  countNames,
  LimitPeaks,
  observe,
  quantile,
  stepOf,
} from '../../src/observe/activity/counts.ts'
import { createActivityReader } from '../../src/observe/activity/overview.ts'
import { type Looked, problemsOf, waitsLongMs } from '../../src/observe/activity/problems.ts'
import { createRecorder, type RecorderOptions, spans } from '../../src/observe/activity/recorder.ts'
import type { LimitUse } from '../../src/rate-limit/limiter.ts'
import { createEmitter } from '../../src/runtime/emitter.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { sqlite } from '../../src/store/sqlite/index.ts'
import type { TaskEvent } from '../../src/task/events.ts'
import { createManualClock } from '../../src/testing/manual-clock.ts'

const minute = 60_000
const minuteOf = (at: number) => (at / minute) % 60

/** A process without tasks: events are emitted by the test. */
function processOf(
  store: Engine['store'],
  clock = createManualClock(),
  nodeId = 'one',
  list: () => Promise<readonly LimitUse[]> = async () => [],
) {
  const bus = createBus(silentLog)
  const paid = createEmitter<[task: never, usage: never]>()
  const settings = { nodeId } as Engine['settings']
  const limits = { list }
  const engine = {
    events: bus,
    limits,
    onUsage: paid.on,
    settings,
    store,
  } as unknown as RecorderOptions['engine']
  const log = createCapturedLog()
  const recorder = createRecorder({ engine, log, clock })
  const emit = (event: object) => bus.emit({ lane: 'default', taskType: 'One', ...event } as TaskEvent)
  const use = (cost: number) => paid.emit({ lane: 'default', taskType: 'One' } as never, { cost } as never)
  return { recorder, emit, use, log }
}

describe('counts by lane and type', () => {
  test('add up to what was fed, however it was divided among buckets, kept and read', () => {
    const fed = fc.array(
      fc.record({
        lane: fc.constantFrom('a', 'b'),
        taskType: fc.integer({ min: 0, max: 120 }).map(type => `T${type}`),
        name: fc.constantFrom(...countNames),
        ms: fc.double({ min: 0, max: 1e9, noNaN: true }),
        bucket: fc.integer({ min: 0, max: 5 }),
      }),
      { maxLength: 300 },
    )
    fc.assert(
      fc.property(fed, all => {
        const buckets = Array.from({ length: 6 }, () => new Activity())
        for (const { lane, taskType, name, ms, bucket } of all) {
          const counts = buckets[bucket]?.at(lane, taskType)
          if (counts === undefined) throw new Error('no bucket')
          counts.of[name] += 1
          observe(counts.ran, ms)
        }
        const sum = new Activity()
        for (const [index, bucket] of buckets.entries())
          if (index % 2 === 0) sum.add(bucket)
          else sum.addKept(JSON.parse(JSON.stringify(bucket.kept())))
        for (const lane of ['a', 'b']) {
          const entries = [...sum.entries()].filter(each => each.lane === lane)
          expect(entries.length).toBeLessThanOrEqual(51)
          for (const name of countNames)
            expect(entries.reduce((total, { counts }) => total + counts.of[name], 0)).toBe(
              all.filter(each => each.lane === lane && each.name === name).length,
            )
          const observed = entries
            .flatMap(({ counts }) => counts.ran)
            .reduce((total, count) => total + count, 0)
          expect(observed).toBe(all.filter(each => each.lane === lane).length)
        }
      }),
      { numRuns: 50 },
    )
  })

  test('know a share of durations to a fifth', () => {
    const durations = fc.array(fc.double({ min: 1, max: 9_000_000, noNaN: true }), { minLength: 1 })
    fc.assert(
      fc.property(durations, fc.constantFrom(0.5, 0.95), (all, share) => {
        const scale = new Counts().ran
        for (const ms of all) observe(scale, ms)
        const sorted = all.toSorted((one, other) => one - other)
        const exact = sorted[Math.ceil(all.length * share) - 1] ?? 0
        const told = quantile(scale, share) ?? 0
        // Whole milliseconds are half of one off, and more by the arithmetic of a computer.
        expect(told).toBeGreaterThanOrEqual(exact / 1.2 - 0.51)
        expect(told).toBeLessThanOrEqual(exact * 1.2 + 0.51)
      }),
    )
    expect(quantile([], 0.5)).toBeUndefined()
    expect(stepOf(Number.MAX_VALUE)).toBe(47)
  })
})

describe('a recorder', () => {
  test('keeps what it counts about once a minute, in each length, and lets go of it', async () => {
    const clock = createManualClock({ startAt: new Date('2026-03-01T10:00:00Z') })
    const store = sqlite({ file: ':memory:', now: clock.now })
    const { recorder, emit, use } = processOf(store, clock)
    recorder.begin()
    for (let passed = 0; passed < 150; passed++) {
      emit({ name: 'started', waitedMs: 100 })
      emit({ name: 'completed', ranMs: 1_000 })
      emit({ name: 'retrying', ranMs: 3, errorInfo: { errorClass: 'rate-limited' } })
      emit({ name: 'progress' })
      use(0.5)
      await clock.advance('1m')
    }
    await clock.advance('1m')
    for (const { length, count } of Object.values(spans)) {
      const kept = await store.activity.read(length, 0, 1_000)
      const sums = kept.flatMap(({ counts }) => counts)
      const sum = (name: 'started' | 'completed' | 'calls' | 'cost' | 'retries') =>
        sums.reduce((total, each) => total + each[name], 0)
      expect([sum('started'), sum('completed'), sum('calls'), sum('cost')]).toEqual([150, 150, 150, 75])
      expect(sum('retries')).toBe(0)
      expect(kept).toHaveLength(Math.ceil((150 * minute) / length))
      // Only what is being filled is still in memory.
      expect(recorder.unkept({ length, count } as never, 0).size).toBeLessThanOrEqual(1)
    }
    await recorder.close()
    await clock.advance('10d')
    const later = processOf(store, clock, 'two')
    later.recorder.begin()
    await clock.advance('1m')
    expect(await store.activity.read(spans.week.length, 0, 9)).toEqual([])
    await later.recorder.close()
    await store.tasks.close()
  })

  test('keeps what it counted while the store was away, as far as a ring reaches', async () => {
    const clock = createManualClock({ startAt: new Date('2026-03-01T10:00:00Z') })
    const real = sqlite({ file: ':memory:', now: clock.now })
    let isAway = true
    const activity: typeof real.activity = {
      ...real.activity,
      keep: buckets => (isAway ? Promise.reject(new Error('away')) : real.activity.keep(buckets)),
    }
    const { recorder, emit, log } = processOf({ ...real, activity } as Engine['store'], clock)
    recorder.begin()
    for (let passed = 0; passed < 100; passed++) {
      emit({ name: 'completed', ranMs: 1_000 })
      await clock.advance('1m')
    }
    expect(log.lines.some(({ message }) => message === 'activity not kept; will retry')).toBe(true)
    isAway = false
    await clock.advance('1m')
    const completed = async (length: number) =>
      (await real.activity.read(length, 0, 999)).reduce(
        (sum, { counts }) => sum + (counts[0]?.completed ?? 0),
        0,
      )
    expect(await completed(spans.hour.length)).toBe(60)
    expect(await completed(spans.day.length)).toBe(100)
    await recorder.close()
    await real.tasks.close()
  })
})

describe('the use of limits', () => {
  const use = (changes: Partial<LimitUse> = {}): LimitUse => ({
    ...{ key: 'a', limit: { concurrency: 4 }, inFlight: 0, waiting: 0, requests: 0, tokens: 0 },
    ...changes,
  })

  test('is the most of each minute, of the fullest process, over restarts too', async () => {
    const clock = createManualClock({ startAt: new Date('2026-03-01T10:00:30Z') })
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], clock })
    const uses = { one: [use()], two: [use()] }
    const one = processOf(t.store, clock, 'one', async () => uses.one)
    const two = processOf(t.store, clock, 'two', async () => uses.two)
    one.recorder.begin()
    two.recorder.begin()
    uses.one[0] = use({ inFlight: 2, waiting: 9, requests: 5 })
    uses.two[0] = use({ inFlight: 4, requests: 3, tokens: 8 })
    await clock.advance('1m')
    uses.one[0] = use()
    uses.two[0] = use({ requests: 1 })
    await clock.advance('3m')
    for (const { recorder } of [one, two]) await recorder.close()
    const again = processOf(t.store, clock, 'again', async () => [use({ waiting: 1 })])
    const reader = createActivityReader(t.engine, again.recorder)
    const { items, from, isComplete } = await reader.limits('hour')
    expect({ from, isComplete }).toEqual({ from: Date.parse('2026-03-01T09:05:00Z'), isComplete: true })
    const points = items.map(({ key, points }) => [
      key,
      points.map(({ at, limit: _, ...most }) => [minuteOf(at), most]),
    ])
    expect(points).toEqual([
      [
        'a',
        [
          [1, { inFlight: 4, waiting: 9, requests: 5, tokens: 8 }],
          ...[2, 3].map(at => [at, { inFlight: 0, waiting: 0, requests: 1, tokens: 0 }]),
          [4, { inFlight: 0, waiting: 1, requests: 1, tokens: 0 }],
        ],
      ],
    ])
    const day = await reader.limits('day')
    expect(day.items[0]?.points).toMatchObject([{ inFlight: 4, waiting: 9, requests: 5, tokens: 8 }])
    await again.recorder.close()
  })

  test('is kept of 50 limits at most, those first for which the most wait', () => {
    const peaks = new LimitPeaks()
    peaks.add(Array.from({ length: 200 }, (_, at) => use({ key: `k${at}`, waiting: at })))
    expect(peaks.kept().map(({ key }) => key)).toEqual(Array.from({ length: 50 }, (_, at) => `k${199 - at}`))
    peaks.add([use({ key: 'k199', waiting: 500 }), use({ key: 'new', waiting: 900 })])
    const [first, second] = peaks.kept()
    expect(peaks.kept()).toHaveLength(50)
    expect([first, second]).toMatchObject([
      { key: 'new', waiting: 900 },
      { key: 'k199', waiting: 500 },
    ])
  })

  test('that is read while a minute is merged counts all the same', async () => {
    const clock = createManualClock({ startAt: new Date('2026-03-01T10:00:00Z') })
    const store = sqlite({ file: ':memory:', now: clock.now })
    let answer: (uses: LimitUse[]) => void = () => undefined
    const { recorder, emit } = processOf(store, clock, 'one', () => new Promise(done => (answer = done)))
    emit({ name: 'completed', ranMs: 1_000 })
    const measured = recorder.measure()
    recorder.unkept(spans.hour, 0)
    answer([use({ requests: 7 })])
    await measured
    await recorder.close()
    const [counts] = [...recorder.unkept(spans.hour, 0).values()]
    expect(counts?.counts.limits.kept()).toMatchObject([{ key: 'a', requests: 7 }])
    await store.tasks.close()
  })

  test('that cannot be read hinders nothing else', async () => {
    const clock = createManualClock({ startAt: new Date('2026-03-01T10:00:00Z') })
    const store = sqlite({ file: ':memory:', now: clock.now })
    const { recorder, emit } = processOf(store, clock, 'one', async () => {
      throw new Error('away')
    })
    recorder.begin()
    emit({ name: 'completed', ranMs: 1_000 })
    await clock.advance('2m')
    const [bucket] = await store.activity.read(minute, 0, 9)
    expect(bucket).toMatchObject({ counts: [{ completed: 1 }] })
    expect(bucket).not.toHaveProperty('limits')
    await recorder.close()
    await store.tasks.close()
  })
})

describe('an overview', () => {
  test('adds up processes and restarts, and what was not kept yet', async () => {
    const clock = createManualClock({ startAt: new Date('2026-03-01T10:00:30Z') })
    const { scripted } = scriptedTasks()
    await using t = await testEngine({ tasks: [scripted], clock })
    const one = processOf(t.store, clock, 'one')
    const two = processOf(t.store, clock, 'two')
    one.recorder.begin()
    two.recorder.begin()
    one.emit({ name: 'completed', ranMs: 1_000 })
    two.emit({ name: 'completed', ranMs: 8_000, taskType: 'Two' })
    await clock.advance('2m')
    await one.recorder.close()
    const again = processOf(t.store, clock, 'again')
    again.recorder.begin()
    again.emit({ name: 'failed', ranMs: 10, errorInfo: { code: 'X' } })
    const seen = await createActivityReader(t.engine, again.recorder).overview({ range: 'hour' })
    expect(seen).toMatchObject({
      isComplete: true,
      total: { completed: 2, failed: 1, deadLetters: 1 },
      problems: [{ kind: 'dead-letters', count: 1 }],
    })
    expect(seen.types.map(({ taskType, completed }) => [taskType, completed])).toEqual([
      ['One', 1],
      ['Two', 1],
    ])
    expect(seen.points).toHaveLength(60)
    expect(seen.points.filter(({ completed }) => completed > 0).map(({ at }) => at)).toEqual([
      Date.parse('2026-03-01T10:00:00Z'),
    ])
    expect(seen.points.at(-1)).toMatchObject({ at: Date.parse('2026-03-01T10:02:00Z'), failed: 1 })
    const narrowed = await createActivityReader(t.engine, again.recorder).overview({
      range: 'week',
      taskType: 'Two',
    })
    expect(narrowed.total).toMatchObject({ completed: 1, failed: 0, runP50Ms: 6_889 })
    expect(narrowed.points).toHaveLength(84)
    expect(narrowed.types).toHaveLength(2)
    for (const { recorder } of [two, again]) await recorder.close()
  })

  test('says what is wrong, the worst first', () => {
    const health = { store: { kind: 'sqlite' }, running: 0 } as unknown as Looked['health']
    const well: Looked = {
      ...{ now: 1_000_000, health, lanes: [], nodes: undefined, deadLetters: 0, loopDelayMs: 3 },
      settings: { sweepIntervalMs: 5_000, roles: new Set(['worker', 'maintenance']) },
    }
    const lane = (changes: Partial<LaneDetails>): LaneDetails => ({
      ...{
        lane: 'default',
        paused: false,
        waiting: 3,
        slots: 1,
        running: 0,
        workers: 1,
        allSlots: 1,
        allRunning: 0,
      },
      ...changes,
    })
    const kinds = (changes: Partial<Looked>) => problemsOf({ ...well, ...changes }).map(({ kind }) => kind)
    expect(kinds({})).toEqual([])
    expect(kinds({ lanes: [lane({ oldestWaitingAt: 999_000, waitsFor: 'slots' })] })).toEqual([])
    expect(
      kinds({
        loopDelayMs: 900,
        deadLetters: 2,
        health: {
          ...health,
          store: { kind: 'mongodb', problem: 'away' },
          broker: { connected: false, problems: [] },
          sweepAgeMs: 60_000,
        } as unknown as Looked['health'],
        nodes: [],
        lanes: [
          lane({ oldestWaitingAt: 999_999 - waitsLongMs }),
          lane({ waitsFor: 'no-worker' }),
          lane({ waitsFor: 'paused', paused: true }),
          lane({ waitsFor: 'paused', paused: true, waiting: 0 }),
        ],
      }),
    ).toEqual([
      ...['store-away', 'broker-away', 'no-maintenance', 'sweep-late', 'lane-paused', 'lane-without-worker'],
      ...['lane-waits-long', 'dead-letters', 'loop-late'],
    ])
    expect(kinds({ health: undefined, lanes: undefined })).toEqual(['store-away'])
  })
})
