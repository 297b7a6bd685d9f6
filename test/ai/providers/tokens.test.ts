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
      { examples: [['\0\0\0\0\0', '𐀀\0\0𐀀𐀀']] },
    )
  })

  it('of nothing are none', () => expect(countTokens('')).toBe(0))
})

describe('the cost of tokens', () => {
  const price = { input: 2, output: 10, currency: 'USD' }

  it.each([
    [{}, {}, 2],
    [{}, { cachedInputTokens: 400_000 }, 2],
    [{ cachedInput: 0.5 }, {}, 2],
    [{ cachedInput: 0.5 }, { cachedInputTokens: 400_000 }, 1.4],
    [{ cachedInput: 0 }, { cachedInputTokens: 500_000 }, 1],
  ])('at the price %j per million, with %j of the input, is %d', (changes, cached, cost) => {
    const tokens = { inputTokens: 500_000, ...cached, outputTokens: 100_000 }
    expect(costAt({ ...price, ...changes }, tokens)).toBeCloseTo(cost, 12)
  })

  it('is never more with cached input than without', () => {
    const count = fc.nat(1_000_000)
    fc.assert(
      fc.property(count, count, count, (input, share, outputTokens) => {
        const tokens = { inputTokens: input, outputTokens }
        const cached = { ...tokens, cachedInputTokens: Math.min(share, input) }
        const prices = { ...price, cachedInput: 0.2 }
        expect(costAt(prices, cached) ?? 0).toBeLessThanOrEqual((costAt(prices, tokens) ?? 0) + 1e-9)
      }),
    )
  })

  it('is unknown without a price', () => {
    expect(costAt(undefined, { inputTokens: 1, outputTokens: 1 })).toBeUndefined()
  })
})
