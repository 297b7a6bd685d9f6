import { describe, expect, it } from 'vitest'
import type { SceneOverview } from '../../src/novel/library/shelf.ts'
import { chooseScenes, passageOf } from '../../src/novel/models/reference-material.ts'

function scene(id: string, more: Partial<SceneOverview> = {}): SceneOverview {
  return {
    ...{ id, novelId: 'n', chapterId: 'c', position: 0, words: 100, characters: 500, empty: false },
    ...{ hasSummary: false, summaryOutOfDate: false, version: 1, textVersion: 1, ...more },
  }
}

const chosen = (
  found: readonly (readonly SceneOverview[])[],
  more: Partial<Parameters<typeof chooseScenes>[1]> = {},
) => chooseScenes(found, { usual: {}, manner: {}, most: 2, ...more }).map(({ id }) => id)

describe('the scenes that are examples of voice', () => {
  const book = Array.from({ length: 8 }, (_, at) => [scene(`${at}a`), scene(`${at}b`)])

  it('are spread over the book, one of a stretch, always the same', () => {
    expect(chosen(book)).toEqual(['2a', '6a'])
    expect(chosen(book, { most: 4 })).toEqual(['1a', '3a', '5a', '7a'])
    expect(chosen(book.slice(0, 1), { most: 4 })).toEqual(['0a', '0b'])
    expect(chosen([])).toEqual([])
  })

  it('are told as the scene to write is, where there are such', () => {
    const first = { narration: { pov: 'first' } } as const
    const mixed = book.map((scenes, at) => (at % 4 === 3 ? [scenes[0], scene(`${at}b`, first)] : scenes))
    const found = mixed.map(scenes => scenes.filter(each => each !== undefined))
    const usual = { pov: 'third-limited', tense: 'past' } as const
    expect(chosen(found, { usual, manner: { pov: 'first', tense: 'past' } })).toEqual(['3b', '7b'])
    expect(chosen(found, { usual, manner: { pov: 'second' } })).toEqual(['2a', '6a'])
  })

  it('are long enough, unless none is; one without a text is none', () => {
    const short = (id: string) => scene(id, { characters: 20 })
    expect(chosen([[short('a'), scene('b')], [scene('c', { empty: true, characters: 0 })]])).toEqual(['b'])
    expect(chosen([[short('a')], [scene('c', { empty: true, characters: 0 })]])).toEqual(['a'])
  })
})

describe('a passage', () => {
  it('has whole sentences from a third of the text on, and is short', () => {
    const text = Array.from({ length: 60 }, (_, at) => `Sentence ${at} of the tale is here.`)
    const passage = passageOf(text.join('\n\n'))
    expect(passage).toMatch(/^Sentence 20 of the tale is here\.\nSentence 21 /)
    expect(passage.length).toBeLessThan(520)
    expect(passageOf(text.join(' '))).toMatch(/^Sentence 0 .* is here\.$/s)
    expect(passageOf(text.join(' ')).length).toBeLessThanOrEqual(500)
    expect(passageOf('她走了。'.repeat(300)).length).toBe(200)
  })

  it('of a short text is all of it, once, without what has no letters', () => {
    expect(passageOf('One went.\n* * *\nTwo came.\n\nThree stayed.')).toBe('Two came.\nThree stayed.')
    expect(passageOf('One went.')).toBe('One went.')
    expect(passageOf('* * *\n')).toBe('')
    expect(passageOf('endless '.repeat(1_000))).toBe('')
  })
})
