import { describe, expect, test } from 'vitest'
import { chapterLines, hitLines, previewLines } from '../../src/cli/novel-lines.ts'
import { tableLines } from '../../src/cli/text.ts'

const numbered = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ title: `Chapter ${i + 1}`, characters: 10, words: 1_000 + i }))

describe('a preview', () => {
  const preview = {
    title: 'Two\nBooks',
    author: 'A. N. Author',
    kind: 'text' as const,
    encoding: { name: 'gb18030', confidence: 0.876 },
    volumes: [
      { title: 'Book One', chapters: numbered(8) },
      { title: 'Book Two', chapters: numbered(7) },
    ],
    warnings: Array.from({ length: 7 }, (_, i) => ({ code: 'NUMBER_GAP', message: `gap ${i}`, line: i + 1 })),
    repeated: [],
  }

  test('is short where it is only to be confirmed', () => {
    const lines = previewLines(preview, { whole: false, columns: 60 })
    expect(lines.slice(0, 2)).toEqual([
      'Two Books, by A. N. Author',
      '2 volumes, 15 chapters, 15,049 words; encoding gb18030 (87 % sure)',
    ])
    expect(lines).toContain('  12  Chapter 4                                  1,003 words')
    expect(lines).toContain('      and 3 more chapters (all of them: --preview)')
    expect(lines.slice(-7)).toEqual([
      '7 warnings:',
      ...[0, 1, 2, 3, 4].map(i => `  line ${i + 1}: gap ${i} [NUMBER_GAP]`),
      '  and 2 more (all of them: --preview)',
    ])
  })

  test('numbers every chapter over all volumes where it is asked for', () => {
    const lines = previewLines(preview, { whole: true, columns: 60 })
    const numbers = lines.map(line => Number(/^ +(\d+) {2}Chapter/.exec(line)?.[1])).filter(Number.isFinite)
    expect(numbers).toEqual(Array.from({ length: 15 }, (_, i) => i + 1))
    expect(lines.indexOf('  Book Two')).toBeGreaterThan(lines.indexOf('  Book One'))
    expect(lines.filter(line => line.includes('[NUMBER_GAP]'))).toHaveLength(7)
  })
})

describe('a chapter', () => {
  const scene = {
    id: 's',
    novelId: 'n',
    chapterId: 'c',
    position: 0,
    words: 2,
    characters: 10,
    version: 1,
    textVersion: 1,
    updatedAt: '2026-03-01T00:00:00.000Z',
  }
  const chapter = {
    id: 'c',
    novelId: 'n',
    volumeId: 'v',
    position: 2,
    title: 'Three',
    version: 1,
    words: 2,
    characters: 10,
  }
  const summary = {
    text: 'One.\nTwo.',
    method: 'extractive',
    model: 'extractive',
    outOfDate: true,
    writtenAt: 'x',
  } as const

  test('shows no summary without how it came about', () => {
    const scenes = [
      { ...scene, summary },
      { ...scene, position: 1 },
    ]
    expect(chapterLines({ ...chapter, summaries: 1, scenes }, undefined)).toEqual([
      '',
      '3  Three',
      '',
      '  scene 1  2 words',
      '  One.',
      '  Two.',
      '  [sentences of the text, extractive; the text has changed since]',
      '',
      '  scene 2  2 words',
      '  (no summary)',
    ])
  })

  test('shows the text where it is asked for, safe to print', () => {
    const scenes = [{ ...scene, content: 'A\u001b[2J\n\nB' }]
    expect(chapterLines({ ...chapter, summaries: 0, scenes: [] }, scenes).slice(3)).toEqual([
      '  scene 1  2 words',
      '  A\\u001b[2J',
      '',
      '  B',
    ])
  })
})

test('a search marks what answers, and says which index did', () => {
  const hit = {
    sceneId: 's',
    chapterId: 'c',
    chapterTitle: '第一回',
    passage: { start: 0, end: 9 },
    snippet: {
      text: '話說曹操與曹丕',
      start: 0,
      marks: [
        { start: 2, end: 4 },
        { start: 5, end: 7 },
      ],
    },
    score: 1,
    outOfDate: false,
  }
  expect(hitLines({ index: 'lexical', outOfDateScenes: 1, total: 2, nextOffset: 1, hits: [hit] })).toEqual([
    '1 of 2 places. Answered by the lexical index (BM25). 1 scene changed since it was built.',
    '',
    '第一回',
    '  話說[曹操]與[曹丕]',
    '  scene s',
    '',
    'The following ones: --offset 1',
  ])
  expect(hitLines({ index: 'none', outOfDateScenes: 0, total: 0, hits: [] })).toEqual([
    '0 places. The novel is not indexed yet.',
  ])
})

test('a table aligns Chinese with English, and numbers at the right', () => {
  const columns = [
    { title: 'TITLE', text: (row: { title: string }) => row.title },
    { title: 'N', text: (row: { n: number }) => String(row.n), right: true },
    { title: 'LAST', text: (row: { last: string }) => row.last },
  ]
  const rows = [
    { title: '三國', n: 5, last: 'long words at the end' },
    { title: 'ab', n: 120, last: '' },
  ]
  expect(tableLines(rows, columns, 20)).toEqual(['TITLE    N  LAST', '三國     5  long wo…', 'ab     120'])
})
