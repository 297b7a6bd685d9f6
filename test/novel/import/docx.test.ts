import { describe, expect, it } from 'vitest'
import { docx, docxFiles, paragraph, style, type WordDocument } from './docx-writer.ts'
import { hanProse, prose, read } from './reading.ts'
import { zip } from './zip-writer.ts'

const text = (...seeds: readonly number[]) => seeds.map(seed => paragraph(prose(seed))).join('')
/** A paragraph whose properties were changed with the change tracked. */
const changed = (words: string, now: string, before: string) =>
  `<w:p><w:pPr>${now}<w:pPrChange w:id="1"><w:pPr>${before}</w:pPr></w:pPrChange></w:pPr><w:r><w:t>${words}</w:t></w:r></w:p>`
const headings = style('Heading1', 'heading 1') + style('Heading2', 'heading 2') + style('Title', 'Title')

describe('the chapters of a DOCX', () => {
  const cases: [string, WordDocument, Record<string, string[]>][] = [
    [
      'by styles',
      {
        styles: headings,
        body:
          paragraph('The Book', 'Title') +
          [1, 2].map(n => paragraph(`Night ${n}`, 'Heading1') + text(n, n + 1)).join(''),
      },
      { '': ['Night 1', 'Night 2'] },
    ],
    [
      'by styles, in volumes, with one that stands beside them',
      {
        styles: headings,
        body: `${paragraph('A letter', 'Heading1')}${text(7, 8)}${[1, 2].map(n => paragraph(`The ${n}. book`, 'Heading1') + [1, 2].map(c => paragraph(`Chapter ${c}`, 'Heading2') + text(n, c)).join('')).join('')}`,
      },
      {
        '': ['A letter'],
        'The 1. book': ['Chapter 1', 'Chapter 2'],
        'The 2. book': ['Chapter 1', 'Chapter 2'],
      },
    ],
    [
      'by the styles of a Word in Chinese, whose ids say nothing',
      {
        styles: style('1', 'heading 1'),
        body: [1, 2].map(n => paragraph(`第${n}章 渡口`, '1') + paragraph(hanProse(n))).join(''),
      },
      { '': ['第1章 渡口', '第2章 渡口'] },
    ],
    [
      'by styles that are based on a heading, and by outline levels',
      {
        styles:
          style('berschrift1', 'heading 1') +
          style('Kapitel', 'Mein Kapitel', '<w:basedOn w:val="Zwischen"/>') +
          style('Zwischen', 'z', '<w:basedOn w:val="berschrift1"/>') +
          style('O', 'Outline', '<w:pPr><w:outlineLvl w:val="0"/></w:pPr>') +
          style('N', 'None', '<w:basedOn w:val="berschrift1"/><w:pPr><w:outlineLvl w:val="9"/></w:pPr>'),
        body: `${paragraph('Alpha', 'Kapitel')}${text(1)}${paragraph('Beta', 'O')}${text(2)}${paragraph('No heading', 'N')}<w:p><w:pPr><w:outlineLvl w:val="0"/></w:pPr><w:r><w:t>Gamma</w:t></w:r></w:p>${text(3)}`,
      },
      { '': ['Alpha', 'Beta', 'Gamma'] },
    ],
    [
      'by the ids of Word where there are no styles',
      { body: paragraph('Alpha', 'Heading1') + text(1) + paragraph('Beta', 'Heading1') + text(2) },
      { '': ['Alpha', 'Beta'] },
    ],
    [
      'by their lines where no style is used, as in plain text',
      { styles: headings, body: paragraph('Chapter 1') + text(1) + paragraph('Chapter 2: Rain') + text(2) },
      { '': ['Chapter 1', 'Chapter 2: Rain'] },
    ],
    [
      'by their lines in Chinese',
      {
        body: ['第一章 雾', '第二章 潮', '第三章 归舟']
          .map((title, n) => paragraph(title) + paragraph(hanProse(n)) + paragraph(hanProse(n + 4)))
          .join(''),
      },
      { '': ['第一章 雾', '第二章 潮', '第三章 归舟'] },
    ],
    [
      'by their lines where only the title has a style',
      {
        styles: headings,
        body:
          paragraph('The Book', 'Title') +
          paragraph('Chapter 1') +
          text(1) +
          paragraph('Chapter 2') +
          text(2),
      },
      { '': ['Chapter 1', 'Chapter 2'] },
    ],
    [
      'without the table of contents',
      {
        styles:
          headings +
          style('TOC1', 'toc 1') +
          style('TOCHeading', 'TOC Heading', '<w:basedOn w:val="Heading1"/>'),
        body: `${paragraph('Contents', 'TOCHeading')}${paragraph('Alpha\t1', 'TOC1')}${paragraph('Beta\t9', 'TOC1')}${paragraph('Alpha', 'Heading1')}${text(1)}${paragraph('Beta', 'Heading1')}${text(2)}`,
      },
      { '': ['Alpha', 'Beta'] },
    ],
    [
      'by what lines are since their tracked changes, not what they were',
      {
        styles:
          headings +
          style(
            'Now',
            'Now',
            '<w:pPr><w:outlineLvl w:val="0"/><w:pPrChange w:id="1"><w:pPr><w:outlineLvl w:val="9"/></w:pPr></w:pPrChange></w:pPr>',
          ),
        body:
          changed('Alpha', '<w:pStyle w:val="Heading1"/>', '<w:pStyle w:val="Normal"/>') +
          text(1) +
          paragraph('Beta', 'Now') +
          text(2) +
          changed('No heading', '', '<w:pStyle w:val="Heading1"/><w:outlineLvl w:val="0"/>') +
          text(3),
      },
      { '': ['Alpha', 'Beta'] },
    ],
    [
      'with another prefix for WordprocessingML',
      { prefix: 'x', body: paragraph('Chapter 1') + text(1) + paragraph('Chapter 2') + text(2) },
      { '': ['Chapter 1', 'Chapter 2'] },
    ],
  ]

  it.each(cases)('%s', async (_, document, outline) => {
    const { survey, outline: found, chapters } = await read(docx(document), 'the-book.docx')
    expect(found).toEqual(outline)
    expect(survey).toMatchObject({ kind: 'docx', encoding: { name: 'utf-8', confidence: 1 } })
    expect(survey.title.toLowerCase()).toBe('the book')
    for (const [first] of chapters) expect(first).toMatch(/^[A-Z　]/)
  })
})

describe('the text of a DOCX', () => {
  const run = (inside: string, properties = '') =>
    `<w:r>${properties === '' ? '' : `<w:rPr>${properties}</w:rPr>`}${inside}</w:r>`
  const t = (words: string) => `<w:t xml:space="preserve">${words}</w:t>`
  const withoutMark = (gone: string) => `<w:pPr><w:rPr><w:${gone} w:id="1"/></w:rPr></w:pPr>`
  const p = (...inside: readonly string[]) => `<w:p>${inside.join('')}</w:p>`
  it.each([
    ['runs and white space', p(run(t('a ')), run(t(' b'))), 'a  b'],
    [
      'tabs, line breaks and hyphens',
      p(run(`${t('a')}<w:tab/>${t('b')}<w:br/>${t('c')}<w:noBreakHyphen/>${t('d')}<w:softHyphen/>${t('e')}`)),
      'a\tb\nc-de',
    ],
    [
      'what was inserted, not what was deleted or moved away',
      p(
        '<w:ins w:id="1">',
        run(t('new ')),
        '</w:ins><w:del w:id="2">',
        run('<w:delText>old</w:delText>'),
        '</w:del><w:moveFrom w:id="3">',
        run(t('gone')),
        '</w:moveFrom><w:moveTo w:id="4">',
        run(t('come')),
        '</w:moveTo>',
      ),
      'new come',
    ],
    [
      'paragraphs that go on where their mark was deleted or moved away',
      p(withoutMark('del'), run(t('a'))) +
        p(withoutMark('moveFrom'), `<w:del w:id="5">${run('<w:delText>old</w:delText>')}</w:del>`) +
        p(run(t('b'))) +
        p(run(t('c'))),
      'ab\n\nc',
    ],
    [
      'the last paragraph of a cell, though its mark was deleted',
      `<w:tbl><w:tr><w:tc>${p(withoutMark('del'), run(t('a')))}</w:tc><w:tc>${p(run(t('b')))}</w:tc></w:tr></w:tbl>${p(withoutMark('del'), run(t('c')))}`,
      'a\n\nb\n\nc',
    ],
    [
      'what was hidden before a tracked change',
      p(run(t('a'), '<w:rPrChange w:id="6"><w:rPr><w:vanish/></w:rPr></w:rPrChange>')),
      'a',
    ],
    [
      'no comments and notes',
      p(
        '<w:commentRangeStart w:id="0"/>',
        run(t('a')),
        '<w:commentRangeEnd w:id="0"/>',
        run('<w:commentReference w:id="0"/>'),
        run('<w:footnoteReference w:id="2"/>'),
      ),
      'a',
    ],
    [
      'no hidden text',
      p(run(t('a')), run(t('hidden'), '<w:vanish/>'), run(t('b'), '<w:vanish w:val="0"/>')),
      'ab',
    ],
    [
      'ruby without the readings',
      p(run(`<w:ruby><w:rt>${run(t('かん'))}</w:rt><w:rubyBase>${run(t('漢'))}</w:rubyBase></w:ruby>`)),
      '漢',
    ],
    [
      'fields by their result',
      p(
        run('<w:fldChar w:fldCharType="begin"/>'),
        run('<w:instrText>PAGE</w:instrText>'),
        run('<w:fldChar w:fldCharType="separate"/>'),
        run(t('7')),
        `<w:hyperlink>${run(t(' link'))}</w:hyperlink>`,
      ),
      '7 link',
    ],
    [
      'tables, cell by cell',
      `<w:tbl><w:tr><w:tc>${p(run(t('a')))}</w:tc><w:tc>${p(run(t('b')))}</w:tc></w:tr></w:tbl>`,
      'a\n\nb',
    ],
    [
      'text boxes once',
      p(
        run(t('around')),
        run(
          `<mc:AlternateContent><mc:Choice>${`<w:txbxContent>${p(run(t('box')))}</w:txbxContent>`}</mc:Choice><mc:Fallback><w:txbxContent>${p(run(t('box')))}</w:txbxContent></mc:Fallback></mc:AlternateContent>`,
        ),
        run(t(' it')),
      ),
      'box\n\naround it',
    ],
    [
      'no text of formulas and drawings',
      `<w:p xmlns:m="urn:m" xmlns:a="urn:a"><m:oMath><m:r><m:t>x</m:t></m:r></m:oMath><a:p><a:t>y</a:t></a:p>${run(t('z'))}</w:p>`,
      'z',
    ],
    [
      'marks of Markdown as they are',
      p(run(t('# not a heading'))) + p(run(t('```'))) + p(run(t('## nor this'))),
      '# not a heading\n\n```\n\n## nor this',
    ],
  ])('has %s', async (_, body, expected) => {
    expect((await read(docx({ body }))).chapters).toEqual([[expected]])
  })

  it.each([
    ['a new page', '<w:p><w:r><w:br w:type="page"/></w:r></w:p>', 2],
    [
      'a new page within a paragraph',
      `<w:p>${run(t('end'))}<w:r><w:br w:type="page"/></w:r>${run(t('start'))}</w:p>`,
      2,
    ],
    ['a new section', '<w:p><w:pPr><w:sectPr><w:type w:val="nextPage"/></w:sectPr></w:pPr></w:p>', 2],
    ['asterisks', paragraph('***'), 2],
    [
      'a line that was inserted',
      '<w:p><w:r><w:pict><v:rect style="width:0;height:1.5pt" o:hr="t"/></w:pict></w:r></w:p>',
      2,
    ],
    [
      'the border of an empty paragraph',
      '<w:p><w:pPr><w:pBdr><w:bottom w:val="single" w:sz="6"/></w:pBdr></w:pPr></w:p>',
      2,
    ],
    [
      'no border that is none',
      '<w:p><w:pPr><w:pBdr><w:bottom w:val="nil"/><w:top w:val="none"/><w:left w:val="single"/></w:pBdr></w:pPr></w:p>',
      1,
    ],
    [
      'no border of a paragraph with a text',
      '<w:p><w:pPr><w:pBdr><w:bottom w:val="single"/></w:pBdr></w:pPr><w:r><w:t>Carved in the beam.</w:t></w:r></w:p>',
      1,
    ],
    [
      'a section that was continuous before a tracked change',
      '<w:p><w:pPr><w:sectPr><w:type w:val="nextPage"/><w:sectPrChange w:id="1"><w:sectPr><w:type w:val="continuous"/></w:sectPr></w:sectPrChange></w:sectPr></w:pPr></w:p>',
      2,
    ],
    ['no new column', '<w:p><w:pPr><w:sectPr><w:type w:val="continuous"/></w:sectPr></w:pPr></w:p>', 1],
  ])('is parted into scenes by %s', async (_, mark, scenes) => {
    expect((await read(docx({ body: text(1, 2) + mark + text(3) }))).chapters[0]).toHaveLength(scenes)
  })

  it('is parted into scenes by the style of a line', async () => {
    const styles = style('Standard', 'Normal') + style('HL', 'Horizontal Line')
    const body = text(1, 2) + paragraph('', 'HL') + text(3)
    expect((await read(docx({ body, styles }))).chapters[0]).toHaveLength(2)
  })

  it('tells of the notes that are left out', async () => {
    const note = p(run(t('a')), run('<w:footnoteReference w:id="2"/>'), run('<w:endnoteReference w:id="2"/>'))
    expect((await read(docx({ body: note }))).survey.warnings).toContainEqual({
      code: 'NOTES_LEFT_OUT',
      count: 2,
      message: expect.any(String),
    })
  })

  it('may be in UTF-16', async () => {
    const files = docxFiles({ body: paragraph('水車') }).map(file =>
      file.name === 'word/document.xml'
        ? {
            ...file,
            content: Buffer.from(`\ufeff${String(file.content).replace('UTF-8', 'UTF-16')}`, 'utf16le'),
          }
        : file,
    )
    const { survey, chapters } = await read(zip(files))
    expect(chapters).toEqual([['水車']])
    expect(survey.encoding).toEqual({ name: 'utf-16le', confidence: 1 })
  })
})

describe('what a DOCX says of itself', () => {
  it.each([
    [
      '<dc:title>The &lt;Weir&gt;</dc:title><dc:creator>Ann;Bo</dc:creator>',
      { title: 'The <Weir>', author: 'Ann, Bo' },
    ],
    ['<dc:title></dc:title><dc:creator>Administrator</dc:creator>', { title: 'file' }],
    ['<dc:title>Word Document</dc:title><dc:creator>python-docx</dc:creator>', { title: 'file' }],
  ])('%s', async (core, expected) => {
    const { title, author } = (await read(docx({ body: text(1, 2), core }))).survey
    expect(JSON.parse(JSON.stringify({ title, author }))).toEqual(expected)
  })
})
