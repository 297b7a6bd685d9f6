import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { z } from 'zod'
import type { Broker } from '../../src/broker/broker.ts'
import { rabbitmq } from '../../src/broker/rabbitmq/index.ts'
import { createEngine, defineTask } from '../../src/index.ts'
import { mongodb } from '../../src/store/mongodb/index.ts'
import type { Delivery } from '../../src/store/store.ts'
import { retrying } from '../../src/task/transition.ts'
import { problem } from '../../src/testing/store-case.ts'
import { until } from '../servers/until.ts'
import { describeDistributed, type Installation, installation } from './installation.ts'

/** A task that takes its time, and tells what became of it, and how many ran at once. */
function slowTask(ms: number, started: () => void = () => undefined) {
  const seen = { now: 0, most: 0, endedIds: new Set<string>() }
  const task = defineTask({
    type: 'Slow',
    parameters: z.string(),
    result: z.string(),
    async execute(ctx) {
      started()
      seen.now += 1
      seen.most = Math.max(seen.most, seen.now)
      await sleep(ms)
      seen.now -= 1
      seen.endedIds.add(ctx.taskId)
      return ctx.parameters
    },
  })
  return { task, seen }
}

/** Submits tasks that crashed so many times, and that a process claims and never ends. */
async function crashed(
  home: Installation,
  task: ReturnType<typeof slowTask>['task'],
  names: string[],
  crashes: number,
) {
  const client = await home.engine({ tasks: [task], start: false })
  const store = mongodb({ url: home.databaseUrl })
  await store.open()
  for (const name of names) {
    const { taskId } = await client.submit(task, name)
    for (let attempt = 0; attempt <= crashes; attempt++) {
      const claim = { taskId, attempt, token: `dead ${name}`, executionNodeId: 'dead', leaseMs: 100 }
      const [record] = await store.tasks.claim([claim])
      expect(record).toMatchObject({ id: taskId })
      if (record === undefined || attempt === crashes) continue
      const at = store.tasks.now() - 1
      await store.tasks.apply([
        retrying(record, { at, error: problem(), retryCount: 0, crashCount: attempt + 1 }),
      ])
    }
  }
  await store.tasks.close()
}

/** A broker that notes which deliveries are acknowledged. */
function noting(broker: Broker, acknowledged: (delivery: Delivery) => void): Broker {
  const consume: Broker['consume'] = (lane, run) =>
    broker.consume(lane, received => {
      const ack = () => {
        acknowledged(received.delivery)
        received.ack()
      }
      return run({ ...received, ack, deadLetter: () => received.deadLetter() })
    })
  return new Proxy(broker, {
    get: (target, name) => (name === 'consume' ? consume : Reflect.get(target, name, target)),
  })
}

describeDistributed('tasks whose last attempts crashed', () => {
  it('once run again beside each other, and spend no retry', async () => {
    await using home = installation()
    const { task, seen } = slowTask(500)
    await crashed(home, task, ['one', 'two', 'three'], 0)
    const lanes = { default: { slots: 4 } }
    const worker = await home.engine({ tasks: [task], lanes, times: { sweepInterval: '300ms' } })
    await until(() => seen.endedIds.size === 3, 'end of all', 60_000)
    expect(seen.most).toBe(3)
    const counted = async () => (await worker.tasks.counts()).COMPLETED === 3
    await until(counted, 'outcomes of all')
    const { items } = await worker.tasks.list({}, { pageSize: 9 })
    expect(items.map(({ attempt, retryCount }) => [attempt, retryCount])).toEqual(items.map(() => [2, 0]))
  })

  it('twice run one at a time; those that get no turn are put aside before they are acknowledged, and come again', async () => {
    await using home = installation()
    const { task, seen } = slowTask(2_500, () => {
      // While the first is young the next one is sent after it; the relay looks at once.
      void worker.lanes.resume('default')
    })
    await crashed(home, task, ['one', 'two', 'three'], 1)
    const order: string[] = []
    await using worker = await createEngine({
      tasks: [task],
      lanes: { default: { slots: 4 } },
      times: { sweepInterval: '300ms' },
      store: mongodb({
        url: home.databaseUrl,
        faults: { after: operation => void (operation === 'defer' && order.push(operation)) },
      }),
      broker: noting(rabbitmq({ url: home.brokerUrl, prefix: home.prefix }), ({ taskId, crashCount }) => {
        // Those of the first attempts are refused: a dead process still holds the tasks.
        if (crashCount > 0 && !seen.endedIds.has(taskId)) order.push('acknowledged')
      }),
    })
    await worker.start()
    await until(() => seen.endedIds.size === 3, 'end of all', 60_000)
    expect(seen.most).toBe(1)
    expect(order.slice(0, 2)).toEqual(['defer', 'acknowledged'])
  })
})
