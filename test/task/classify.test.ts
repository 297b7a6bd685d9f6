import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { classifyError, retryAfterOf } from '../../src/task/classify.ts'
import { decode, encode } from '../../src/task/codec.ts'
import { PermanentError, QuillworkError, SnoozeError } from '../../src/task/errors.ts'
import { messageOf } from '../../src/task/thrown.ts'
import { hostile, unreadable } from './hostile.ts'
import { now } from './records.ts'

const withStatus = (status: number, extra: object = {}) =>
  Object.assign(new Error(`HTTP ${status}`), { status, ...extra })

describe('the class of an error', () => {
  it.each([
    { what: 'an error that nobody classified', error: new Error('x'), errorClass: 'retryable' },
    { what: 'a string', error: 'x', errorClass: 'retryable' },
    { what: 'a permanent error', error: new PermanentError('x'), errorClass: 'permanent' },
    {
      what: 'a permanent error as a cause',
      error: new Error('a', { cause: new PermanentError('x') }),
      errorClass: 'permanent',
    },
    { what: 'a snooze', error: new SnoozeError(now + 1, 'x'), errorClass: 'rate-limited' },
    {
      what: 'a coded error that says retry',
      error: new QuillworkError('STORE_FAILED', 'x'),
      errorClass: 'retryable',
    },
    {
      what: 'a coded error that says no',
      error: new QuillworkError('SCENE_EMPTY', 'x'),
      errorClass: 'permanent',
    },
    { what: 'a DOM timeout', error: new DOMException('x', 'TimeoutError'), errorClass: 'timeout' },
    {
      what: 'an abort that nobody asked for',
      error: new DOMException('x', 'AbortError'),
      errorClass: 'retryable',
    },
    {
      what: 'B10: 503 wrapped in a summary error',
      error: new Error('summary failed', { cause: withStatus(503) }),
      errorClass: 'retryable',
    },
    {
      what: '429 with a time',
      error: withStatus(429, { headers: { 'retry-after': '5' } }),
      errorClass: 'rate-limited',
    },
    { what: '429 without a time', error: withStatus(429), errorClass: 'retryable' },
    {
      what: 'B10: 429 with a time below two wrappers',
      error: new Error('a', { cause: new Error('b', { cause: withStatus(429, { retryAfterMs: 700 }) }) }),
      errorClass: 'rate-limited',
    },
    {
      what: 'the outer class when both have one',
      error: new PermanentError('x', { cause: withStatus(429, { retryAfterMs: 5 }) }),
      errorClass: 'permanent',
    },
  ])('$what is $errorClass', ({ error, errorClass }) => {
    const classified = classifyError(error, now)
    expect(classified.errorClass).toBe(errorClass)
    expect(classified.info.errorClass).toBe(errorClass)
    expect(classified.info.retryable).toBe(errorClass !== 'permanent')
  })

  it.each([400, 401, 403, 404, 409, 410, 413, 422])('status %i says that the request is wrong', status => {
    expect(classifyError(withStatus(status), now).errorClass).toBe('permanent')
    expect(classifyError({ statusCode: status }, now).errorClass).toBe('permanent')
  })

  it.each([408, 425, 429, 500, 502, 503, 504, 529])('status %i is tried again', status => {
    expect(classifyError(withStatus(status), now).errorClass).toBe('retryable')
  })
})

describe('Retry-After', () => {
  it.each([
    { what: 'seconds', error: { headers: { 'Retry-After': '7' } }, ms: 7_000 },
    { what: 'a fraction of seconds, rounded up', error: { headers: { 'retry-after': '0.0005' } }, ms: 1 },
    { what: 'a date', error: { headers: { 'retry-after': new Date(now + 9_000).toUTCString() } }, ms: 9_000 },
    {
      what: 'a date that has passed',
      error: { headers: { 'retry-after': new Date(now - 9_000).toUTCString() } },
      ms: undefined,
    },
    { what: 'a Headers object', error: { headers: new Headers({ 'Retry-After': '3' }) }, ms: 3_000 },
    { what: 'responseHeaders', error: { responseHeaders: { 'retry-after': ' 4 ' } }, ms: 4_000 },
    { what: 'milliseconds of one’s own', error: { retryAfterMs: 12.5 }, ms: 13 },
    { what: 'nonsense', error: { headers: { 'retry-after': 'soon' } }, ms: undefined },
    { what: 'a negative number', error: { retryAfterMs: -1 }, ms: undefined },
    { what: 'endless', error: { retryAfterMs: Number.POSITIVE_INFINITY }, ms: undefined },
    { what: 'not a number', error: { retryAfterMs: Number.NaN }, ms: undefined },
    { what: 'a century', error: { headers: { 'retry-after': '3153600000' } }, ms: undefined },
    { what: 'milliseconds in a header', error: { headers: { 'retry-after-ms': '1500' } }, ms: 1_500 },
    { what: 'a duration', error: { headers: { 'Retry-After': '7s' } }, ms: 7_000 },
    { what: 'an epoch in seconds', error: { headers: { 'retry-after': `${now / 1_000 + 9}` } }, ms: 9_000 },
    { what: 'an epoch in milliseconds', error: { headers: { 'retry-after': `${now + 900}` } }, ms: 900 },
    {
      what: 'the reset of a limit that refused the call',
      error: { status: 429, headers: { 'X-RateLimit-Reset-Requests': '6m0s' } },
      ms: 360_000,
    },
    {
      what: 'the reset of a limit that did not refuse the call',
      error: { status: 500, headers: { 'x-ratelimit-reset-requests': '6m0s' } },
      ms: undefined,
    },
    { what: 'the time of a snooze', error: new SnoozeError(now + 1_500.5, 'x'), ms: 1_501 },
    { what: 'a snooze until a time that has passed', error: new SnoozeError(now - 5, 'x'), ms: 0 },
    { what: 'an array', error: { headers: { 'retry-after': ['5'] } }, ms: undefined },
    { what: 'nothing', error: {}, ms: undefined },
    { what: 'null', error: null, ms: undefined },
  ])('$what: $ms', ({ error, ms }) => {
    expect(retryAfterOf(error, now)).toBe(ms)
  })

  it('the time is whole milliseconds, whatever the provider says', () => {
    fc.assert(
      fc.property(fc.double(), ms => {
        const { notBefore } = classifyError({ status: 429, retryAfterMs: ms }, now)
        if (notBefore !== undefined) expect(Number.isSafeInteger(notBefore)).toBe(true)
      }),
    )
  })
})

describe('what is kept of an error', () => {
  it('is plain data: code, message, name, the head of the stack, the causes', () => {
    class GatewayError extends Error {
      override readonly name = 'GatewayError'
      readonly code = 'BAD_GATEWAY'
      readonly secret = 'key'
    }
    const { info } = classifyError(
      new GatewayError('outer', { cause: new Error('middle', { cause: 'inner' }) }),
      now,
    )
    expect(info).toMatchObject({ message: 'outer', name: 'GatewayError', causes: ['middle', 'inner'] })
    expect(info.stack?.split('\n').length).toBeLessThanOrEqual(10)
    expect(JSON.stringify(info)).not.toContain('key')
    expect(Object.getPrototypeOf(info)).toBe(Object.prototype)
  })

  it('is short, however long its message and its name are', () => {
    const error = new Error(`The model answered:\n${'A line of a novel.\n'.repeat(10_000)}`)
    error.name = 'N'.repeat(5_000)
    const { info } = classifyError(error, now)
    expect(info.stack).toMatch(/^\s+at /)
    expect(info.stack).not.toContain('novel')
    expect(JSON.stringify(info).length).toBeLessThan(8_000)
  })

  it('the code is that of the error that decided the class', () => {
    const error = new Error('outer', { cause: new PermanentError('inner', { code: 'SCENE_GONE' }) })
    expect(classifyError(error, now).info.code).toBe('SCENE_GONE')
  })

  const circular: Record<string, unknown> = Object.assign(Object.create(null), { a: 1 })
  circular['self'] = circular
  const selfCaused = new Error('round')
  selfCaused.cause = selfCaused

  it.each([
    { what: 'B11: nothing', error: undefined },
    { what: 'B11: null', error: null },
    { what: 'B11: an error without a message', error: new Error() },
    { what: 'an error whose message is null', error: Object.assign(new Error(), { message: null }) },
    {
      what: 'an error whose message is an object',
      error: Object.assign(new Error(), { message: { detail: 'x' } }),
    },
    { what: 'an error whose stack is not a text', error: Object.assign(new Error('x'), { stack: [1, 2] }) },
    { what: 'an error whose name is a number', error: Object.assign(new Error('x'), { name: 5 }) },
    { what: 'a symbol', error: Symbol('x') },
    { what: 'a bigint', error: 5n },
    { what: 'a circular object without a prototype', error: circular },
    { what: 'an error that is its own cause', error: selfCaused },
  ])('$what is recorded', ({ error }) => {
    const { info } = classifyError(error, now)
    expect(info.message.length).toBeGreaterThan(0)
    expect(info.code).toBe('HANDLER_FAILED')
    expect(() => JSON.stringify(info)).not.toThrow()
  })

  it('is bounded: message, code and chain', () => {
    let error = new Error('x'.repeat(10_000))
    for (let depth = 0; depth < 100; depth++) error = new Error(`level ${depth}`, { cause: error })
    expect(classifyError(error, now).info.causes).toHaveLength(4)
    const long = Object.assign(new Error('m'.repeat(10_000)), { code: 'c'.repeat(1_000) })
    const { info } = classifyError(long, now)
    expect([info.message.length, info.code.length]).toEqual([2_000, 100])
  })

  it('anything that can be thrown is classified', () => {
    fc.assert(
      fc.property(fc.anything(), thing => {
        expect(classifyError(thing, now).info.message.length).toBeGreaterThan(0)
      }),
    )
  })
})

describe('an error that cannot be read', () => {
  it('is classified as plain data with a message, whatever was thrown', () => {
    fc.assert(
      fc.property(hostile, make => {
        const { errorClass, info, notBefore } = classifyError(make(), now)
        expect(decode(encode(info))).toEqual(info)
        expect(info.errorClass).toBe(errorClass)
        for (const text of [info.message, ...(info.causes ?? [])]) {
          expect(text).toMatch(/./s)
          expect(text.length).toBeLessThanOrEqual(2_000)
        }
        expect(info.code).toMatch(/^.{1,100}$/s)
        expect(typeof (info.name ?? '')).toBe('string')
        expect(Number.isFinite(notBefore ?? 0)).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })

  it.each([
    ['a proxy', unreadable(new PermanentError('x')), { message: 'The error cannot be read.' }],
    ['a name that is a symbol', named(Symbol('odd')), { message: 'x', name: 'Symbol(odd)' }],
    ['a code that is an object', Object.assign(new Error('x'), { code: {} }), { code: 'HANDLER_FAILED' }],
    [
      'a cause that throws when it is read',
      Object.defineProperty(new PermanentError('x'), 'cause', { get: () => unreadable({}).toString() }),
      { message: 'x', errorClass: 'permanent' },
    ],
    ['nothing', undefined, { message: 'The error has no message.' }],
  ])('%s: what can be read of it is kept', (_what, thrown, kept) => {
    expect(classifyError(thrown, now).info).toMatchObject(kept)
  })

  it('has a message for every use', () => {
    fc.assert(
      fc.property(hostile, make => {
        expect(messageOf(make())).toMatch(/./s)
      }),
    )
  })
})

function named(name: symbol): Error {
  return Object.defineProperty(new Error('x'), 'name', { value: name })
}
