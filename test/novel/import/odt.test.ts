import { describe, expect, it } from 'vitest'
import { importBounds } from '../../../src/novel/import/bounds.ts'
import { escaped } from './epub-writer.ts'
import { hanProse, prose, read } from './reading.ts'
import { type ZipFile, zip } from './zip-writer.ts'

interface OpenDocument {
  /** XML of the text. */
  readonly body: string
  /** XML of the styles that the content makes. */
  readonly automatic?: string
  /** XML of the styles with names. */
  readonly styles?: string
  readonly meta?: string
  readonly manifest?: string
  readonly type?: string
}

const office = 'urn:oasis:names:tc:opendocument:xmlns'
const spaces = ['office', 'text', 'style', 'table', 'meta', 'manifest']
  .map(name => `xmlns:${name}="${office}:${name}:1.0"`)
  .concat(
    `xmlns:draw="${office}:drawing:1.0" xmlns:fo="${office}:xsl-fo-compatible:1.0" xmlns:svg="${office}:svg-compatible:1.0"`,
    'xmlns:dc="http://purl.org/dc/elements/1.1/"',
  )
  .join(' ')
const xml = (name: string, inside: string) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<office:${name} ${spaces} office:version="1.3">${inside}</office:${name}>`

function odtFiles({ body, automatic = '', styles, meta, manifest, type }: OpenDocument): ZipFile[] {
  const text = `<office:automatic-styles>${automatic}</office:automatic-styles><office:body><office:text>${body}</office:text></office:body>`
  const optional = [
    [
      'styles.xml',
      styles &&
        xml(
          'document-styles',
          `<office:styles>${styles}</office:styles><office:master-styles><style:master-page><style:header><text:p>Header</text:p></style:header></style:master-page></office:master-styles>`,
        ),
    ],
    ['meta.xml', meta && xml('document-meta', `<office:meta>${meta}</office:meta>`)],
    ['META-INF/manifest.xml', manifest && `<manifest:manifest ${spaces}>${manifest}</manifest:manifest>`],
  ] as const
  return [
    { name: 'mimetype', content: type ?? 'application/vnd.oasis.opendocument.text', stored: true },
    { name: 'content.xml', content: xml('document-content', text) },
    ...optional.flatMap(([name, content]) =>
      content === undefined || content === '' ? [] : [{ name, content }],
    ),
  ]
}

const odt = (document: OpenDocument) => zip(odtFiles(document))
const style = (name: string, more = '', inside = '', family = 'paragraph') =>
  `<style:style style:name="${name}" style:family="${family}" ${more}>${inside}</style:style>`
const p = (words: string, name = 'Text_20_body') => `<text:p text:style-name="${name}">${words}</text:p>`
const h = (words: string, level: number, name = `Heading_20_${level}`) =>
  `<text:h text:style-name="${name}" text:outline-level="${level}">${words}</text:h>`
const text = (...seeds: readonly number[]) => seeds.map(seed => p(escaped(prose(seed)))).join('\n')
const properties = (what: string) => `<style:paragraph-properties ${what}/>`

describe('the chapters of an ODT', () => {
  const cases: [string, OpenDocument, Record<string, string[]>][] = [
    [
      'by headings',
      { body: [1, 2].map(n => h(`Night ${n}`, 1) + text(n, n + 1)).join('') },
      { '': ['Night 1', 'Night 2'] },
    ],
    [
      'by headings below the title',
      { body: p('The Book', 'Title') + [1, 2].map(n => h(`Night ${n}`, 1) + text(n, n + 1)).join('') },
      { '': ['Night 1', 'Night 2'] },
    ],
    [
      'by two levels, whatever the styles are called',
      {
        body: ['One', 'Two']
          .map(
            part => h(`Part ${part}`, 1, 'P1') + [1, 2].map(n => h(`Night ${n}`, 2, 'P2') + text(n)).join(''),
          )
          .join(''),
      },
      { 'Part One': ['Night 1', 'Night 2'], 'Part Two': ['Night 1', 'Night 2'] },
    ],
    [
      'by paragraphs whose styles inherit from a heading, or have a level',
      {
        styles:
          style('Kapitel', 'style:parent-style-name="Heading_20_1"') +
          style('Teil', 'style:default-outline-level="1"') +
          style('Heading_20_1', 'style:display-name="Heading 1" style:default-outline-level="1"'),
        automatic:
          style('P1', 'style:parent-style-name="Kapitel"') +
          style('P2', 'style:parent-style-name="Heading_20_1" style:default-outline-level=""'),
        body: p('Alpha', 'P1') + text(1) + p('Beta', 'Teil') + text(2) + p('No heading', 'P2') + text(3),
      },
      { '': ['Alpha', 'Beta'] },
    ],
    [
      'by their lines where there are no headings',
      { body: p('Chapter 1') + text(1) + p('Chapter 2: Rain') + text(2) },
      { '': ['Chapter 1', 'Chapter 2: Rain'] },
    ],
    [
      'by their lines in Chinese',
      {
        body: ['第一章 雾', '第二章 潮']
          .map((title, n) => p(title) + p(hanProse(n)) + p(hanProse(n + 4)))
          .join(''),
      },
      { '': ['第一章 雾', '第二章 潮'] },
    ],
    [
      'without the table of contents',
      {
        body: `<text:table-of-content><text:index-body><text:index-title>${p('Contents', 'Contents_20_Heading')}</text:index-title>${p('Alpha<text:tab/>1', 'Contents_20_1')}</text:index-body></text:table-of-content>${p('Beta<text:tab/>9', 'Contents_20_1')}${h('Alpha', 1)}${text(1)}${h('Beta', 1)}${text(2)}`,
      },
      { '': ['Alpha', 'Beta'] },
    ],
  ]
  it.each(cases)('%s', async (_, document, outline) => {
    const { survey, outline: found, chapters } = await read(odt(document), 'the-book.docx')
    expect(found).toEqual(outline)
    expect(survey).toMatchObject({ kind: 'odt', encoding: { name: 'utf-8', confidence: 1 }, warnings: [] })
    expect(survey.title.toLowerCase()).toBe('the book')
    for (const [first] of chapters) expect(first).toMatch(/^[A-Z　\u4e00-\u9fff]/)
  })
})

describe('the text of an ODT', () => {
  it.each<[string, string, string]>([
    [
      'white space as it shows',
      p(' a \n b<text:span> c</text:span> <text:s text:c="3"/>d<text:s/> e'),
      'a b c    d  e',
    ],
    ['tabs and line breaks', p('a<text:tab/>b<text:line-break/>c'), 'a\tb\nc'],
    [
      'links, bookmarks and page ends',
      p(
        'a<text:a xlink:href="x"> link</text:a><text:bookmark-start text:name="x"/><text:soft-page-break/>ed',
      ),
      'a linked',
    ],
    [
      'what was inserted, not what was deleted',
      `<text:tracked-changes><text:changed-region text:id="1"><text:deletion><office:change-info><dc:creator>x</dc:creator></office:change-info>${p('old')}</text:deletion></text:changed-region></text:tracked-changes>${p('a<text:change text:change-id="1"/><text:change-start text:change-id="2"/> new<text:change-end text:change-id="2"/>')}`,
      'a new',
    ],
    [
      'no notes and comments',
      p(
        `a<text:note text:note-class="footnote"><text:note-citation>1</text:note-citation><text:note-body>${p('note')}</text:note-body></text:note><office:annotation><dc:creator>x</dc:creator>${p('comment')}</office:annotation><office:annotation-end/> b`,
      ),
      'a b',
    ],
    [
      'no hidden text',
      `${p('a<text:span text:style-name="T1"> hidden</text:span><text:span> b</text:span>')}${p('hidden', 'P9')}<text:section text:display="none">${p('hidden')}</text:section>`,
      'a b',
    ],
    [
      'ruby without the readings',
      p('<text:ruby><text:ruby-base>漢</text:ruby-base><text:ruby-text>かん</text:ruby-text></text:ruby>字'),
      '漢字',
    ],
    [
      'tables and lists',
      `<table:table><table:table-row><table:table-cell>${p('a')}</table:table-cell><table:table-cell>${p('b')}</table:table-cell></table:table-row></table:table><text:list><text:list-item>${p('c')}</text:list-item></text:list>`,
      'a\n\nb\n\nc',
    ],
    [
      'text boxes',
      p(
        `around<draw:frame><draw:text-box>${p('box')}</draw:text-box><svg:desc>picture</svg:desc></draw:frame> it`,
      ),
      'box\n\naround it',
    ],
    ['marks of Markdown as they are', p('# not a heading') + p('```'), '# not a heading\n\n```'],
  ])('has %s', async (_, body, expected) => {
    const hidden = '<style:text-properties text:display="none"/>'
    const automatic = style('T1', '', hidden, 'text') + style('P9', '', hidden)
    expect((await read(odt({ body, automatic }))).chapters).toEqual([[expected]])
  })

  it.each<[string, string, number]>([
    ['a page that begins', `${p('Then.', 'Break')}`, 2],
    ['a page that begins by the style of its style', `${p('Then.', 'Inherits')}`, 2],
    ['another kind of page', `${p('Then.', 'Page')}`, 2],
    ['a page that ends', `${p('Then.', 'After')}`, 2],
    ['asterisks', p('* * *'), 2],
    ['no column that begins', `${p('Then.', 'Column')}`, 1],
  ])('is parted into scenes by %s', async (_, mark, scenes) => {
    const automatic = [
      style('Break', '', properties('fo:break-before="page"')),
      style('Inherits', 'style:parent-style-name="Break"'),
      style('Page', 'style:master-page-name="Other"'),
      style('After', '', properties('fo:break-after="page"')),
      style('Column', 'style:parent-style-name="Break"', properties('fo:break-before="column"')),
    ].join('')
    const { chapters } = await read(
      odt({ automatic, body: p('It began.', 'Page') + text(1, 2) + mark + text(3) }),
    )
    expect(chapters[0]).toHaveLength(scenes)
  })

  it('tells of the notes that are left out', async () => {
    const { survey } = await read(
      odt({ body: text(1) + p('a<text:note><text:note-citation>1</text:note-citation></text:note>') }),
    )
    expect(survey.warnings).toContainEqual({ code: 'NOTES_LEFT_OUT', count: 1, message: expect.any(String) })
  })
})

describe('what an ODT says of itself', () => {
  it.each([
    [
      '<dc:title>The Weir</dc:title><meta:initial-creator>Ann</meta:initial-creator><dc:creator>Bo</dc:creator><dc:language>de-AT</dc:language>',
      { title: 'The Weir', author: 'Ann', language: 'de-AT' },
    ],
    ['<dc:creator>Bo</dc:creator>', { title: 'file', author: 'Bo' }],
    ['<dc:title>Untitled</dc:title><meta:initial-creator>User</meta:initial-creator>', { title: 'file' }],
  ])('%s', async (meta, expected) => {
    const { title, author, language } = (await read(odt({ body: text(1, 2), meta }))).survey
    expect(JSON.parse(JSON.stringify({ title, author, language }))).toEqual(expected)
  })
})

describe('a hostile ODT', () => {
  const refusal = (bytes: Uint8Array) =>
    read(bytes).then(
      ({ chapters }) => chapters,
      (error: unknown) => error,
    )
  const document = { body: text(1) }

  it.each<[string, OpenDocument, string]>([
    [
      'with a password',
      {
        ...document,
        manifest:
          '<manifest:file-entry manifest:full-path="content.xml"><manifest:encryption-data/></manifest:file-entry>',
      },
      'FILE_PROTECTED',
    ],
    [
      'a spreadsheet',
      { ...document, type: 'application/vnd.oasis.opendocument.spreadsheet' },
      'FILE_KIND_UNSUPPORTED',
    ],
    ['another type', { ...document, type: `application/${'x'.repeat(100_000)}` }, 'FILE_KIND_UNSUPPORTED'],
    ['markup that is broken', { body: `${p('a')}<text:p>b</text:h>` }, 'FILE_DAMAGED'],
    ['elements that are too deep', { body: '<text:span>'.repeat(600) }, 'FILE_LIMIT_EXCEEDED'],
    [
      'more styles than a document has',
      { ...document, automatic: Array.from({ length: 20_001 }, (_, n) => style(`P${n}`)).join('') },
      'FILE_LIMIT_EXCEEDED',
    ],
  ])('is refused: %s', async (_, given, code) => {
    expect(await refusal(odt(given))).toMatchObject({ code })
  })

  it('is refused: a part that it lacks, and a bomb', async () => {
    const files = odtFiles(document)
    const without = files.filter(({ name }) => name !== 'content.xml')
    expect(await refusal(zip(without))).toMatchObject({ code: 'FILE_DAMAGED' })
    const bomb = zip([...without, { name: 'content.xml', content: Buffer.alloc(20_000_000, ' ') }])
    expect(await refusal(bomb)).toMatchObject({
      code: 'FILE_LIMIT_EXCEEDED',
      details: { bound: 'ratio', limit: importBounds.ratio },
    })
  })

  it('has no entity expanded, no endless spaces, and no style that is its own parent', async () => {
    const laughs = Array.from({ length: 10 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join(
      '',
    )
    const files = odtFiles({
      automatic: style('A', 'style:parent-style-name="B"') + style('B', 'style:parent-style-name="A"'),
      body: p('a &l10; b<text:s text:c="999999999"/>c', 'A'),
    }).map(file =>
      file.name === 'content.xml'
        ? {
            ...file,
            content: String(file.content).replace('?>\n', `?>\n<!DOCTYPE x [<!ENTITY l0 "lol">${laughs}]>`),
          }
        : file,
    )
    const found = await refusal(zip(files))
    // An entity that is not known is a fault of the markup.
    expect(found).toMatchObject({ code: 'FILE_DAMAGED' })
    const spaces = await refusal(odt({ body: p('b<text:s text:c="999999999"/>c') }))
    expect(spaces).toEqual([[`b${' '.repeat(100)}c`]])
  })
})
