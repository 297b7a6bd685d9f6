/** What operators see of the last hour, day or week, and of right now: what all processes kept, and what this one has in memory. */
import type { Engine, LaneDetails, TaskStatus } from '../../index.ts'
import type { ActivityBucket, LimitPeak } from '../../store/store.ts'
import { defined } from '../../task/defined.ts'
import { answered } from '../metrics.ts'
import { Activity, type CountName, Counts, quantile } from './counts.ts'
import { type Problem, problemsOf } from './problems.ts'
import { type Recorder, type Span, type SpanName, spans } from './recorder.ts'

/** Sums of a time. Durations are milliseconds, each at most a fifth off, and absent where nothing was measured. */
export interface Sums extends Omit<Record<CountName, number>, 'cost'> {
  /** In the currency of the price list; absent where no call had a known cost. */
  cost?: number
  runP50Ms?: number
  runP95Ms?: number
  waitP50Ms?: number
  waitP95Ms?: number
}

/** What is shown of a time. Times are epoch milliseconds. */
export interface Overview {
  from: number
  to: number
  stepMs: number
  /** False while the store is away: then only what this process has in memory counts. */
  isComplete: boolean
  problems: readonly Problem[]
  state: {
    /** Tasks by status; absent while the store is away, as the lanes are. */
    counts?: Readonly<Record<TaskStatus, number>>
    lanes?: readonly LaneDetails[]
    oldestWaitingMs?: number
    loopDelayMs: number
  }
  total: Sums
  /** One for each step, the oldest first; the last one is being filled. */
  points: readonly (Sums & { at: number })[]
  lanes: readonly (Sums & { lane: string })[]
  /** Without a type: all others together. */
  types: readonly (Sums & { taskType?: string })[]
}

/** What is asked for. */
export interface OverviewRequest {
  range: SpanName
  /** Narrow the total and the points. */
  lane?: string | undefined
  taskType?: string | undefined
}

/** How much of the limits was in use over a time. Times are epoch milliseconds. */
export interface LimitHistory extends Pick<Overview, 'from' | 'to' | 'stepMs' | 'isComplete'> {
  /** By key, those alone that were in use or waited for. */
  items: readonly {
    key: string
    /** The steps in which it was, the oldest first. */
    points: readonly (Omit<LimitPeak, 'key'> & { at: number })[]
  }[]
}

/** What processes did over a time. */
export interface ActivityReader {
  overview(request: OverviewRequest): Promise<Overview>
  limits(range: SpanName): Promise<LimitHistory>
}

/** Buckets that are read at most: more than 40 processes keep within a week. */
const mostBuckets = 5_000

/** How long what was read is used again, in milliseconds: many may watch, and each would read the same. */
const usedForMs = 2_000

/** Returns what reads what this process counts, and what all have kept. */
export function createActivityReader(engine: Engine, recorder: Recorder): ActivityReader {
  const { store } = engine
  const state = shared(usedForMs, () => look(engine))
  const measured = shared(usedForMs, () => recorder.measure())
  const kept = new Map<number, () => Promise<readonly ActivityBucket[] | undefined>>(
    Object.values(spans).map(span => [
      span.length,
      shared(usedForMs, async () => {
        const from = firstOf(span, store.tasks.now())
        return answered(store.activity.read(span.length, from, mostBuckets))
      }),
    ]),
  )

  /** Returns the counts by the beginning of their bucket. What this process has in memory is newer than what it kept. */
  async function countsOf(span: Span, from: number) {
    const found = await kept.get(span.length)?.()
    const own = recorder.unkept(span, from)
    const byTime = new Map<number, Activity>()
    const at = (time: number) => {
      const counts = byTime.get(time) ?? new Activity()
      byTime.set(time, counts)
      return counts
    }
    for (const bucket of found ?? [])
      if (bucket.at >= from && !own.has(bucket.id)) at(bucket.at).addKept(bucket)
    for (const { at: time, counts } of own.values()) at(time).add(counts)
    return { byTime, isComplete: found !== undefined }
  }

  async function limits(range: SpanName): Promise<LimitHistory> {
    await measured()
    const span = spans[range]
    const to = store.tasks.now()
    const from = firstOf(span, to)
    const { byTime, isComplete } = await countsOf(span, from)
    return { from, to, stepMs: span.length, isComplete, items: peaksOf(byTime) }
  }

  async function overview({ range, lane, taskType }: OverviewRequest): Promise<Overview> {
    const span = spans[range]
    const now = store.tasks.now()
    const from = firstOf(span, now)
    const [{ byTime, isComplete }, hour, looked] = await Promise.all([
      countsOf(span, from),
      countsOf(spans.hour, firstOf(spans.hour, now)),
      state(),
    ])
    const { lanes, types, points, total } = summed(byTime, { lane, taskType })
    const deadLetters = totalOf([...hour.byTime.values()]).of.deadLetters
    const { loopDelayMs } = recorder
    return {
      from,
      to: now,
      stepMs: span.length,
      isComplete,
      problems: problemsOf({ ...looked, now, settings: engine.settings, deadLetters, loopDelayMs }),
      state: {
        ...defined({
          counts: looked.counts,
          lanes: looked.lanes,
          oldestWaitingMs: oldestOf(looked.lanes, now),
        }),
        loopDelayMs,
      },
      total: sumsOf(total),
      points: Array.from({ length: span.count }, (_, step) => {
        const at = from + step * span.length
        return { at, ...sumsOf(points.get(at) ?? new Counts()) }
      }),
      lanes: sorted(lanes).map(([name, counts]) => ({ lane: name, ...sumsOf(counts) })),
      types: sorted(types).map(([name, counts]) => ({
        ...(name !== '' && { taskType: name }),
        ...sumsOf(counts),
      })),
    }
  }
  return { overview, limits }
}

/** Returns the beginning of the oldest bucket that is shown. */
function firstOf({ length, count }: Span, now: number): number {
  return now - (now % length) - (count - 1) * length
}

/** Asks the parts how they are. Never rejects; what does not answer in time is undefined. */
async function look(engine: Engine) {
  const [health, counts, lanes, nodes] = await Promise.all([
    answered(engine.health()),
    answered(engine.tasks.counts()),
    answered(engine.lanes.details()),
    answered(engine.store.nodes?.list()),
  ])
  return { health, counts, lanes, nodes }
}

function oldestOf(lanes: readonly LaneDetails[] | undefined, now: number): number | undefined {
  const times = lanes?.flatMap(({ oldestWaitingAt }) => oldestWaitingAt ?? []) ?? []
  return times.length === 0 ? undefined : Math.max(0, Math.round(now - Math.min(...times)))
}

function summed(
  byTime: ReadonlyMap<number, Activity>,
  { lane, taskType }: Pick<OverviewRequest, 'lane' | 'taskType'>,
) {
  const lanes = new Map<string, Counts>()
  const types = new Map<string, Counts>()
  const points = new Map<number, Counts>()
  const total = new Counts()
  for (const [at, counted] of byTime)
    for (const entry of counted.entries()) {
      inMap(lanes, entry.lane).add(entry.counts)
      inMap(types, entry.taskType).add(entry.counts)
      if (lane !== undefined && lane !== entry.lane) continue
      if (taskType !== undefined && taskType !== entry.taskType) continue
      inMap(points, at).add(entry.counts)
      total.add(entry.counts)
    }
  return { lanes, types, points, total }
}

function peaksOf(byTime: ReadonlyMap<number, Activity>): LimitHistory['items'] {
  const keys = new Map<string, LimitHistory['items'][number]['points'][number][]>()
  for (const [at, counted] of [...byTime].sort(([one], [other]) => one - other))
    for (const { key, ...peak } of counted.limits.kept())
      keys.set(key, [...(keys.get(key) ?? []), { at, ...peak }])
  return sorted(keys).map(([key, points]) => ({ key, points }))
}

function inMap<K>(map: Map<K, Counts>, key: K): Counts {
  const counts = map.get(key) ?? new Counts()
  map.set(key, counts)
  return counts
}

function totalOf(all: readonly Activity[]): Counts {
  const total = new Counts()
  for (const counted of all) for (const { counts } of counted.entries()) total.add(counts)
  return total
}

/** By name; what has none is last. */
function sorted<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].sort(([one], [other]) =>
    one === '' ? 1 : other === '' ? -1 : one < other ? -1 : one > other ? 1 : 0,
  )
}

function sumsOf({ of, ran, waited }: Counts): Sums {
  const { cost, ...numbers } = of
  return defined({
    ...numbers,
    cost: cost > 0 ? cost : undefined,
    runP50Ms: quantile(ran, 0.5),
    runP95Ms: quantile(ran, 0.95),
    waitP50Ms: quantile(waited, 0.5),
    waitP95Ms: quantile(waited, 0.95),
  })
}

/** Returns a question of which the answer is used again for a while. */
function shared<T>(forMs: number, ask: () => Promise<T>): () => Promise<T> {
  let last: { until: number; answer: Promise<T> } | undefined
  return () => {
    if (last === undefined || performance.now() >= last.until)
      last = { until: performance.now() + forMs, answer: ask() }
    return last.answer
  }
}
