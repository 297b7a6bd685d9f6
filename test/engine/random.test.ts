import fc from 'fast-check'
import { hasEnded } from 'quillwork'
import { type Order, type ScriptedTasks, scriptedTasks, type TestEngine, testEngine } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { sizeOf } from '../size.ts'
import { allTasks, expectInvariants } from './invariants.ts'

/** Orders of a task that ends by itself within an hour, whatever happens to it. */
const leafOrders: fc.Arbitrary<readonly Order[]> = fc.oneof(
  fc.constant<readonly Order[]>([{ do: 'succeed', value: 1 }]),
  fc.constant<readonly Order[]>([{ do: 'failForGood' }]),
  fc.constant<readonly Order[]>([{ do: 'fail', attempts: 2 }, { do: 'succeed' }]),
  fc.constant<readonly Order[]>([
    { do: 'checkpoint', key: 'a' },
    { do: 'hang', attempts: 1 },
    { do: 'succeed' },
  ]),
  fc.constant<readonly Order[]>([{ do: 'ignoreSignal', attempts: 1 }, { do: 'succeed' }]),
  fc.constant<readonly Order[]>([{ do: 'finishLate', value: 2 }]),
  fc.constant<readonly Order[]>([{ do: 'tooMany', retryAfterMs: 7_000, attempts: 2 }]),
)

const subTasks = (orders: fc.Arbitrary<readonly Order[]>) =>
  fc.array(orders, { maxLength: 4 }).map(
    (all): Order => ({
      do: 'submit',
      subTasks: all.map((one, index) => ({ key: `${index}`, orders: one })),
    }),
  )

/** A task with up to two levels below it, whose own handler may fail after it has submitted them. */
const treeOrders: fc.Arbitrary<readonly Order[]> = fc
  .tuple(
    subTasks(
      fc.oneof(
        leafOrders,
        subTasks(leafOrders).map(order => [order]),
      ),
    ),
    leafOrders,
  )
  .map(([submit, rest]) => [submit, ...rest])

type Step =
  | { step: 'submit'; orders: readonly Order[]; reduces: boolean }
  | { step: 'cancel' | 'retry'; which: number }
  | { step: 'advance'; ms: number }
  | { step: 'turns'; turns: number }
  | { step: 'crash' | 'restart' | 'pause' | 'resume' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ step: fc.constant('submit' as const), orders: treeOrders, reduces: fc.boolean() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ step: fc.constantFrom('cancel' as const, 'retry' as const), which: fc.nat(40) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      step: fc.constant('advance' as const),
      ms: fc.constantFrom(1, 300, 1_000, 12_000),
    }),
  },
  { weight: 4, arbitrary: fc.record({ step: fc.constant('turns' as const), turns: fc.nat(12) }) },
  {
    weight: 1,
    arbitrary: fc.record({ step: fc.constantFrom('crash' as const, 'restart', 'pause', 'resume') }),
  },
)

/** What a person may be told when a task has moved on meanwhile. */
const expectedRefusals = ['TASK_ALREADY_ENDED', 'TASK_NOT_RETRYABLE', 'TASK_CHANGED', 'TASK_NOT_FOUND']

async function act(t: TestEngine, { scripted, parent }: ScriptedTasks, one: Step): Promise<void> {
  switch (one.step) {
    case 'submit':
      await t.submit(one.reduces ? parent : scripted, { orders: one.orders })
      return
    case 'cancel':
    case 'retry': {
      const records = await allTasks(t)
      const record = records[one.which % Math.max(1, records.length)]
      if (record === undefined) return
      const asked = one.step === 'cancel' ? t.tasks.cancel(record.id) : t.tasks.retry(record.id)
      await asked.catch(error => expect(expectedRefusals).toContain(error.code))
      return
    }
    case 'advance':
      return t.advance(one.ms)
    case 'turns':
      for (let turn = 0; turn < one.turns; turn++) await new Promise(resolve => setImmediate(resolve))
      return
    case 'pause':
    case 'resume':
      return t.lanes[one.step]('default')
    default:
      return t[one.step]()
  }
}

async function isBusy(t: TestEngine): Promise<boolean> {
  const { QUEUED, RUNNING, RETRYING } = await t.tasks.counts()
  return QUEUED + RUNNING + RETRYING > 0
}

describe('whatever people and processes do', () => {
  it('every tree ends, is counted right at every step, and stays as it ended', {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 25 }), async steps => {
        const tasks = scriptedTasks()
        await using t = await testEngine({
          tasks: [tasks.scripted, tasks.parent],
          persistent: true,
          lanes: { default: { slots: 3 } },
        })
        for (const one of steps) {
          await act(t, tasks, one)
          await expectInvariants(t)
        }
        await t.lanes.resume('default')
        for (let look = 0; look < 40 && (await isBusy(t)); look++) {
          await t.advance('11s')
          await t.jump('31m')
        }
        await t.drain()
        await expectInvariants(t)
        const records = await allTasks(t)
        for (const { id, status, phase } of records)
          expect(hasEnded(status), `${id} is ${status}, ${phase}`).toBe(true)
        await t.advance('10s')
        expect((await allTasks(t)).map(({ version }) => version)).toEqual(
          records.map(({ version }) => version),
        )
      }),
      { numRuns: sizeOf(12, 40) },
    )
  })
})
