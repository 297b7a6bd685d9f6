import { beforeEach, expect, it } from 'vitest'
import type { ControlMessage, DeadMessage } from '../../src/broker/broker.ts'
import { rabbitmq } from '../../src/broker/rabbitmq/index.ts'
import { describeWithRabbit } from '../servers/rabbit.ts'
import { until } from '../servers/until.ts'
import { HoldingWorker, type Opened, openOnShared, someDeliveries } from './rabbitmq-setup.ts'

describeWithRabbit('deliveries over RabbitMQ', () => {
  let worker: HoldingWorker
  beforeEach(() => {
    worker = new HoldingWorker()
  })

  /** Messages that wait in a queue, and how many consume it. */
  async function countOf({ channel, name }: Opened, queue: string) {
    const { messageCount, consumerCount } = await channel.checkQueue(name(queue))
    return [messageCount, consumerCount]
  }

  it('are held no longer than told: the slot hands over, runs on, and takes the next one when it is free', async () => {
    await using opened = await openOnShared({ holdMs: 100 })
    const { broker } = opened
    broker.consume({ lane: 'default', slots: 1 }, worker.receive)
    await broker.publish(someDeliveries(2))
    await until(() => worker.held.length === 1, 'delivery')
    // Handed over: the message is gone, nobody consumes, and the next one waits although nothing is unacknowledged.
    await until(async () => (await countOf(opened, 'tasks.queue')).join() === '1,0', 'hand-over')
    expect(worker.ids()).toEqual(['task-0'])
    worker.held[0]?.received.ack()
    worker.held[0]?.received.deadLetter()
    worker.held[0]?.free()
    await until(() => worker.held.length === 2, 'next delivery')
    expect(worker.ids()).toEqual(['task-0', 'task-1'])
    await broker.close()
    expect((await countOf(opened, 'tasks.dlq.queue'))[0]).toBe(0)
  })

  it('that are being run when the process ends are given to another', async () => {
    await using opened = await openOnShared()
    const { broker } = opened
    broker.consume({ lane: 'default', slots: 1 }, worker.receive)
    await broker.publish(someDeliveries(1))
    await until(() => worker.held.length === 1, 'delivery')
    await broker.close()
    worker.held[0]?.received.ack()
    await until(async () => (await countOf(opened, 'tasks.queue'))[0] === 1, 'message given back')
  })

  it('that were acknowledged right before the end do not come again', async () => {
    for (let round = 0; round < 5; round++) {
      await using opened = await openOnShared()
      const { broker } = opened
      let taken = 0
      const allTaken = new Promise<void>(resolve => {
        broker.consume({ lane: 'default', slots: 20 }, async ({ ack }) => {
          taken += 1
          ack()
          if (taken === 100) resolve()
        })
      })
      void broker.publish(someDeliveries(100))
      await allTaken
      await broker.close()
      expect(await countOf(opened, 'tasks.queue')).toEqual([0, 0])
    }
  })

  it('that arrive after a stop are given back', async () => {
    await using opened = await openOnShared()
    const { broker } = opened
    await broker.publish(someDeliveries(40))
    // Stopped by the first delivery, while those of the other slots are on their way.
    const stop = broker.consume({ lane: 'default', slots: 20 }, received => {
      stop()
      return worker.receive(received)
    })
    await until(() => worker.held.length > 0, 'first delivery')
    // The broker counts a cancelled consumer for as long as it has a message.
    const expected = () => `${40 - worker.held.length},${worker.held.length}`
    await until(
      async () => (await countOf(opened, 'tasks.queue')).join() === expected(),
      'all the others given back',
    )
    expect(worker.held.length).toBeLessThan(20)
  })

  it('of high priority come first', async () => {
    await using opened = await openOnShared()
    const { broker } = opened
    const headers = { userId: 'ann', retryCount: 0 }
    await broker.publish([
      ...someDeliveries(3).map(delivery => ({
        ...delivery,
        headers: { ...headers, priority: 'normal' } as const,
      })),
      ...someDeliveries(1, 9).map(delivery => ({
        ...delivery,
        headers: { ...headers, priority: 'high' } as const,
      })),
    ])
    broker.consume({ lane: 'default', slots: 1 }, worker.receive)
    await until(() => worker.held.length === 1, 'delivery')
    expect(worker.ids()).toEqual(['task-9'])
  })

  it('that cannot be read are dead-lettered with their bytes, once each, and stop nobody', async () => {
    await using opened = await openOnShared()
    const { broker, channel, name, remote } = opened
    const dead: DeadMessage[] = []
    remote.consumeDeadLetters(async message => void dead.push(message))
    broker.consume({ lane: 'default', slots: 1 }, worker.receive)
    for (const content of ['{"taskId":', 'Grüße', ''])
      channel.publish(name('tasks.exchange'), 'task.default.X', Buffer.from(content))
    channel.publish(name('tasks.exchange'), 'task.default.X', Buffer.of(0xff, 0xfe), {
      headers: { from: 'afar' },
    })
    await until(() => dead.length === 4, 'dead letters')
    await broker.publish(someDeliveries(1))
    await until(() => worker.held.length === 1, 'delivery')
    expect(dead.map(({ content }) => content).sort()).toEqual(['', 'Grüße', 'base64://4=', '{"taskId":'])
    for (const { malformed, story, taskId } of dead)
      expect([typeof malformed, story, taskId]).toEqual([
        'string',
        expect.stringContaining('rejected'),
        undefined,
      ])
    expect(await countOf(opened, 'tasks.dlq.queue')).toEqual([0, 1])
  })

  it('that are dead are held and tried again, not given back, when whoever looks at them fails', async () => {
    await using opened = await openOnShared()
    const { channel, name, remote } = opened
    let tries = 0
    remote.consumeDeadLetters(async () => {
      tries += 1
      throw new Error('the store is away')
    })
    channel.publish(name('tasks.dlx.exchange'), 'any', Buffer.from('x'))
    await until(() => tries === 1, 'first try')
    for (let turn = 0; turn < 20; turn++) expect(await countOf(opened, 'tasks.dlq.queue')).toEqual([0, 1])
    // Given back, it would have come as often as it was looked for.
    expect(tries).toBeLessThan(5)
  })
})

describeWithRabbit('deliveries that wait at RabbitMQ', () => {
  it('for a lane without a queue become dead letters, and hold up no other lane', async () => {
    await using opened = await openOnShared({ delay: 'wait-queues' })
    const { broker, channel, name, remote } = opened
    const dead: DeadMessage[] = []
    const worker = new HoldingWorker()
    remote.consumeDeadLetters(async message => void dead.push(message))
    broker.consume({ lane: 'default', slots: 1 }, worker.receive)
    // More than a wait queue has on its way at once.
    for (let number = 0; number < 40; number++)
      channel.publish(name('tasks.retry.exchange'), '1s.task.gone.Write', Buffer.from('{}'))
    await until(
      async () => (await channel.checkQueue(name('tasks.wait_1s.queue'))).messageCount === 40,
      'wait',
    )
    const headers = { userId: 'ann', priority: 'normal', retryCount: 1, delayMs: 1_000 } as const
    await broker.publish(someDeliveries(1).map(delivery => ({ ...delivery, headers })))
    await until(() => worker.held.length === 1, 'delivery behind them')
    await until(() => dead.length === 40, 'dead letters')
    expect(dead[0]?.story).toMatch(/wait_1s.*expired/)
  })
})

describeWithRabbit('what processes tell each other over RabbitMQ', () => {
  it('arrives in well under a tenth of a second', async () => {
    await using opened = await openOnShared()
    const { remote, name, url } = opened
    const other = rabbitmq({ url, prefix: name('') })
    await other.open([])
    const heard: ControlMessage[] = []
    other.remote?.onControl(message => heard.push(message))
    await until(() => {
      if (heard.length === 0) remote.sendControl({ kind: 'lanes' })
      return heard.length > 0
    }, 'listener')
    const times: number[] = []
    for (let attempt = 0; attempt < 11; attempt++) {
      const at = performance.now()
      remote.sendControl({ kind: 'cancel', taskId: 'a', attempt })
      const isHeard = () => heard.some(message => message.kind === 'cancel' && message.attempt === attempt)
      while (!isHeard()) await new Promise(resolve => setImmediate(resolve))
      times.push(performance.now() - at)
    }
    await other.close()
    // The least of them: others may work beside this.
    expect(Math.min(...times)).toBeLessThan(100)
  })

  it('is kept in the stream of events, where there is one, in the order of each task', async () => {
    await using opened = await openOnShared({ eventsStream: true })
    const { channel, name, remote } = opened
    const base = {
      at: 1,
      taskId: 'a',
      taskType: 'Write',
      userId: 'ann',
      lane: 'default',
      rootTaskId: 'a',
      attempt: 0,
    }
    const events = [1, 2, 3].map(
      sequence => ({ name: 'submitted', ...base, version: sequence, sequence }) as const,
    )
    expect(await remote.publishEvents(events)).toEqual(['confirmed', 'confirmed', 'confirmed'])
    const ids: unknown[] = []
    await channel.prefetch(10)
    const options = { arguments: { 'x-stream-offset': 'first' } }
    await channel.consume(
      name('tasks.events.stream'),
      message => ids.push(message?.properties.messageId),
      options,
    )
    await until(() => ids.length === 3, 'events in the stream')
    expect(ids).toEqual(['a/1', 'a/2', 'a/3'])
  })

  it('is not sent, and not missed, where events are switched off', async () => {
    await using opened = await openOnShared({ events: false })
    const { remote } = opened
    expect(remote.publishesEvents).toBe(false)
    expect(await remote.publishEvents([])).toEqual([])
  })
})
