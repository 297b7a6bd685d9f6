import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Piece, readChapters } from '../../../src/novel/import/read-chapters.ts'
import { readHeading } from '../../../src/novel/import/read-heading.ts'
import { bytesSource } from '../../../src/novel/import/source.ts'
import { surveyText } from '../../../src/novel/import/survey.ts'
import { measure } from '../../../src/novel/words.ts'
import { cpuSince } from '../../cpu-since.ts'
import { sizeOf } from '../../size.ts'
import { hanProse, pieces, prose } from './reading.ts'

const line = fc.oneof(
  fc.constantFrom(
    '',
    '',
    '***',
    '第一章 雾',
    '第二章',
    '第一卷 河',
    '楔子',
    'Chapter 1',
    'Chapter 2: Rain',
    'PART ONE',
  ),
  fc.constantFrom(
    'I',
    'II',
    '1.',
    '2. The Mill',
    'Contents',
    'Prologue',
    '# Title',
    '## Part',
    '---',
    '```',
    '一',
    '二',
  ),
  fc.integer({ min: 1, max: 9 }).map(n => prose(n, 2)),
  fc.integer({ min: 1, max: 9 }).map(n => hanProse(n, 2)),
  fc
    .string({ maxLength: 40, unit: 'grapheme' })
    .map(text => text.replace(/[\p{Cc}\u2028\u2029\ufeff]/gu, '')),
)
const book = fc.array(line, { maxLength: 60 }).map(lines => lines.join('\n'))
const name = fc.constantFrom('book.txt', 'book.md')

const letters = (text: string) => text.replace(/[^\p{L}\p{N}]/gu, '')

function textOf(piece: Piece): string {
  return piece.kind === 'volume' || piece.kind === 'chapter' ? '' : piece.text
}

describe('any text', () => {
  it('loses no word: what is not in a scene stands in a title', async () => {
    await fc.assert(
      fc.asyncProperty(book, name, async (text, file) => {
        const all = await pieces(text, file)
        const read = all.map(textOf).join('\n')
        const named = all.map(piece => ('title' in piece ? piece.title : '')).join('\n')
        const kept = new Map<string, number>()
        for (const word of read.split('\n').map(letters)) kept.set(word, (kept.get(word) ?? 0) + 1)
        for (const word of text.split('\n').map(letters)) {
          const left = kept.get(word) ?? 0
          if (left > 0) kept.set(word, left - 1)
          else expect(letters(named)).toContain(word.slice(0, 40))
        }
      }),
      { numRuns: sizeOf(50, 300) },
    )
  })

  it('counts in the survey what the read gives', async () => {
    await fc.assert(
      fc.asyncProperty(book, name, async (text, file) => {
        const source = bytesSource(new TextEncoder().encode(text), file)
        const survey = await surveyText(source)
        const counted = survey.volumes.flatMap(volume => volume.chapters)
        const read = counted.map(() => ({ characters: 0, words: 0 }))
        for await (const piece of readChapters(source, survey)) {
          const sum = piece.kind === 'scene' ? read[piece.chapter] : undefined
          if (sum === undefined || piece.kind !== 'scene') continue
          sum.characters += piece.characters
          sum.words += piece.words
        }
        expect(counted.map(({ characters, words }) => ({ characters, words }))).toEqual(read)
      }),
      { numRuns: sizeOf(50, 300) },
    )
  })

  it('reads chosen chapters exactly as it reads all of them', async () => {
    await fc.assert(
      fc.asyncProperty(book, fc.infiniteStream(fc.boolean()), async (text, coins) => {
        const all = await pieces(text)
        const count = all.filter(piece => piece.kind === 'chapter').length
        const chosen = Array.from({ length: count }, (_, i) => i).filter(() => coins.next().value === true)
        const some = await pieces(text, 'the-book.txt', chosen)
        const own = (list: readonly Piece[]) =>
          list.filter(piece => piece.kind === 'scene' && chosen.includes(piece.chapter))
        expect(own(some)).toEqual(own(all))
        expect(some.filter(piece => piece.kind === 'chapter').map(piece => piece.index)).toEqual(chosen)
      }),
      { numRuns: sizeOf(40, 200) },
    )
  })

  it('counts words and characters the same in pieces as at once', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), parts => {
        const whole = measure(parts.join('\n'))
        const sizes = parts.map(measure)
        const sum = (pick: 'characters' | 'words') => sizes.reduce((all, size) => all + size[pick], 0)
        expect([whole.characters, whole.words]).toEqual([sum('characters'), sum('words')])
      }),
    )
  })
})

describe('hostile text', () => {
  it('is read in linear time: headings', () => {
    const seeds = [
      '第',
      '第一',
      '第一章',
      '一',
      '　',
      ' ',
      '*',
      '=',
      '【',
      '【】',
      'I',
      'Chapter ',
      'Chapter I',
      '1.',
      'one hundred ',
      'the ',
      '.',
      '…',
      '-',
      '《',
      '#',
      'V',
      '（',
      '之',
      'Part Part ',
      '第1-',
      '第 ',
    ]
    for (const seed of seeds) {
      for (const tail of ['', 'x', '。', '章', ' 第一章']) {
        const text = seed.repeat(Math.floor(118 / seed.length)) + tail
        const cpu = cpuSince()
        for (let i = 0; i < 200; i++) readHeading(text)
        // It takes about a millisecond; a pattern that backtracks would take minutes.
        expect(cpu(), JSON.stringify(text)).toBeLessThan(500)
      }
    }
  })

  it.each([
    ['headings only', '第1章\n'],
    ['volumes only', '第一卷\n'],
    ['numerals only', '1\n\n'],
    ['roman numerals', 'I\n\nII\n\n'],
    ['lists', '1. milk\n2. eggs\n'],
    ['named headings', '楔子\n\n'],
    ['contents', 'Contents\n\nA\n\n'],
    ['Markdown headings', '# a\n\n## b\n\n'],
    ['underlines', 'a\n===\n\n'],
    ['separators', '***\n'],
    ['blank lines', '\n'],
    ['one line', '字'],
    ['fences', '```\n'],
    ['volumes with chapters', '第一卷 雾 第一章 渡口\n\n第二卷 潮 第一章 归舟\n\n'],
  ])('is read in linear time: 300 KB of %s', async (_, unit) => {
    const text = unit.repeat(Math.ceil(300_000 / new TextEncoder().encode(unit).length))
    const source = bytesSource(new TextEncoder().encode(text), 'hostile.md')
    const cpu = cpuSince()
    const survey = await surveyText(source)
    for await (const _piece of readChapters(source, survey));
    expect(cpu()).toBeLessThan(5_000)
    expect(survey.warnings.length).toBeLessThan(150)
  })
})
