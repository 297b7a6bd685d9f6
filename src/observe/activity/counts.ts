/**
 * The arithmetic of what operators see: counts by lane and task type, which add up in any order, durations on a scale of steps, and the most that was
 * in use of a limit.
 */
import type { ActivityBucket, ActivityCounts, LimitPeak } from '../../store/store.ts'

/** Numbers of what happened. */
export const countNames = [
  'started',
  'completed',
  'failed',
  'cancelled',
  'retries',
  'deadLetters',
  'calls',
  'cost',
] as const

/** One of the numbers. */
export type CountName = (typeof countNames)[number]

/** Steps of the scale of durations. Each ends at the square root of two times the end of the one before; the last has no end. */
const steps = 48

/** Returns the step of a duration: the first ends at one millisecond, the last begins after three hours. */
export function stepOf(ms: number): number {
  if (ms <= 1) return 0
  return Math.min(steps - 1, Math.ceil(2 * Math.log2(ms)))
}

/** Returns the middle of a step in milliseconds: no duration of the step differs from it by more than a fifth, but those of the last. */
function durationAt(step: number): number {
  return step === 0 ? 1 : 2 ** ((step - 0.5) / 2)
}

/** What is counted of one lane and task type, of one lane, or of all. */
export class Counts {
  readonly of: Record<CountName, number> = {
    started: 0,
    completed: 0,
    failed: 0,
    cancelled: 0,
    retries: 0,
    deadLetters: 0,
    calls: 0,
    cost: 0,
  }
  readonly ran = new Array<number>(steps).fill(0)
  readonly waited = new Array<number>(steps).fill(0)

  /** Adds what was kept. Steps of another scale, such as that of another version, count as the last. */
  addKept(kept: ActivityCounts): void {
    for (const name of countNames) this.of[name] += kept[name]
    addPairs(this.ran, kept.ran)
    addPairs(this.waited, kept.waited)
  }

  add(other: Counts): void {
    for (const name of countNames) this.of[name] += other.of[name]
    for (let step = 0; step < steps; step++) {
      this.ran[step] = (this.ran[step] ?? 0) + (other.ran[step] ?? 0)
      this.waited[step] = (this.waited[step] ?? 0) + (other.waited[step] ?? 0)
    }
  }
}

/** Counts one duration. */
export function observe(scale: number[], ms: number): void {
  const step = stepOf(ms)
  scale[step] = (scale[step] ?? 0) + 1
}

function addPairs(scale: number[], pairs: readonly number[]): void {
  for (let at = 0; at + 1 < pairs.length; at += 2) {
    const step = Math.min(pairs[at] ?? 0, steps - 1)
    scale[step] = (scale[step] ?? 0) + (pairs[at + 1] ?? 0)
  }
}

/** Returns the duration below which that share of the observations is, in whole milliseconds; undefined where there are none. */
export function quantile(scale: readonly number[], share: number): number | undefined {
  const all = scale.reduce((sum, count) => sum + count, 0)
  if (all === 0) return undefined
  let seen = 0
  const step = scale.findIndex(count => {
    seen += count
    return seen >= all * share
  })
  return Math.round(durationAt(step))
}

/** Task types of a lane that are counted by themselves in a bucket; the others are counted together. */
const typesPerLane = 50
/** Lanes that are counted by themselves in a bucket. A process has no more, unless somebody configured them. */
const mostLanes = 50

/** Limits of which a bucket has the peaks: there may be one for each user. */
const mostLimits = 50

/** What was in use of limits within a time, by key. Processes that do not share their limits each have all of it, so the fullest counts. */
export class LimitPeaks {
  #keys = new Map<string, LimitPeak>()

  /** Takes in what is in use now, as far as it is; of more limits than are kept, those stay for which the most waited, then those with the most calls. */
  add(uses: Iterable<LimitPeak>): void {
    for (const { key, limit, requests, tokens, inFlight, waiting } of uses) {
      if (requests + tokens + inFlight + waiting === 0) continue
      const before = this.#keys.get(key)
      this.#keys.set(key, {
        key,
        limit,
        requests: Math.max(requests, before?.requests ?? 0),
        tokens: Math.max(tokens, before?.tokens ?? 0),
        inFlight: Math.max(inFlight, before?.inFlight ?? 0),
        waiting: Math.max(waiting, before?.waiting ?? 0),
      })
    }
    if (this.#keys.size <= mostLimits) return
    const fullest = [...this.#keys].sort(
      ([, one], [, other]) => other.waiting - one.waiting || other.requests - one.requests,
    )
    this.#keys = new Map(fullest.slice(0, mostLimits))
  }

  /** Returns them as they are kept. */
  kept(): LimitPeak[] {
    return [...this.#keys.values()]
  }
}

/** What was counted within a time: by lane and task type, and of limits. A lookup makes no object, once a type was seen. */
export class Activity {
  readonly #lanes = new Map<string, Map<string, Counts>>()
  readonly limits = new LimitPeaks()

  get isEmpty(): boolean {
    return this.#lanes.size === 0 && this.limits.kept().length === 0
  }

  /** Returns what is counted of a type in a lane; of an empty type: of the types that are not counted by themselves. */
  at(lane: string, taskType: string): Counts {
    let types = this.#lanes.get(lane)
    if (types === undefined) {
      if (this.#lanes.size >= mostLanes && lane !== '') return this.at('', '')
      types = new Map()
      this.#lanes.set(lane, types)
    }
    let counts = types.get(taskType)
    if (counts === undefined) {
      if (types.size >= typesPerLane && taskType !== '') return this.at(lane, '')
      counts = new Counts()
      types.set(taskType, counts)
    }
    return counts
  }

  add(other: Activity): void {
    for (const [lane, types] of other.#lanes)
      for (const [taskType, counts] of types) this.at(lane, taskType).add(counts)
    this.limits.add(other.limits.kept())
  }

  addKept({ counts, limits = [] }: KeptActivity): void {
    for (const kept of counts) this.at(kept.lane, kept.taskType ?? '').addKept(kept)
    this.limits.add(limits)
  }

  *entries(): Generator<{ lane: string; taskType: string; counts: Counts }> {
    for (const [lane, types] of this.#lanes)
      for (const [taskType, counts] of types) yield { lane, taskType, counts }
  }

  /** Returns the form in which they are kept. */
  kept(): KeptActivity {
    const limits = this.limits.kept()
    const counts = [...this.entries()].map(({ lane, taskType, counts: { of, ran, waited } }) => ({
      lane,
      ...(taskType !== '' && { taskType }),
      ...of,
      ran: pairsOf(ran),
      waited: pairsOf(waited),
    }))
    return { counts, ...(limits.length > 0 && { limits }) }
  }
}

/** What was counted, as it is kept. */
type KeptActivity = Pick<ActivityBucket, 'counts' | 'limits'>

function pairsOf(scale: readonly number[]): number[] {
  return scale.flatMap((count, step) => (count === 0 ? [] : [step, count]))
}
