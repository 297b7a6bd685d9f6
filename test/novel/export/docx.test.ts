import { beforeAll, describe, expect, it } from 'vitest'
import type { Book, BookLayout } from '../../../src/novel/export/book.ts'
import { writeDocx } from '../../../src/novel/export/docx.ts'
import { importBounds } from '../../../src/novel/import/bounds.ts'
import { XmlReader } from '../../../src/novel/import/xml.ts'
import { hanProse, prose, read } from '../import/reading.ts'
import { zip } from '../import/zip-writer.ts'
import { bookOf, chaptersOf, filesOf, written } from './written.ts'

const partsOf = async (book: Book, layout: BookLayout = 'book') =>
  filesOf(await written(writeDocx, book, { layout }))

/** Attributes of the elements of a name. */
function elements(xml: string, name: string): Readonly<Record<string, string>>[] {
  const found: Readonly<Record<string, string>>[] = []
  const reader = new XmlReader(
    { name: 'part', bounds: importBounds },
    {
      open(each, attributes) {
        if (each === name) found.push({ ...attributes })
      },
    },
  )
  reader.push(xml.replace(/^<\?xml[^>]*\?>/, ''))
  reader.end()
  expect(reader.faults).toBe(0)
  return found
}

/** A paragraph as its style and its text: tabs and line breaks as in a text. */
function paragraphs(xml: string): string[] {
  return (
    xml.match(/<w:p>.*?<\/w:p>/gs)?.map(each => {
      const style = /<w:pStyle w:val="(\w+)"/.exec(each)?.[1] ?? ''
      const text = each
        .replaceAll('<w:tab/>', '\t')
        .replaceAll('<w:br/>', '\n')
        .replace(/<[^>]*>/g, '')
      return `${style}: ${text}`
    }) ?? []
  )
}

const novel = bookOf(
  [
    {
      title: 'Part One',
      chapters: [
        {
          title: 'Mist & Ice',
          scenes: [
            'One.\n\nTwo\ttabbed,  spaced.\n\n\n\nThree.\nFour.',
            { title: 'Dawn', text: 'Five.' },
            'Six.\n\n◇◇◇\n\nSeven.',
          ],
        },
      ],
    },
  ],
  { author: 'Ada <Quill>', language: 'en' },
)

describe('a Word document', () => {
  let parts: Map<string, string>
  beforeAll(async () => {
    parts = await partsOf(novel)
  })

  it('consists of parts that are all declared, well-formed and there', () => {
    const types = elements(parts.get('[Content_Types].xml') ?? '', 'Override').map(each => each['PartName'])
    const inner = [...parts.keys()].filter(name => name !== '[Content_Types].xml' && !name.endsWith('.rels'))
    expect(types.toSorted()).toEqual(inner.map(name => `/${name}`).toSorted())
    for (const [list, folder] of [
      ['_rels/.rels', ''],
      ['word/_rels/document.xml.rels', 'word/'],
    ] as const)
      for (const { Target = '' } of elements(parts.get(list) ?? '', 'Relationship'))
        expect(inner).toContain(folder + Target)
    for (const xml of parts.values()) elements(xml, '')
    expect([...parts.keys()][0]).toBe('[Content_Types].xml')
  })

  it('has a paragraph for each one of the text, with spaces, tabs and blank lines as the author has them', () => {
    const xml = parts.get('word/document.xml') ?? ''
    expect(paragraphs(xml)).toEqual([
      'Title: The Broken Weir',
      'Author: Ada &lt;Quill&gt;',
      'Heading1: Part One',
      'Heading2: Mist &amp; Ice',
      'BodyText: One.',
      'BodyText: Two\ttabbed,  spaced.',
      'BodyText: ',
      'BodyText: ',
      'TextLine: Three.',
      'BodyText: Four.',
      'Heading3: Dawn',
      'BodyText: Five.',
      'SceneBreak: * * *',
      'BodyText: Six.',
      'BodyText: ◇◇◇',
      'BodyText: Seven.',
    ])
    expect(elements(xml, 'w:t').every(each => each['xml:space'] === 'preserve')).toBe(true)
  })

  it('has the styles that it uses, and begins volumes and chapters on a new page', () => {
    const styles = parts.get('word/styles.xml') ?? ''
    const ids = elements(styles, 'w:style').map(each => each['w:styleId'])
    for (const { 'w:val': id } of elements(parts.get('word/document.xml') ?? '', 'w:pStyle'))
      expect(ids).toContain(id)
    const newPages = styles.match(/<w:style [^>]*>(?:(?!<\/w:style>).)*pageBreakBefore/gs)
    expect(newPages?.map(each => /styleId="(\w+)"/.exec(each)?.[1])).toEqual([
      'MatterTitle',
      'Heading1',
      'Heading2',
    ])
    expect(elements(styles, 'w:lang')).toEqual([{ 'w:val': 'en-US' }])
  })

  it('tells its title, author, language, dates and program', () => {
    const core = parts.get('docProps/core.xml') ?? ''
    expect(core).toContain('<dc:title>The Broken Weir</dc:title><dc:creator>Ada &lt;Quill&gt;</dc:creator>')
    expect(core).toContain('<dc:language>en</dc:language>')
    expect(core.match(/2026-02-03T04:05:06Z/g)).toHaveLength(2)
    expect(parts.get('docProps/app.xml')).toContain('<Application>Quillwork</Application>')
  })

  it('has line breaks within a paragraph only where the text is wrapped', async () => {
    const lines = prose(1, 30).replace(/(.{50,60}) /g, '$1\n')
    const book = chaptersOf([{ title: 'A', scenes: [`${lines}\n\n${lines}`] }])
    const found = paragraphs((await partsOf(book)).get('word/document.xml') ?? '')
    expect(found.slice(-2)).toEqual([`BodyText: ${lines}`, `BodyText: ${lines}`])
  })
})

describe('the languages of a Word document', () => {
  const hebrew = 'היה היה פעם איש שגר ליד הנהר, והייתה לו סירה קטנה.'
  const cases = [
    ['zh', hanProse(1), { 'w:eastAsia': 'zh-CN' }, 'SimSun'],
    ['zh-Hant', hanProse(1), { 'w:eastAsia': 'zh-TW' }, 'PMingLiU'],
    ['ja', 'むかし、川のほとりに男が住んでいた。', { 'w:eastAsia': 'ja-JP' }, 'MS Mincho'],
    ['ko', '옛날 옛적에 강가에 한 남자가 살았다.', { 'w:eastAsia': 'ko-KR' }, 'Batang'],
    ['he', hebrew, { 'w:bidi': 'he-IL' }, 'SimSun'],
    ['fr', 'Il était une fois un homme au bord de la rivière.', { 'w:val': 'fr-FR' }, 'SimSun'],
  ] as const

  it.each(cases)('%s', async (language, text, lang, font) => {
    const parts = await partsOf(chaptersOf([{ title: 'A', scenes: [text] }], { language }))
    const styles = parts.get('word/styles.xml') ?? ''
    expect(elements(styles, 'w:lang')).toEqual([lang])
    expect(elements(styles, 'w:rFonts')[0]?.['w:eastAsia']).toBe(font)
    const isRightToLeft = language === 'he'
    expect(styles.includes('<w:pPr><w:bidi/></w:pPr><w:rPr><w:rtl/></w:rPr>')).toBe(isRightToLeft)
    expect(parts.get('word/document.xml')?.includes('<w:bidi/></w:sectPr>')).toBe(isRightToLeft)
  })

  it('are found in the text where the novel does not say them', async () => {
    const parts = await partsOf(chaptersOf([{ title: 'A', scenes: [hebrew] }], { title: 'נהר' }))
    expect(parts.get('word/styles.xml')).toContain('<w:bidi/>')
    expect(parts.get('word/styles.xml')).not.toContain('<w:lang')
    expect(parts.get('docProps/core.xml')).not.toContain('dc:language')
  })

  it('are ignored where they are none', async () => {
    const book = chaptersOf([{ title: 'A', scenes: [prose(1)] }], { language: 'in English' })
    expect((await partsOf(book)).get('docProps/core.xml')).toContain('<dc:language>en</dc:language>')
  })

  it('indent a paragraph once, where its author did not', async () => {
    const book = chaptersOf([{ title: '第一章', scenes: ['　　老人。\n渡船。'] }])
    const xml = (await partsOf(book)).get('word/document.xml') ?? ''
    expect(xml).toContain(
      '<w:ind w:firstLineChars="0" w:firstLine="0"/></w:pPr><w:r><w:t xml:space="preserve">　　老人。',
    )
    expect(xml).toContain('<w:pStyle w:val="BodyText"/></w:pPr><w:r><w:t xml:space="preserve">渡船。')
  })
})

describe('a manuscript', () => {
  const words = (count: number) => 'word '.repeat(count)
  const manuscript = (count: number, facts: Partial<Book> = { author: 'Ada Quill' }) =>
    partsOf(chaptersOf([{ title: 'Mist', scenes: [words(count), 'End.'] }], facts), 'manuscript')

  it('has the title page, header, marks and pages that editors ask for', async () => {
    const parts = await manuscript(81_234)
    const xml = parts.get('word/document.xml') ?? ''
    expect(paragraphs(xml).filter(each => !each.startsWith('BodyText'))).toEqual([
      'TitlePageTop: Ada Quill\tabout 81,000 words',
      'Title: The Broken Weir',
      'Author: by Ada Quill',
      'Heading2: Mist',
      'SceneBreak: #',
    ])
    const header = parts.get('word/header.xml') ?? ''
    expect(paragraphs(header)).toEqual(['Margin: ADA QUILL / THE BROKEN WEIR / 1'])
    expect(elements(header, 'w:fldSimple')).toEqual([{ 'w:instr': ' PAGE ' }])
    const margins = { 'w:top': '1440', 'w:right': '1440', 'w:bottom': '1440', 'w:left': '1440' }
    expect(elements(xml, 'w:pgMar')[0]).toMatchObject(margins)
    expect(xml).toContain('<w:titlePg/>')
  })

  it('is set in 12 points, double-spaced, with indented first lines', async () => {
    const styles = (await manuscript(10)).get('word/styles.xml') ?? ''
    expect(elements(styles, 'w:sz')).toEqual([{ 'w:val': '24' }])
    expect(elements(styles, 'w:rFonts')[0]).toMatchObject({ 'w:ascii': 'Times New Roman' })
    expect(styles).toContain(
      '<w:name w:val="Body Text"/><w:basedOn w:val="Normal"/><w:qFormat/><w:pPr><w:spacing w:line="480" w:lineRule="auto"/><w:ind w:firstLine="720"/></w:pPr>',
    )
  })

  it.each([
    [81_234, '81,000'],
    [19_939, '19,900'],
    [1_439, '1,400'],
    [949, '950'],
    [7, '8'],
  ])('rounds %d words to %s', async (count, rounded) => {
    const xml = (await manuscript(count)).get('word/document.xml') ?? ''
    expect(xml).toContain(`about ${rounded} words`)
  })

  it('does without an author, and counts Chinese in characters', async () => {
    const parts = await manuscript(10, {})
    expect(paragraphs(parts.get('word/header.xml') ?? '')).toEqual(['Margin: THE BROKEN WEIR / 1'])
    expect(parts.get('word/document.xml')).not.toContain('by ')
    const chinese = chaptersOf([{ title: '第一章', scenes: ['雾'.repeat(1_250)] }], { author: '林一舟' })
    const xml = (await partsOf(chinese, 'manuscript')).get('word/document.xml') ?? ''
    expect(paragraphs(xml).slice(0, 3)).toEqual([
      'TitlePageTop: 林一舟\t约1,300字',
      'Title: The Broken Weir',
      'Author: 林一舟',
    ])
  })
})

/** Any other program names itself when it saves the document. */
it('is read as any other Word document once another program saved it', async () => {
  const chapters = [1, 2, 3].map(n => ({
    title: `Chapter ${n}`,
    scenes: [`${prose(n)}\n${prose(n + 1)}`, prose(n + 5)],
  }))
  const parts = await partsOf(chaptersOf(chapters))
  const saved = [...parts].map(([name, content]) => ({
    name,
    content: content.replace('<Application>Quillwork<', '<Application>LibreOffice<'),
  }))
  const { outline, chapters: found, survey } = await read(zip(saved))
  expect(outline).toEqual({ '': ['Chapter 1', 'Chapter 2', 'Chapter 3'] })
  expect(found).toEqual(chapters.map(({ scenes }) => scenes))
  expect(survey.plan).not.toHaveProperty('exported')
})
