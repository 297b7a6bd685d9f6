import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseChapters } from '../../src/cli/find-novel.ts'

describe('--chapters', () => {
  test.each([
    ['1', [0]],
    ['1-3,7', [0, 1, 2, 6]],
    [' 2 , 5 - 6 ', [1, 4, 5]],
    ['3,1-3,2', [0, 1, 2]],
  ])('%s names %j', (text, indexes) => {
    expect(parseChapters(text)).toEqual(indexes)
  })

  test.each(['', '0', 'a', '3-1', '1-', '-1', '1,,2', '1.5', '1-999999', '1e3'])('%j is refused', text => {
    expect(() => parseChapters(text)).toThrow(expect.objectContaining({ code: 'USAGE_INVALID' }))
  })

  test('any set of chapters, written as ranges in any order, is that set', () => {
    const range = fc
      .tuple(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 0, max: 30 }))
      .map(([first, more]) => [first, first + more] as const)
    fc.assert(
      fc.property(fc.array(range, { minLength: 1, maxLength: 8 }), ranges => {
        const text = ranges
          .map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`))
          .join(',')
        const wanted = new Set(
          ranges.flatMap(([a, b]) => Array.from({ length: b - a + 1 }, (_, i) => a + i - 1)),
        )
        expect(parseChapters(text)).toEqual([...wanted].sort((a, b) => a - b))
      }),
    )
  })
})
