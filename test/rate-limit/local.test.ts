import { createManualClock } from 'quillwork/testing'
import { expect, test } from 'vitest'
import type { Limit, RateLimiter } from '../../src/rate-limit/limiter.ts'
import { createLocalLimiter } from '../../src/rate-limit/local.ts'
import type { SharedTexts } from '../../src/runtime/shared-account.ts'
import { type Call, fullestMinute, mustGrant, mustWait, requestsOf, run, start } from './load.ts'
import { randomFrom, SharedPlace } from './shared-states.ts'

function limiterOf(limits: Record<string, Limit>) {
  const clock = { time: start, now: () => clock.time }
  const limiter = createLocalLimiter({ limits, clock })
  return {
    clock,
    limiter,
    ask: (key: string, ticket: string, cost = 1) => limiter.acquire({ key, ticket, cost }),
  }
}

test('E1: a batch of 100 over the limit is slower, none is refused for good, the limit holds', async () => {
  const calls = Array.from(
    { length: 100 },
    (_, i): Call => ({ name: `scene ${i}`, at: 0, estimate: 1, lasts: 3_000, late: 200 }),
  )
  const granted = await run({ requestsPerMinute: 30, concurrency: 5 }, calls)
  expect(new Set(granted.map(call => call.name)).size).toBe(100)
  expect(fullestMinute(granted, requestsOf)).toBeLessThanOrEqual(30)
  expect(Math.max(...granted.map(call => call.grantedAt))).toBeLessThan(4.5 * 60_000)
})

test('E3, E4: a 429 for one account parks that key for as long as the provider says, and no other', async () => {
  const { clock, limiter, ask } = limiterOf({
    'p:alice': { requestsPerMinute: 60 },
    'p:bob': { requestsPerMinute: 60 },
  })
  mustGrant(await ask('p:alice', 'a1')).commit()
  await limiter.park('p:alice', start + 7_000)
  expect(mustWait(await ask('p:alice', 'a2'))).toBeGreaterThanOrEqual(7_000)
  mustGrant(await ask('p:bob', 'b1'))
  expect(limiter.describe().map(({ key, parkedUntil }) => ({ key, parkedUntil }))).toEqual([
    { key: 'p:alice', parkedUntil: start + 7_000 },
    { key: 'p:bob', parkedUntil: undefined },
  ])
  clock.time = start + 6_999
  mustWait(await ask('p:alice', 'a2'))
  clock.time = start + 7_000
  mustGrant(await ask('p:alice', 'a2'))
  expect(limiter.describe()[0]?.parkedUntil).toBeUndefined()
})

test('a key without limits is probed too, unless it is reset', async () => {
  const { clock, limiter, ask } = limiterOf({})
  await limiter.park('free', start + 24 * 3_600_000)
  expect(limiter.describe()).toMatchObject([{ key: 'free', parkedUntil: start + 900_000, isProbed: true }])
  clock.time = start + 900_000
  mustGrant(await ask('free', 'a'))
  mustWait(await ask('free', 'b'))
  await limiter.reset('free')
  mustGrant(await ask('free', 'b'))
  mustGrant(await ask('free', 'c'))
  await limiter.reset('never used')
})

test('a process that is started again probes a key that was parked for a day', async () => {
  const clock = createManualClock({ startAt: new Date(start) })
  const states = new SharedPlace(clock, randomFrom(1), {})
  const limits = { key: { requestsPerMinute: 9 } }
  const make = () => createLocalLimiter({ limits, clock, kept: { states, clock } })
  const during = async <T>(work: Promise<T>): Promise<T> => {
    await clock.advance(100)
    return work
  }
  const before = make()
  await during(before.acquire({ key: 'key', ticket: 'a', cost: 1 }))
  await before.park('key', start + 24 * 3_600_000)
  await during(before.stop())
  await clock.advance(900_000)
  const after = make()
  mustGrant(await during(after.acquire({ key: 'key', ticket: 'b', cost: 1 })))
  mustWait(await after.acquire({ key: 'key', ticket: 'c', cost: 1 }))
  await after.reset('key')
  mustGrant(await after.acquire({ key: 'key', ticket: 'c', cost: 1 }))
})

test('E5: a key that nobody configured is not limited, but a 429 parks it, and then it is forgotten', async () => {
  const { clock, limiter, ask } = limiterOf({})
  mustGrant(await ask('deepseek', 'a', 1e9)).commit(2e9)
  await limiter.withdraw('deepseek', 'a')
  await limiter.park('deepseek', start + 1_000)
  expect(mustWait(await ask('deepseek', 'a'))).toBe(1_000)
  expect(limiter.describe()).toHaveLength(1)
  clock.time = start + 1_000
  mustGrant(await ask('deepseek', 'a')).release()
  expect(limiter.describe()).toEqual([])
})

test('E8: what an error or a cancel gives back is free at once, once, and the next in line is called', async () => {
  const { limiter, ask } = limiterOf({ key: { concurrency: 1, tokensPerMinute: 100 } })
  const called: string[] = []
  limiter.onCapacity(() => {
    throw new Error('a listener that throws harms nobody')
  })
  const stop = limiter.onCapacity((key, ticket) => called.push(`${key} ${ticket}`))
  const failed = mustGrant(await ask('key', 'failed', 100))
  mustWait(await ask('key', 'next', 100))
  mustWait(await ask('key', 'last', 100))
  failed.release()
  failed.release()
  failed.commit(50)
  expect(called).toEqual(['key next'])
  await limiter.withdraw('key', 'next')
  expect(called).toEqual(['key next', 'key last'])
  mustGrant(await ask('key', 'last', 100)).commit(10)
  stop()
  const again = mustGrant(await ask('key', 'again', 90))
  mustWait(await ask('key', 'silent', 90))
  again.release()
  expect(called).toHaveLength(2)
})

test('describe tells limits and their use', async () => {
  const limit = { requestsPerMinute: 2, tokensPerMinute: 100 }
  const { clock, limiter, ask } = limiterOf({ used: limit, idle: { concurrency: 3 } })
  mustGrant(await ask('used', 'a', 30)).commit(20)
  mustGrant(await ask('used', 'b', 50))
  const since = clock.time
  const waiter = { ticket: 'c', since, expectedAt: expect.any(Number) }
  mustWait(await ask('used', 'c', 50))
  expect(limiter.describe()).toEqual([
    {
      ...{ key: 'used', limit, inFlight: 1, waiting: 1, requests: 2, tokens: 70 },
      ...{ next: [waiter], longestWaiting: waiter },
    },
    { key: 'idle', limit: { concurrency: 3 }, inFlight: 0, waiting: 0, next: [], requests: 0, tokens: 0 },
  ])
  clock.time += 120_000
  expect(limiter.describe()[0]).toEqual({
    key: 'used',
    limit,
    inFlight: 1,
    waiting: 0,
    next: [],
    requests: 0,
    tokens: 0,
  })
})

test('keys that are parked once do not stay in memory', async () => {
  const { clock, limiter } = limiterOf({})
  for (let i = 0; i < 1_000; i += 1) {
    clock.time += 1_000
    await limiter.park(`account ${i}`, clock.time + 5_000)
  }
  clock.time += 61_000
  await limiter.park('another', clock.time + 5_000)
  expect(limiter.describe().map(use => use.key)).toEqual(['another'])
})

test.each([
  { requestsPerMinute: 0 },
  { requestsPerMinute: 0.5 },
  { tokensPerMinute: Number.NaN },
  { tokensPerMinute: Number.POSITIVE_INFINITY },
  { concurrency: -1 },
])('a limit that nothing could run under is refused: %o', limit => {
  expect(() => limiterOf({ key: limit })).toThrow(
    expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringContaining('key') }),
  )
})

test('names of properties that every object has are keys like any other', async () => {
  const { ask } = limiterOf({ toString: { concurrency: 1 } })
  mustGrant(await ask('constructor', 'a'))
  mustGrant(await ask('toString', 'a'))
  mustWait(await ask('toString', 'b'))
})

test('a kept account that could not be read at first takes no place from a call that runs, and is not reset', async () => {
  const clock = createManualClock()
  const texts = new Map<string, string>()
  let isAway = false
  const states: SharedTexts = {
    async load([key = '']) {
      if (isAway) throw new Error('away')
      const state = texts.get(key)
      return [{ key, state: state ?? '', version: state === undefined ? 0 : 1 }]
    },
    async save({ key, state }) {
      texts.set(key, state)
      return true
    },
  }
  const make = () =>
    createLocalLimiter({ limits: { key: { concurrency: 1 } }, clock, kept: { states, clock } })
  const ask = (limiter: RateLimiter, ticket: string) => limiter.acquire({ key: 'key', ticket, cost: 1 })
  const before = make()
  await ask(before, 'before')
  await before.stop()
  isAway = true
  const limiter = make()
  expect(await ask(limiter, 'one')).toMatchObject({ granted: true })
  await expect(make().reset('key')).rejects.toMatchObject({ code: 'STORE_FAILED' })
  isAway = false
  expect(await ask(limiter, 'two')).toMatchObject({ granted: false })
})

test('what operators set stands in place of what is configured, part by part, and what waits goes on at once', async () => {
  const { limiter, ask } = limiterOf({ key: { requestsPerMinute: 1, tokensPerMinute: 100 }, free: {} })
  const { overrides } = limiter
  const called: string[] = []
  limiter.onCapacity((key, ticket) => called.push(`${key} ${ticket}`))
  mustGrant(await ask('key', 'a'))
  for (const ticket of ['b', 'c', 'd']) mustWait(await ask('key', ticket, 20))
  expect(overrides?.mostAsked('key')).toBe(20)
  overrides?.use(
    new Map([
      ['key', { requestsPerMinute: 3 }],
      ['nowhere', { concurrency: 1 }],
    ]),
  )
  expect(called).toEqual(['key b', 'key c'])
  expect(limiter.describe()).toMatchObject([
    {
      key: 'key',
      limit: { requestsPerMinute: 3, tokensPerMinute: 100 },
      setLimit: { requestsPerMinute: 3 },
      configured: { requestsPerMinute: 1, tokensPerMinute: 100 },
    },
  ])
  expect(limiter.isKnown('nowhere')).toBe(false)
  mustGrant(await ask('key', 'b', 20))
  mustGrant(await ask('key', 'c', 20))
  mustWait(await ask('key', 'd', 20))
  overrides?.use(new Map([['free', { concurrency: 1 }]]))
  expect(limiter.describe('key')[0]).not.toHaveProperty('setLimit')
  const running = mustGrant(await ask('free', 'a'))
  mustWait(await ask('free', 'b'))
  running.commit()
  expect(called.at(-1)).toBe('free b')
  expect(overrides?.mostAsked('nowhere')).toBe(0)
})

test('those whose turn was far away are told a nearer time under a limit that was raised, in their order', async () => {
  const { clock, limiter, ask } = limiterOf({ key: { requestsPerMinute: 1 } })
  mustGrant(await ask('key', 'first'))
  const tickets = Array.from({ length: 30 }, (_, at) => `t${at}`)
  for (const ticket of tickets) mustWait(await ask('key', ticket))
  limiter.overrides?.use(new Map([['key', { requestsPerMinute: 10 }]]))
  await limiter.overrides?.replan('key')
  await limiter.overrides?.replan('unused')
  const times: number[] = []
  for (const ticket of tickets)
    times.push(((await limiter.keepPlace({ key: 'key', ticket, cost: 1 })) - clock.time) / 60_000)
  expect(times).toEqual(times.toSorted((one, other) => one - other))
  expect(times[8]).toBeLessThan(0.1)
  expect(times[18]).toBeLessThan(1.1)
  expect(times[29]).toBeLessThan(3.1)
})
