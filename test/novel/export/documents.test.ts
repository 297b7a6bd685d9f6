import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Book } from '../../../src/novel/export/book.ts'
import { writeDocx } from '../../../src/novel/export/docx.ts'
import { writeEpub } from '../../../src/novel/export/epub.ts'
import { writeOdt } from '../../../src/novel/export/odt.ts'
import { sizeOf } from '../../size.ts'
import { hanProse, prose } from '../import/reading.ts'
import { zip } from '../import/zip-writer.ts'
import {
  bookOf,
  filesOf,
  heldOf,
  readBack,
  type WrittenChapter,
  type WrittenVolume,
  written,
} from './written.ts'

const formats: readonly [string, (book: Book) => Promise<Buffer>][] = [
  ['a DOCX', book => written(writeDocx, book)],
  ['a manuscript', book => written(writeDocx, book, { layout: 'manuscript' })],
  ['an ODT', book => written(writeOdt, book)],
  ['a manuscript as ODT', book => written(writeOdt, book, { layout: 'manuscript' })],
  ['an EPUB', book => written(writeEpub, book)],
]

const chapter = (title: string, ...scenes: WrittenChapter['scenes']): WrittenChapter => ({ title, scenes })
const volume = (title: string, ...chapters: readonly WrittenChapter[]): WrittenVolume => ({ title, chapters })
const text = (...seeds: readonly number[]) => seeds.map(seed => prose(seed)).join('\n\n')
const hanText = (...seeds: readonly number[]) => seeds.map(seed => hanProse(seed)).join('\n')

const twoChapters = () => [volume('', chapter('A', text(1, 2)), chapter('B', text(3, 4), text(5, 6)))]

const arabic =
  'كان يا ما كان في قديم الزمان رجل يسكن عند النهر.\n\nوكان له قارب صغير، يعبر به كل ليلة إلى الضفة الأخرى.'
/** A text with lines of a fixed width, whose paragraphs are parted by blank lines. */
const wrapped = Array.from({ length: 5 }, (_, i) => prose(i, 12).replace(/(.{50,60}) /g, '$1\n')).join('\n\n')

const novels: readonly [string, readonly WrittenVolume[]][] = [
  ['volumes', [volume('Part One', chapter('I', text(1, 2))), volume('Part Two', chapter('II', text(3)))]],
  ['a single volume', [volume('The River', chapter('Mist', text(1)), chapter('Ice', text(2)))]],
  ['no volumes', [volume('', chapter('Chapter 1', text(1)), chapter('Chapter 2', text(2)))]],
  [
    'a prologue before its volumes',
    [volume('', chapter('Prologue', text(1))), volume('A', chapter('B', text(2)))],
  ],
  ['a volume without chapters', [volume('One', chapter('I', text(1))), volume('Two'), volume('Three')]],
  ['one chapter', [volume('', chapter('Mist', text(1), text(2)))]],
  [
    'chapters without scenes, the name of which could be that of the number above',
    [
      volume(
        '',
        chapter('Chapter 1'),
        chapter('The Storm'),
        chapter('Chapter 2', text(1)),
        chapter('Chapter 3'),
      ),
    ],
  ],
  ['scenes without a text', [volume('', chapter('A', '', text(1), '\n \n', text(2), ''), chapter('B', ''))]],
  [
    'titles of scenes',
    [volume('', chapter('A', { title: 'Dawn', text: text(1) }, text(2), { title: 'Dusk', text: text(3) }))],
  ],
  ['no text at all', [volume('', chapter('A'), chapter('B'))]],
  [
    'Chinese, with a line for each paragraph',
    [volume('第一卷　雾', chapter('第一回　渡口', hanText(1, 2), hanText(3)))],
  ],
  [
    'Chinese, with blank lines',
    [volume('', chapter('第一章', hanText(1).replaceAll('\n', '\n\n'), hanText(2)))],
  ],
  ['Arabic', [volume('', chapter('الفصل الأول', arabic), chapter('الفصل الثاني', arabic))]],
  ['lines of a fixed width', [volume('', chapter('A', wrapped), chapter('B', wrapped))]],
  [
    'paragraphs with and without blank lines between them',
    [volume('', chapter('A', `${prose(1)}\n${prose(2)}\n\n${prose(3)}\n\n\n\n${prose(4)}\n${prose(5)}`))],
  ],
  [
    'titles that mean something elsewhere',
    [
      'Contents',
      'Cover',
      '***',
      '# A',
      '第一卷 雾 第一章 渡口',
      'A  B　C',
      '<b>&amp;',
      `${'long '.repeat(59)}long`,
    ].map(title => volume(`${title} v`, chapter(title, text(1)))),
  ],
  [
    'lines that mean something elsewhere',
    [
      volume(
        '',
        chapter(
          'Mist',
          [
            'Mist',
            'Chapter 7',
            '第一章 雾',
            '# A',
            '* * *',
            '***',
            '#',
            '\\',
            '\\# A',
            '&#xD;',
            'I',
            '- a',
            '---',
          ]
            .map(line => `${line}\n\n${prose(1, 1)}`)
            .join('\n\n'),
          'Chapter 1\nChapter 2\nChapter 3',
          '*** START OF THE PROJECT GUTENBERG EBOOK MIST ***\n\nEnd of the Project Gutenberg EBook',
          'Contents\n\nMist',
        ),
      ),
    ],
  ],
  [
    'white space and characters that nobody sees',
    [
      volume(
        '',
        chapter(
          'A',
          '\tTabs\tand  several   spaces \n\n  spaces before\n　　全角\n\u00a0no break\n\nso\u00adft, \u200b, \u2060, \ufeff.',
          '\n\n\nBlank lines before\n\n\n\n\n\n\n\n\n\n\n\n\nand after.\n\n\n',
        ),
      ),
    ],
  ],
  [
    'what XML cannot hold',
    [
      volume(
        '',
        chapter(
          'A',
          'a\0b\u0001c\ud800d\ufffee\u009ff\r\ng\rh\u2028i\u0085j ]]> <!-- & &lt; "q" \'q\' \u{10ffff}',
        ),
      ),
    ],
  ],
]

describe.each(formats)('%s is read back as it was written', (_, write) => {
  it.each(novels)('with %s', async (_, volumes) => {
    const { volumes: found, matter } = await readBack(await write(bookOf(volumes)))
    expect(found).toEqual(heldOf(volumes))
    expect(matter).toEqual([])
  })

  it.each([
    ['title, author and language', { title: '雾河渡', author: '林一舟; 陈', language: 'zh-Hant' }],
    ['markup', { title: '<The> & "River"', author: 'A & B', language: 'en-GB' }],
    ['a title that word processors give', { title: 'Document 1', author: 'User', language: 'fr' }],
  ])('with %s', async (_, facts) => {
    const { survey } = await readBack(await write(bookOf([volume('', chapter('A', text(1)))], facts)))
    expect(survey).toMatchObject(facts)
  })

  it('without an author', async () => {
    const { survey } = await readBack(await write(bookOf([volume('', chapter('A', text(1)))])))
    expect(survey).toMatchObject({ title: 'The Broken Weir', language: 'en', warnings: [] })
    expect(survey).not.toHaveProperty('author')
  })

  it('with what stands before and after its text left out', async () => {
    const book = bookOf(twoChapters(), { language: 'en' })
    const matter = {
      frontMatter: [
        { text: 'For Ann.' },
        { title: 'Copyright <2026>', text: 'All rights reserved.\n\nNo line & no word.' },
      ],
      endMatter: [{ title: 'About the author', text: '# Chapter 7\n* * *\nLives.' }],
    }
    const bytes = await write({ ...book, ...matter })
    const parts = [...(await filesOf(bytes)).values()].join('\n')
    for (const words of [
      'For Ann.',
      'Copyright &lt;2026&gt;',
      'No line &amp; no word.',
      'About the author',
      'Lives.',
    ])
      expect(parts).toContain(words)
    const { volumes: found, matter: around, survey } = await readBack(bytes)
    expect(found).toEqual(heldOf(twoChapters()))
    expect([around, survey.warnings]).toEqual([[], []])
    // Another program saved it: it is left out all the same, and told.
    const saved = zip(
      [...(await filesOf(bytes))].map(([name, content]) => ({
        name,
        content: content.replace('>Quillwork<', '>Other<'),
      })),
    )
    if (survey.kind === 'epub') return
    const again = await readBack(saved)
    expect(JSON.stringify(again.volumes)).not.toMatch(/Ann|rights|Lives/)
    expect(again.survey.warnings).toMatchObject([
      { code: 'PAGES_LEFT_OUT', pages: [{ name: 'Copyright <2026>' }, { name: 'About the author' }] },
    ])
  })

  it('whatever its text', async () => {
    await fc.assert(
      fc.asyncProperty(novel, async volumes => {
        const { volumes: found } = await readBack(await write(bookOf(volumes)))
        expect(found).toEqual(heldOf(volumes))
      }),
      { numRuns: sizeOf(40, 300) },
    )
  })
})

const hostile = [
  '',
  '   ',
  '* * *',
  '◇◇◇',
  '# A',
  '## B',
  '### C',
  '第一章 雾',
  'Chapter 1',
  '  before',
  '　　段落。',
  '\tTab\ttab',
  'a  b',
  'after  ',
  '<p>&amp;</p>',
  ']]>',
  '\\',
  '\\* * *',
  '&#x41;',
  '\0',
  '\ud800',
  '\u2029',
  'so\u00adft',
  '\u200b',
  '\ufeff',
  '\ufffe',
  'Contents',
]
const line = fc.oneof(
  fc.constantFrom(...hostile),
  fc.integer({ min: 1, max: 9 }).map(seed => prose(seed, 1)),
  fc.string({ maxLength: 30, unit: 'binary' }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 8 }).map(codes => String.fromCharCode(...codes)),
)
const lineEnd = fc.constantFrom('\n', '\n', '\n\n', '\n\n\n', '\r\n', '\r')
const sceneText = fc
  .array(fc.tuple(line, lineEnd), { maxLength: 12 })
  .map(lines => lines.map(([words, end]) => words + end).join(''))
const scene = fc.oneof(
  sceneText,
  fc.record({ title: fc.constantFrom('Dawn', '# Dusk', '* * *', '夜'), text: sceneText }),
)
const name = fc.constantFrom('Chapter', '第一章 雾', 'Contents', '***', '# &', 'The Storm')
const novel = fc
  .array(fc.array(fc.tuple(name, fc.array(scene, { maxLength: 4 })), { maxLength: 4 }), { maxLength: 3 })
  .map(volumes =>
    volumes.map((chapters, v) =>
      volume(`${v} volume`, ...chapters.map(([title, scenes], c) => chapter(`${title} ${c}`, ...scenes))),
    ),
  )
