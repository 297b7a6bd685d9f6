import { describe, expect, it } from 'vitest'
import type { Book, BookLayout } from '../../../src/novel/export/book.ts'
import { writeOdt } from '../../../src/novel/export/odt.ts'
import { importBounds } from '../../../src/novel/import/bounds.ts'
import { XmlReader } from '../../../src/novel/import/xml.ts'
import { hanProse, prose, read } from '../import/reading.ts'
import { zip } from '../import/zip-writer.ts'
import { bookOf, chaptersOf, filesOf, written } from './written.ts'

const partsOf = async (book: Book, layout: BookLayout = 'book') =>
  filesOf(await written(writeOdt, book, { layout }))

/** The values of an attribute in a part, which has to be well-formed. */
function values(xml: string, name: string): string[] {
  const found: string[] = []
  const open = (_: string, attributes: Readonly<Record<string, string>>) => {
    if (attributes[name] !== undefined) found.push(attributes[name])
  }
  const reader = new XmlReader({ name: 'part', bounds: importBounds }, { open })
  reader.push(xml.replace(/^<\?xml[^>]*\?>/, ''))
  reader.end()
  expect(reader.faults).toBe(0)
  return found
}

/** The paragraphs as their styles and what is in them. */
function paragraphs(xml = ''): string[] {
  const found = xml.matchAll(/<text:([ph]) text:style-name="([^"]*)"[^>]*>(.*?)<\/text:\1>/g)
  return [...found].map(([, , style, inside]) => `${style}: ${inside}`)
}

const novel = bookOf(
  [
    {
      title: 'Part One',
      chapters: [
        {
          title: 'Mist & Ice',
          scenes: [
            'One  two.\n\n Three\t four.\n\n◇◇◇\n\nFive.\nSix.',
            { title: 'Dawn', text: 'Seven.' },
            'Eight.',
          ],
        },
      ],
    },
  ],
  { author: 'Ada <Quill>', language: 'en' },
)

describe('an OpenDocument text', () => {
  it('begins with its type, which is stored as it is, and lists its parts', async () => {
    const bytes = await written(writeOdt, novel)
    expect([bytes.readUInt16LE(8), bytes.readUInt16LE(28)]).toEqual([0, 0])
    expect(bytes.subarray(30, 77).toString()).toBe('mimetypeapplication/vnd.oasis.opendocument.text')
    const parts = await partsOf(novel)
    const listed = values(parts.get('META-INF/manifest.xml') ?? '', 'manifest:full-path')
    const own = [...parts.keys()].filter(name => !/^(?:mimetype|META-INF\/.*)$/.test(name))
    expect(listed.toSorted()).toEqual(['/', ...own].toSorted())
    expect(parts.get('meta.xml')).toContain(
      '<meta:generator>Quillwork</meta:generator><dc:title>The Broken Weir</dc:title><meta:initial-creator>Ada &lt;Quill&gt;</meta:initial-creator>',
    )
  })

  it('has a paragraph for each one of the text, with spaces and tabs as the author has them', async () => {
    expect(paragraphs((await partsOf(novel)).get('content.xml'))).toEqual([
      'Title-first: The Broken Weir',
      'Author: Ada &lt;Quill&gt;',
      'Heading_20_1: Part One',
      'Heading_20_2: Mist &amp; Ice',
      'Text_20_body: One<text:s text:c="2"/>two.',
      'BodyText-flush: <text:s text:c="1"/>Three<text:tab/><text:s text:c="1"/>four.',
      'BodyText-center: ◇◇◇',
      'Text_20_Line: Five.',
      'Text_20_body: Six.',
      'Heading_20_3: Dawn',
      'Text_20_body: Seven.',
      'Scene_20_Break: * * *',
      'Text_20_body: Eight.',
    ])
  })

  it.each<BookLayout>(['book', 'manuscript'])('has the styles and pages that it uses: %s', async layout => {
    const parts = await partsOf(novel, layout)
    const [content = '', styles = ''] = ['content.xml', 'styles.xml'].map(name => parts.get(name))
    const names = [...values(styles, 'style:name'), ...values(content, 'style:name')]
    const used = [content, styles].flatMap(xml =>
      [
        'text:style-name',
        'style:parent-style-name',
        'style:next-style-name',
        'style:master-page-name',
        'style:page-layout-name',
        'style:font-name',
      ].flatMap(name => values(xml, name)),
    )
    expect(used.filter(name => !names.includes(name))).toEqual([])
    const header =
      layout === 'book' ? '<style:footer>' : 'ADA &lt;QUILL&gt; / THE BROKEN WEIR / <text:page-number'
    expect(styles).toContain(header)
    expect(styles).toContain(layout === 'book' ? 'fo:line-height="133%"' : 'fo:line-height="200%"')
  })

  it.each([
    [
      'zh',
      hanProse(1),
      'style:language-asian="zh" style:country-asian="CN"',
      'fo:text-indent="24pt"',
      'lr-tb',
    ],
    [
      'he',
      'היה היה פעם איש שגר ליד הנהר, והייתה לו סירה קטנה.',
      'style:language-complex="he" style:country-complex="IL"',
      'fo:text-indent="18pt"',
      'rl-tb',
    ],
    [
      'fr',
      'Il était une fois un homme.',
      'fo:language="fr" fo:country="FR"',
      'fo:text-indent="18pt"',
      'lr-tb',
    ],
  ])('is written for the language %s', async (language, text, said, indent, direction) => {
    const styles =
      (await partsOf(chaptersOf([{ title: 'A', scenes: [text] }], { language }))).get('styles.xml') ?? ''
    for (const each of [said, indent, `style:writing-mode="${direction}"`]) expect(styles).toContain(each)
  })

  /** Any other program names itself when it saves the document. */
  it('is read as any other once another program saved it', async () => {
    const chapters = [1, 2, 3].map(n => ({
      title: `Chapter ${n}`,
      scenes: [`${prose(n)}\n${prose(n + 1)}`, prose(n + 5)],
    }))
    const saved = [...(await partsOf(chaptersOf(chapters)))].map(([name, content]) => ({
      name,
      content: content.replace('>Quillwork<', '>LibreOffice/24.8<'),
    }))
    const { outline, chapters: found, survey } = await read(zip(saved))
    expect(outline).toEqual({ '': ['Chapter 1', 'Chapter 2', 'Chapter 3'] })
    expect(found).toEqual(chapters.map(({ scenes }) => scenes))
    expect(survey.plan).not.toHaveProperty('exported')
  })
})
