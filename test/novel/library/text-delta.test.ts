import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deltaOf, textOfDelta } from '../../../src/novel/library/text-delta.ts'

/** A text of paragraphs, in which some characters take two code units. */
const paragraph = fc.string({ unit: 'grapheme-composite', minLength: 20, maxLength: 80 })
const pages = fc.array(paragraph, { minLength: 40, maxLength: 80 })
const edits = fc.array(fc.tuple(fc.nat({ max: 79 }), fc.string({ unit: 'binary', maxLength: 20 })), {
  maxLength: 6,
})

describe('the difference of two texts', () => {
  test('makes one of the other, and cuts no character in half', () => {
    fc.assert(
      fc.property(pages, edits, (before, changes) => {
        const after = [...before]
        for (const [at, words] of changes) after.splice(at % after.length, at % 3, words)
        const [base, text] = [before.join('\n'), after.join('\n')]
        const delta = deltaOf(base, text)
        if (delta === undefined) return
        expect(textOfDelta(base, delta)).toBe(text)
        for (const piece of delta) {
          const words = typeof piece === 'string' ? piece : base.slice(...piece)
          expect(words).not.toMatch(/\p{Surrogate}/u)
        }
        expect(JSON.stringify(delta.filter(piece => typeof piece !== 'string')).length).toBeLessThan(
          text.length,
        )
      }),
    )
  })

  test('is small after edits in many places, and none where the texts have little in common', () => {
    const sentences = Array.from(
      { length: 200 },
      (_, i) => `Sentence ${i} says what happened on day ${i * 31}.`,
    )
    const base = sentences.join(' ')
    const edited = sentences.map((sentence, i) => (i % 40 === 7 ? `Then: ${sentence}` : sentence))
    const delta = deltaOf(base, edited.join(' '))
    expect(JSON.stringify(delta).length).toBeLessThan(base.length / 20)
    expect(textOfDelta(base, delta ?? [])).toBe(edited.join(' '))
    expect(deltaOf(base, [...base].reverse().join(''))).toBeUndefined()
    expect(deltaOf('', 'short')).toBeUndefined()
    expect(deltaOf(base, base)).toEqual([[0, base.length]])
  })

  test('does not cut a pair of which the halves are equal to those of others', () => {
    const same = 'The same words, again and again and again. '
    const base = `${same.repeat(9)}😀${same.repeat(9)}`
    const text = `${same.repeat(9)}😁${same.repeat(9)}`
    const delta = deltaOf(base, text)
    expect(delta).toContain('😁')
    expect(textOfDelta(base, delta ?? [])).toBe(text)
  })
})
