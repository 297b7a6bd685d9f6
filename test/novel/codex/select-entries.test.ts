import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { countTokens } from '../../../src/ai/providers/tokens.ts'
import { type CodexFields, codexTimes } from '../../../src/novel/codex/entry.ts'
import {
  detectEntries,
  fitEntries,
  type SearchedText,
  textAt,
} from '../../../src/novel/codex/select-entries.ts'
import type { ToldEntry } from '../../../src/novel/library/codex.ts'
import type { ScenePlace } from '../../../src/novel/library/shelf.ts'
import { entryFields } from '../library/codex-cases.ts'

function entry(name: string, fields: Partial<CodexFields> = {}): ToldEntry {
  const { note: _, ...told } = entryFields({ name, text: `About ${name}.`, ...fields })
  return { ...told, id: name.toLowerCase(), novelId: 'n', version: 1, createdAt: 0, updatedAt: 0 }
}

const places = new Map<string, ScenePlace>([
  ['s1', [0, 0]],
  ['s2', [0, 1]],
  ['s3', [1, 0]],
])

function select(
  entries: readonly ToldEntry[],
  texts: Partial<Record<SearchedText['from'], string>>,
  { budget = 1_000, place = [0, 1] as ScenePlace } = {},
) {
  const searched = Object.entries(texts).map(([from, text]) => ({ from: from as SearchedText['from'], text }))
  const detected = detectEntries({ entries, place, places, texts: searched, language: 'en' })
  return fitEntries(detected, budget, countTokens)
}

const told = ({ told: all }: ReturnType<typeof select>) => all.map(({ id }) => id)
const left = ({ leftOut }: ReturnType<typeof select>) =>
  Object.fromEntries(leftOut.map(({ id, reason }) => [id, reason]))

describe('the entries of a prompt', () => {
  it('are those that are always told, mentioned, or related, each with its reason', () => {
    const selection = select(
      [
        entry('Tone', { kind: 'fact', when: 'always' }),
        entry('Alice', { aliases: ['the girl'], relations: ['rabbit', 'dinah', 'hidden'] }),
        entry('Rabbit', { relations: ['watch'] }),
        entry('Watch', { kind: 'thing', when: 'with-related' }),
        entry('Dinah', { when: 'with-related' }),
        entry('Hidden', { when: 'never' }),
        entry('Queen'),
        entry('Bill', { when: 'with-related' }),
        entry('Ghost', { text: '  ' }),
      ],
      { summary: 'Alice and the girl meet Bill, a ghost, and Hidden.', textBefore: 'She was Alice.' },
    )
    expect(selection.told).toMatchObject([
      { id: 'tone', reason: { why: 'always' }, text: 'Tone (fact): About Tone.' },
      {
        id: 'alice',
        reason: {
          why: 'mentioned',
          mentions: 3,
          names: ['Alice', 'the girl'],
          in: ['summary', 'textBefore'],
        },
        text: 'Alice (person, also called the girl): About Alice.',
      },
      { id: 'dinah', reason: { why: 'related', to: ['alice'] } },
      { id: 'rabbit', reason: { why: 'related', to: ['alice'] } },
    ])
    // One level: the watch comes with the rabbit, which is only related itself.
    expect(left(selection)).toEqual({
      ...{
        watch: 'not-related',
        hidden: 'never',
        queen: 'not-mentioned',
        bill: 'not-related',
        ghost: 'no-text',
      },
    })
    expect(selection.tokens).toBe(selection.told.reduce((sum, each) => sum + each.tokens, 0))
  })

  it('begin at their scene: before it they are not told, nor bring others, unless they are pinned', () => {
    const entries = [
      entry('Rule', { when: 'always', begins: 's3' }),
      entry('Alice', { relations: ['rabbit'], begins: 's3' }),
      entry('Dinah', { relations: ['watch'] }),
      entry('Watch', { when: 'with-related', begins: 's2' }),
      entry('Rabbit', { when: 'with-related', begins: 'gone' }),
    ]
    const texts = { summary: 'Alice and Dinah.' }
    const early = select(entries, texts, { place: [0, 0] })
    expect(told(early)).toEqual(['dinah'])
    expect(left(early)).toEqual({ rule: 'later', alice: 'later', watch: 'later', rabbit: 'not-related' })
    expect(told(select(entries, texts))).toEqual(['dinah', 'watch'])
    expect(told(select(entries, texts, { place: [1, 0] }))).toEqual([
      'rule',
      'alice',
      'dinah',
      'rabbit',
      'watch',
    ])
    const request = { entries, place: [0, 0] as const, places, texts: [], language: 'en' as const }
    const { always, others } = detectEntries({ ...request, chosen: { pinned: ['alice'], barred: [] } })
    expect([...always, ...others].map(({ id, reason }) => [id, reason.why])).toEqual([
      ['alice', 'pinned'],
      ['rabbit', 'related'],
    ])
  })

  it('never have a private note', () => {
    const withNote = { ...entry('Alice'), note: 'SECRET' }
    expect(JSON.stringify(select([withNote], { summary: 'Alice' }))).not.toContain('SECRET')
  })

  it('stand in a stable order: always first, then by kind, then by name', () => {
    const entries = [
      entry('Zoe'),
      entry('Hill', { kind: 'place' }),
      entry('Rule', { kind: 'fact', when: 'always' }),
      entry('Adam'),
      entry('Ring', { kind: 'thing' }),
    ]
    const texts = { summary: 'Ring, Zoe, Hill, Adam' }
    expect(told(select(entries, texts))).toEqual(['rule', 'adam', 'zoe', 'hill', 'ring'])
    expect(told(select(entries.toReversed(), { summary: 'Zoe Zoe Zoe Ring Hill Adam' }))).toEqual(
      told(select(entries, texts)),
    )
  })

  it('are not told for a name that two of them share, which is reported', () => {
    const entries = [entry('Jack Black', { aliases: ['Jack'] }), entry('Jack White', { aliases: ['Jack'] })]
    const selection = select(entries, { summary: 'Jack comes.' })
    expect(selection.told).toEqual([])
    expect(left(selection)).toEqual({ 'jack black': 'shared-name', 'jack white': 'shared-name' })
    expect(selection.shared).toEqual([{ name: 'Jack', entryIds: ['jack black', 'jack white'] }])
    expect(told(select(entries, { summary: 'Jack White comes.' }))).toEqual(['jack white'])
  })

  it('fall by the budget: what is only related first, then the least mentioned, the point of view last', () => {
    const words = 'word '.repeat(20)
    const entries = ['Ann', 'Bob', 'Cid', 'Dan'].map(name =>
      entry(name, { text: words, relations: name === 'Bob' ? ['eve'] : [] }),
    )
    const all = [...entries, entry('Eve', { text: words, when: 'with-related' })]
    const texts = { pov: 'Dan', summary: 'Ann Bob Bob Bob Cid Cid' }
    const each = select(all, texts).told[0]?.tokens ?? 0
    const kept = (count: number) => told(select(all, texts, { budget: each * count }))
    expect(kept(5)).toEqual(['ann', 'bob', 'cid', 'dan', 'eve'])
    expect(kept(4)).toEqual(['ann', 'bob', 'cid', 'dan'])
    expect(kept(3)).toEqual(['bob', 'cid', 'dan'])
    expect(kept(2)).toEqual(['bob', 'dan'])
    expect(kept(1)).toEqual(['dan'])
    const none = select(all, texts, { budget: 0 })
    expect(new Set(Object.values(left(none)))).toEqual(new Set(['over-budget']))
    expect(none.missing).toBe(0)
  })

  it('one that is too long alone takes no other with it', () => {
    const long = entry('Ann', { text: 'word '.repeat(500) })
    const selection = select([long, entry('Bob')], { summary: 'Ann Ann Ann Bob' }, { budget: 100 })
    expect(told(selection)).toEqual(['bob'])
    expect(selection.leftOut).toMatchObject([
      { id: 'ann', reason: 'over-budget', tokens: expect.any(Number) },
    ])
  })

  it('that are always told stay where they do not fit, and it is said by how much', () => {
    const entries = [entry('Rule', { when: 'always', text: 'word '.repeat(100) }), entry('Ann')]
    const selection = select(entries, { summary: 'Ann' }, { budget: 50 })
    expect(told(selection)).toEqual(['rule'])
    expect(selection.missing).toBe(selection.tokens - 50)
    expect(left(selection)).toEqual({ ann: 'over-budget' })
  })
})

describe('the text of an entry as of a scene', () => {
  const add = (from: string, text: string, until?: string) => ({
    ...{ how: 'add' as const, from, text },
    ...(until !== undefined && { until }),
  })
  const replace = (from: string, text: string) => ({ how: 'replace' as const, from, text })
  const cases: readonly [string, CodexFields['changes'], Record<string, string>][] = [
    [
      'is what it was before',
      [add('s2', 'Later.')],
      { s1: 'Base.', s2: 'Base.\nLater.', s3: 'Base.\nLater.' },
    ],
    [
      'ends before another scene',
      [add('s1', 'Then.', 's3')],
      { s1: 'Base.\nThen.', s2: 'Base.\nThen.', s3: 'Base.' },
    ],
    ['is replaced', [replace('s2', 'New.')], { s1: 'Base.', s2: 'New.', s3: 'New.' }],
    [
      'changes in story order, whatever the order of the list is',
      [add('s3', 'Third.'), replace('s2', 'Second.'), add('s1', 'First.')],
      { s1: 'Base.\nFirst.', s2: 'Second.', s3: 'Second.\nThird.' },
    ],
    [
      'does not change from a scene that is gone',
      [replace('gone', 'X'), add('s1', 'Y', 'gone')],
      { s3: 'Base.' },
    ],
  ]
  test.each(cases)('%s', (_, changes, wanted) => {
    for (const [scene, text] of Object.entries(wanted))
      expect(textAt({ text: 'Base.', changes }, { place: places.get(scene) ?? [9, 9], places })).toBe(text)
  })

  it('that names a scene which is gone is reported', () => {
    const lost = entry('Ann', { changes: [add('gone', 'X')] })
    const { lostChanges } = detectEntries({
      ...{ entries: [lost], place: [0, 0] as const, places, texts: [], language: 'en' as const },
    })
    expect(lostChanges).toEqual([{ id: 'ann', kind: 'person', name: 'Ann', sceneId: 'gone' }])
  })
})

describe('as properties', () => {
  const name = fc.constantFrom('Ann', 'Bob', 'Cid', 'Dan', 'Eve', 'Flo', '曹操', '玄德')
  const given = fc
    .uniqueArray(
      fc.record({
        name,
        when: fc.constantFrom(...codexTimes),
        words: fc.integer({ min: 0, max: 40 }),
        related: fc.array(name, { maxLength: 2 }),
      }),
      { selector: each => each.name, maxLength: 8 },
    )
    .map(all =>
      all.map(({ name: own, when, words, related }) =>
        entry(own, { when, text: 'word '.repeat(words), relations: related.map(each => each.toLowerCase()) }),
      ),
    )
  const text = fc.array(name, { maxLength: 12 }).map(words => words.join(' '))
  const budget = fc.integer({ min: 0, max: 250 })

  it('each entry is told or left out with a reason, once; those always told are told; the rest fits', () => {
    fc.assert(
      fc.property(given, text, budget, (entries, summary, most) => {
        const selection = select(entries, { summary }, { budget: most })
        const ids = [...selection.told, ...selection.leftOut].map(({ id }) => id)
        expect(ids.toSorted()).toEqual(entries.map(({ id }) => id).toSorted())
        for (const { id, when, text: own } of entries)
          if (when === 'always' && own !== '') expect(told(selection)).toContain(id)
        const optional = selection.told.filter(({ reason }) => reason.why !== 'always')
        if (optional.length > 0) expect(selection.tokens).toBeLessThanOrEqual(most)
        expect(selection.missing).toBe(Math.max(0, optional.length > 0 ? 0 : selection.tokens - most))
      }),
    )
  })

  it('the order of the entries makes no difference, and more tokens take nothing away', () => {
    fc.assert(
      fc.property(given, text, budget, fc.integer({ min: 0, max: 9 }), (entries, summary, most, shift) => {
        const turned = [...entries.slice(shift), ...entries.slice(0, shift)].toReversed()
        const selection = select(entries, { summary }, { budget: most })
        expect(select(turned, { summary }, { budget: most })).toEqual(selection)
        expect(select(entries, { summary }, { budget: 10_000 }).told).toEqual(
          expect.arrayContaining([...selection.told]),
        )
      }),
    )
  })
})
