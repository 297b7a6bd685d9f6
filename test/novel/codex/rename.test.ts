import { describe, expect, it } from 'vitest'
import { placeFinder, renamedNames, renamedText, renames } from '../../../src/novel/codex/rename.ts'
import { entryFields } from '../library/codex-cases.ts'

interface Given {
  names: Record<string, string>
  entry?: Parameters<typeof entryFields>[0]
  others?: Parameters<typeof entryFields>[0][]
}

function findIn(text: string, { names, entry, others = [] }: Given) {
  const all = [entry ?? { name: Object.keys(names)[0] ?? '' }, ...others]
  const entries = all.map((fields, at) => ({ ...entryFields(fields), id: `e${at}` }))
  const of = { entryId: 'e0', names: Object.entries(names).map(([from, to]) => ({ from, to })) }
  return placeFinder(entries, of)(text)
}

/** What becomes of a text where all places without a doubt are changed. */
function renamed(text: string, given: Given): string {
  const places = findIn(text, given).filter(({ doubt }) => doubt === undefined)
  return renamedText(text, places)
}

describe('renaming in a text', () => {
  it.each<[string, string, Given, string]>([
    ['whole words', 'Ann, Anna, Ann’s and ANN.', { names: { Ann: 'Eve' } }, 'Eve, Anna, Eve’s and EVE.'],
    [
      'no part of a word in Katakana',
      'アンナはアンを見た。アンケートに答えた。',
      { names: { アン: 'ベル' } },
      'アンナはベルを見た。アンケートに答えた。',
    ],
    [
      'the longest name',
      'New York, York',
      { names: { York: 'Bath' }, others: [{ name: 'New York' }] },
      'New York, Bath',
    ],
    [
      'several names of one entry',
      'Berit Hask met Berit.',
      {
        names: { 'Berit Hask': 'Inga Moe', Berit: 'Inga' },
        entry: { name: 'Berit Hask', aliases: ['Berit'] },
      },
      'Inga Moe met Inga.',
    ],
    ['no borders in Chinese', '沈禾说：沈禾的钟。', { names: { 沈禾: '林禾' } }, '林禾说：林禾的钟。'],
    [
      'what has the new name already',
      'Mary Ann and Ann',
      { names: { Ann: 'Mary Ann' } },
      'Mary Ann and Mary Ann',
    ],
    [
      'a plural, and no other name that looks like one',
      'the Hasks; Jon met the Jones boys, and two Jons',
      { names: { Jon: 'Tom', Hask: 'Moe' }, entry: { name: 'Jon', aliases: ['Hask'] } },
      'the Moes; Tom met the Jones boys, and two Toms',
    ],
    ['a plural in -ies', 'Two Fairies', { names: { Fairy: 'Elf' } }, 'Two Elfs'],
    [
      'a capital at the beginning',
      'Salt pans. The salt pans.',
      { names: { 'salt pans': 'salterns' } },
      'Salterns. The salterns.',
    ],
    [
      'over line ends, decomposed letters, apostrophes',
      'Jo\u0301se\n  O’Brien ran',
      { names: { "Jóse O'Brien": 'Al' } },
      'Al ran',
    ],
    [
      'a name of its own letters beside its capitals',
      'salt. SALT.',
      { names: { salt: 'sand' } },
      'sand. SAND.',
    ],
    [
      'behind what is written in more units',
      'e\u0301  e\u0301 Ann Ann',
      { names: { Ann: 'Eve' } },
      'e\u0301  e\u0301 Eve Eve',
    ],
    [
      'a phrase that does not mean it',
      'Rose in the rose garden',
      { names: { Rose: 'Lily' }, entry: { name: 'Rose', exclusions: ['rose garden'] } },
      'Lily in the rose garden',
    ],
  ])('changes %s', (_, text, given, wanted) => {
    expect(renamed(text, given)).toBe(wanted)
  })

  it('doubts a name that another entry has too, and a word in other letters', () => {
    const given = {
      names: { Will: 'Bill' },
      others: [{ name: 'William', aliases: ['Will'], when: 'never' as const }],
    }
    expect(findIn('Will', given)).toEqual([
      { start: 0, end: 4, text: 'Will', to: 'Bill', doubt: 'shared', sharedWith: ['e1'] },
    ])
    expect(findIn('I will, Will.', { names: { Will: 'Bill' } })).toMatchObject([
      { text: 'will', doubt: 'other-case' },
      { text: 'Will', start: 8, end: 12 },
    ])
    // In capitals, the word looks like the name.
    const shouted = findIn('Will, I will. I WILL!', { names: { Will: 'Bill' } })
    expect(shouted.map(({ text, doubt }) => [text, doubt])).toEqual([
      ['Will', undefined],
      ['will', 'other-case'],
      ['WILL', 'other-case'],
    ])
  })

  it('gives the entry its names, and keeps the old ones on request', () => {
    const entry = { name: 'Ann', aliases: ['Annie', 'Eve'] }
    const names = [{ from: 'Ann', to: 'Eve' }]
    expect(renamedNames(entry, names, false)).toEqual({ name: 'Eve', aliases: ['Annie'] })
    const kept = renamedNames(entry, names, true)
    expect(kept).toEqual({ name: 'Eve', aliases: ['Annie', 'Ann'] })
    expect(renamedNames(kept, names, true)).toEqual(kept)
  })

  it('refuses names that take the place of each other', () => {
    const swap = [
      { from: 'A', to: 'B' },
      { from: 'B', to: 'A' },
    ]
    expect(renames.safeParse(swap).success).toBe(false)
    expect(renames.safeParse([swap[0], { from: 'A', to: 'C' }]).success).toBe(false)
  })
})
