import { describe, expect, test } from 'vitest'
import { outlineRows } from '../../dashboard/src/novels/novel.ts'
import { paragraphsOf, pieces, wholeWords } from '../../dashboard/src/novels/text-spans.ts'
import { nearest } from '../../dashboard/src/parts/nearest.ts'

const shown = (text: string) =>
  paragraphsOf(text).map(({ start, end, isWrapped }) => [text.slice(start, end), isWrapped])

describe('how the text of a scene is set', () => {
  test('lines that were broken to fit a width are one paragraph', () => {
    const one = 'Not all that Mrs. Bennet, however, with the assistance of her five\ndaughters, could ask.'
    expect(shown(`${one}\n\n\nShe was quite young.\n`)).toEqual([
      [one, true],
      ['She was quite young.', false],
    ])
  })

  test('verse keeps its lines', () => {
    const verse = '  How doth the little crocodile\n    Improve his shining tail'
    expect(shown(`Alice said:\n\n${verse}\n\nThat was all.`)).toEqual([
      ['Alice said:', false],
      [verse, false],
      ['That was all.', false],
    ])
  })

  test('each line of a Chinese file is a paragraph', () => {
    expect(shown('　　话说天下大势，分久必合。\n　　建宁二年四月望日。\n\n却说')).toEqual([
      ['　　话说天下大势，分久必合。', false],
      ['　　建宁二年四月望日。', false],
      ['却说', false],
    ])
  })

  test('a text of nothing has no paragraphs', () => {
    expect(shown(' \n\n \n')).toEqual([])
  })
})

describe('where passages are marked', () => {
  test('a text is cut at its marks, and every unit of it is shown once', () => {
    const text = 'the 𠮷 lanterns'
    const marks = [
      { start: 4, end: 6 },
      { start: 7, end: 99 },
    ]
    const cut = pieces(text.length, marks)
    expect(cut.map(({ start, end, isMarked }) => [text.slice(start, end), isMarked])).toEqual([
      ['the ', false],
      ['𠮷', true],
      [' ', false],
      ['lanterns', true],
    ])
  })

  test('marks that overlap, are empty or lie beyond the text do no harm', () => {
    const marks = [
      { start: 0, end: 3 },
      { start: 2, end: 2 },
      { start: 1, end: 4 },
      { start: 9, end: 12 },
    ]
    expect(pieces(5, marks)).toEqual([
      { start: 0, end: 3, isMarked: true },
      { start: 3, end: 4, isMarked: true },
      { start: 4, end: 5, isMarked: false },
    ])
  })

  test('words that were cut in two are left out, marked ones never', () => {
    const both = { start: true, end: true }
    const text = 'etter that she might escape questi'
    expect(wholeWords({ start: 10, text, marks: [{ start: 21, end: 27 }] }, both)).toEqual({
      start: 16,
      text: 'that she might escape',
      marks: [{ start: 15, end: 21 }],
    })
    expect(wholeWords({ start: 0, text, marks: [{ start: 28, end: 34 }] }, both).text).toBe(
      'that she might escape questi',
    )
    const chinese = {
      start: 5,
      text: '是时东风大作，波浪汹涌。操在中军遥望隔江，看看月上',
      marks: [{ start: 2, end: 4 }],
    }
    expect(wholeWords(chinese, both)).toEqual(chinese)
  })
})

describe('the lines of an outline', () => {
  const volume = (title: string, position: number) => ({
    id: `v${position}`,
    position,
    title,
    version: 1,
    words: 1,
    chapters: [
      {
        id: `c${position}`,
        position,
        title: 'One',
        version: 1,
        summaries: 0,
        volumeId: `v${position}`,
        words: 1,
        characters: 1,
      },
    ],
  })

  test('a closed volume keeps its heading', () => {
    const rows = outlineRows({ outline: [volume('A', 0), volume('B', 1)] }, new Set(['v0']))
    expect(
      rows.map(row => (row.kind === 'volume' ? [row.volume.title, row.isOpen] : row.chapter.id)),
    ).toEqual([['A', false], ['B', true], 'c1'])
  })

  test('a novel of one nameless volume has no headings', () => {
    expect(outlineRows({ outline: [volume('', 0)] }, new Set()).map(({ kind }) => kind)).toEqual(['chapter'])
  })

  test('of thousands of chapters those around the present one are offered, until something is typed', () => {
    const all = Array.from({ length: 5_000 }, (_, at) => ({
      value: `${at}`,
      label: `Lantern ${at}`,
      disabled: false,
    }))
    const around = nearest(all, '', '2500')
    expect(around.length).toBeLessThan(100)
    expect(around.map(option => 'value' in option && option.value)).toContain('2500')
    expect(nearest(all, 'LANTERN 499', '0').map(option => 'value' in option && option.value)).toEqual([
      '499',
      ...Array.from({ length: 10 }, (_, at) => `499${at}`),
    ])
  })
})
