import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { refusalOf } from '../../src/task/admission.ts'
import { type Duration, durationMs, longestDuration } from '../../src/task/duration.ts'
import { fingerprintOf } from '../../src/task/fingerprint.ts'
import { hashedId, newTaskId, subTaskId } from '../../src/task/id.ts'
import { backoffMs, defaultRetryPolicy, retryPolicy } from '../../src/task/retry-policy.ts'

describe('a duration', () => {
  it.each([
    [0, 0],
    [1_500, 1_500],
    ['250ms', 250],
    ['15s', 15_000],
    ['1.5s', 1_500],
    ['10m', 600_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    ['0.4ms', 1],
    [0.4, 1],
    ['3650d', longestDuration],
  ] as const)('%s is %i ms', (duration, ms) => {
    expect(durationMs(duration, 'it')).toBe(ms)
  })

  it.each(['', '5', '5 s', '-5s', 's', '1h30m', '1e3s', '５s', Number.NaN, -1, Number.POSITIVE_INFINITY])(
    '%s is refused, naming the option',
    duration => {
      expect(() => durationMs(duration as Duration, 'times.lease')).toThrowError(
        expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringContaining('times.lease') }),
      )
    },
  )

  it.each(['3651d', '999999999999999999999999d', longestDuration + 1, Number.MAX_SAFE_INTEGER])(
    '%s is refused, saying how long it may be',
    duration => {
      expect(() => durationMs(duration as Duration, 'delay')).toThrowError(
        expect.objectContaining({
          code: 'OPTION_INVALID',
          message: expect.stringMatching(/^delay is .* from 0 to ten years \('3650d'\)\.$/),
        }),
      )
    },
  )

  it('is whole milliseconds, never shorter than asked', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: longestDuration, noNaN: true }), ms => {
        const whole = durationMs(ms, 'it')
        expect(Number.isSafeInteger(whole)).toBe(true)
        expect(whole - ms).toBeGreaterThanOrEqual(0)
        expect(whole - ms).toBeLessThanOrEqual(1)
      }),
    )
  })
})

describe('the retry policy', () => {
  it('is five attempts with 15 s, 1 min, 5 min and 30 min between them unless a type says otherwise', () => {
    expect(retryPolicy(undefined)).toEqual(defaultRetryPolicy)
    expect([1, 2, 3, 4, 5].map(retry => backoffMs(defaultRetryPolicy, retry, 0.5))).toEqual([
      15_000, 60_000, 300_000, 1_800_000, 1_800_000,
    ])
    expect(retryPolicy({ maxAttempts: 2, backoff: ['1s', 5], jitter: 0 })).toEqual({
      maxAttempts: 2,
      backoff: [1_000, 5],
      jitter: 0,
    })
  })

  it.each([
    { maxAttempts: 0 },
    { maxAttempts: 1.5 },
    { jitter: -0.1 },
    { jitter: 1.1 },
    { jitter: Number.NaN },
    { backoff: [] },
    { backoff: ['soon' as Duration] },
  ])('refuses %j', options => {
    expect(() => retryPolicy(options)).toThrowError(expect.objectContaining({ code: 'OPTION_INVALID' }))
  })

  it('jitter stays within its share and never gives a negative or broken delay', () => {
    fc.assert(
      fc.property(
        fc.record({
          maxAttempts: fc.integer({ min: 1, max: 50 }),
          backoff: fc.array(fc.nat(10_000_000), { minLength: 1, maxLength: 6 }),
          jitter: fc.double({ min: 0, max: 1, noNaN: true }),
        }),
        fc.integer({ min: 1, max: 60 }),
        fc.double({ min: 0, max: 0.999_999, noNaN: true }),
        (policy, retry, random) => {
          const base = policy.backoff[Math.min(retry, policy.backoff.length) - 1] ?? 0
          const delay = backoffMs(policy, retry, random)
          expect(Number.isSafeInteger(delay)).toBe(true)
          expect(delay).toBeGreaterThanOrEqual(Math.floor(base * (1 - policy.jitter)))
          expect(delay).toBeLessThanOrEqual(Math.ceil(base * (1 + policy.jitter)))
        },
      ),
    )
  })
})

describe('admission', () => {
  it.each([
    { waiting: { user: 9, lane: 99 }, limits: {}, refusal: undefined },
    {
      waiting: { user: 9, lane: 99 },
      limits: { waitingPerUser: 10, waitingPerLane: 100 },
      refusal: undefined,
    },
    {
      waiting: { user: 10, lane: 99 },
      limits: { waitingPerUser: 10, waitingPerLane: 100 },
      refusal: 'USER_QUEUE_FULL',
    },
    {
      waiting: { user: 9, lane: 100 },
      limits: { waitingPerUser: 10, waitingPerLane: 100 },
      refusal: 'LANE_QUEUE_FULL',
    },
    {
      waiting: { user: 10, lane: 100 },
      limits: { waitingPerUser: 10, waitingPerLane: 100 },
      refusal: 'USER_QUEUE_FULL',
    },
    { waiting: { user: 0, lane: 0 }, limits: { waitingPerUser: 0 }, refusal: 'USER_QUEUE_FULL' },
    { waiting: { user: 5, lane: 1 }, limits: { waitingPerLane: 1 }, refusal: 'LANE_QUEUE_FULL' },
  ])('$waiting within $limits: $refusal', ({ waiting, limits, refusal }) => {
    expect(refusalOf(waiting, limits)).toBe(refusal)
  })
})

describe('the fingerprint', () => {
  const of = (message: string, code = 'X', type = 'Write') => fingerprintOf(type, { code, message })

  it('is equal for failures that differ in ids, numbers and quoted texts alone', () => {
    expect(of('scene 12 of 0b0b3a5e-8a3c-4d5e-9f00-112233445566 has "a title"')).toBe(
      of('scene 7 of AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE has "another"'),
    )
  })

  it('differs by type, code and what was said', () => {
    const all = [of('a'), of('b'), of('a', 'Y'), of('a', 'X', 'Read')]
    expect(new Set(all).size).toBe(all.length)
  })

  it('is bounded and quick, whatever the message', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 5_000 }), message => {
        expect(of(message).length).toBeLessThanOrEqual(160)
      }),
    )
    expect(of('"'.repeat(100_000)).length).toBeLessThanOrEqual(160)
  })
})

describe('ids', () => {
  const uuid = /^[\da-f]{8}-[\da-f]{4}-([78])[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/

  it('a new one is a UUID of version 7 that sorts by its time', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 47 }), fc.integer({ min: 0, max: 2 ** 47 }), (a, b) => {
        const [first, second] = [newTaskId(Math.min(a, b)), newTaskId(Math.max(a, b))]
        expect(uuid.exec(first)?.[1]).toBe('7')
        expect(first.slice(0, 13) <= second.slice(0, 13)).toBe(true)
        expect(Number.parseInt(first.slice(0, 13).replace('-', ''), 16)).toBe(Math.min(a, b))
      }),
    )
  })

  it('new ones of one millisecond differ, and sort by their order', () => {
    const ids = Array.from({ length: 10_000 }, () => newTaskId(1))
    expect(ids).toEqual([...new Set(ids)].sort())
    expect(ids.every(id => uuid.test(id))).toBe(true)
  })

  it('that of a sub-task follows from its parent and key, and from nothing else', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (parent, key, other) => {
        const id = subTaskId(parent, key)
        expect(uuid.exec(id)?.[1]).toBe('8')
        expect(subTaskId(parent, key)).toBe(id)
        if (other !== key) expect(subTaskId(parent, other)).not.toBe(id)
      }),
    )
    expect(hashedId('a')).not.toBe(hashedId('b'))
  })
})
