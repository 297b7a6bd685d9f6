import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countTokens, promptTokens } from '../../../src/ai/providers/tokens.ts'
import { noEntries } from '../../../src/novel/codex/select-entries.ts'
import {
  endByTokens,
  type FittedMaterial,
  fitMaterial,
  fitPrompt,
  type Material,
  type MaterialText,
  onlyCodex,
  splitByTokens,
  startByTokens,
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

describe('the beginning of a text by tokens', () => {
  it('fits, is a beginning of the text, and cuts no character', () => {
    fc.assert(
      fc.property(text, room, (whole, most) => {
        const start = startByTokens(whole, most, countTokens)
        expect(countTokens(start)).toBeLessThanOrEqual(most)
        expect(whole.trimStart().startsWith(start)).toBe(true)
        expect(start).not.toMatch(loneSurrogate)
      }),
    )
  })

  it('ends with a sentence, also with one that has the last token, and has the first one even where it does not fit whole', () => {
    const whole = ' One is here. Two is here. Three is here.'
    const letters = (text: string) => text.length
    expect(startByTokens(whole, 100, letters)).toBe(whole.trim())
    expect(startByTokens(whole, 40, letters)).toBe(whole.trim())
    expect(startByTokens(whole, 39, letters)).toBe('One is here. Two is here.')
    expect(startByTokens(whole, 25, letters)).toBe('One is here. Two is here.')
    expect(startByTokens(whole, 24, letters)).toBe('One is here.')
    expect(startByTokens(whole, 12, letters)).toBe('One is here.')
    expect(startByTokens(whole, 8, letters)).toBe('One is h')
    expect(startByTokens(whole, 0, letters)).toBe('')
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

/** Texts of scenes that are named by their place. */
function textsOf(...texts: readonly string[]): MaterialText[] {
  return texts.map((each, at) => ({ text: each, source: { of: 'scene', id: `s${at}`, title: '' } }))
}

function materialOf(given: Partial<Material>): Material {
  return { ...onlyCodex(noEntries), ...given }
}

describe('material for a prompt', () => {
  const slots = [
    ...(['threads', 'referenceVoice', 'referenceFacts'] as const),
    ...(['textBefore', 'chapterSummaries', 'passages', 'names'] as const),
  ]
  const items = fc.array(text, { maxLength: 6 }).map(texts => textsOf(...texts))
  const material = fc
    .record({
      ...{ threads: items, referenceVoice: items, referenceFacts: items },
      ...{ textBefore: items, chapterSummaries: items, passages: items, names: items },
    })
    .map(materialOf)
  const shownBy = (fitted: FittedMaterial) =>
    Object.fromEntries(Object.entries(fitted).map(([slot, { text: each }]) => [slot, each]))

  it('fits into its room', () => {
    fc.assert(
      fc.property(material, fc.integer({ min: 0, max: 500 }), (given, most) => {
        const fitted = fitMaterial(given, most, countTokens)
        const used = Object.values(fitted).reduce((sum, part) => sum + countTokens(part.text), 0)
        // Each part is rounded up.
        expect(used).toBeLessThanOrEqual(most + 7)
      }),
    )
  })

  it('is the nearest, in reading order; the text has what the others leave', () => {
    const given = materialOf({
      textBefore: textsOf('Third text here.', 'Second text here.', 'First text here.'),
      chapterSummaries: textsOf('Chapter two.', 'Chapter one.'),
      passages: textsOf('Best.', 'Good.'),
      names: textsOf('Ann', 'Bob'),
    })
    expect(shownBy(fitMaterial(given, 1_000, countTokens))).toEqual({
      ...{ codex: '', threads: '', referenceVoice: '', referenceFacts: '' },
      textBefore: 'First text here.\n\nSecond text here.\n\nThird text here.',
      chapterSummaries: 'Chapter one.\n\nChapter two.',
      passages: 'Best.\n\nGood.',
      names: 'Ann\nBob',
    })
    const fitted = fitMaterial(given, 30, countTokens)
    expect(shownBy(fitted)).toEqual({
      ...{ codex: '', threads: '', referenceVoice: '', referenceFacts: '' },
      textBefore: 'Second text here.\n\nThird text here.',
      chapterSummaries: 'Chapter two.',
      passages: 'Best.\n\nGood.',
      names: 'Ann',
    })
    expect(fitted.textBefore).toMatchObject({
      shown: [
        { id: 's1', reason: { why: 'before' } },
        { id: 's0', reason: { why: 'before' } },
      ],
      leftOut: [{ id: 's2', reason: 'over-budget' }],
    })
    expect(fitted.chapterSummaries.leftOut).toMatchObject([{ id: 's1', reason: 'over-budget' }])
  })

  it('says of every text whether it is shown or left out, and why', () => {
    fc.assert(
      fc.property(material, fc.integer({ min: 0, max: 500 }), (given, most) => {
        const fitted = fitMaterial({ ...given, leftOut: { passages: [later] } }, most, countTokens)
        for (const slot of slots) {
          const { shown, leftOut } = fitted[slot]
          const ids = [...shown, ...leftOut].map(({ id }) => id)
          const all = given[slot].map(({ source }) => source.id)
          expect(ids.toSorted()).toEqual([...all, ...(slot === 'passages' ? ['later'] : [])].toSorted())
        }
        expect(fitted.passages.leftOut.at(-1)).toEqual(later)
      }),
    )
  })
  const later = { of: 'scene', id: 'later', title: '', reason: 'later' } as const

  it('has the end of what does not fit whole, such as the summaries of a long chapter', () => {
    const scenes = Array.from({ length: 30 }, (_, at) => `In scene ${at + 1} the miller waits.`)
    const given = materialOf({ chapterSummaries: textsOf(`Chapter one: ${scenes.join(' ')}`) })
    const {
      chapterSummaries: { text: chapterSummaries, shown },
    } = fitMaterial(given, 300, countTokens)
    expect(shown).toMatchObject([{ id: 's0', isCut: true }])
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
            pieces: [],
          })
          const bare = promptTokens(
            model,
            render(Object.fromEntries([...'abcdefgh'].map(slot => [slot, '']))),
          )
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
    const fitted = () =>
      fitPrompt(onlyCodex(noEntries), {
        model: { id: 'small', contextTokens: 100, countTokens: whole => whole.length },
        outputTokens: 30,
        mostMaterial: 0,
        render: () => ({ system: 's'.repeat(20), prompt: 'p'.repeat(50), pieces: [] }),
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
