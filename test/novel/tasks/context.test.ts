import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countTokens, promptTokens } from '../../../src/ai/providers/tokens.ts'
import {
  endByTokens,
  fitMaterial,
  fitPrompt,
  type Material,
  splitByTokens,
} from '../../../src/novel/models/context.ts'
import { runThrough } from '../../../src/runtime/cooperate.ts'

const sentence = fc.constantFrom(
  'The miller crossed the bridge. ',
  'Mr. Darcy looked back!\n',
  '“No,” said the old man, “not again.” ',
  '河水渐渐平静。',
  '老人说：“你回去吧！我不走。”\n\n',
  '𠀋𠀋𠀋𠀋𠀋𠀋𠀋𠀋𠀋𠀋𠀋𠀋',
  'a'.repeat(40),
  ' ',
)
const text = fc.array(sentence, { maxLength: 30 }).map(list => list.join(''))
const room = fc.integer({ min: 1, max: 200 })
const loneSurrogate = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/

describe('a text split by tokens', () => {
  it('is tiled by parts that fit, between whole characters', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 3, max: 100 }), (whole, most) => {
        const parts = runThrough(splitByTokens(whole, most, countTokens))
        expect(parts.join('')).toBe(whole)
        for (const part of parts) {
          // Sentences are counted one by one, each rounded up.
          expect(countTokens(part)).toBeLessThanOrEqual(most)
          expect(part).not.toMatch(loneSurrogate)
        }
      }),
    )
  })

  it('is cut between sentences where they fit', () => {
    const whole = 'One is here. Two is here. Three is here. Four is here.'
    expect(runThrough(splitByTokens(whole, 10, countTokens))).toEqual([
      'One is here. Two is here. ',
      'Three is here. Four is here.',
    ])
  })

  it('comes to an end where not even one character fits', () => {
    expect(runThrough(splitByTokens('𠀋𠀋', 0, countTokens))).toEqual(['𠀋', '𠀋', ''].filter(Boolean))
  })
})

describe('the end of a text by tokens', () => {
  it('fits, is an end of the text, and cuts no character', () => {
    fc.assert(
      fc.property(text, room, (whole, most) => {
        const end = endByTokens(whole, most, countTokens)
        expect(countTokens(end)).toBeLessThanOrEqual(most)
        expect(whole.trimEnd().endsWith(end)).toBe(true)
        expect(end).not.toMatch(loneSurrogate)
      }),
    )
  })

  it('begins with a sentence, and has the last one even where it does not fit whole', () => {
    const whole = 'One is here. Two is here. Three is here.'
    expect(endByTokens(whole, 100, countTokens)).toBe(whole)
    expect(endByTokens(whole, 10, countTokens)).toBe('Two is here. Three is here.')
    expect(endByTokens(whole, 5, countTokens)).toBe('Three is here.')
    expect(endByTokens(whole, 3, countTokens)).toBe('is here.')
    expect(endByTokens(whole, 0, countTokens)).toBe('')
  })
})

describe('material for a prompt', () => {
  const items = fc.array(text, { maxLength: 6 })
  const material = fc.record({ textBefore: items, chapterSummaries: items, passages: items, names: items })

  it('fits into its room', () => {
    fc.assert(
      fc.property(material, fc.integer({ min: 0, max: 500 }), (given, most) => {
        const fitted = fitMaterial(given, most, countTokens)
        const used = Object.values(fitted).reduce((sum, part) => sum + countTokens(part), 0)
        // Each part is rounded up.
        expect(used).toBeLessThanOrEqual(most + 4)
      }),
    )
  })

  it('is the nearest, in reading order; the text has what the others leave', () => {
    const given: Material = {
      textBefore: ['Third text here.', 'Second text here.', 'First text here.'],
      chapterSummaries: ['Chapter two.', 'Chapter one.'],
      passages: ['Best.', 'Good.'],
      names: ['Ann', 'Bob'],
    }
    expect(fitMaterial(given, 1_000, countTokens)).toEqual({
      textBefore: 'First text here.\n\nSecond text here.\n\nThird text here.',
      chapterSummaries: 'Chapter one.\n\nChapter two.',
      passages: 'Best.\n\nGood.',
      names: 'Ann\nBob',
    })
    expect(fitMaterial(given, 30, countTokens)).toEqual({
      textBefore: 'Second text here.\n\nThird text here.',
      chapterSummaries: 'Chapter two.',
      passages: 'Best.\n\nGood.',
      names: 'Ann',
    })
  })

  it('has the end of what does not fit whole, such as the summaries of a long chapter', () => {
    const scenes = Array.from({ length: 30 }, (_, at) => `In scene ${at + 1} the miller waits.`)
    const given = {
      textBefore: [],
      chapterSummaries: [`Chapter one: ${scenes.join(' ')}`],
      passages: [],
      names: [],
    }
    const { chapterSummaries } = fitMaterial(given, 300, countTokens)
    expect(chapterSummaries.endsWith('In scene 30 the miller waits.')).toBe(true)
    expect(chapterSummaries).not.toContain('In scene 1 the')
    expect(countTokens(chapterSummaries)).toBeLessThanOrEqual(60)
  })

  it('never makes a prompt too long for the window or dearer than allowed', () => {
    const model = { id: 'm', countTokens }
    fc.assert(
      fc.property(
        material,
        fc.record({ window: fc.integer({ min: 60, max: 400 }), most: fc.integer({ min: 0, max: 400 }) }),
        (given, { window, most }) => {
          const render = (parts: Record<string, string>) => ({
            system: 'You write.',
            prompt: Object.values(parts)
              .map(part => `<novel-text>\n${part}\n</novel-text>`)
              .join('\n'),
          })
          const bare = promptTokens(model, render({ a: '', b: '', c: '', d: '' }))
          const fitted = () =>
            fitPrompt(given, {
              model: { ...model, contextTokens: window },
              outputTokens: 20,
              mostMaterial: most,
              render,
            })
          if (bare + 20 > window) {
            expect(fitted).toThrow(expect.objectContaining({ code: 'MODEL_CONTEXT_EXCEEDED' }))
            return
          }
          const tokens = promptTokens(model, fitted())
          expect(tokens + 20).toBeLessThanOrEqual(window)
          expect(tokens).toBeLessThanOrEqual(bare + most)
        },
      ),
    )
  })

  it('is refused with the numbers where the prompt alone is too long', () => {
    const none = { textBefore: [], chapterSummaries: [], passages: [], names: [] }
    const fitted = () =>
      fitPrompt(none, {
        model: { id: 'small', contextTokens: 100, countTokens: whole => whole.length },
        outputTokens: 30,
        mostMaterial: 0,
        render: () => ({ system: 's'.repeat(20), prompt: 'p'.repeat(50) }),
      })
    expect(fitted).toThrow(
      expect.objectContaining({
        code: 'MODEL_CONTEXT_EXCEEDED',
        message: expect.stringMatching(/about 86 tokens.*answer may have 30.*small takes 100/),
        details: { model: 'small', neededTokens: 86, outputTokens: 30, contextTokens: 100 },
      }),
    )
  })
})
