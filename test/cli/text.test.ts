import fc from 'fast-check'
import stringWidth from 'string-width'
import { describe, expect, test } from 'vitest'
import { columnsOf, cut, pad, printable } from '../../src/cli/text.ts'

describe('columns', () => {
  test.each([
    ['abc', 3],
    ['第一章', 6],
    ['e\u0301', 1],
    ['「한글」', 8],
    ['├─ x', 4],
    ['…', 1],
    ['😀', 2],
    ['', 0],
  ])('%j takes %i', (text, columns) => {
    expect(columnsOf(text)).toBe(columns)
  })

  test('a character takes as many, whether or not the library is asked', () => {
    const characters = Array.from({ length: 0x30_00 - 0x20 }, (_, at) => String.fromCharCode(0x20 + at))
    const others = characters.filter(each => columnsOf(`${each}a`) !== stringWidth(`${each}a`))
    expect(others).toEqual([])
  })

  test('a cut text fits, keeps its beginning, and is left alone when it fits', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '第', 'e\u0301', ' ', '😀'), maxLength: 30 })
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 40 }), (each, columns) => {
        const short = cut(each, columns)
        expect(columnsOf(short)).toBeLessThanOrEqual(columns)
        if (columnsOf(each) <= columns) expect(short).toBe(each)
        else expect(each.startsWith(short.slice(0, -1))).toBe(true)
        expect(columnsOf(pad(short, columns))).toBe(columns)
      }),
    )
  })
})

describe('what is printed', () => {
  test.each([
    ['a\nb\tc', 'a b c'],
    ['\u001b[31mred', '\\u001b[31mred'],
    ['\u202egnp.exe', '\\u202egnp.exe'],
    ['a\u009bb\u2028c', 'a\\u009bb c'],
    ['第一章', '第一章'],
  ])('%j is %j', (text, safe) => {
    expect(printable(text)).toBe(safe)
  })
})
