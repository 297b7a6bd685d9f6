import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findQuotation, hasWords } from '../../src/novel/quotation.ts'

const text = 'She said: “It’s\n  late – too late...”, and (quietly) left.  他说：“今天是八月十五。”然后走了。'

describe('a quotation', () => {
  it.each<[string, string, string | undefined]>([
    ['as it is', 'and (quietly) left', 'and (quietly) left'],
    ['with other white space, marks and dashes', '"It\'s late - too late"', 'It’s\n  late – too late'],
    ['with what a model puts around it', '... and (quietly) left, ...', 'and (quietly) left'],
    ['with an end that the text has not', 'and (quietly) left;', 'and (quietly) left'],
    ['with other dots', 'too late… and (quietly)', undefined],
    ['with dots for dots', 'too late…”, and (quietly) left', 'too late...”, and (quietly) left'],
    ['in Chinese', '今天是八月十五', '今天是八月十五'],
    ['of too few letters', 'late', undefined],
    ['of too few Chinese characters', '八月十', undefined],
    ['in other words', 'and (silently) left', undefined],
    ['in other letters', 'AND (QUIETLY) LEFT', undefined],
    ['that is put together from two places', 'She said and (quietly) left', undefined],
    ['of nothing', '“…”', undefined],
  ])('%s', (_, quotation, found) => {
    const span = findQuotation(text, quotation)
    expect(span && text.slice(span.from, span.to)).toBe(found)
  })

  it('of many signs that may stand several times is not found in a moment, and not after years', () => {
    for (const sign of ['-', '–-', '…', '.…', '... ', '- ', '“"'])
      expect(findQuotation(sign.repeat(4_000), `abcdefgh${sign.repeat(400)}x`)).toBeUndefined()
    for (const sign of ['-', '.', '…', '.…', '"'])
      expect(findQuotation(`abcdefgh${sign.repeat(4_000)}`, `abcdefgh${sign.repeat(400)}x`)).toBeUndefined()
  })

  it('is found wherever a text has it, and nothing else is, whatever its signs', () => {
    const words = fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }), { minLength: 1 })
    fc.assert(
      fc.property(words, words, (before, quoted) => {
        const middle = `abcdefgh ${quoted.join(' ')} ijklmnop`
        const span = findQuotation(`${before.join(' ')} ${middle} .`, middle.replace(/\s+/gu, '\n'))
        expect(span).toBeDefined()
      }),
    )
  })
})

describe('the words of an event', () => {
  it.each([
    ['The comb lies in the well.', 'comb lies', true],
    ['The comb\n  lies in the well.', ' comb lies in ', true],
    ['The comb lies in the well.', 'comb\nlies', true],
    ['The comb lies in the well.', 'Comb lies', false],
    ['曹操至。\n\n刘备见。', '至。 刘备', true],
    ['She said “no”.', 'said "no"', true],
    ['', 'comb', false],
  ])('%j has %j: %s', (text, quotation, has) => {
    expect(hasWords(text, quotation)).toBe(has)
  })
})
