import { createManualClock } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { mayRunBeside, Quarantine } from '../../src/engine/quarantine.ts'
import { decide } from '../../src/task/decide.ts'
import { isQuarantined, type TaskRecord } from '../../src/task/task.ts'
import { type Chance, chance } from '../process/crash/seed.ts'
import { sizeOf } from '../size.ts'

describe('a process after crashes', () => {
  function entering() {
    const clock = createManualClock()
    const quarantine = new Quarantine(clock)
    const told: string[] = []
    const enter = (name: string, crashCount: number, ms = 1_000) =>
      quarantine.enter(crashCount, ms, entered =>
        told.push(`${name} ${entered ? 'enters' : 'is turned away'}`),
      )
    return { clock, quarantine, told, enter }
  }

  it('runs one quarantined task; others get its turn in their order, or are told in time that they do not', async () => {
    const { clock, quarantine, told, enter } = entering()
    enter('first', 2)
    enter('second', 2)
    enter('impatient', 5, 10)
    enter('third', 2)
    expect(told).toEqual(['first enters'])
    await clock.advance(20)
    expect(told).toEqual(['first enters', 'impatient is turned away'])
    quarantine.leave(2)
    expect(told.at(-1)).toBe('second enters')
    await clock.advance(5_000)
    expect(told.slice(3)).toEqual(['third is turned away'])
    quarantine.leave(2)
    enter('fourth', 2)
    expect(told.at(-1)).toBe('fourth enters')
  })

  it('runs tasks on probation beside each other, and none beside a quarantined one', () => {
    const { quarantine, told, enter } = entering()
    enter('a', 1)
    enter('b', 1)
    enter('alone', 2)
    expect(told).toEqual(['a enters', 'b enters'])
    quarantine.leave(1)
    expect(told).toHaveLength(2)
    quarantine.leave(1)
    expect(told.at(-1)).toBe('alone enters')
    enter('next', 3)
    enter('c', 1)
    enter('d', 1)
    expect(told).toHaveLength(3)
    quarantine.leave(2)
    expect(told.slice(3)).toEqual(['c enters', 'd enters'])
    quarantine.leave(1)
    quarantine.leave(1)
    expect(told.at(-1)).toBe('next enters')
  })

  it('lets no quarantined task begin while one on probation that was turned away is about to come again', async () => {
    const { clock, quarantine, told, enter } = entering()
    enter('long', 2)
    await clock.advance(1_001)
    enter('a', 1)
    quarantine.leave(2)
    expect(quarantine.probationFirst).toBe(true)
    enter('b', 2)
    expect(told).toEqual(['long enters', 'a is turned away', 'b is turned away'])
    await clock.advance(1_000)
    enter('a', 1)
    quarantine.leave(1)
    enter('b', 2)
    expect(told.slice(3)).toEqual(['a enters', 'b enters'])
    quarantine.leave(2)
    enter('long', 2)
    await clock.advance(1_001)
    enter('cancelled', 1)
    quarantine.leave(2)
    // It never came again.
    await clock.advance(3_000)
    enter('c', 2)
    expect(told.slice(-2)).toEqual(['cancelled is turned away', 'c enters'])
  })

  it('holds no slot for a task that would wait behind one that takes long', async () => {
    const { clock, told, enter } = entering()
    enter('long', 2)
    await clock.advance(1_001)
    enter('a', 1)
    enter('b', 2)
    expect(told).toEqual(['long enters', 'a is turned away', 'b is turned away'])
  })

  it('holds no slot for a quarantined task behind one on probation that takes long', async () => {
    const { clock, told, enter } = entering()
    enter('long', 1)
    await clock.advance(1_001)
    enter('a', 1)
    enter('b', 2)
    expect(told).toEqual(['long enters', 'a enters', 'b is turned away'])
  })
})

/** A task of the simulation. `ms`: how long it runs; one that kills its process does so at some moment of that time. */
interface Simulated {
  readonly isPoison: boolean
  readonly ms: number
  record: TaskRecord
  due: number
  endsAt?: number
}

const policy = { maxAttempts: 5, backoff: [15_000, 60_000, 300_000, 1_800_000], jitter: 0.1 }

/** Runs tasks in the slots of one process, which is started again at once when a task kills it. Returns when the last healthy one ended. */
function simulate(
  tasks: Simulated[],
  slots: number,
  { between }: Chance,
  kills: readonly number[] = [],
): number {
  let [now, lastEnd] = [0, 0]
  const pendingKills = [...kills]
  const running = new Set<Simulated>()
  const crash = () => {
    for (const task of running) {
      const circumstances = { policy, now, random: between(0, 999) / 1_000 }
      const { set, wake } = decide(task.record, { kind: 'lease-lost' }, circumstances)
      task.record = { ...task.record, ...set } as TaskRecord
      task.due = typeof wake === 'object' ? wake.at : now
    }
    running.clear()
  }
  const count = (which: (crashCount: number) => boolean) =>
    [...running].filter(({ record }) => which(record.crashCount)).length
  const live = () => tasks.filter(({ record }) => record.status === 'QUEUED' || record.status === 'RETRYING')
  for (let waiting = live(); waiting.length > 0 || running.size > 0; waiting = live()) {
    const due = waiting.filter(task => task.due <= now && !running.has(task))
    // Those on probation go first.
    for (const task of due.toSorted(
      (a, b) => Number(isQuarantined(a.record.crashCount)) - Number(isQuarantined(b.record.crashCount)),
    )) {
      if (running.size >= slots) break
      const quarantined = count(isQuarantined)
      const onProbation = count(crashCount => crashCount > 0 && !isQuarantined(crashCount))
      if (!mayRunBeside(task.record.crashCount, { onProbation, quarantined })) continue
      task.record = { ...task.record, attempt: task.record.attempt + 1 }
      task.endsAt = now + (task.isPoison ? between(1, task.ms) : task.ms)
      running.add(task)
    }
    const next = [...running].toSorted((a, b) => (a.endsAt ?? 0) - (b.endsAt ?? 0))[0]
    const laterDue = Math.min(
      ...waiting.filter(task => task.due > now).map(task => task.due),
      Number.POSITIVE_INFINITY,
    )
    now = Math.min(
      next?.endsAt ?? Number.POSITIVE_INFINITY,
      laterDue,
      pendingKills[0] ?? Number.POSITIVE_INFINITY,
    )
    if (now === pendingKills[0]) {
      pendingKills.shift()
      crash()
    } else if (next !== undefined && next.endsAt === now) {
      if (next.isPoison) crash()
      else {
        running.delete(next)
        next.record = { ...next.record, status: 'COMPLETED' }
        lastEnd = now
      }
    }
  }
  return lastEnd
}

function simulated(ms: number, isPoison = false): Simulated {
  const record = { id: 'x', status: 'QUEUED', attempt: 0, retryCount: 0, crashCount: 0, checkpointAttempt: 0 }
  return { ms, isPoison, record: record as unknown as TaskRecord, due: 0 }
}

describe('crashes, simulated', () => {
  it('after one kill all that ran run again beside each other', () => {
    const tasks = Array.from({ length: 10 }, () => simulated(4_000))
    expect(simulate(tasks, 10, chance(1), [1_000])).toBe(5_000)
    expect(tasks.every(({ record }) => record.retryCount === 0)).toBe(true)
  })

  const runs = sizeOf(250, 1_000)
  it(`four tasks that kill their process are dead letters, and no neighbour of theirs is, in ${runs} runs`, () => {
    let most = 0
    for (let seed = 1; seed <= runs; seed++) {
      const some = chance(seed)
      const healthy = Array.from({ length: 60 }, () => simulated(some.between(1_000, 5_000)))
      const poison = Array.from({ length: 4 }, () => simulated(some.between(1_000, 5_000), true))
      const tasks = [...healthy]
      for (const task of poison) tasks.splice(some.between(0, tasks.length), 0, task)
      simulate(tasks, 8, some)
      expect(new Set(healthy.map(({ record }) => record.status)), `seed ${seed}`).toEqual(
        new Set(['COMPLETED']),
      )
      expect(poison.map(({ record }) => [record.status, record.attempt])).toEqual(
        poison.map(() => ['DEAD_LETTER', 7]),
      )
      most = Math.max(most, ...healthy.map(({ record }) => record.attempt - 1))
    }
    expect(most).toBeLessThanOrEqual(6)
  })
})
