import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { mentionFinder, type NamedEntry } from '../../../src/novel/codex/find-mentions.ts'

type Given = Partial<Omit<NamedEntry, 'id'>>

/** Entries by their id, which is their name where none is given. */
function entries(given: Readonly<Record<string, Given>>): NamedEntry[] {
  return Object.entries(given).map(([id, fields]) => ({
    ...{ id, name: id, aliases: [], exclusions: [], matchCase: false, when: 'when-detected' },
    ...fields,
  }))
}

function found(given: Readonly<Record<string, Given>>, text: string): Record<string, number> {
  const { mentions } = mentionFinder(entries(given)).find(text)
  return Object.fromEntries([...mentions].map(([id, { count }]) => [id, count]))
}

describe('mentions of entries', () => {
  const rose = { Rose: {} }
  const cases: readonly [string, Record<string, Given>, string, Record<string, number>][] = [
    ['a name, in any case', rose, 'ROSE saw rose, and Rose.', { Rose: 3 }],
    ['only in its case', { Will: { matchCase: true } }, 'Will will. WILL!', { Will: 1 }],
    [
      'an alias counts for the entry',
      { Alice: { aliases: ['Miss Liddell'] } },
      'Alice, miss liddell',
      { Alice: 2 },
    ],
    ['no part of a word', rose, 'Roseanne’s primrose prose, Rosé, Rose1.', {}],
    [
      'plurals and possessives',
      { Rose: {}, Jones: {} },
      'Roses, Rose’s, the Joneses’ rose',
      { Rose: 3, Jones: 1 },
    ],
    ['a plural in -ies', { fairy: {}, Day: {} }, 'Three fairies in two days', { fairy: 1, Day: 1 }],
    ['the longest name', { York: {}, 'New York': {} }, 'New York, then York', { 'New York': 1, York: 1 }],
    ['of overlapping names the first', { 'Ann Lee': {}, 'Lee Park': {} }, 'Ann Lee Park', { 'Ann Lee': 1 }],
    [
      'a name as it is written before a plural',
      { Jame: {}, James: {} },
      'James and Jame',
      { James: 1, Jame: 1 },
    ],
    ['over line ends and wide spaces', { 'White Rabbit': {} }, 'the White\n   Rabbit', { 'White Rabbit': 1 }],
    ['apostrophes of all kinds', { "O'Brien": {} }, 'O’Brien', { "O'Brien": 1 }],
    ['after an elision', { Anna: {} }, 'l’Anna', { Anna: 1 }],
    [
      'not within an exclusion',
      { Rose: { exclusions: ['rose garden'] } },
      'Rose, in the rose garden',
      { Rose: 1 },
    ],
    [
      'an exclusion that is a name',
      { Rose: { exclusions: ['Rose Inn'] }, 'Rose Inn': {} },
      'Rose Inn',
      { 'Rose Inn': 1 },
    ],
    ['never: its name still is no other', { Jack: {}, 'Black Jack': { when: 'never' } }, 'Black Jack', {}],
    ['Chinese, without borders', { 曹操: {}, 操: {} }, '却说曹操引兵，操大喜', { 曹操: 1, 操: 1 }],
    ['the longest in Chinese', { 诸葛亮: {}, 亮: {}, 诸葛: {} }, '诸葛亮曰', { 诸葛亮: 1 }],
    ['Japanese, without borders', { 花子: {}, アリス: {} }, '花子さんとアリスは', { 花子: 1, アリス: 1 }],
    [
      'Katakana: no part of a word',
      { アン: {} },
      'アンナは「アン！」と言った。アンさん、アン・シャーリー、アンケート、シアン、アンー',
      { アン: 3 },
    ],
    ['Latin within Chinese', { Alice: {} }, '是Alice说的', { Alice: 1 }],
    ['Korean, with particles', { 철수: {} }, '철수가 왔다. 김철수', { 철수: 1 }],
    ['numbers', { 'Room 1': {}, '42': {} }, 'Room 10, Room 1, 42, 142', { 'Room 1': 1, '42': 1 }],
    ['characters of two units', { 𠀋山: {}, 𝒜: {} }, '在𠀋山上 𝒜 𝒜b', { 𠀋山: 1, 𝒜: 1 }],
    ['accents, however they are written', { Zoé: {} }, 'Zoe\u0301 and Zoe', { Zoé: 1 }],
    ['letters whose small form is longer', { İzmir: {} }, 'İİ İzmir', { İzmir: 1 }],
  ]
  test.each(cases)('%s', (_, given, text, wanted) => expect(found(given, text)).toEqual(wanted))

  it('of a name that two entries share are mentions of neither, and are reported', () => {
    const given = entries({
      ...{ 'Jack Black': { aliases: ['Jack'] }, 'Jack White': { aliases: ['jack'] } },
      old: { name: 'Jack', when: 'never' },
    })
    const shared = [{ name: 'Jack', entryIds: ['Jack Black', 'Jack White'] }]
    const finder = mentionFinder(given)
    expect(finder.shared).toEqual(shared)
    const { mentions, shared: seen } = finder.find('Jack met Jack Black.')
    expect([...mentions.keys()]).toEqual(['Jack Black'])
    expect(seen).toEqual(shared)
    expect(finder.find('Jack White').shared).toEqual([])
  })

  it('share no plural of a shared name', () => {
    const { find } = mentionFinder(entries({ a: { name: 'Fairy' }, b: { name: 'fairy' } }))
    expect(find('fairies')).toMatchObject({ shared: [{ entryIds: ['a', 'b'] }] })
    expect(find('fairies').mentions.size).toBe(0)
  })

  it('share a name in one case only, where both match the case', () => {
    const both = entries({ a: { name: 'Will', matchCase: true }, b: { name: 'will', matchCase: true } })
    const finder = mentionFinder(both)
    expect(finder.shared).toEqual([])
    expect([...finder.find('will').mentions.keys()]).toEqual(['b'])
  })
})

describe('as a property', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'A', ' ', '曹', '操', "'", 's'), maxLength: 6 })
  const names = fc.uniqueArray(
    letters.filter(name => /[\p{L}]/u.test(name)),
    {
      ...{ maxLength: 6, selector: name => name.normalize().replace(/\s+/gu, ' ').trim().toLowerCase() },
    },
  )

  /** The same by trying every name at every place. */
  function slowly(all: readonly string[], text: string): Record<string, number> {
    const plain = (raw: string) => raw.replace(/\s+/gu, ' ').trim().toLowerCase()
    const [searched, counts] = [plain(text), {} as Record<string, number>]
    const isWord = (char: string) => /[a-z]/.test(char)
    for (let at = 0; at < searched.length; ) {
      const matching = all.filter(name => {
        const own = plain(name)
        if (!searched.startsWith(own, at)) return false
        const end = at + own.length
        if (isWord(own.charAt(0)) && isWord(searched.charAt(at - 1))) return false
        if (!isWord(own.slice(-1)) || !isWord(searched.charAt(end))) return true
        return /^s(?![a-z])/.test(searched.slice(end))
      })
      const [longest] = matching.sort((a, b) => plain(b).length - plain(a).length)
      if (longest !== undefined) counts[longest] = (counts[longest] ?? 0) + 1
      at += longest === undefined ? 1 : plain(longest).length
    }
    return counts
  }

  it('one pass finds what trying every name at every place finds', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'A', ' ', '曹', '操', "'", 's'), maxLength: 40 })
    fc.assert(
      fc.property(names, text, (all, searched) => {
        const given = Object.fromEntries(all.map(name => [name, {}]))
        expect(found(given, searched)).toEqual(slowly(all, searched))
      }),
      { numRuns: 500 },
    )
  })
})
