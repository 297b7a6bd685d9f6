import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { costAt, countTokens } from '../../../src/ai/providers/tokens.ts'

describe('the tokens of a text', () => {
  // Counted with o200k_base (npm gpt-tokenizer 4.0.0).
  it.each([
    ['Alice was beginning to get very tired of sitting by her sister on the bank.', 16],
    ['他推开门，看见窗外的雪已经停了，街上一个人也没有。', 21],
    ['吾輩は猫である。名前はまだ無い。', 14],
    ['Все счастливые семьи похожи друг на друга.', 10],
    ['Als Gregor Samsa eines Morgens aus unruhigen Träumen erwachte,', 17],
    ['{"scene":{"id":12,"beats":["a","b"]}}', 14],
  ])('of %s are not fewer than there are', (text, real) => {
    expect(countTokens(text)).toBeGreaterThanOrEqual(real)
    expect(countTokens(text)).toBeLessThan(real * 2.5)
  })

  it('of Chinese are at least one per character', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0x4e00, max: 0x9fff }), { maxLength: 200 }), points => {
        expect(countTokens(String.fromCodePoint(...points))).toBeGreaterThanOrEqual(points.length)
      }),
    )
  })

  it('are never fewer for more text, and as many for the parts as for the whole', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (one, other) => {
        const whole = countTokens(one + other)
        expect(whole).toBeGreaterThanOrEqual(countTokens(one))
        expect(countTokens(one) + countTokens(other)).toBeGreaterThanOrEqual(whole)
        expect(countTokens(one) + countTokens(other)).toBeLessThanOrEqual(whole + 2)
        expect(Number.isSafeInteger(whole)).toBe(true)
      }),
    )
  })

  it('of nothing are none', () => expect(countTokens('')).toBe(0))
})

describe('the cost of tokens', () => {
  it('is that of the price per million, in and out', () => {
    const price = { input: 2, output: 10, currency: 'USD' }
    expect(costAt(price, { inputTokens: 500_000, outputTokens: 100_000 })).toBe(2)
  })

  it('is unknown without a price', () => {
    expect(costAt(undefined, { inputTokens: 1, outputTokens: 1 })).toBeUndefined()
  })
})
