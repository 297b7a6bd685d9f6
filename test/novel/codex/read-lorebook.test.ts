import { describe, expect, it, test } from 'vitest'
import { codexBounds } from '../../../src/novel/codex/entry.ts'
import { readLorebook } from '../../../src/novel/codex/read-lorebook.ts'

/** As SillyTavern 1.12 exports it. */
const worldInfo = {
  entries: {
    0: {
      ...{ uid: 0, key: ['Alice', 'the girl', '/al+ice/i'], keysecondary: ['Wonderland'], comment: 'Alice' },
      ...{
        content: 'Seven years old.',
        constant: false,
        vectorized: false,
        selective: true,
        selectiveLogic: 0,
      },
      ...{ addMemo: true, order: 100, position: 0, disable: false, probability: 100, useProbability: true },
      ...{ depth: 4, group: '', groupWeight: 100, scanDepth: null, caseSensitive: true, displayIndex: 0 },
    },
    1: { uid: 1, key: [], comment: 'Tone', content: 'Dream-like.', constant: true, order: 1, sticky: 3 },
    2: { uid: 2, key: ['Queen'], comment: '', content: 'Off with her head.', disable: true, sticky: 2 },
    3: { uid: 3, key: ['Nobody'], comment: '', content: '  ' },
    4: { uid: 4, key: ['Long'], comment: '', content: 'x'.repeat(codexBounds.text + 1) },
  },
}

/** As NovelAI exports it, version 5. */
const lorebook = {
  lorebookVersion: 5,
  entries: [
    {
      ...{ text: 'A smith.', displayName: 'Berit', id: 'b', keys: ['Berit', 'the smith', 'smith & forge'] },
      ...{
        contextConfig: { prefix: '', suffix: '\n', tokenBudget: 1 },
        lastUpdatedAt: 1,
        searchRange: 1_000,
      },
      ...{ enabled: true, forceActivation: false, keyRelative: false, category: 'c1' },
    },
    { text: 'A mill.', displayName: '', keys: ['The Mill'], enabled: false, category: 'c2', searchRange: 50 },
    { text: 'It rains.', displayName: 'Weather', keys: [], forceActivation: true, loreBiasGroups: [{}] },
  ],
  settings: { orderByKeyLocations: true },
  categories: [
    { id: 'c1', name: 'Characters', enabled: true },
    { id: 'c2', name: 'Locations', enabled: true },
  ],
}

describe('a lorebook', () => {
  it('of SillyTavern gives its entries, and names what it has beside', () => {
    const { format, entries, skipped, ignored } = readLorebook(worldInfo, 'person')
    expect(format).toBe('sillytavern')
    expect(entries).toMatchObject([
      {
        ...{ kind: 'person', name: 'Alice', aliases: ['the girl'], matchCase: true },
        ...{ text: 'Seven years old.', when: 'when-detected', note: '', changes: [], relations: [] },
      },
      { name: 'Tone', aliases: [], when: 'always', matchCase: false },
      { name: 'Queen', when: 'never' },
    ])
    expect(skipped).toEqual([
      { name: 'Nobody', reason: 'it has no text' },
      { name: 'Long', reason: expect.stringMatching(/^text: /) },
    ])
    expect(ignored).toEqual([
      { part: 'keysecondary', entries: 1 },
      { part: 'keys that are patterns', entries: 1 },
      { part: 'sticky', entries: 2 },
    ])
  })

  it('of NovelAI gives its entries, with the kinds of its categories', () => {
    const { format, entries, skipped, ignored } = readLorebook(lorebook)
    expect(format).toBe('novelai')
    expect(entries).toMatchObject([
      { kind: 'person', name: 'Berit', aliases: ['the smith'], text: 'A smith.', when: 'when-detected' },
      { kind: 'place', name: 'The Mill', aliases: [], when: 'never' },
      { kind: 'fact', name: 'Weather', when: 'always' },
    ])
    expect(skipped).toEqual([])
    expect(ignored).toEqual([
      { part: 'settings', entries: 0 },
      { part: 'keys that are patterns', entries: 1 },
      { part: 'searchRange', entries: 1 },
      { part: 'loreBiasGroups', entries: 1 },
    ])
  })

  it('of a character card is a list of entries', () => {
    const card = {
      name: 'Book',
      entries: [{ keys: ['Ada'], content: 'Counts.', enabled: true, insertion_order: 1 }],
    }
    expect(readLorebook(card)).toMatchObject({
      format: 'sillytavern',
      entries: [{ name: 'Ada', text: 'Counts.' }],
    })
  })

  const many = Array.from({ length: codexBounds.entries + 1 }, () => ({ keys: ['a'], content: 'b' }))
  test.each([
    ['no object', [worldInfo]],
    ['no entries', { a: 1 }],
    ['entries that are none', { entries: [1] }],
    ['too many', { entries: many }],
  ])('with %s is refused', (_, book) => {
    expect(() => readLorebook(book)).toThrow(expect.objectContaining({ code: 'LOREBOOK_INVALID' }))
  })
})
