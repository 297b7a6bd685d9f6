import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkJsonText } from '../../src/http/guards.ts'
import { cpuSince } from '../cpu-since.ts'

describe('checkJsonText', () => {
  test('lets every JSON value through that is not too deep', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), value => {
        expect(() => checkJsonText(JSON.stringify(value), 50)).not.toThrow()
        expect(() => checkJsonText(JSON.stringify(value, null, 2), 50)).not.toThrow()
      }),
    )
  })

  test('refuses exactly what is deeper than the limit', () => {
    const depths = fc.integer({ min: 1, max: 60 })
    fc.assert(
      fc.property(depths, depths, fc.boolean(), (depth, limit, inObjects) => {
        const text = inObjects
          ? `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
          : '['.repeat(depth) + ']'.repeat(depth)
        const check = () => checkJsonText(text, limit)
        if (depth <= limit) expect(check).not.toThrow()
        else expect(check).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }))
      }),
    )
  })

  test('what stands in a string is text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        expect(() =>
          checkJsonText(JSON.stringify([`[[[${text}{{{`, '1e999', '99999999999999999999']), 2),
        ).not.toThrow()
      }),
    )
  })

  test.each(['1e400', '-1e400', '9007199254740993', '-9007199254740993', '1'.repeat(400)])(
    '%s is refused',
    number => {
      expect(() => checkJsonText(`{"a":[${number}]}`, 5)).toThrow(
        expect.objectContaining({ code: 'REQUEST_INVALID' }),
      )
    },
  )

  test.each([
    '9007199254740991',
    '9007199254740992',
    '18446744073709552000',
    '18446744073709551616',
    '-9007199254740991',
    '0.1',
    '1e308',
    '-0',
    '1E-400',
  ])('%s is taken', number => {
    expect(() => checkJsonText(`[${number}]`, 5)).not.toThrow()
  })

  test('reads a megabyte of the worst text in linear time', () => {
    for (const text of [
      '['.repeat(1e6),
      '"\\"'.repeat(3e5),
      '-'.repeat(1e6),
      '1'.repeat(1e6),
      '"'.repeat(1e6),
    ]) {
      const cpu = cpuSince()
      try {
        checkJsonText(text, 1e7)
      } catch {
        // Refused or not, it must be quick.
      }
      expect(cpu()).toBeLessThan(5_000)
    }
  })
})
