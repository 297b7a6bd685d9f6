import { afterEach, expect, it } from 'vitest'
import type { RateLimiter } from '../../src/rate-limit/limiter.ts'
import { createSharedLimiter, type SharedLimiterOptions } from '../../src/rate-limit/shared.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { type MongoStore, mongodb } from '../../src/store/mongodb/index.ts'
import { mustGrant } from '../rate-limit/load.ts'
import { describeWithMongo, freshDatabase } from '../servers/mongo.ts'

describeWithMongo('a limit that is shared over MongoDB', () => {
  const opened: MongoStore[] = []
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.tasks.close()
  })

  /** The limiter of a process with a connection of its own. */
  async function limiterOn(url: string, options: Partial<SharedLimiterOptions> = {}): Promise<RateLimiter> {
    const store = mongodb({ url })
    opened.push(store)
    await store.open()
    if (store.states === undefined) throw new Error('The store shares no states.')
    const limits = { key: { concurrency: 3, requestsPerMinute: 1_000 } }
    return createSharedLimiter({ limits, states: store.states, clock: systemClock, ...options })
  }

  it('holds for two clients at once, and every call gets its turn', async () => {
    await using home = freshDatabase()
    const limiters = [await limiterOn(home.url), await limiterOn(home.url)]
    let [running, most] = [0, 0]
    const call = async (limiter: RateLimiter, ticket: string) => {
      for (;;) {
        const answer = await limiter.acquire({ key: 'key', ticket, cost: 1 })
        if (answer.granted) {
          running += 1
          most = Math.max(most, running)
          await new Promise(resolve => setTimeout(resolve, 20))
          running -= 1
          return answer.reservation.commit()
        }
        await called(limiter, ticket, answer.until - Date.now())
      }
    }
    await Promise.all(
      limiters.flatMap((limiter, process) =>
        Array.from({ length: 15 }, (_, index) => call(limiter, `${process} ${index}`)),
      ),
    )
    expect(most).toBe(3)
    await expect
      .poll(() => limiters[0]?.describe()[0])
      .toMatchObject({ inFlight: 0, waiting: 0, requests: 30 })
  })

  it('gives back the places of a client that is gone', async () => {
    await using home = freshDatabase()
    // Its timers never fire: nobody extends its lease.
    const gone = { now: Date.now, after: () => () => undefined }
    const dead = await limiterOn(home.url, { clock: gone, leaseMs: 600 })
    for (const ticket of ['a', 'b', 'c']) mustGrant(await dead.acquire({ key: 'key', ticket, cost: 1 }))
    const alive = await limiterOn(home.url)
    const ask = async () => (await alive.acquire({ key: 'key', ticket: 'd', cost: 1 })).granted
    expect(await ask()).toBe(false)
    await expect.poll(ask).toBe(true)
  })
})

/** Resolves when the ticket's turn came, at the time that it was told at the latest. */
function called(limiter: RateLimiter, ticket: string, waitMs: number): Promise<void> {
  return new Promise(resolve => {
    const stop = limiter.onCapacity((_key, free) => free === ticket && done())
    const timer = setTimeout(done, Math.max(1, waitMs))
    function done() {
      clearTimeout(timer)
      stop()
      resolve()
    }
  })
}
