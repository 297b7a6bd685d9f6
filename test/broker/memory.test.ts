import { describe, expect, it } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import { memoryBroker } from '../../src/broker/memory/broker.ts'
import { type BrokerCaseContext, brokerCases } from '../../src/testing/broker-cases.ts'

/** Everything that the broker does happens before the next turn of the event loop. */
const turn = () => new Promise<void>(resolve => setImmediate(resolve))

describe('the broker within a process', () => {
  const cases = brokerCases.filter(({ needs }) => needs !== 'remote')
  it.each(cases.map(({ name, run }) => [name, run] as const))('%s', async (_name, run) => {
    const made: Broker[] = []
    const context: BrokerCaseContext = {
      async makeBroker() {
        const broker = memoryBroker()
        made.push(broker)
        return broker
      },
      quiet: turn,
      async until(condition, what) {
        await turn()
        if (!condition()) throw new Error(`no ${what}`)
      },
    }
    await run(context)
    for (const broker of made) await broker.close()
  })

  it('forgets what waited with its consumer: the store is read again', async () => {
    const broker = memoryBroker()
    await broker.open([{ lane: 'default', slots: 1 }])
    await broker.publish([{ taskId: 'a', taskType: 'Write', lane: 'default', attempt: 0, crashCount: 0 }])
    const taken: string[] = []
    const never = () => new Promise<void>(() => undefined)
    broker.consume({ lane: 'default', slots: 1 }, ({ delivery }) => {
      taken.push(delivery.taskId)
      return never()
    })()
    broker.consume({ lane: 'default', slots: 1 }, never)
    await turn()
    expect(taken).toEqual(['a'])
    expect(broker.capacity('default')).toBe(1)
  })
})
