import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GrowingText } from '../../../src/novel/models/growing-text.ts'

const words = fc.constantFrom(
  'The ',
  'miller',
  ' crossed',
  '. ',
  '\n\n',
  ' ',
  '河水',
  '平静',
  '。',
  '“',
  'a',
  "'s",
  '𠀋',
  '-',
  '  ',
)
const texts = fc.array(words, { maxLength: 40 }).map(list => list.join(''))

/** The text cut anywhere, also within a character. */
function pieces(text: string, cuts: readonly number[]): string[] {
  const places = [...new Set(cuts.map(cut => cut % (text.length + 1)))].sort((a, b) => a - b)
  return [0, ...places].map((from, at) => text.slice(from, places[at]))
}

describe('a growing text', () => {
  it('passes on, stretch by stretch, exactly the answer without white space around it', () => {
    fc.assert(
      fc.property(texts, fc.array(fc.nat(200)), (text, cuts) => {
        const passed: string[] = []
        const growing = new GrowingText(stretch => passed.push(stretch))
        for (const piece of pieces(text, cuts)) growing.add(piece)
        expect(growing.end()).toBe(text.trim())
        expect(passed.join('')).toBe(text.trim())
      }),
    )
  })

  it('ends an answer that breaks off behind a whole word, having passed on no more than that', () => {
    fc.assert(
      fc.property(texts, fc.array(fc.nat(200)), (text, cuts) => {
        let passed = ''
        const growing = new GrowingText(stretch => {
          passed += stretch
        })
        for (const piece of pieces(text, cuts)) growing.add(piece)
        expect(growing.text).toBe(passed)
        expect(text.trimStart().startsWith(passed)).toBe(true)
        expect(passed).toBe(passed.trim())
        expect(passed).not.toMatch(/[\uD800-\uDBFF]$/)
        const rest = text.trimStart().slice(passed.length)
        expect(rest).toMatch(/^\s*[a-zA-Z'’-]*\s*$/)
      }),
    )
  })

  it('does not hold back what is sure: Chinese, and a word that ended', () => {
    const passed: string[] = []
    const growing = new GrowingText(stretch => passed.push(stretch))
    for (const piece of [' 河水', '平静。', 'He sa', 'id: ', '“No', '.”']) growing.add(piece)
    expect(passed).toEqual(['河水', '平静。', 'He', ' said:', ' “', 'No.”'])
  })

  it('keeps up with a model that writes white space without end', { timeout: 5_000 }, () => {
    const long = ' '.repeat(200_000)
    let passed = ''
    const growing = new GrowingText(stretch => {
      passed += stretch
    })
    growing.add(`The${long}miller.`)
    for (let stretches = 0; stretches < 200_000; stretches++) growing.add(' ')
    growing.add('He')
    expect(growing.text).toBe(`The${long}miller.`)
    expect(growing.end()).toBe(`The${long}miller.${long}He`)
    expect(passed).toBe(growing.text)
  })
})
