import amqp from 'amqplib'
import { expect, it } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import { rabbitmq } from '../../src/broker/rabbitmq/index.ts'
import { type BrokerCaseContext, brokerCases } from '../../src/testing/broker-cases.ts'
import { describeWithRabbit, freshPrefix } from '../servers/rabbit.ts'
import { until } from '../servers/until.ts'
import { openOnShared } from './rabbitmq-setup.ts'

interface TalliedLane {
  lane: string
  slots: number
  busy: number
  isStopped: boolean
}

/** Counts what goes through the brokers of a case, so that it can wait until everything that can arrive has arrived. */
class Tally {
  #sent = 0
  #received = 0
  readonly #lanes: TalliedLane[] = []

  /** The same broker, with its deliveries counted. */
  counted(broker: Broker): Broker {
    const own = new Map<string, TalliedLane>()
    return {
      ...broker,
      publish: async deliveries => {
        const published = await broker.publish(deliveries)
        this.#sent += published.filter(answer => answer === 'confirmed').length
        return published
      },
      consume: (lane, receiver) => {
        // Called again for a lane, it changes the slots.
        const state = own.get(lane.lane) ?? { ...lane, busy: 0, isStopped: false }
        state.slots = lane.slots
        if (!own.has(lane.lane)) this.#lanes.push(state)
        own.set(lane.lane, state)
        const stop = broker.consume(lane, async received => {
          this.#received += 1
          state.busy += 1
          await receiver(received)
          state.busy -= 1
        })
        return () => {
          state.isStopped = true
          stop()
        }
      },
      reserve: name => {
        const free = broker.reserve?.(name)
        const state = this.#lanes.find(({ lane }) => lane === name)
        if (free === undefined || state === undefined) return undefined
        state.busy += 1
        return () => {
          state.busy -= 1
          free()
        }
      },
      close: async () => {
        for (const lane of this.#lanes) lane.isStopped = true
        await broker.close()
      },
    }
  }

  isQuiet(): boolean {
    if (this.#sent === this.#received) return true
    return this.#lanes.every(({ slots, busy, isStopped }) => isStopped || busy >= slots)
  }
}

describeWithRabbit('the broker on RabbitMQ', () => {
  const cases = brokerCases.filter(({ needs }) => needs !== 'in-process')
  it.each(cases.map(({ name, run }) => [name, run] as const))('%s', async (_name, run) => {
    await using names = freshPrefix(['batch'])
    const made: Broker[] = []
    const tally = new Tally()
    const observer = await amqp.connect(names.url)
    const channel = await observer.createChannel()
    const context: BrokerCaseContext = {
      async makeBroker() {
        const broker = tally.counted(rabbitmq({ url: names.url, prefix: names.prefix }))
        made.push(broker)
        return broker
      },
      async quiet() {
        await new Promise(resolve => setImmediate(resolve))
        await until(() => tally.isQuiet(), 'quiet broker')
        // A few round trips: what should not come has the time to come.
        for (let turn = 0; turn < 5; turn++) await channel.checkQueue(`${names.prefix}tasks.queue`)
      },
      until: (condition, what) => until(condition, what).then(() => undefined),
    }
    try {
      await run(context)
    } finally {
      for (const broker of made) await broker.close()
      await observer.close()
    }
  })

  it('drops a message whose listener throws, and keeps the connection', async () => {
    await using made = await openOnShared()
    const { remote, log } = made
    const heard: string[] = []
    remote.onControl(message => {
      if (message.kind === 'cancel') throw new RangeError('the stack is full')
      heard.push(message.kind)
    })
    await until(() => {
      remote.sendControl({ kind: 'lanes' })
      return heard.length > 0
    }, 'queue of the process')
    for (const attempt of [1, 2]) remote.sendControl({ kind: 'cancel', taskId: 'task-1', attempt })
    remote.sendControl({ kind: 'parked', key: 'last', until: 1 })
    await until(() => heard.includes('parked'), 'last message')
    expect(remote.health()).toMatchObject({ reconnects: 0, rejected: { delivery: 0, control: 2, event: 0 } })
    expect(log.lines.filter(({ level }) => level === 'warn')).toMatchObject([
      {
        message: 'message could not be read; dropped',
        fields: { what: 'control', reason: 'the stack is full' },
      },
    ])
  })
})
