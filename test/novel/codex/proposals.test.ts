import { expect, it } from 'vitest'
import { entryMerger, entryNames, mergedNames, type PlacedEntry } from '../../../src/novel/codex/proposals.ts'
import { readContradictions } from '../../../src/novel/codex/read-contradictions.ts'
import { readEntries } from '../../../src/novel/codex/read-entries.ts'
import { cpuSince } from '../../cpu-since.ts'

const people = (...names: string[]) => names.map(name => ({ name, kind: 'person' as const }))

it('shorter forms of a name are its aliases, where they are part of no other', () => {
  const merged = mergedNames([
    ...people('Berit', 'Berit Hask', 'Miss Hask', 'Mr. Pell', 'Pell', 'Ann Lee', 'Ann Moe', 'Ann'),
  ])
  expect(merged.map(({ name, aliases }) => [name, ...aliases])).toEqual([
    ['Berit Hask', 'Berit'],
    ['Miss Hask'],
    ['Mr. Pell', 'Pell'],
    ['Ann Lee'],
    ['Ann Moe'],
    ['Ann'],
  ])
})

it('what several scenes say of one is one proposal; another name alone does not join two', () => {
  const found = (name: string, aliases: string[], text: string, sceneId: string): PlacedEntry => {
    return { kind: 'person', name, aliases, text, quotation: `${name} came.`, sceneId }
  }
  const merger = entryMerger()
  for (const each of [
    found('Berit Hask', ['Miss Hask'], 'Counts lanterns.', 'one'),
    found('Ada Hask', ['Miss Hask'], 'Her sister.', 'one'),
    found('BERIT HASK', ['Berit'], 'Counts lanterns.', 'two'),
    found('Berit', ['the Ferryman’s Daughter'], 'Is late.', 'three'),
    { ...found('Berit', [], 'A town.', 'four'), kind: 'place' as const },
  ])
    merger.add({ sceneId: each.sceneId, items: [each] })
  expect(merger.entries.map(({ quotation: _, ...each }) => each)).toEqual([
    {
      ...{ kind: 'person', name: 'Berit Hask', sceneId: 'one', text: 'Counts lanterns.\nIs late.' },
      aliases: ['Miss Hask', 'Berit', 'the Ferryman’s Daughter'],
    },
    { kind: 'person', name: 'Ada Hask', aliases: ['Miss Hask'], text: 'Her sister.', sceneId: 'one' },
    { kind: 'place', name: 'Berit', aliases: [], text: 'A town.', sceneId: 'four' },
  ])
})

it('what a whole novel has is joined in time in proportion to it', () => {
  const merger = entryMerger()
  const person = (at: number) => ({
    ...{ kind: 'person' as const, name: `Person ${at % 19_000}`, aliases: [`The ${at}th`] },
    ...{ text: 'Is there.', quotation: 'was there' },
  })
  const cpu = cpuSince()
  for (let at = 0; at < 20_000; at++) merger.add({ sceneId: String(at), items: [person(at)] })
  expect(merger.entries).toHaveLength(19_000)
  expect(merger.entries[7]?.aliases).toEqual(['The 7th', 'The 19007th'])
  const names = Array.from({ length: 600 }, (_, at) => ({ name: `Person ${at}`, kind: 'person' as const }))
  expect(mergedNames(names)).toHaveLength(600)
  expect(cpu()).toBeLessThan(3_000)
})

it('the names that scene after scene adds are found in time in proportion to them', () => {
  const person = (at: number) => ({ name: `Person ${at}`, aliases: [`The ${at}th`] })
  const persons = Array.from({ length: 3_000 }, (_, at) => person(at))
  const known = entryNames([{ name: 'Berit Hask', aliases: ['Berit'] }, ...persons])
  expect(known.find('Berit met Ada.')).toEqual(['Berit Hask'])
  known.add([{ name: 'Berit Hask', aliases: ['Berit', 'Bee'] }])
  known.add([{ name: 'Ada', aliases: [] }])
  expect(known.find('Bee and Berit met Ada.')).toEqual(['Berit Hask', 'Ada'])
  const cpu = cpuSince()
  for (let at = 3_000; at < 3_300; at++) known.add([person(at)])
  expect(known.find('The 7th met Person 3299, and Bee met Ada.').toSorted()).toEqual([
    ...['Ada', 'Berit Hask', 'Person 3299', 'Person 7'],
  ])
  expect(cpu()).toBeLessThan(8_000)
})

it('an answer is read item by item, and what the text does not bear out is dropped', () => {
  const text = 'Berit Hask, whom they called Bee, counted seven lanterns on the Long Bridge.'
  const quotation = 'counted seven lanterns'
  const item = (more: object) => ({
    ...{ kind: 'person', name: 'Berit Hask', aliases: [], description: 'Counts.', quotation },
    ...more,
  })
  const items = [
    item({ aliases: ['Bee', 'she', 'They', 'Miss Hask', 7, 'Berit Hask'] }),
    item({ name: 'Ada' }),
    item({ name: 'they' }),
    item({ name: 'Long Bridge', kind: 'place', quotation: 'lanterns on the Short Bridge' }),
    item({ name: 'Long Bridge', kind: 'castle' }),
    item({ name: 'How many lanterns', kind: 'fact', description: ' Seven. ' }),
    'nothing',
  ]
  const read = readEntries(`Of course:\n\`\`\`json\n${JSON.stringify({ entries: items })}\n\`\`\``, text)
  expect(read).toEqual({
    value: {
      dropped: 5,
      items: [
        { kind: 'person', name: 'Berit Hask', aliases: ['Bee'], text: 'Counts.', quotation },
        { kind: 'fact', name: 'How many lanterns', aliases: [], text: 'Seven.', quotation },
      ],
    },
  })
  for (const answer of ['', '[]', '{"entries": 7}', '{"people": []}', 'null'])
    expect(readEntries(answer, text)).toEqual({ fault: expect.stringMatching(/^The answer .*\.$/) })
})

it('a contradiction is of that one of two entries of a name whose text has what is noted', () => {
  const text = 'Hask opened her blue eyes.'
  const entries = [
    { id: 'ada', name: 'Ada', aliases: ['Hask'], text: 'Is late all the time.' },
    { id: 'berit', name: 'Berit', aliases: ['Hask'], text: 'She has green eyes.' },
  ]
  const contradiction = { entry: 'Hask', quotation: 'her blue eyes', noted: 'She has green eyes' }
  const answer = JSON.stringify({ contradictions: [contradiction] })
  expect(readContradictions(answer, { text, entries })).toMatchObject({
    value: { items: [{ entryId: 'berit' }], dropped: 0 },
  })
})

it('a contradiction is kept where text and entry have what it quotes, and is of a known entry', () => {
  const text = 'Berit opened her blue eyes. She was thirty that year.'
  const entries = [{ id: 'b', name: 'Berit', aliases: ['Bee'], text: 'She has green eyes. Born in 1790.' }]
  const item = (more: object) => ({
    ...{ entry: 'Berit', kind: 'appearance', quotation: 'her blue eyes', noted: 'She has green eyes' },
    ...{ explanation: 'Blue is not green.', ...more },
  })
  const contradictions = [
    item({}),
    item({ entry: ' bee ', kind: 'mood', quotation: 'thirty that year', noted: 'Born in 1790' }),
    item({ entry: 'Ada' }),
    item({ quotation: 'her brown eyes' }),
    item({ noted: 'She has grey eyes' }),
    item({ noted: 7 }),
  ]
  expect(readContradictions(JSON.stringify({ contradictions }), { text, entries })).toEqual({
    value: {
      dropped: 4,
      items: [
        {
          ...{ kind: 'appearance', entryId: 'b', quotation: 'her blue eyes' },
          ...{ entryQuotation: 'She has green eyes', explanation: 'Blue is not green.' },
        },
        {
          ...{ kind: 'fact', entryId: 'b', quotation: 'thirty that year' },
          ...{ entryQuotation: 'Born in 1790', explanation: 'Blue is not green.' },
        },
      ],
    },
  })
})
