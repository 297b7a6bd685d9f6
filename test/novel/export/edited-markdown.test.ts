import { describe, expect, it } from 'vitest'
import type { BookPart } from '../../../src/novel/export/book.ts'
import { writeMarkdown } from '../../../src/novel/export/markdown.ts'
import { bookOf, chapterOf, fileOf, imported, textsOf } from './round-trip.ts'

const parts: BookPart[] = [
  ...chapterOf('The scales stood.\n\nIt was noon.', 'Rain.'),
  { kind: 'chapter', title: 'Chapter 2' },
  { kind: 'scene', title: 'The ledger', content: 'Nobody had counted.' },
]
const book = bookOf(parts, { title: 'Salt', author: 'Ann Reed', language: 'en' })
const exported = async () => (await fileOf(writeMarkdown, book)).toString()
const head = '---\nquillwork: 1\ntitle: "Salt"\n---\n'

describe('an exported file that an author edited', () => {
  it.each<[string, (file: string) => string]>([
    ['with other line ends', file => file.replaceAll('\n', '\r\n')],
    ['with a byte order mark', file => `\ufeff${file}`],
    ['with fields in another order', file => file.replace(/(quillwork: 1\n)(title: .*\n)/, '$2$1')],
    ['without blank lines around headings', file => file.replace(/\n+(#.*)\n+/g, '\n$1\n')],
    ['with a value in single quotes', file => file.replace('"Salt"', "'Salt'")],
    ['with a value without quotes', file => file.replace('"Salt"', ' Salt ')],
    ['with a field that nobody knows', file => file.replace('title:', 'tags: [a, b]\ntitle:')],
    ['without the last line end', file => file.trimEnd()],
  ])('is the same %s', async (_, edit) => {
    const read = await imported(edit(await exported()))
    expect(read.parts).toEqual(parts)
    expect(read.book).toMatchObject({ title: 'Salt', author: 'Ann Reed', language: 'en' })
  })

  it('is the same as UTF-16', async () => {
    const file = Buffer.from(`\ufeff${await exported()}`, 'utf16le')
    expect((await imported(file)).parts).toEqual(parts)
  })

  it.each<[string, (file: string) => string, [string, ...string[]][]]>([
    [
      'a paragraph',
      file => file.replace('It was noon.', 'A cart came.\n\nIt was noon.'),
      [
        ['Chapter 1', 'The scales stood.\n\nA cart came.\n\nIt was noon.', 'Rain.'],
        ['Chapter 2', 'Nobody had counted.'],
      ],
    ],
    [
      'no first chapter any more',
      file => file.replace(/## Chapter 1[\s\S]*(?=## Chapter 2)/, ''),
      [['Chapter 2', 'Nobody had counted.']],
    ],
    [
      'a scene whose text is gone',
      file => file.replace('The scales stood.\n\nIt was noon.', '\n\n'),
      [
        ['Chapter 1', 'Rain.'],
        ['Chapter 2', 'Nobody had counted.'],
      ],
    ],
    [
      'another chapter',
      file => `${file}\n## Chapter 3\n\nThe end.\n\n* * *\n\nReally.`,
      [
        ['Chapter 1', 'The scales stood.\n\nIt was noon.', 'Rain.'],
        ['Chapter 2', 'Nobody had counted.'],
        ['Chapter 3', 'The end.', 'Really.'],
      ],
    ],
    [
      'text above the first chapter of a volume',
      file => file.replace('# One\n', '# One\n\nFor Ben.\n'),
      [
        ['One', 'For Ben.'],
        ['Chapter 1', 'The scales stood.\n\nIt was noon.', 'Rain.'],
        ['Chapter 2', 'Nobody had counted.'],
      ],
    ],
  ])('may have %s', async (_, edit, chapters) => {
    const read = await imported(edit(await exported()))
    expect(textsOf(read.parts)).toEqual(chapters.map(([title, ...texts]) => ({ title, texts })))
  })

  it('has paragraphs by single line ends where they are doubled, however many blank lines there are', async () => {
    const chinese = chapterOf('　　雾起。\n　　雨。')
    const file = (await fileOf(writeMarkdown, bookOf(chinese))).toString()
    expect(file).toContain('line-ends: doubled')
    const read = await imported(file.replace('　　雨', '　　风。\n　　霜。\n\n\n　　雨'))
    expect(textsOf(read.parts)[0]?.texts).toEqual(['　　雾起。\n　　风。\n　　霜。\n　　雨。'])
  })

  it('takes title and first chapter from the file name where they are gone', async () => {
    const { book: read, parts: found } = await imported(
      '---\nquillwork: 1\n---\n\nText.\n',
      'salt_and-rain.md',
    )
    expect(read.title).toBe('salt and rain')
    expect(found).toEqual([
      { kind: 'volume', title: '' },
      { kind: 'chapter', title: 'salt and rain' },
      { kind: 'scene', content: 'Text.' },
    ])
  })

  it('lets no controls into titles, and neither NUL nor half surrogate pairs into texts', async () => {
    const { book: read, parts: found } = await imported(
      '---\nquillwork: 1\ntitle: "a\\u202eb\\u0000\\n c"\n---\n## d&#x1B;[1m&#xA;e\n\n&#x0;&#xDC00;&#x1B;\n',
    )
    expect(read.title).toBe('ab c')
    expect(found.slice(1)).toEqual([
      { kind: 'chapter', title: 'd[1m e' },
      { kind: 'scene', content: '&#x0;&#xDC00;\u001b' },
    ])
  })
})

describe('front matter', () => {
  it.each(['2', '17', '"3"'])('of a later version is refused: %s', async version => {
    const refused = imported(head.replace('1', version))
    await expect(refused).rejects.toMatchObject({
      code: 'FILE_KIND_UNSUPPORTED',
      message: expect.stringMatching(/later version of Quillwork.*this one reads 1.*take the line/),
    })
  })

  it.each([
    ['of another program', head.replace('1', 'notes')],
    ['without a number', head.replace('1', '')],
    ['with a number that is none', head.replace('1', '0.5')],
    ['without an end', head.replace(/---\n$/, '')],
    ['below a line', `\n${head}`],
  ])('%s leaves a file to be read as any other', async (_, start) => {
    const { survey } = await imported(`${start}\n# Salt\n\n## Chapter 1\n\nText. \n\n## Chapter 2\n\nText.\n`)
    expect(survey.plan.exported).toBeUndefined()
    expect(survey.volumes.at(-1)?.chapters.at(-1)?.title).toBe('Chapter 2')
  })
})
