import { describe, expect, it } from 'vitest'
import { QueueCapacity } from '../../src/broker/rabbitmq/queue-capacity.ts'

describe('the room of a lane', () => {
  /** A lane that was counted at the time 0. */
  function counted(ready: number, consumers: number, window = 2): QueueCapacity {
    const room = new QueueCapacity(window)
    room.counting()({ ready, consumers }, 0)
    return room
  }

  it.each([
    { ready: 0, consumers: 0, room: 50, why: 'some without a consumer' },
    { ready: 60, consumers: 0, room: 0, why: 'but not without end' },
    { ready: 0, consumers: 10, room: 20, why: 'a window for each consumer' },
    { ready: 15, consumers: 10, room: 5, why: 'less what is there' },
    { ready: 90, consumers: 10, room: 0, why: 'never below nothing' },
  ])('is $room with $ready ready and $consumers consumers: $why', ({ ready, consumers, room }) => {
    expect(counted(ready, consumers).capacity(1)).toBe(room)
  })

  it('is nothing before the first count, and when the last one is old', () => {
    expect(new QueueCapacity(2).capacity(1)).toBe(0)
    const room = counted(0, 10)
    expect([room.capacity(9_999), room.capacity(10_001)]).toEqual([20, 0])
  })

  it('counts own slots before the broker does', () => {
    const room = counted(0, 0)
    room.ownSlots = 3
    expect(room.capacity(1)).toBe(6)
  })

  it('knows what was sent and taken since the count', () => {
    const room = counted(0, 10)
    room.sent(12)
    expect(room.capacity(1)).toBe(8)
    room.answered(12, 10, 1)
    expect(room.capacity(1)).toBe(10)
    for (let taken = 0; taken < 4; taken++) room.taken()
    expect(room.capacity(1)).toBe(14)
  })

  it('counts nothing twice and forgets nothing, whenever the count is asked and answered', () => {
    const room = counted(0, 10)
    room.sent(5)
    room.answered(5, 5, 1)
    room.sent(3)
    // Five have surely arrived; three may be in the count or not, and are taken to be outside of it.
    const tell = room.counting()
    room.sent(2)
    expect(room.capacity(1)).toBe(10)
    tell({ ready: 5, consumers: 10 }, 2)
    expect(room.capacity(3)).toBe(20 - 5 - 3 - 2)
    room.answered(5, 5, 3)
    room.counting()({ ready: 10, consumers: 10 }, 4)
    expect(room.capacity(5)).toBe(10)
  })

  it('grows with the pace of short tasks, to what the consumers take in 50 ms', () => {
    const room = counted(0, 10)
    room.ownSlots = 5
    for (let count = 1; count <= 40; count++) {
      for (let taken = 0; taken < 100; taken++) room.taken()
      room.counting()({ ready: 0, consumers: 10 }, count * 50)
    }
    // Two a millisecond here, and as many by the five consumers elsewhere.
    expect(room.capacity(2_001)).toBeGreaterThan(190)
    expect(room.capacity(2_001)).toBeLessThanOrEqual(200)
    for (let count = 41; count <= 80; count++) room.counting()({ ready: 0, consumers: 10 }, count * 50)
    expect(room.capacity(4_001)).toBe(20)
  })

  it('knows between two counts how fast others take, by how fast the queue drained', () => {
    const room = counted(20, 10)
    // All that was there, and 100 that were sent, are gone after half a second.
    room.sent(100)
    room.answered(100, 100, 1)
    room.counting()({ ready: 20, consumers: 10 }, 500)
    expect(room.capacity(500)).toBe(0)
    // 100 in 500 ms, of which it took nearly half a second to be believed.
    expect(room.capacity(550)).toBeGreaterThanOrEqual(9)
    expect(room.capacity(550)).toBeLessThanOrEqual(10)
    // No more than there was.
    expect(room.capacity(5_000)).toBe(20)
    // Two counts that agree say that nobody takes.
    room.counting()({ ready: 20, consumers: 10 }, 1_500)
    expect(room.capacity(1_600)).toBe(0)
  })

  it('is empty by counts alone, not by how fast the queue drained', () => {
    const room = counted(20, 1)
    room.counting()({ ready: 0, consumers: 1 }, 100)
    room.counting()({ ready: 0, consumers: 1 }, 200)
    room.sent(5)
    room.answered(5, 5, 201)
    expect(room.capacity(9_000)).toBe(2)
    expect(room.isEmpty(9_000)).toBe(false)
  })

  it('is nothing for a while after messages of which none arrived, and for longer each time', () => {
    const room = counted(0, 10)
    const pauseAfter = (now: number) => {
      room.counting()({ ready: 0, consumers: 10 }, now)
      room.sent(3)
      room.answered(3, 0, now)
      let end = now
      while (room.capacity(end) === 0 && end < now + 20_000) {
        end += 100
        room.counting()({ ready: 0, consumers: 10 }, end)
      }
      return end - now
    }
    expect([1, 2, 3, 4, 5, 6].map(time => pauseAfter(time * 100_000))).toEqual([
      1_000, 2_000, 4_000, 8_000, 10_000, 10_000,
    ])
    room.sent(3)
    room.answered(3, 1, 700_000)
    expect(pauseAfter(800_000)).toBe(1_000)
    pauseAfter(900_000)
    room.sent(3)
    room.answered(3, 0, 1_000_000)
    room.counting()({ ready: 0, consumers: 10 }, 1_000_000)
    expect(room.capacity(1_000_001)).toBe(0)
    room.resume()
    expect(room.capacity(1_000_001)).toBe(20)
  })

  it('is known while counts are new and what was sent arrives, however full the lane is', () => {
    const room = counted(100, 1)
    expect([room.isKnown(1), room.capacity(1)]).toEqual([true, 0])
    expect(room.isKnown(10_002)).toBe(false)
    room.sent(1)
    room.answered(1, 0, 2)
    expect([room.isKnown(3), room.isKnown(1_003)]).toEqual([false, true])
  })

  it('is known to be empty when two counts in a row say so and could see consumers', () => {
    const room = counted(0, 1)
    expect(room.isEmpty(1)).toBe(false)
    room.counting()({ ready: 0, consumers: 1 }, 2)
    expect([room.isEmpty(3), room.isEmpty(10_003)]).toEqual([true, false])
    room.sent(1)
    expect(room.isEmpty(3)).toBe(false)
    room.answered(1, 0, 3)
    expect(room.isEmpty(3)).toBe(true)
    room.counting()({ ready: 1, consumers: 1 }, 4)
    room.counting()({ ready: 0, consumers: 1 }, 5)
    expect(room.isEmpty(6)).toBe(false)
    // Of a queue whose leader does not answer the broker says the same as of an empty one without consumers.
    room.ownSlots = 1
    for (const now of [7, 8]) room.counting()({ ready: 0, consumers: 0 }, now)
    expect(room.isEmpty(9)).toBe(false)
    room.ownSlots = 0
    for (const now of [10, 11]) room.counting()({ ready: 0, consumers: 0 }, now)
    expect(room.isEmpty(12)).toBe(true)
  })

  it('is worth filling when half of it is there', () => {
    const room = counted(11, 10)
    expect(room.isWorthFilling(1)).toBe(false)
    room.taken()
    expect(room.isWorthFilling(1)).toBe(true)
  })
})
