import { describe, expect, it } from 'vitest'
import { importBounds } from '../../../src/novel/import/bounds.ts'
import { encode } from './encoders.ts'
import { hanProse, prose, read } from './reading.ts'

const head = (fonts = '{\\f0\\froman\\fcharset0 Times;}', page = 1252) =>
  `{\\rtf1\\ansi\\ansicpg${page}\\deff0{\\fonttbl${fonts}}{\\colortbl;\\red0\\green0\\blue0;}`
const styles =
  '{\\stylesheet{\\s0 Normal;}{\\s1\\outlinelevel0\\b heading 1;}{\\s2\\sbasedon1\\outlinelevel1 Kapitel;}{\\s7 Title;}{\\*\\cs9 Emphasis;}}'
const rtf = (body: string, before = '') => Buffer.from(`${head()}${styles}${before}\n${body}}`, 'latin1')
const p = (text: string, style = 0) => `\\pard\\plain\\s${style}{${text}}\\par\n`
const text = (...seeds: readonly number[]) => seeds.map(seed => p(prose(seed))).join('')
/** The bytes of a text in an encoding, as RTF writes them. */
const hex = (words: string, encoding: string) =>
  [...encode(words, encoding)].map(byte => `\\'${byte.toString(16).padStart(2, '0')}`).join('')
const unicode = (words: string) => words.replace(/[\s\S]/g, unit => `\\u${(unit.charCodeAt(0) << 16) >> 16}?`)

describe('the chapters of an RTF file', () => {
  it.each<[string, string, Record<string, string[]>]>([
    [
      'by styles',
      p('The Book', 7) + [1, 2].map(n => p(`Night ${n}`, 1) + text(n, n + 1)).join(''),
      { '': ['Night 1', 'Night 2'] },
    ],
    [
      'by two levels',
      ['One', 'Two']
        .map(part => p(`Part ${part}`, 1) + [1, 2].map(n => p(`Night ${n}`, 2) + text(n)).join(''))
        .join(''),
      { 'Part One': ['Night 1', 'Night 2'], 'Part Two': ['Night 1', 'Night 2'] },
    ],
    [
      'by outline levels',
      `\\pard\\outlinelevel0 Alpha\\par\n${text(1)}\\pard\\outlinelevel0 Beta\\par\n${text(2)}`,
      { '': ['Alpha', 'Beta'] },
    ],
    [
      'by their lines',
      p('Chapter 1') + text(1) + p('Chapter 2: Rain') + text(2),
      { '': ['Chapter 1', 'Chapter 2: Rain'] },
    ],
    [
      'by their lines in Chinese',
      [1, 2].map(n => p(unicode(`第${n}章 ${'雾潮'[n - 1]}`)) + p(unicode(hanProse(n)))).join(''),
      { '': ['第1章 雾', '第2章 潮'] },
    ],
  ])('%s', async (_, body, outline) => {
    const found = await read(rtf(body), 'the-book.txt')
    expect(found.outline).toEqual(outline)
    expect(found.survey).toMatchObject({
      kind: 'rtf',
      encoding: { name: 'windows-1252', confidence: 1 },
      warnings: [],
    })
    expect(found.survey.title.toLowerCase()).toBe('the book')
  })
})

describe('the text of an RTF file', () => {
  it.each<[string, string, string]>([
    ['characters that have a meaning in RTF', 'a \\{b\\} c\\\\d\\par', 'a {b} c\\d'],
    [
      'line ends of the file as nothing, and those behind a backslash as its own',
      'a\nb \\\nc\\par',
      'ab\n\nc',
    ],
    ['control words with numbers and blanks', '\\b0 a\\i  b\\fs24c\\par', 'a bc'],
    [
      'dashes, quotation marks, tabs and line breaks',
      '\\ldblquote a\\rdblquote\\emdash b\\tab c\\line d\\~e\\_f\\-g\\par',
      '“a”—b\tc\nd\u00a0e-fg',
    ],
    [
      'characters by number, without what stands for them elsewhere',
      "\\u228 ?\\uc2\\u8212\\'96\\'96{\\uc0\\u8230}.\\u-10179??\\u-8704??\\par",
      'ä—….😀',
    ],
    ['no half of a pair', '\\uc0 a\\u-10179 b\\par', 'a�b'],
    [
      'no fonts, pictures, fields, notes and comments',
      `a{\\pict\\wmetafile8 0102ff}{\\field{\\*\\fldinst HYPERLINK "x"}{\\fldrslt  link}}{\\footnote note {\\b x}}{\\*\\annotation x}{\\header x}{\\*\\unknown{\\b x} y} b\\par`,
      'a link b',
    ],
    ['no bytes of pictures, whatever they look like', 'a{\\pict\\bin5 }}{{\\}b\\par', 'ab'],
    [
      'no hidden and no deleted text',
      'a{\\v hidden}{\\deleted gone} b\\v x\\v0  c\\v x\\plain  d\\par',
      'a b c d',
    ],
    ['no numbers of lists', '{\\listtext 1.\\tab}a\\par{\\pntext 2.}b\\par', 'a\n\nb'],
    ['tables', 'a\\cell b\\cell\\row c\\par', 'a\tb\n\nc'],
    ['the last paragraph, though nothing ends it', 'a\\par b', 'a\n\nb'],
    ['marks of Markdown as they are', '# a\\par ```\\par', '# a\n\n```'],
  ])('has %s', async (_, body, expected) => {
    expect((await read(rtf(body))).chapters).toEqual([[expected]])
  })

  it.each([
    ['gb18030', 134, 1252, '渡口的灯'],
    ['gb18030', 0, 936, '渡口的灯'],
    ['big5', 136, 950, '渡口的燈'],
    ['shift_jis', 128, 1252, '渡し場ソ表'],
    ['windows-1251', 204, 1252, 'Река'],
    ['windows-1252', 0, 1252, 'Été “œuvre”'],
  ])(
    'is read in %s by the charset %i of its font and the code page %i',
    async (encoding, charset, page, words) => {
      const file = `${head(`{\\f0\\fcharset0 A;}{\\f1\\fcharset${charset} {\\*\\falt B}B;}`, page)}{\\f1 ${hex(words, encoding)}}\\par}`
      expect((await read(Buffer.from(file, 'latin1'))).chapters).toEqual([[words]])
      // Some write the bytes themselves.
      const raw = Buffer.concat([
        Buffer.from(`${head(`{\\f1\\fcharset${charset} B;}`, page)}{\\f1 `),
        encode(words, encoding),
        Buffer.from('}\\par}'),
      ])
      if (!['big5', 'shift_jis'].includes(encoding)) expect((await read(raw)).chapters).toEqual([[words]])
    },
  )

  it('is parted into scenes by pages, sections and marks', async () => {
    const { chapters } = await read(
      rtf(`\\page ${p('Alpha', 1)}${text(1)}\\page ${text(2)}\\sect ${text(3)}${p('***')}${text(4)}`),
    )
    expect(chapters.map(scenes => scenes.length)).toEqual([4])
  })

  it('takes the encoding that is named for what says none', async () => {
    const file = Buffer.from(`{\\rtf1\\ansi ${hex('Река текла.', 'windows-1251')}\\par}`)
    const { survey, chapters } = await read(file, 'a.rtf', 'windows-1251')
    expect([survey.encoding.name, chapters]).toEqual(['windows-1251', [['Река текла.']]])
  })

  it('has its title and author beside it, and tells of its notes', async () => {
    const info =
      '{\\info{\\title The {\\b W}eir}{\\author Ann \\u196?}{\\author Twice}{\\operator Bo}{\\creatim\\yr2026}{\\doccomm x}}'
    const { survey, chapters } = await read(rtf('a{\\footnote x} b\\par', info))
    expect(survey).toMatchObject({
      title: 'The Weir',
      author: 'Ann Ä',
      warnings: [{ code: 'NO_HEADINGS' }, { code: 'NOTES_LEFT_OUT', count: 1 }],
    })
    expect(chapters).toEqual([['a b']])
    const unicode = "{\\info{\\upr{\\title \\'3f}{\\*\\ud{\\title \\u-28626\\'3f}}}{\\author Ann}}"
    expect((await read(rtf('a\\par', unicode))).survey).toMatchObject({ title: '\u902e', author: 'Ann' })
  })
})

describe('a hostile RTF file', () => {
  it.each<[string, string]>([
    ['groups', '{'.repeat(600)],
    ['fonts', `{\\fonttbl${Array.from({ length: 20_001 }, (_, n) => `{\\f${n}\\fcharset134 A;}`).join('')}}`],
    ['styles', `{\\stylesheet${Array.from({ length: 20_001 }, (_, n) => `{\\s${n} heading 1;}`).join('')}}`],
  ])('is refused with the bound: too many %s', async (_, body) => {
    await expect(read(rtf(body))).rejects.toMatchObject({ code: 'FILE_LIMIT_EXCEEDED' })
  })

  it.each<[string, string]>([
    ['ends of groups', '}'.repeat(1_000)],
    ['half a number', "a\\'"],
    ['no number', "a\\'zz\\u"],
    ['a control word without end', `a\\${'b'.repeat(100_000)}`],
    ['a number without end', `a\\u${'9'.repeat(100_000)}`],
    ['more bytes than the file has', 'a\\bin999999999 '],
    ['more characters for others than the file has', 'a\\uc2000000000\\u97 '],
  ])('is read as far as it goes: %s', async (_, body) => {
    const { chapters } = await read(rtf(body))
    expect(chapters.flat().join().length).toBeLessThan(100_100)
  })

  it.each(['{\\b ', '{}', '\\par ', "\\'e4", '\\u228?', '\\page ', '{\\*\\x '])(
    'is read or refused in linear time: 1 MB of %s',
    async unit => {
      const start = process.cpuUsage()
      const answer = await read(rtf(unit.repeat(Math.ceil(1_000_000 / unit.length)))).catch(
        (error: unknown) => error,
      )
      const { user, system } = process.cpuUsage(start)
      expect(user + system).toBeLessThan(8_000_000)
      if (answer instanceof Error)
        expect(answer).toMatchObject({
          code: 'FILE_LIMIT_EXCEEDED',
          details: { bound: 'xmlDepth', limit: importBounds.xmlDepth },
        })
    },
    60_000,
  )
})
