/** What commands are made of: how one is run and looked after, and how what it acts upon is picked. */
import fc from 'fast-check'
import { expect } from 'vitest'
import type { TaskRecord } from '../../src/task/task.ts'
import type { Transition } from '../../src/task/transition.ts'
import { type Allowed, type Model, saw, type World } from './model-world.ts'

/** A command of the model. */
export type Command = fc.AsyncCommand<Model, World>

export const policy = { maxAttempts: 2, backoff: [300], jitter: 0.5 }

/** A command that needs something at hand, does one thing, and is followed by a look at everything. */
export function command(
  name: string,
  act: (world: World) => Promise<unknown>,
  options: { needs?: keyof Model; allows?: Allowed } = {},
): Command {
  const { needs, allows = {} } = options
  return {
    check: model => needs === undefined || model[needs] > 0,
    async run(model, world) {
      await act(world)
      await world.observe(model, allows)
    },
    toString: () => name,
  }
}

export function at<T>(items: readonly T[], pick: number): T {
  const item = items[pick % items.length]
  if (item === undefined) throw new RangeError('nothing to pick from')
  return item
}

/** Newer ones more often: they are the ones that still move. */
export const pick = fc.oneof(
  { weight: 2, arbitrary: fc.nat(1_000) },
  { weight: 3, arbitrary: fc.nat(3).map(back => -1 - back) },
)

export function picked<T>(items: readonly T[], index: number): T {
  return at(items, index < 0 ? Math.max(0, items.length + index) : index)
}

/** Applies one transition and holds the answer against the record before and after. */
export async function applyOne(world: World, transition: Transition): Promise<void> {
  await world.rest()
  const [before] = await world.store.queries.get([transition.taskId])
  const [answer] = await world.store.tasks.apply([transition])
  const [after] = await world.store.queries.get([transition.taskId])
  saw(`${transition.name} ${answer}`)
  if (answer === 'missing') expect(after).toBeUndefined()
  if (answer === 'stale') expect(after).toEqual(before)
  if (answer === 'applied') {
    expect(after?.status).toBe(transition.set.status ?? before?.status)
    expect(after?.phase).toBe(transition.set.phase ?? before?.phase)
  }
  if (before !== undefined && mayWrite(before, transition)) expect(answer, transition.name).toBe('applied')
}

/** The whole guard, said once more: status, phase, attempt, lease end, signals, version. */
function mayWrite(record: TaskRecord, { from, fromPhase, fence }: Transition): boolean {
  if (!from.includes(record.status) || (fromPhase !== undefined && fromPhase !== record.phase)) return false
  if ('version' in fence) return fence.version === record.version
  return (
    ('attempt' in fence ? fence.attempt : fence.lastAttempt) === record.attempt &&
    (fence.leaseUntil === undefined || fence.leaseUntil === record.leaseUntil) &&
    (fence.signalCount === undefined || fence.signalCount === (record.signalCount ?? 0))
  )
}

/** A value once in `oneIn` times. */
export function seldom<T>(oneIn: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: oneIn - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })
}

/** An attempt: mostly one that still holds its task, at times one that lost it. */
export const anAttempt = fc.record({ lost: fc.nat(3).map(number => number === 0), index: pick })

export function attemptOf(world: World, { lost, index }: { lost: boolean; index: number }): TaskRecord {
  const holds = ({ id, attempt }: TaskRecord) =>
    world.present(id)?.attempt === attempt && world.present(id)?.leaseUntil !== undefined
  const holders = lost ? [] : world.attempts.filter(holds)
  return picked(holders.length > 0 ? holders : world.attempts, index)
}
