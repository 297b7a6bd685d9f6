import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Archive } from '../../../src/novel/import/archive.ts'
import { type Bounds, importBounds } from '../../../src/novel/import/bounds.ts'
import { bytesSource } from '../../../src/novel/import/source.ts'
import { surveyText } from '../../../src/novel/import/survey.ts'
import { XmlReader } from '../../../src/novel/import/xml.ts'
import { docx, docxFiles, paragraph } from './docx-writer.ts'
import { epub, epubFiles, pageBook, xhtml } from './epub-writer.ts'
import { prose, read } from './reading.ts'
import { type ZipFile, zip } from './zip-writer.ts'

const p = (text: string) => `<p>${text}</p>`
const story = { file: 'one.xhtml', body: p(prose(1)) + p(prose(2)) }
const book = { pages: [story] }
const files = epubFiles(book)
const withFile = (file: ZipFile) => [...files.filter(({ name }) => name !== file.name), file]
const page = (content: string | Uint8Array) => ({ name: 'OEBPS/one.xhtml', content })
const refusal = (bytes: Uint8Array, name?: string) =>
  read(bytes, name).then(
    () => 'read',
    (error: unknown) => error as { code: string; message: string; details?: object },
  )

describe('a file that is no text', () => {
  const ole = Buffer.from('d0cf11e0a1b11ae1', 'hex')
  it.each([
    ['an old Word document', Buffer.concat([ole, Buffer.alloc(2_000)]), /\.doc.*password.*\.docx/],
    ['a PDF', '%PDF-1.7\n%\u00e2\u00e3', /PDF/],
    ['a PDF behind white space', '\n\n%PDF-1.4\n', /PDF/],
    [
      'a Kindle book',
      Buffer.concat([Buffer.alloc(60, 1), Buffer.from('BOOKMOBI'), Buffer.alloc(99)]),
      /Kindle.*epub/,
    ],
    ['a gzip file', Buffer.from([0x1f, 0x8b, 8, 0]), /\.gz/],
    ['a 7z file', Buffer.from('377abcaf271c00', 'hex'), /\.7z/],
    ['a RAR file', Buffer.from('526172211a0700', 'hex'), /\.rar/],
    [
      'a ZIP archive of texts',
      zip([{ name: 'a.txt', content: 'Text' }]),
      /neither an EPUB nor a document.*Unpack/,
    ],
    ['an empty ZIP archive', zip([]), /neither/],
    ['an archive in an archive', zip([{ name: 'book.epub', content: epub(book) }]), /neither/],
    [
      'a spreadsheet',
      zip([
        { name: '[Content_Types].xml', content: '<Types/>' },
        { name: 'xl/workbook.xml', content: '<w/>' },
      ]),
      /spreadsheet/,
    ],
    [
      'an OpenDocument presentation',
      zip([
        { name: 'mimetype', content: 'application/vnd.oasis.opendocument.presentation', stored: true },
        { name: 'content.xml', content: '<a/>' },
      ]),
      /OpenDocument.*docx/,
    ],
  ])('is refused with what it is and what to do: %s', async (_, content, message) => {
    for (const name of ['book.txt', 'book.epub', 'book.docx'])
      expect(await refusal(Buffer.from(content as Buffer), name)).toMatchObject({
        code: 'FILE_KIND_UNSUPPORTED',
        message: expect.stringMatching(message),
      })
  })

  it('is known by its bytes, not by its name', async () => {
    expect((await read(epub(book), 'book.txt')).survey.kind).toBe('epub')
    expect((await read(docx({ body: paragraph('Text') }), 'book.epub')).survey.kind).toBe('docx')
    expect((await read(Buffer.from('PKs are killed by players.'), 'book.docx')).survey.kind).toBe('text')
  })
})

describe('the titles of a file', () => {
  it.each(['a.txt', 'a.md'])('have no controls that others see as something else (%s)', async name => {
    const text = `Title: The \u202eBook\u001b[2J\nAuthor: A\u0007nn\n\nCHAPTER I. The \u202eRain\u001b[2J\n\n${prose(1)}\n\nCHAPTER II. The \u009b1mSnow\n\n${prose(2)}\n`
    const { outline, survey } = await read(Buffer.from(text), name)
    expect(outline).toEqual({ '': ['CHAPTER I. The Rain[2J', 'CHAPTER II. The 1mSnow'] })
    expect([survey.title, survey.author]).toEqual(['The Book[2J', 'Ann'])
  })

  it('keep the words apart that a tab parts', async () => {
    const text = `Title: The \t Ferry\n\nCHAPTER I. The\tRain\n\n${prose(1)}\n\nCHAPTER II. Snow\n\n${prose(2)}\n`
    const { outline, survey } = await read(Buffer.from(text), 'a.txt')
    expect([survey.title, outline]).toEqual([
      'The Ferry',
      { '': ['CHAPTER I. The Rain', 'CHAPTER II. Snow'] },
    ])
    const named = { fileName: 'the\tferry.txt', title: 'the ferry' }
    expect((await read(Buffer.from('Once upon a time.'), named.fileName)).survey.title).toBe(named.title)
    expect((await read(Buffer.from('Once upon a time.'), '\t')).survey.title).toBe('Untitled')
  })

  it('is no control that the file is called by', async () => {
    expect((await read(Buffer.from('Once upon a time.'), 'the\u202e\u001b[2Jbook.txt')).survey.title).toBe(
      'the[2Jbook',
    )
  })
})

describe('an encrypted file', () => {
  const method = (algorithm: string) =>
    `<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><enc:EncryptedData xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptionMethod Algorithm="${algorithm}"/><enc:CipherData><enc:CipherReference URI="OEBPS/one.xhtml"/></enc:CipherData></enc:EncryptedData></encryption>`
  const locked = (content: string) => zip([...files, { name: 'META-INF/encryption.xml', content }])

  it.each([
    ['by copy protection', locked(method('http://www.w3.org/2001/04/xmlenc#aes128-cbc'))],
    ['by a password, a part', zip(withFile({ ...page('x'), encrypted: true }))],
    ['by a password, all parts', zip(files.map(file => ({ ...file, encrypted: true })))],
    [
      'by a password, a Word document',
      zip(docxFiles({ body: '' }).map(file => ({ ...file, encrypted: true }))),
    ],
  ])('is refused: %s', async (_, bytes) => {
    expect(await refusal(bytes)).toMatchObject({ code: 'FILE_PROTECTED' })
  })

  it('is read where only fonts are disguised', async () => {
    expect(await refusal(locked(method('http://www.idpf.org/2008/embedding')))).toBe('read')
  })
})

describe('a damaged file', () => {
  const whole = epub(book)
  const cut = whole.indexOf('OEBPS/one.xhtml') + 60
  const broken = Buffer.from(whole)
  broken.fill(0xff, cut, cut + 20)
  it.each<[string, Uint8Array]>([
    ['cut off at the end', whole.subarray(0, -1)],
    ['cut off in the middle', whole.subarray(0, whole.length / 2)],
    ['with garbage after it', Buffer.concat([whole, Buffer.from('garbage')])],
    ['with garbage before it', Buffer.concat([whole.subarray(0, 4), Buffer.alloc(50), whole.subarray(4)])],
    ['with other bytes in a part', broken],
    ['with a part longer than its header says', zip(withFile({ ...page(story.body), size: 10 }))],
    ['with a part shorter than its header says', zip(withFile({ ...page(story.body), size: 10_000_000 }))],
    ['with a wrong checksum', zip(withFile({ ...page(story.body), crc: 1, stored: true }))],
    ['packed in an unknown way', zip(withFile({ ...page(story.body), method: 14 }))],
    ['without its package', zip(files.filter(({ name }) => !name.endsWith('.opf')))],
    [
      'with nothing in its container',
      zip(withFile({ name: 'META-INF/container.xml', content: '<container/>' })),
    ],
    ['with nothing in its package', zip(withFile({ name: 'OEBPS/book.opf', content: '<package/>' }))],
    [
      'with a package that is no XML',
      zip(withFile({ name: 'OEBPS/book.opf', content: randomBytes(300_000) })),
    ],
    [
      'a Word document without its text',
      zip(
        docxFiles({ body: '' })
          .filter(({ name }) => name !== 'word/document.xml')
          .concat({ name: 'word/document.xml', content: '<w:document', stored: true }),
      ),
    ],
    [
      'a Word document whose text has an endless name, which is read in linear time',
      zip(
        docxFiles({ body: '' }).map(({ name, content, ...rest }) => ({
          ...rest,
          name,
          content: `${content}`.replace('Target="word/', `Target="${'a'.repeat(1_000_000)}/`),
        })),
      ),
    ],
    ['no more than the start of an archive', Buffer.from('PK\x03\x04')],
  ])('is refused: %s', async (_, bytes) => {
    expect(await refusal(bytes)).toMatchObject({ code: 'FILE_DAMAGED' })
  })
})

describe('a file beyond the bounds', () => {
  const bounded = async (bytes: Uint8Array, bounds: Partial<Bounds>) => {
    const archive = await Archive.open(bytesSource(bytes), { bounds: { ...importBounds, ...bounds } })
    for (const name of archive.names) for await (const _ of archive.read(name));
  }
  const over = (bound: keyof Bounds, limit: number = importBounds[bound]) => ({
    code: 'FILE_LIMIT_EXCEEDED',
    message: expect.stringContaining(limit.toLocaleString('en-US')),
    details: { bound, limit },
  })

  it('is refused with the bound: a bomb, before much of it is unpacked', async () => {
    const bomb = zip(withFile(page(Buffer.alloc(60_000_000, ' '))))
    expect(bomb.length).toBeLessThan(100_000)
    const before = process.memoryUsage()
    expect(await refusal(bomb)).toMatchObject(over('ratio'))
    const after = process.memoryUsage()
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(20_000_000)
  })

  it('is refused with the bound: more files than a book has', async () => {
    const many = Array.from({ length: 10_001 }, (_, i) => ({ name: `f${i}`, content: '', stored: true }))
    expect(await refusal(zip([...files, ...many]))).toMatchObject(over('entries'))
    expect(await refusal(zip([...files, ...many.slice(0, 10_000 - files.length)]))).toBe('read')
  })

  it('is refused with the bound: a part, and all parts together', async () => {
    const bytes = zip([1, 2, 3].map(n => ({ name: `${n}`, content: randomBytes(100_000) })))
    await expect(bounded(bytes, { entryBytes: 99_999 })).rejects.toMatchObject(over('entryBytes', 99_999))
    await expect(bounded(bytes, { totalBytes: 299_999 })).rejects.toMatchObject(over('totalBytes', 299_999))
    await expect(bounded(bytes, { entryBytes: 100_000, totalBytes: 300_000 })).resolves.toBeUndefined()
  })

  const elements = (count: number, name: string) => `<${name}>`.repeat(count) + `</${name}>`.repeat(count)
  it.each<[keyof Bounds, string]>([
    ['xmlDepth', elements(600, 'b')],
    ['xmlAttributes', `<p ${Array.from({ length: 1_001 }, (_, i) => `a${i}="1"`).join(' ')}>x</p>`],
    ['xmlToken', `<p title="${prose(1).repeat(100)}${'x '.repeat(10)}${'word '.repeat(1_700_000)}">x</p>`],
    ['xmlToken', `<!--${'word '.repeat(1_700_000)}-->`],
    ['xmlToken', 'word '.repeat(1_700_000)],
  ])('is refused with the bound: %s', (bound, body) => {
    const none = { open: () => undefined, close: () => undefined, text: () => undefined }
    const reader = new XmlReader({ name: 'a.xhtml', bounds: importBounds }, none)
    const push = () => {
      for (let at = 0; at < body.length; at += 50_000) reader.push(body.slice(at, at + 50_000))
      reader.end()
    }
    expect(push).toThrow(expect.objectContaining(over(bound)))
  })

  it.each<[string, ZipFile]>([
    [
      'a package',
      {
        name: 'OEBPS/book.opf',
        content: `<package><manifest>${Array.from({ length: 20_001 }, (_, i) => `<item id="i${i}" href="h${i}"/>`).join('')}</manifest></package>`,
      },
    ],
    [
      'a table of contents',
      {
        name: 'OEBPS/toc.ncx',
        content: `<ncx><navMap>${Array.from({ length: 20_001 }, (_, i) => `<navPoint><navLabel><text>${i}</text></navLabel><content src="one.xhtml#${i}"/></navPoint>`).join('')}</navMap></ncx>`,
      },
    ],
  ])('is refused with the bound: what %s lists', async (_, file) => {
    const own = epubFiles({ ...book, ncx: [] })
    expect(await refusal(zip([...own.filter(({ name }) => name !== file.name), file]))).toMatchObject(
      over('listed'),
    )
  })

  it('stops by its signal, in the middle of a part that gives no line', async () => {
    const stop = new AbortController()
    const bytes = zip(withFile(page(xhtml(`<!--${randomBytes(4_000_000).toString('base64')}--><p>x</p>`))))
    const source = bytesSource(bytes)
    let reads = 0
    const stopping = {
      ...source,
      async *readRange(from: number, to: number) {
        for await (const piece of source.readRange(from, to)) {
          reads += 1
          if (reads === 20) stop.abort(new Error('Enough.'))
          yield piece
        }
      },
    }
    await expect(surveyText(stopping, { signal: stop.signal })).rejects.toThrow('Enough.')
    expect(reads).toBeLessThan(40)
  })
})

describe('names and entities', () => {
  it('lead nowhere: traversal, absolute, doubled, endless and odd names', async () => {
    const names = [
      '../../../etc/passwd',
      '/etc/passwd',
      'C:\\x',
      '..\\..\\x',
      'OEBPS/../../x',
      '',
      'a\0b',
      'x'.repeat(60_000),
      'OEBPS/',
    ]
    const odd = names.map(name => ({ name, content: 'odd' }))
    const { chapters } = await read(zip([...odd, ...files, page(xhtml(p('second of the name')))]))
    expect(chapters.flat().join()).toContain(prose(1))
    expect(chapters.flat().join()).not.toMatch(/odd|second/)
  })

  it('of a package lead nowhere out of the archive', async () => {
    for (const href of [
      '../../secret.xhtml',
      '/etc/passwd',
      'file:///etc/passwd',
      'http://127.0.0.1/x.xhtml',
      '//127.0.0.1/x',
    ]) {
      const opf = `<package><manifest><item id="a" href="${href}" media-type="application/xhtml+xml"/><item id="b" href="one.xhtml" media-type="application/xhtml+xml"/></manifest><spine><itemref idref="a"/><itemref idref="b"/></spine></package>`
      const { chapters } = await read(zip(withFile({ name: 'OEBPS/book.opf', content: opf })))
      expect(chapters).toHaveLength(1)
    }
  })

  const laughs = Array.from({ length: 10 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join(
    '',
  )
  it.each([
    ['a billion laughs', `<!DOCTYPE html [<!ENTITY l0 "lol">${laughs}]>`, '&l10;'],
    ['a file of the server', '<!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd">]>', '&x;'],
    [
      'another site',
      '<!DOCTYPE html PUBLIC "a" "http://127.0.0.1:1/dtd" [<!ENTITY % p SYSTEM "http://127.0.0.1:1/">%p;]>',
      '&p;',
    ],
    ['a name of every object', '', '&constructor;&__proto__;&toString;'],
  ])('are not expanded: %s', async (_, doctype, entity) => {
    const content = `${doctype}<html xmlns="http://www.w3.org/1999/xhtml"><body><p>a ${entity} b</p></body></html>`
    const { chapters } = await read(epub({ pages: [{ file: 'one.xhtml', content }] }))
    expect(chapters).toEqual([[`a ${entity} b`]])
  })

  it('give no path, control or direction mark to a message', async () => {
    const name = 'OEBPS/\u202eevil\u0007\n.xhtml'
    const error = await refusal(
      zip([
        ...files.map(file => ({
          ...file,
          content: file.name.endsWith('opf')
            ? String(file.content).replace('one.xhtml', encodeURIComponent(name.slice(6)))
            : file.content,
        })),
        { name, content: 'x'.repeat(50), size: 3 },
      ]),
    )
    expect(error).toMatchObject({
      code: 'FILE_DAMAGED',
      message: expect.not.stringMatching(/[\p{Cc}\p{Cf}]/u),
    })
  })
})

describe('a hostile page', () => {
  it.each([
    ['elements', '<b></b>'],
    ['paragraphs', '<p></p>'],
    ['ends that nothing began', '</b>'],
    ['open elements that one end closes', `${'<b>'.repeat(100)}</i>`],
    ['ampersands', '&'],
    ['line breaks', '<br/>'],
    ['rules', '<hr/>'],
    ['links to notes', '<a href="#a">[1]</a>'],
    ['white space', ' \n '],
    ['Chinese between line ends', '字\n'],
    ['headings', '<h1>a</h1>'],
    ['raised links', '<sup><a href="#a">1</a></sup>'],
    ['cells', '<td>x</td>'],
  ])(
    'is read or refused in linear time: 400 KB of %s',
    async (_, unit) => {
      const content = xhtml(`<p>${unit.repeat(Math.ceil(400_000 / unit.length))}</p>`)
      const bytes = zip(withFile(page(content)))
      const start = process.cpuUsage()
      const answer = await refusal(bytes)
      const { user, system } = process.cpuUsage(start)
      // Microseconds of the processor: how busy the machine is does not count.
      expect(user + system).toBeLessThan(8_000_000)
      if (answer !== 'read') expect(answer).toMatchObject({ code: expect.stringMatching(/^FILE_/) })
    },
    60_000,
  )

  it('without any text gives an empty chapter and a warning', async () => {
    const { survey, chapters } = await read(pageBook('<p></p><img src="a.png"/>'))
    expect(chapters).toEqual([[]])
    expect(survey.warnings).toMatchObject([{ code: 'EMPTY_TEXT' }, { code: 'EMPTY_CHAPTER' }])
  })
})
