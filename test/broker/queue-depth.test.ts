import type { Channel } from 'amqplib'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { settingsOf } from '../../src/broker/rabbitmq/options.ts'
import { QueueDepth } from '../../src/broker/rabbitmq/queue-depth.ts'

describe('how often a process counts its queues', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  /** Counts lanes that hold what a test says. */
  async function openDepth(lanes: readonly string[]) {
    const asked: string[] = []
    const ready = new Map<string, number>()
    const grown: string[] = []
    const depth = new QueueDepth(settingsOf({ url: 'amqp://localhost' }), lane => grown.push(lane))
    for (const lane of lanes) depth.add(lane, lane)
    const channel = {
      checkQueue: async (queue: string) => {
        asked.push(queue)
        return { queue, messageCount: ready.get(queue) ?? 0, consumerCount: 10 }
      },
    } as unknown as Channel
    await depth.plan.ready(channel)
    asked.length = 0
    return { depth, asked, ready, grown }
  }

  /** Lets time pass, with a call each 10 ms. */
  async function pass(seconds: number, each: () => void = () => undefined): Promise<void> {
    for (let ms = 0; ms < seconds * 1_000; ms += 10) {
      each()
      await vi.advanceTimersByTimeAsync(10)
    }
  }

  it.each([1, 2, 5])('at most twice a second while %i lanes are busy, each in its turn', async count => {
    const lanes = Array.from({ length: count }, (_, lane) => `lane ${lane}`)
    const { depth, asked } = await openDepth(lanes)
    await pass(20, () => {
      for (const lane of lanes) depth.taken(lane)
    })
    expect(asked.length).toBeLessThanOrEqual(40)
    for (const lane of lanes)
      expect(asked.filter(each => each === lane).length).toBeGreaterThanOrEqual(Math.floor(36 / count))
    depth.close()
  })

  it('every two seconds while a lane is idle, and soon when it is used', async () => {
    const { depth, asked } = await openDepth(['default'])
    await pass(20)
    expect(asked.length).toBeLessThanOrEqual(10)
    asked.length = 0
    depth.taken('default')
    await pass(0.6)
    expect(asked.length).toBeGreaterThan(0)
    depth.close()
  })

  it('fills a queue that others drain between the counts', async () => {
    const { depth, ready, grown } = await openDepth(['default'])
    let sent = 0
    ready.set('default', 20)
    // Others take one each 10 ms. What is there falls below half within a count, and grows only by what is sent.
    let inQueue = 20
    await pass(5, () => {
      inQueue = Math.max(0, inQueue - 1)
      ready.set('default', inQueue)
      const capacity = depth.capacity('default')
      if (capacity === 0) return
      depth.sent('default', capacity)
      depth.answered('default', capacity, capacity)
      sent += capacity
      inQueue += capacity
      ready.set('default', inQueue)
    })
    expect(sent).toBeGreaterThan(400)
    expect(inQueue).toBeLessThan(60)
    expect(grown.length).toBeGreaterThan(0)
    depth.close()
  })
})
