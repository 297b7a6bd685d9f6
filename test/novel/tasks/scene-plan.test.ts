import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LanguageModel } from '../../../src/ai/model.ts'
import type { Writing } from '../../../src/ai/text/language.ts'
import { type Length, lengthOf } from '../../../src/novel/models/lengths.ts'
import { LengthKeeper, planScene } from '../../../src/novel/models/scene-plan.ts'
import { textFor } from '../../models/texts.ts'
import { sizeOf } from '../../size.ts'

const model = {
  countTokens: (text: string) => Math.ceil(text.length / 4),
  contextTokens: 32_000,
  maxOutputTokens: 8_000,
}
const plan = (
  length: Length,
  summary: string,
  { writing = 'spaced', ...more }: { writing?: Writing; maxOutputTokens?: number } = {},
) => planScene({ model: { ...model, ...more } as LanguageModel, length, writing, summary }).beats

const steps = (count: number) =>
  Array.from({ length: count }, (_, at) => `Ines opens the door number ${at + 1}.`)

describe('the plan of a scene', () => {
  it.each([
    [{ words: 100 }, 6, 1],
    [{ words: 600 }, 6, 1],
    [{ words: 800 }, 1, 1],
    [{ words: 800 }, 6, 2],
    [{ words: 2_000 }, 6, 4],
    [{ words: 2_000 }, 2, 2],
    [{ words: 2_000 }, 0, 2],
    [{ characters: 3_000 }, 6, 1],
    [{ characters: 6_600 }, 6, 2],
  ])('has for %j, from a summary of %i sentences, %i beats', (length, sentences, beats) => {
    expect(plan(length, steps(sentences).join(' '))).toHaveLength(beats)
    expect(plan(length, steps(sentences).join('\n'))).toHaveLength(beats)
  })

  it.each([
    [{ characters: 1_000 }, 1],
    [{ characters: 1_500 }, 2],
    [{ words: 3_000 }, 3],
  ])('has in Chinese for %j %i beats', (length, beats) => {
    const summary = '她读账本。她数盐。她走了。'
    expect(plan(length, summary, { writing: 'cjk' })).toHaveLength(beats)
  })

  it('keeps the steps of a beat apart as lines', () => {
    const texts = plan({ characters: 1_500 }, '她读账本。她数盐。她走了。', { writing: 'cjk' })
    expect(texts.map(({ text }) => text)).toEqual(['她读账本。', '她数盐。\n她走了。'])
    expect(plan({ words: 100 }, 'He goes\nShe stays\n')).toMatchObject([{ text: 'He goes\nShe stays' }])
  })

  it('has more where the model answers less', () => {
    expect(plan({ words: 800 }, 'One event.', { maxOutputTokens: 500 }).length).toBeGreaterThan(2)
  })

  it('tells every sentence once and in order, and shares the length among the beats', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 20, max: 5_000 }),
        (sentences, words) => {
          const beats = plan({ words }, steps(sentences).join(' '))
          const texts = [...new Set(beats.map(({ text }) => text))]
          expect(texts.join('\n').replaceAll('\n', ' ')).toBe(steps(sentences).join(' '))
          const sum = beats.reduce((total, { amount }) => total + amount, 0)
          expect(sum).toBeGreaterThanOrEqual(words)
          expect(sum).toBeLessThan(words + beats.length)
        },
      ),
      { numRuns: sizeOf(100, 1_000) },
    )
  })
})

describe('an answer that streams', () => {
  const kept = (text: string, words: number, { sizes = [text.length], before = '' } = {}) => {
    let passed = ''
    const keeper = new LengthKeeper({ length: { words }, before, most: 1.15 }, stretch => {
      passed += stretch
    })
    for (let at = 0, turn = 0; at < text.length; turn++) {
      const size = sizes[turn % sizes.length] ?? 1
      keeper.add(text.slice(at, at + size))
      at += size
    }
    keeper.end()
    expect(keeper.text).toBe(passed)
    return { text: passed, isFull: keeper.isFull }
  }

  it('keeps its length to the end of a sentence, however it is cut into stretches', () => {
    const sentences = fc.array(
      fc.tuple(
        fc.integer({ min: 1, max: 30 }),
        fc.constantFrom('.', '!', '?"', '…', '.)', '.\n\n“Mr. Pell?”', '\n', '.'),
      ),
      { minLength: 1, maxLength: 30 },
    )
    const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(sentences, sizes, fc.integer({ min: 1, max: 200 }), (made, cuts, words) => {
        const text = made.map(([count, end], at) => `${`word${at} `.repeat(count).trim()}${end}`).join(' ')
        const whole = kept(text, words)
        expect(kept(text, words, { sizes: cuts })).toEqual(whole)
        expect(text.startsWith(whole.text)).toBe(true)
        const length = lengthOf(whole.text, { words })
        if (!whole.isFull) expect(whole.text).toBe(text)
        else expect(lengthOf(text, { words })).toBeGreaterThan(words)
        // A sentence that begins within the length is whole.
        expect(length).toBeLessThan(Math.max(words * 1.15, words + 33) + 1)
      }),
      { numRuns: sizeOf(200, 5_000) },
    )
  })

  it('drops nothing where only white space is left', () => {
    const text = 'One two three four five.\n\nSix seven\n'
    expect(kept(text, 7)).toEqual({ text, isFull: false })
  })

  it('ends before a sentence that would pass 115 %, and behind one that has begun', () => {
    const text = 'One two three four five. Six seven eight nine ten. Eleven. Twelve thirteen.'
    expect(kept(text, 10)).toEqual({
      text: 'One two three four five. Six seven eight nine ten. Eleven.',
      isFull: true,
    })
    expect(kept(text, 9).text).toBe('One two three four five. Six seven eight nine ten.')
    expect(kept(text, 12)).toEqual({ text, isFull: false })
    expect(kept('Eleven. Twelve and', 10, { before: text.slice(0, 50) })).toEqual({
      text: 'Eleven.',
      isFull: true,
    })
    expect(kept('and a half. Eleven.', 10, { before: `${text.slice(0, 49)},` }).text).toBe('and a half.')
    expect(kept('“一二三。”四五六。七', 4).text).toBe('“一二三。”四五六。')
  })

  it('ends a sentence with several signs behind an initial, and not with one', () => {
    expect(kept('It was I... Six seven eight.', 3).text).toBe('It was I...')
    expect(kept('It was J. Pell. Six seven eight.', 3).text).toBe('It was J. Pell.')
    expect(kept('他是 A。。。五六七八。', 3).text).toBe('他是 A。。。')
  })

  it('is not slow where a sentence never ends', () => {
    const sizes = [4_000]
    expect(kept('word '.repeat(400_000), 100, { sizes }).text.length).toBeLessThan(10_000)
  })

  it.each(['.', '…', '!?', '。', '。…'])('is not slow where signs follow each other: %s', signs => {
    const text = signs.repeat(4_000 / signs.length)
    expect(kept(text, 100, { sizes: [12] })).toEqual({ text, isFull: false })
  })
})

it('a text of the scripted model is kept whole at its length', () => {
  const text = textFor('- Length: about 300 words.')
  expect(lengthOf(text, { words: 0 })).toBeGreaterThan(260)
  expect(lengthOf(text, { words: 0 })).toBeLessThanOrEqual(300)
})
