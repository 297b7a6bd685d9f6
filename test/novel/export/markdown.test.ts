import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Book, BookPart } from '../../../src/novel/export/book.ts'
import { writeMarkdown } from '../../../src/novel/export/markdown.ts'
import { longestImportedScene } from '../../../src/novel/library/drafts.ts'
import { measure } from '../../../src/novel/words.ts'
import { withoutControls } from '../../../src/task/controls.ts'
import { sizeOf } from '../../size.ts'
import { bookOf, chapterOf, fileOf, imported } from './round-trip.ts'

/** Writes a book and expects the import to read the same. Returns the file. */
async function expectExact(book: Book, parts: readonly BookPart[]): Promise<string> {
  const file = await fileOf(writeMarkdown, book)
  const read = await imported(file)
  expect(read.parts).toEqual(parts)
  const { title, author, language } = book
  expect(read.book).toMatchObject({ title })
  expect([read.book.author, read.book.language]).toEqual([author, language])
  expect(file.equals(await fileOf(writeMarkdown, read.book))).toBe(true)
  return file.toString()
}

const hostile = [
  '',
  '\n',
  '\n\n\n',
  ' ',
  '\t',
  ' \n ',
  '\n text',
  '\n\ntext',
  'text\n',
  'text\n\n\n',
  '  text  ',
  '\ttext\t\n\ttext',
  'a\nb',
  'a\n\nb',
  'a\n\n\n\n\n\n\n\n\n\n\n\n\n\n\nb',
  'a\nb\n\nc\n\n\nd',
  'a\r\nb\r\n\r\nc',
  'a\rb\r',
  '\r',
  'a\u2028b\u2029c\u0085d\fe\vf',
  '\u001a\u001b[31m\u0007\u007f',
  'a\ufeffb',
  '\ufeff',
  '\ufffd',
  '# a',
  '## a',
  '### a',
  '#### a',
  '#',
  '##',
  '###',
  '#a',
  ' # a',
  '\\# a',
  '\\\\# a',
  '\\',
  '\\\\',
  '\\a',
  '\\\n\\\n',
  'a\n\\\nb',
  'a\n# b\nc\n## d',
  '* * *',
  '\\* * *',
  '* * * ',
  '***',
  'a\n* * *\nb',
  '---',
  '---\nquillwork: 1\ntitle: "Another"\n---\n\n# a\n',
  'a\n===\nb\n---',
  '```\n# a\n```',
  '~~~ js',
  'Chapter 12',
  '第十二章 雾',
  'Chapter 1\n\nText.\n\nChapter 2\n\nText.',
  '*** START OF THE PROJECT GUTENBERG EBOOK X ***\n\na',
  '&#xD;',
  '&#x26;#xD;',
  '&amp;#xD;&#xd;&#13;&',
  '&#x0;&#xD800;&#x110000;&#x10FFFF;&#xFFFFFF;&#x;',
  '&#x\r',
  '\\\r',
  '#\r# a\r',
  'a\r# b',
  '𝄞😀字',
  `${'a'.repeat(16_384)}\n`,
  `${'a'.repeat(16_380)}&#xD;${'\r'.repeat(9)}`,
  `# ${'a'.repeat(40_000)}`,
  `\\# ${'a'.repeat(40_000)}`,
  `${'\\'.repeat(40_000)}# a`,
  `\\* * *${' '.repeat(40_000)}a`,
  `* * *${' '.repeat(40_000)}`,
  `## ${'a'.repeat(990)}\n## ${'a'.repeat(1_000)}`,
  'x\n'.repeat(40_000),
  `${'A sentence. '.repeat(10_000)}\n\n`.repeat(3),
] as const

const titles = [
  '',
  ' ',
  'Chapter 12',
  '第一章　学徒',
  ' spaced  out ',
  '# a',
  '#',
  '\\# a',
  'a #',
  '* * *',
  '&#x41;',
  '"quoted" \\ \'too\': # yes',
  '---',
  'title: other',
] as const

describe('a book that was exported as Markdown', () => {
  it.each(hostile.map(text => [JSON.stringify(text).slice(0, 60), text] as const))(
    'is the same when it is imported: %s',
    async (_, text) => {
      const scene = { kind: 'scene', content: text } as const
      const parts: BookPart[] = [
        ...chapterOf(text, text, 'between', text),
        { kind: 'chapter', title: 'Two' },
        { kind: 'scene', title: 'Titled', content: text },
        scene,
        { kind: 'scene', title: 'Again', content: text },
        { kind: 'scene', title: 'And again', content: '' },
        { kind: 'chapter', title: 'Three' },
        { kind: 'volume', title: '' },
        { kind: 'chapter', title: '' },
        scene,
      ]
      await expectExact(bookOf(parts), parts)
      // Lines of prose decide how paragraphs are separated.
      const lines = [...chapterOf('a\n'.repeat(100)), scene, ...parts]
      await expectExact(bookOf(lines), lines)
    },
  )

  it.each(titles)('keeps its titles: %j', async title => {
    const parts: BookPart[] = [
      { kind: 'volume', title },
      { kind: 'chapter', title },
      { kind: 'scene', content: 'a' },
      { kind: 'scene', ...(title !== '' && { title }), content: 'b' },
      { kind: 'volume', title },
      { kind: 'volume', title: 'Without chapters' },
      { kind: 'chapter', title },
    ]
    const named = title.trim() || 'The Book'
    await expectExact(bookOf(parts, { title: named, author: named, language: 'zh-Hant-TW' }), parts)
  })

  it.each<[string, BookPart[]]>([
    ['nothing', []],
    ['a volume without a title', [{ kind: 'volume', title: '' }]],
    [
      'volumes without a title',
      [
        { kind: 'volume', title: '' },
        { kind: 'volume', title: '' },
        { kind: 'chapter', title: 'a' },
      ],
    ],
    [
      'a chapter without scenes',
      [
        { kind: 'volume', title: '' },
        { kind: 'chapter', title: 'a' },
      ],
    ],
  ])('may have %s', async (_, parts) => {
    await expectExact(bookOf(parts), parts)
  })

  it('is the same, whatever its texts are', async () => {
    const line = fc.oneof(
      fc.constantFrom('', '', ' ', '\t', ...hostile.filter(text => text.length < 40)),
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc
        .tuple(fc.constantFrom('#', '## ', '\\', '* * *', '&#x', '\r'), fc.string())
        .map(both => both.join('')),
    )
    const end = fc.constantFrom('\n', '\n', '\n\n', '\r\n', '\r', '\u2028')
    const text = fc
      .array(fc.tuple(line, end), { maxLength: 8 })
      .chain(lines => line.map(last => lines.flat().join('') + last))
      .map(whole => whole.replaceAll('\0', ''))
    const title = fc
      .oneof(fc.constantFrom(...titles), fc.string({ unit: 'binary', maxLength: 20 }))
      .map(withoutControls)
    const scene = fc.record({ title: fc.option(title), content: text }).map(
      (made): BookPart => ({
        kind: 'scene',
        content: made.content,
        ...(made.title && { title: made.title }),
      }),
    )
    const chapter = fc
      .tuple(title, fc.array(scene, { maxLength: 4 }))
      .map(([name, scenes]): BookPart[] => [{ kind: 'chapter', title: name }, ...scenes])
    const volume = fc
      .tuple(title, fc.array(chapter, { maxLength: 3 }))
      .map(([name, chapters]): BookPart[] => [{ kind: 'volume', title: name }, ...chapters.flat()])
    const about = fc.tuple(title, title, fc.constantFrom('en', 'zh', 'pt-BR'))
    await fc.assert(
      fc.asyncProperty(
        fc.array(volume, { maxLength: 3 }),
        about,
        async (volumes, [name, author, language]) => {
          const parts = volumes.flat()
          const own = { title: name.trim() || 'Untitled', ...(author !== '' && { author, language }) }
          await expectExact(bookOf(parts, own), parts)
        },
      ),
      { numRuns: sizeOf(150, 3_000) },
    )
  })

  it('reads well: a novel needs no escapes', async () => {
    const parts: BookPart[] = [
      ...chapterOf('The scales stood.\n\n“No,” he said; and & then 2 * 3 > 5_000 #7.', 'By noon, rain.'),
      { kind: 'scene', title: 'The ledger', content: 'Nobody had counted.' },
      { kind: 'chapter', title: 'Chapter 2: Rain' },
      { kind: 'scene', content: 'It rained.' },
    ]
    const book = bookOf(parts, { title: 'Salt "and" Rain', author: 'Ann Reed', language: 'en' })
    expect(await expectExact(book, parts)).toBe(`---
quillwork: 1
title: "Salt \\"and\\" Rain"
author: "Ann Reed"
language: "en"
---

# One

## Chapter 1

The scales stood.

“No,” he said; and & then 2 * 3 > 5_000 #7.

* * *

By noon, rain.

### The ledger

Nobody had counted.

## Chapter 2: Rain

It rained.
`)
  })

  it('shows each line as a paragraph where no blank lines separate them', async () => {
    const parts: BookPart[] = [
      { kind: 'volume', title: '' },
      { kind: 'chapter', title: '第一章' },
      { kind: 'scene', content: '　　雾起。\n　　“谁？”\n　　无人应。' },
      { kind: 'scene', content: '　　雨。' },
    ]
    expect(await expectExact(bookOf(parts, { title: '雾河渡', language: 'zh' }), parts)).toBe(`---
quillwork: 1
title: "雾河渡"
language: "zh"
line-ends: doubled
---

## 第一章

　　雾起。

　　“谁？”

　　无人应。

* * *

　　雨。
`)
  })

  it('writes U+FFFD for what no library holds', async () => {
    const file = await fileOf(writeMarkdown, bookOf(chapterOf('a\0b\ud800c\udc00', '\ud83d\ude00')))
    expect((await imported(file)).parts.slice(2)).toEqual([
      { kind: 'scene', content: 'a\ufffdb\ufffdc\ufffd' },
      { kind: 'scene', content: '😀' },
    ])
  })

  it('has in its preview what the import reads, and no warnings', async () => {
    const parts = [...chapterOf('One two.\n\n3', ''), { kind: 'chapter', title: 'Chapter 5' } as const]
    const { survey } = await imported(await fileOf(writeMarkdown, bookOf(parts)))
    const { characters, words } = measure('One two.\n\n3')
    expect(survey).toMatchObject({
      kind: 'text',
      volumes: [
        {
          title: 'One',
          chapters: [
            { title: 'Chapter 1', characters, words },
            { title: 'Chapter 5', characters: 0, words: 0 },
          ],
        },
      ],
      warnings: [],
    })
  })

  it('is imported in part as well', async () => {
    const parts = [1, 2, 3].flatMap(n => [
      { kind: 'volume', title: `V${n}` } as const,
      ...[1, 2].flatMap(m => [
        { kind: 'chapter', title: `${n}.${m}` } as const,
        { kind: 'scene', content: `${n}.${m}` } as const,
      ]),
    ])
    const file = await fileOf(writeMarkdown, bookOf(parts))
    const some = async (...chapters: number[]) =>
      (await imported(file, 'a.md', chapters)).parts.map(part =>
        'title' in part ? part.title : part.content,
      )
    expect(await some(1, 4, 5)).toEqual(['V1', '1.2', '1.2', 'V3', '3.1', '3.1', '3.2', '3.2'])
    expect(await some(2)).toEqual(['V2', '2.1', '2.1'])
    await expect(some(6)).rejects.toMatchObject({ code: 'CHAPTER_NOT_FOUND' })
  })
})

describe('bounds of an exported file', () => {
  const head = '---\nquillwork: 1\n---\n\n'
  it('a scene has a longest length, which is read whole', async () => {
    const longest = chapterOf('a '.repeat(longestImportedScene / 2))
    await expectExact(bookOf(longest), longest)
    for (const text of ['a'.repeat(longestImportedScene + 1), `a${'\n'.repeat(longestImportedScene)}b`])
      await expect(imported(`${head}## a\n\n${text}\n`)).rejects.toMatchObject({
        code: 'FILE_LIMIT_EXCEEDED',
        details: { bound: 'sceneLength' },
      })
  })

  it('there are at most 50,000 headings', async () => {
    const chapters = (count: number) => `${head}# a\n${'##\n'.repeat(count)}`
    expect((await imported(chapters(49_999))).parts).toHaveLength(50_000)
    await expect(imported(chapters(50_000))).rejects.toMatchObject({
      code: 'FILE_LIMIT_EXCEEDED',
      details: { bound: 'headings', limit: 50_000 },
    })
  })
})
