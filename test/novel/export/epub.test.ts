import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Book } from '../../../src/novel/export/book.ts'
import { writeEpub } from '../../../src/novel/export/epub.ts'
import { sizeOf } from '../../size.ts'
import { hanProse, prose, read } from '../import/reading.ts'
import { zip } from '../import/zip-writer.ts'
import { bookOf, chaptersOf, filesOf, written } from './written.ts'

const novel = bookOf(
  [
    { title: '', chapters: [{ title: 'Prologue', scenes: [prose(1)] }] },
    {
      title: 'Part One & Two',
      chapters: [
        {
          title: 'Mist',
          scenes: [
            'One.\n\nTwo.\nThree.\n\n\nFour.',
            { title: 'Dawn', text: 'Five.' },
            '  Six  6.\n\n◇◇◇\n\n　七。',
          ],
        },
        { title: 'Ice', scenes: [] },
      ],
    },
    { title: 'Part Three', chapters: [] },
  ],
  { author: 'Ada <Quill>', language: 'en' },
)
const partsOf = async (book: Book) => filesOf(await written(writeEpub, book))
const fileOf = async (book: Book, name: string) => (await partsOf(book)).get(`EPUB/${name}`) ?? ''

describe('an EPUB', () => {
  it('begins with its type, which is stored as it is and has no extra field', async () => {
    const bytes = await written(writeEpub, novel)
    expect(bytes.subarray(0, 4).toString('latin1')).toBe('PK\x03\x04')
    // The method, and the length of the extra field.
    expect([bytes.readUInt16LE(8), bytes.readUInt16LE(28)]).toEqual([0, 0])
    expect(bytes.subarray(30, 58).toString()).toBe('mimetypeapplication/epub+zip')
  })

  it('lists its files, its reading order and its metadata', async () => {
    const parts = await partsOf(novel)
    const opf = parts.get('EPUB/package.opf') ?? ''
    const listed = [...opf.matchAll(/<item id="([^"]*)" href="([^"]*)"/g)]
    const own = [...parts.keys()].filter(name => name.startsWith('EPUB/') && !name.endsWith('.opf'))
    expect(listed.map(([, , file]) => `EPUB/${file}`).toSorted()).toEqual(own.toSorted())
    const order = [...opf.matchAll(/<itemref idref="([^"]*)"/g)].map(([, id]) => id)
    expect(order).toEqual(['title', 'chapter-1', 'volume-1', 'chapter-2', 'chapter-3', 'volume-2'])
    expect(opf).toContain('<dc:title>The Broken Weir</dc:title>')
    expect(opf).toContain('<dc:creator>Ada &lt;Quill&gt;</dc:creator>')
    expect(opf).toContain('<dc:language>en</dc:language>')
    expect(opf).toContain('<meta property="dcterms:modified">2026-02-03T04:05:06Z</meta>')
    expect(parts.get('META-INF/container.xml')).toContain('full-path="EPUB/package.opf"')
  })

  it('has the same identifier for every export of a novel, and another one for another novel', async () => {
    const identifier = async (book: Book) =>
      /<dc:identifier id="book-id">([^<]*)</.exec(await fileOf(book, 'package.opf'))?.[1]
    const first = await identifier(novel)
    expect(first).toMatch(/^urn:uuid:[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
    expect(await identifier({ ...novel, title: 'Another', updatedAt: 0 })).toBe(first)
    expect(await identifier({ ...novel, id: 'novel-2' })).not.toBe(first)
    expect(await fileOf(novel, 'toc.ncx')).toContain(`<meta name="dtb:uid" content="${first}"/>`)
  })

  it('has its volumes and chapters as two levels of its tables of contents', async () => {
    const nav = (await fileOf(novel, 'nav.xhtml')).replaceAll('\n', '')
    expect(nav).toContain(
      '<ol><li><a href="chapter-1.xhtml">Prologue</a></li><li><a href="volume-1.xhtml">Part One &amp; Two</a><ol><li><a href="chapter-2.xhtml">Mist</a></li><li><a href="chapter-3.xhtml">Ice</a></li></ol></li><li><a href="volume-2.xhtml">Part Three</a></li></ol>',
    )
    const ncx = await fileOf(novel, 'toc.ncx')
    const points = [...ncx.matchAll(/playOrder="(\d)"><navLabel><text>([^<]*)<.*?src="([^"]*)"/g)]
    expect(points.map(([, ...point]) => point)).toEqual([
      ['1', 'Prologue', 'chapter-1.xhtml'],
      ['2', 'Part One &amp; Two', 'volume-1.xhtml'],
      ['3', 'Mist', 'chapter-2.xhtml'],
      ['4', 'Ice', 'chapter-3.xhtml'],
      ['5', 'Part Three', 'volume-2.xhtml'],
    ])
  })

  it('has pages before and after the text, and lists those that have a title', async () => {
    const frontMatter = [{ text: 'For <Ann>.' }]
    const book = { ...novel, frontMatter, endMatter: [{ title: 'Thanks', text: 'To\n\nall.' }] }
    const opf = await fileOf(book, 'package.opf')
    const order = [...opf.matchAll(/<itemref idref="([^"]*)"/g)].map(([, id]) => id)
    expect([order[1], order.at(-1)]).toEqual(['frontmatter-1', 'backmatter-1'])
    expect(await fileOf(book, 'frontmatter-1.xhtml')).toContain('<p>For &lt;Ann&gt;.</p>')
    expect(await fileOf(book, 'backmatter-1.xhtml')).toContain(
      '<h2>Thanks</h2>\n<p>To</p>\n<p>\u00a0</p>\n<p>all.</p>',
    )
    const nav = await fileOf(book, 'nav.xhtml')
    expect(nav).toContain('<a href="backmatter-1.xhtml">Thanks</a>')
    expect(nav).not.toContain('frontmatter-1')
    expect(nav).toContain('<a epub:type="bodymatter" href="chapter-1.xhtml">')
  })

  it('has a page for each chapter, with its paragraphs as the author has them', async () => {
    const page = await fileOf(novel, 'chapter-2.xhtml')
    expect(page).toContain('<section epub:type="chapter">')
    expect(page.split('\n').filter(line => /^<(?:h\d|p|hr)\b/.test(line))).toEqual([
      '<h2>Mist</h2>',
      '<p>One.</p>',
      '<p class="line">Two.</p>',
      '<p>Three.</p>',
      '<p class="blank">\u00a0</p>',
      '<p>Four.</p>',
      '<h3>Dawn</h3>',
      '<p>Five.</p>',
      '<hr/>',
      '<p class="indented spaced">  Six  6.</p>',
      '<p class="mark">◇◇◇</p>',
      '<p class="indented">　七。</p>',
    ])
    expect(await fileOf(novel, 'volume-1.xhtml')).toContain('<h1>Part One &amp; Two</h1>')
  })

  it('is read from right to left in Arabic, and indents Chinese by two characters', async () => {
    const arabic = chaptersOf([{ title: 'فصل', scenes: ['كان يا ما كان رجل عند النهر.'] }], {
      language: 'ar',
    })
    expect(await fileOf(arabic, 'chapter-1.xhtml')).toContain('xml:lang="ar" lang="ar" dir="rtl"')
    expect(await fileOf(arabic, 'package.opf')).toContain('page-progression-direction="rtl"')
    expect(await fileOf(novel, 'chapter-1.xhtml')).not.toContain('dir=')
    const chinese = chaptersOf([{ title: '第一章', scenes: [hanProse(1)] }])
    expect(await fileOf(chinese, 'style.css')).toContain('text-indent: 2em')
    expect(await fileOf(chinese, 'package.opf')).toContain('<dc:language>zh</dc:language>')
  })

  it('lists its title page where it has no chapters', async () => {
    expect(await fileOf(bookOf([]), 'nav.xhtml')).toContain('<a href="title.xhtml">The Broken Weir</a>')
  })

  it('is read as any other EPUB once another program made it anew', async () => {
    const chapters = [1, 2, 3].map(n => ({ title: `Chapter ${n}`, scenes: [prose(n), prose(n + 5)] }))
    const parts = await partsOf(chaptersOf(chapters))
    const made = [...parts].map(([name, content]) => ({
      name,
      content: content.replace('content="Quillwork"', 'content="calibre"'),
    }))
    const { outline, chapters: found, survey } = await read(zip(made))
    expect(outline).toEqual({ '': ['Chapter 1', 'Chapter 2', 'Chapter 3'] })
    expect(found).toEqual(chapters.map(({ scenes }) => scenes))
    expect(survey.plan).not.toHaveProperty('exported')
  })
})

/** Debian's program is an archive of Java, which starts by itself only where the kernel was told how. */
const commands = [['epubcheck'], ['java', '-jar', '/usr/share/java/epubcheck.jar']] as const
/** It runs for a moment: what Java does for one that runs for long takes most of its time. */
const env = { ...process.env, JAVA_TOOL_OPTIONS: '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC' }
const command = commands.find(([name, ...before]) =>
  // Its status is not 0 without a file.
  `${spawnSync(name, [...before, '--version'], { env }).stdout}`.startsWith('EPUBCheck v'),
)
if (command === undefined)
  process.stderr.write(
    '\nSKIPPED: the check of EPUB files. Install epubcheck (Debian: apt-get install epubcheck).\n\n',
  )

describe.skipIf(command === undefined)('epubcheck', () => {
  const arabic = chaptersOf([{ title: 'فصل', scenes: ['كان يا ما كان رجل عند النهر.'] }], { language: 'ar' })
  const hostile = chaptersOf(
    [{ title: '<b>&amp;', scenes: ['a\0b\ufffe ]]> <!-- &lt;\n\n\tx\n\n◇◇◇', { title: '"q"', text: "'" }] }],
    { title: '"Title" <&>' },
  )
  const books: readonly [string, Book][] = [
    ['volumes', novel],
    ['what means something in XML', hostile],
    ['Arabic', arabic],
    ['Chinese', chaptersOf([{ title: '第一章　雾', scenes: [hanProse(1)] }], { language: 'zh-Hant' })],
    ['no chapters', bookOf([])],
  ]
  // The program takes seconds for each.
  it.each(sizeOf(books.slice(0, 2), books))('finds no fault in a book with %s', async (_, book) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'epubcheck-'))
    try {
      const file = path.join(folder, 'book.epub')
      writeFileSync(file, await written(writeEpub, book))
      const [name, ...before] = command ?? commands[0]
      const found = spawnSync(name, [...before, '--failonwarnings', file], { encoding: 'utf8', env })
      expect(found.status, found.stdout + found.stderr).toBe(0)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
