import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { splitPassages } from '../../../src/novel/search/passages.ts'
import { marksOf, termOccurrences } from '../../../src/novel/search/terms.ts'
import { hardText } from '../../ai/arbitraries.ts'

const passagesOf = (text: string) => [...splitPassages(text)].map(({ start, end }) => text.slice(start, end))

describe('passages of a scene', () => {
  test('short paragraphs are taken together', () => {
    const paragraph = `${'他走了。'.repeat(15)}\n`
    expect(passagesOf(paragraph.repeat(8)).map(passage => passage.length)).toEqual([244, 244])
  })

  test('a paragraph of its own size is a passage', () => {
    const paragraph = `${'他走了。'.repeat(80)}\n`
    expect(passagesOf(paragraph.repeat(3))).toEqual([paragraph, paragraph, paragraph])
  })

  test('a long paragraph is cut between sentences', () => {
    const parts = passagesOf('他走了又来了。'.repeat(300))
    expect(parts.every(part => part.endsWith('。') && part.length <= 800)).toBe(true)
    expect(parts).toHaveLength(3)
  })

  test('a Latin letter counts less than a Chinese character', () => {
    const parts = passagesOf('He came and went. '.repeat(300))
    expect(Math.max(...parts.map(part => part.length))).toBeGreaterThan(1_900)
  })

  test('a blank scene has none', () => {
    expect(passagesOf(' \n　\n')).toEqual([])
    expect(passagesOf('')).toEqual([])
  })

  test('passages tile every scene and none is too large', () => {
    fc.assert(
      fc.property(fc.array(hardText, { minLength: 1 }), fc.integer({ min: 1, max: 60 }), (texts, times) => {
        const text = texts.join('').repeat(times)
        const parts = passagesOf(text)
        expect(parts.join('')).toBe(text.trim() === '' ? '' : text)
        for (const part of parts) {
          expect(part.length).toBeLessThanOrEqual(2_000)
          expect(!/\p{Surrogate}/u.test(part) || /\p{Surrogate}/u.test(text)).toBe(true)
        }
      }),
      { numRuns: 100 },
    )
  })
})

describe('terms', () => {
  test('of Chinese are characters and pairs, of others words', () => {
    expect([...termOccurrences('关云长, Rabbits')]).toEqual([
      { term: '关', start: 0, end: 1, kind: 'character' },
      { term: '关云', start: 0, end: 2, kind: 'pair' },
      { term: '云', start: 1, end: 2, kind: 'character' },
      { term: '云长', start: 1, end: 3, kind: 'pair' },
      { term: '长', start: 2, end: 3, kind: 'character' },
      { term: 'rabbit', start: 5, end: 12, kind: 'word' },
    ])
  })

  test('stand where they say', () => {
    fc.assert(
      fc.property(hardText, text => {
        for (const { term, start, end, kind } of termOccurrences(text)) {
          expect(end).toBeGreaterThan(start)
          if (kind !== 'word') expect(text.slice(start, end).normalize('NFKC')).toBe(term.normalize('NFKC'))
        }
      }),
    )
  })
})

describe('marks', () => {
  test.each<[string, string, string[]]>([
    ['关公来到桃园，桃花已开。', '桃园', ['桃园']],
    ['桃花已开，关公来了。', '桃园', ['桃']],
    ['张飞与关云长同行。', '关云长', ['关云长']],
    ["Alice's rabbits ran.", 'rabbit Alice', ["Alice's", 'rabbits']],
    ['无关之文', '曹操', []],
  ])('in %j for %j', (text, query, expected) => {
    expect(marksOf(text, query).map(({ start, end }) => text.slice(start, end))).toEqual(expected)
  })

  test('ascend and do not touch', () => {
    fc.assert(
      fc.property(hardText, hardText, (text, query) => {
        let at = -1
        for (const { start, end } of marksOf(text, query)) {
          expect(start).toBeGreaterThan(at)
          expect(end).toBeGreaterThan(start)
          at = end
        }
        expect(at).toBeLessThanOrEqual(text.length)
      }),
    )
  })
})
