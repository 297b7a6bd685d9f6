import { deepStrictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decode, encode } from '../../src/task/codec.ts'
import { sizeOf } from '../size.ts'

/** What is stored and read back, with its prototypes, signs and holes compared. */
function expectSame(value: unknown): void {
  deepStrictEqual(decode(encode(value)), value)
}

const leaf = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.constant(undefined),
  fc.bigInt(),
  fc.date({ noInvalidDate: true }),
)
const hostileKey = fc.constantFrom('~quill', 'toJSON', '__proto__', 'constructor', 'then', '', '~quill ')
const key = fc.oneof(fc.string(), hostileKey)

/** An object with own properties only, whatever they are called. */
function objectOf(entries: readonly (readonly [string, unknown])[]): unknown {
  return Object.fromEntries(entries)
}

const { value: anyValue } = fc.letrec(tie => ({
  value: fc.oneof({ depthSize: 'medium', maxDepth: 5 }, leaf, tie('array'), tie('object')),
  array: fc.array(tie('value'), { maxLength: 5 }),
  object: fc.array(fc.tuple(key, tie('value')), { maxLength: 5 }).map(objectOf),
}))

describe('the codec', () => {
  it('brings back everything that it takes', () => {
    fc.assert(fc.property(anyValue, expectSame), { numRuns: sizeOf(500, 2_000) })
  })

  it('writes plain JSON data as itself', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false } as never), value => {
        const text = JSON.stringify(value)
        const back: unknown = JSON.parse(text)
        if (!text.includes('~quill') && !text.includes('toJSON') && !text.includes('-0'))
          expect(encode(back)).toBe(JSON.stringify(back))
      }),
    )
  })

  it.each([
    ['a date', new Date(0)],
    ['a date before our era', new Date(-1e14)],
    ['a bigint', 12_345_678_901_234_567_890n],
    ['a negative bigint', -1n],
    ['undefined', undefined],
    ['undefined in an object', { a: undefined }],
    ['undefined in an array', [undefined, 1]],
    ['minus zero', -0],
    ['infinities and none', [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN]],
    ['a lone surrogate', '\ud800'],
    ['the tag as a key', { '~quill': 1 }],
    ['the tag as it is written', { '~quill': ['date', '2020'] }],
    ['the tag within the tag', { '~quill': { '~quill': ['undefined', ''] } }],
    ['the tag beside other keys', { '~quill': new Date(5), other: 1n }],
    ['a toJSON that is data', { toJSON: 5 }],
    ['a toJSON beside a date', { toJSON: 'x', at: new Date(5) }],
    ['a text that holds the tag', { text: '"~quill"' }],
    ['keys that look like numbers', { 2: 'b', 1: 'a' }],
  ])('keeps %s', (_, value) => {
    expectSame(value)
  })

  it('keeps an own key __proto__ and pollutes nothing', () => {
    for (const text of [
      '{"__proto__":{"polluted":true}}',
      '{"__proto__":{"polluted":true},"at":{"~quill":["date",""]}}',
    ]) {
      const back = decode(encode(decode(text))) as Record<string, unknown>
      expect(Object.hasOwn(back, '__proto__')).toBe(true)
      expect(Object.getPrototypeOf(back)).toBe(Object.prototype)
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    }
  })

  it('keeps a date that is none', () => {
    const [back] = decode(encode([new Date(Number.NaN)])) as unknown[]
    expect(back).toBeInstanceOf(Date)
    expect((back as Date).getTime()).toBeNaN()
  })

  it('keeps a value that stands in two places, as two', () => {
    const shared = { a: 1 }
    expectSame({ first: shared, second: [shared] })
  })

  it('takes objects without a prototype as plain data', () => {
    expect(decode(encode(Object.assign(Object.create(null), { a: new Date(1) })))).toEqual({ a: new Date(1) })
  })

  it('reads a sparse array as one with undefined', () => {
    // biome-ignore lint/suspicious/noSparseArray: the hole is what is tested.
    expect(decode(encode([1, , 3]))).toEqual([1, undefined, 3])
  })
})

describe('what the codec refuses', () => {
  class Scene {
    title = 'x'
  }
  const cycle: { deep: { back?: unknown }[] } = { deep: [{}] }
  cycle.deep[0] = { back: cycle }
  let deep: unknown = 1
  for (let level = 0; level < 600; level++) deep = [deep]

  it.each([
    { what: 'a function', value: { a: [1, () => 1] }, path: ['a', 1], says: '.a[1]' },
    { what: 'a symbol', value: { a: Symbol('x') }, path: ['a'], says: '.a' },
    { what: 'an instance', value: { scenes: [new Scene()] }, path: ['scenes', 0], says: 'Scene' },
    { what: 'a Map', value: new Map(), path: [], says: 'Map' },
    { what: 'an error', value: { e: new Error('x') }, path: ['e'], says: 'Error' },
    { what: 'a Buffer', value: { bytes: Buffer.from('x') }, path: ['bytes'], says: 'Buffer' },
    { what: 'a key that is a symbol', value: { a: { [Symbol('s')]: 1 } }, path: ['a'], says: 'symbol' },
    {
      what: 'a toJSON that is a function',
      value: { a: { toJSON: () => 1 } },
      path: ['a', 'toJSON'],
      says: '.toJSON',
    },
    { what: 'a cycle', value: cycle, path: ['deep', 0, 'back'], says: 'contains it' },
  ])('$what, naming its path', ({ value, path, says }) => {
    expect(() => encode(value)).toThrowError(
      expect.objectContaining({
        code: 'VALUE_NOT_STORABLE',
        message: expect.stringContaining(says),
        details: { path },
      }),
    )
  })

  it('a value nested deeper than 500 levels, without overflowing the stack', () => {
    expect(() => encode(deep)).toThrowError(expect.objectContaining({ code: 'VALUE_NOT_STORABLE' }))
    let deeper = deep
    for (let level = 0; level < 100_000; level++) deeper = { deeper }
    expect(() => encode(deeper)).toThrowError(expect.objectContaining({ code: 'VALUE_NOT_STORABLE' }))
  })

  it.each(['', '{', '{"~quill":["later",""]}', '{"~quill":["bigint","x"]}', '{"a":{"~quill":["object",5]}}'])(
    'a stored text that is none of its own: %s',
    text => {
      expect(() => decode(text)).toThrowError(expect.objectContaining({ code: 'RECORD_UNREADABLE' }))
    },
  )

  it('any text either decodes or is told unreadable', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), text => {
        try {
          decode(text)
        } catch (error) {
          expect(error).toMatchObject({ code: 'RECORD_UNREADABLE' })
        }
      }),
    )
  })
})
