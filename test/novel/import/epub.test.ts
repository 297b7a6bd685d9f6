import { describe, expect, it } from 'vitest'
import { type EpubBook, epub, pageBook, xhtml } from './epub-writer.ts'
import { hanProse, prose, read } from './reading.ts'

const p = (...texts: readonly string[]) => texts.map(text => `<p>${text}</p>`).join('\n')
const page = (file: string, body: string) => ({ file, body })
const chapter = (n: number, heading = `<h1>Chapter ${n}</h1>`) =>
  page(`c${n}.xhtml`, `${heading}\n${p(prose(n), prose(n + 3))}`)

describe('the chapters of an EPUB', () => {
  const pages = [chapter(1), chapter(2), chapter(3)]
  const cases: [string, EpubBook, Record<string, string[]>][] = [
    [
      'from the navigation of EPUB 3, which also names what the text calls otherwise',
      {
        pages,
        nav: [1, 2, 3].map(n => ({ title: ['Alpha', 'Beta', 'Gamma'][n - 1] ?? '', href: `c${n}.xhtml` })),
      },
      { '': ['Chapter 1: Alpha', 'Chapter 2: Beta', 'Chapter 3: Gamma'] },
    ],
    [
      'from the table of contents of EPUB 2',
      { pages, ncx: [1, 2, 3].map(n => ({ title: `Night ${n} & more, chapter ${n}`, href: `c${n}.xhtml` })) },
      { '': ['Night 1 & more, chapter 1', 'Night 2 & more, chapter 2', 'Night 3 & more, chapter 3'] },
    ],
    [
      'from EPUB 2 where EPUB 3 lists nothing',
      { pages, nav: [], ncx: [1, 2, 3].map(n => ({ title: `Chapter ${n}`, href: `./c${n}.xhtml` })) },
      { '': ['Chapter 1', 'Chapter 2', 'Chapter 3'] },
    ],
    [
      'from headings where there is no table of contents',
      { pages },
      { '': ['Chapter 1', 'Chapter 2', 'Chapter 3'] },
    ],
    [
      'from headings where the table of contents lists one place only',
      { pages, nav: [{ title: 'Start', href: 'c1.xhtml' }] },
      { '': ['Chapter 1', 'Chapter 2', 'Chapter 3'] },
    ],
    [
      'from the lines where there are neither',
      { pages: [1, 2, 3].map(n => chapter(n, `<p class="title">Chapter ${n}</p>`)) },
      { '': ['Chapter 1', 'Chapter 2', 'Chapter 3'] },
    ],
    [
      'with volumes from two levels, and what stands beside them',
      {
        pages: [
          page('d.xhtml', p(prose(9), prose(8))),
          chapter(1),
          chapter(2),
          page('part.xhtml', '<h1>Part Two</h1>'),
          chapter(3),
        ],
        nav: [
          { title: 'To the reader', href: 'd.xhtml' },
          {
            title: 'Part One',
            below: [
              { title: 'The Mill', href: 'c1.xhtml' },
              { title: 'The Weir', href: 'c2.xhtml' },
            ],
          },
          { title: 'Part Two', href: 'part.xhtml', below: [{ title: 'The Sea', href: 'c3.xhtml' }] },
        ],
      },
      {
        '': ['To the reader'],
        'Part One': ['Chapter 1: The Mill', 'Chapter 2: The Weir'],
        'Part Two': ['Chapter 3: The Sea'],
      },
    ],
    [
      'with volumes that stand beside their chapters',
      {
        pages: [
          page('p1.xhtml', '<h1>Part I</h1>'),
          pages[0] ?? chapter(1),
          page('p2.xhtml', '<h1>Part II</h1>'),
          chapter(2),
        ],
        nav: [
          { title: 'Part I', href: 'p1.xhtml' },
          { title: 'Chapter 1', href: 'c1.xhtml' },
          { title: 'Part II', href: 'p2.xhtml' },
          { title: 'Chapter 2', href: 'c2.xhtml' },
        ],
      },
      { 'Part I': ['Chapter 1'], 'Part II': ['Chapter 2'] },
    ],
    [
      'at places within a file, at its start where a place is not there',
      {
        pages: [
          page(
            'all.xhtml',
            `<h2 id="a">Alpha</h2>${p(prose(1))}<h2><a id="b b"></a>Be</h2>${p(prose(2))}<p id="c">${prose(3)}</p>`,
          ),
          chapter(4),
        ],
        nav: [
          { title: 'Alpha', href: 'all.xhtml#a' },
          { title: 'Beta', href: 'all.xhtml#b%20b' },
          { title: 'Gamma', href: 'all.xhtml#c' },
          { title: 'Delta', href: 'c4.xhtml#nowhere' },
        ],
      },
      { '': ['Alpha', 'Beta', 'Gamma', 'Chapter 4: Delta'] },
    ],
    [
      'in Chinese, with the number above the name',
      {
        pages: [1, 2].map(n =>
          page(`c${n}.xhtml`, `<h1>第${n}章</h1><h2>渡口${n}</h2>${p(hanProse(n), hanProse(n + 1))}`),
        ),
        nav: [1, 2].map(n => ({ title: `第${n}章 渡口${n}`, href: `c${n}.xhtml` })),
      },
      { '': ['第1章 渡口1', '第2章 渡口2'] },
    ],
    [
      'with the name that only the text prints',
      {
        pages: [1, 2].map(n => chapter(n, `<h1>CHAPTER ${n}.</h1><h2>The ${n}th Night</h2>`)),
        nav: [1, 2].map(n => ({ title: `${n}`, href: `c${n}.xhtml` })),
      },
      { '': ['CHAPTER 1: The 1th Night', 'CHAPTER 2: The 2th Night'] },
    ],
  ]

  it.each(cases)('%s', async (_, book, outline) => {
    const { survey, outline: found, chapters } = await read(epub(book))
    expect(found).toEqual(outline)
    expect(survey).toMatchObject({
      kind: 'epub',
      title: 'The Book',
      encoding: { name: 'utf-8', confidence: 1 },
    })
    // No title is printed once more in the text.
    for (const [first = ''] of chapters) expect(first).toMatch(/^(?:[A-Z　].{20}|Be\n)/)
  })

  it('are not its cover, copyright page and table of contents, as any of them is told', async () => {
    const legal = p('All rights reserved to the miller, who was asked.', prose(5))
    const { outline, survey, chapters, matter } = await read(
      epub({
        pages: [
          page('cover.xhtml', '<p>THE COVER</p>'),
          page('title.xhtml', '<p>THE TITLE</p>'),
          page(
            'c1.xhtml',
            `<section epub:type="copyright-page">${legal}</section><h1>Chapter 1</h1>${p(prose(1))}`,
          ),
          chapter(2),
          page('legal.xhtml', legal),
          page('ads.xhtml', legal),
          { file: 'beside.xhtml', body: legal, linear: false },
        ],
        nav: [
          { title: 'Front', href: 'cover.xhtml' },
          { title: 'Chapter 1', href: 'c1.xhtml' },
          { title: 'Chapter 2', href: 'c2.xhtml' },
          { title: '版权信息', href: 'legal.xhtml' },
          { title: 'More books', href: 'ads.xhtml' },
        ],
        navInSpine: true,
        landmarks: { cover: 'cover.xhtml', bodymatter: 'c1.xhtml', toc: 'nav.xhtml' },
        guide: { 'title-page': 'title.xhtml', 'copyright-page': 'ads.xhtml', cover: 'c1.xhtml' },
      }),
    )
    expect(outline).toEqual({ '': ['Chapter 1', 'Chapter 2'] })
    expect([...chapters.flat(), ...matter].join()).not.toMatch(/reserved|COVER|TITLE|Contents/)
    expect(survey.warnings).toEqual([
      {
        code: 'PAGES_LEFT_OUT',
        count: 7,
        message: expect.stringMatching(
          /table of contents, Front, title page, copyright, 版权信息 and others/,
        ),
        pages: expect.arrayContaining([{ kind: 'contents' }, { name: 'Front' }, { name: '版权信息' }]),
      },
    ])
  })

  it('are not a page with the title of the book alone, which is listed', async () => {
    const metadata = '<dc:title>The  Weir</dc:title><dc:creator>Ann Tamsin</dc:creator>'
    const title = page('t.xhtml', '<h1>The Weir</h1><p>Ann Tamsin</p>')
    const nav = [
      { title: 'The Weir', href: 't.xhtml' },
      ...[1, 2].map(n => ({ title: `Chapter ${n}`, href: `c${n}.xhtml` })),
    ]
    const { outline, survey } = await read(epub({ pages: [title, chapter(1), chapter(2)], nav, metadata }))
    expect(outline).toEqual({ '': ['Chapter 1', 'Chapter 2'] })
    expect(survey.warnings).toMatchObject([{ code: 'PAGES_LEFT_OUT', pages: [{ kind: 'title-page' }] }])
    const story = page('t.xhtml', `<h1>The Weir</h1>${p(prose(3))}`)
    const whole = await read(epub({ pages: [story, chapter(1), chapter(2)], nav, metadata }))
    expect(whole.outline).toEqual({ '': ['The Weir', 'Chapter 1', 'Chapter 2'] })
  })

  it('are told by the headings where the links of the table of contents lead astray', async () => {
    const lost = (n: number) => ({ title: `Chapter ${n}`, href: `c1.xhtml#chapter-${n}` })
    const two = (n: number) => `<h1 id="chapter-${n}">Chapter ${n}</h1>${p(prose(n), prose(n + 1))}`
    const pages = [page('c1.xhtml', p(prose(9))), page('c2.xhtml', two(1) + two(2)), page('c3.xhtml', two(3))]
    const { outline, chapters } = await read(epub({ pages, nav: [1, 2, 3].map(lost) }))
    expect(Object.values(outline).flat().slice(-3)).toEqual(['Chapter 1', 'Chapter 2', 'Chapter 3'])
    expect(chapters.slice(-3).map(([text]) => text)).toEqual(
      [1, 2, 3].map(n => `${prose(n)}\n\n${prose(n + 1)}`),
    )
  })

  it('follow the reading order, not that of the archive, and a file is read once', async () => {
    const one = chapter(1)
    const { chapters } = await read(epub({ pages: [chapter(2), one, one] }))
    expect(chapters).toHaveLength(2)
    expect(chapters[0]?.[0]).toContain(prose(2))
  })
})

describe('the text of an EPUB', () => {
  const long = 'There was a mill by the river, and nobody in the village had seen it for years.'
  it.each([
    [
      'paragraphs, with their white space as a reader shows it',
      p('  a \n\t b  ', 'c<i>d</i> <b>e</b>'),
      'a b\n\ncd e',
    ],
    ['line breaks, and two of them for a paragraph', '<p>a<br/> b<br/><br/>c</p>', 'a\nb\n\nc'],
    ['text without paragraphs', '<div>a<div>b</div>c</div>', 'a\n\nb\n\nc'],
    ['Chinese that is wrapped in the file', '<p>河对岸\n  的雾，\n没有</p>', '河对岸的雾，没有'],
    ['full-width indents', '<p>　　老人</p>', '　　老人'],
    [
      'entities: named, numbered, and those that nobody declared',
      '<p>&eacute;&nbsp;&#x4e00;&#19968;&hellip;&Dagger; &unknown; &amp;amp; R&D; a & b</p>',
      'é\u00a0一一…‡ &unknown; &amp; R&D; a & b',
    ],
    [
      'ruby without the readings',
      '<p><ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp>字<rt>じ</rt></ruby>だ</p>',
      '漢字だ',
    ],
    ['no soft hyphens, which would hide words from the search', '<p>wa\u00adter\u200bmill</p>', 'watermill'],
    ['verbatim lines', '<pre>a\n  b\n\nc</pre>', 'a\n  b\n\nc'],
    ['quotations', '<p><q>Go</q> she said</p>', '“Go” she said'],
    ['table rows', '<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>', 'a\tb\n\nc'],
    ['lists', '<ul><li>a</li><li>b</li></ul>', 'a\n\nb'],
    [
      'no notes',
      '<p>a<sup><a href="#n1">1</a></sup>, b<a href="n.xhtml#n2">[2]</a> c<a epub:type="noteref" href="#n3">3</a> d<a href="#x">see 4</a> 10<sup>2</sup></p><aside epub:type="footnote" id="n1"><p>Note</p></aside>',
      'a, b c dsee 4 102',
    ],
    [
      'no page numbers, pictures, scripts and hidden parts',
      '<p>a<span epub:type="pagebreak" title="9">9</span>b<img src="i.png" alt="alt"/><svg><text>s</text></svg></p><script>x</script><p hidden="hidden">h</p>',
      'ab',
    ],
    ['CDATA', '<p><![CDATA[a <b> & c]]></p>', 'a <b> & c'],
    ['no comments', '<p>a<!-- b --><?c d?>e</p>', 'ae'],
  ])('has %s', async (_, body, text) => {
    const { chapters } = await read(pageBook(body))
    expect(chapters).toEqual([[text]])
  })

  it.each([
    ['a rule', '<hr/>'],
    ['asterisks', '<p>* * *</p>'],
    ['an ornament', '<div class="scene-break"></div>'],
    ['a picture of one', '<p class="ornament"><img src="o.png"/></p>'],
    ['the role', '<div role="separator"/>'],
    ['a heading within a chapter', '<h4>Later</h4>'],
  ])('is parted into scenes by %s', async (_, mark) => {
    const { chapters } = await read(pageBook(`<h1>One</h1>${p(long)}${mark}${p(long)}`))
    expect(chapters[0]).toHaveLength(2)
  })

  it('is parted by a rare empty paragraph, and not by many', async () => {
    const body = (gap: (i: number) => boolean) =>
      Array.from({ length: 60 }, (_, i) => p(prose(i)) + (gap(i) ? '<p>&nbsp;</p>' : '')).join('')
    expect((await read(pageBook(body(i => i === 30)))).chapters[0]).toHaveLength(2)
    expect((await read(pageBook(body(() => true)))).chapters[0]).toHaveLength(1)
  })

  it('has lines that look like headings and are none', async () => {
    const lines = [
      '# Not a heading',
      'Chapter 9',
      '```',
      '## Nor this',
      '第九章 假的',
      'Under',
      '---',
      '======',
    ]
    const { outline, chapters } = await read(
      epub({
        pages: [page('a.xhtml', p(long, ...lines, long)), chapter(2)],
        nav: [
          { title: 'A', href: 'a.xhtml' },
          { title: 'B', href: 'c2.xhtml' },
        ],
      }),
    )
    expect(outline).toEqual({ '': ['A', 'Chapter 2: B'] })
    const text = chapters[0]?.join('\n') ?? ''
    for (const line of lines.filter(each => !/^[-=]/.test(each))) expect(text).toContain(line)
  })

  const utf16 = (text: string) => Buffer.from(`\ufeff${text.replace('utf-8', 'utf-16')}`, 'utf16le')
  it.each([
    ['UTF-16 LE', utf16(xhtml('<p>Ein Mühlrad 水車</p>')), 'utf-16le'],
    ['UTF-16 BE without a mark', utf16(xhtml('<p>Ein Mühlrad 水車</p>')).subarray(2).swap16(), 'utf-16be'],
    ['UTF-8 with a mark', `\ufeff${xhtml('<p>Ein Mühlrad 水車</p>')}`, 'utf-8'],
    ['an encoding that nobody knows', xhtml('<p>Ein Mühlrad 水車</p>').replace('utf-8', 'klingon'), 'utf-8'],
  ])('is decoded as the file says: %s', async (_, content, name) => {
    const { survey, chapters } = await read(epub({ pages: [{ file: 'a.xhtml', content }] }))
    expect(chapters).toEqual([['Ein Mühlrad 水車']])
    expect(survey.encoding).toEqual({ name, confidence: 1 })
  })

  it('is decoded from an old encoding, and bytes that mean nothing are told', async () => {
    const latin = Buffer.from(xhtml('<p>M\u00fchle</p>').replace('utf-8', 'iso-8859-1'), 'latin1')
    expect((await read(epub({ pages: [{ file: 'a.xhtml', content: latin }] }))).chapters).toEqual([['Mühle']])
    const wrong = Buffer.from(xhtml(`${p(long)}<p>M\u00fchle</p>`), 'latin1')
    const { survey } = await read(epub({ pages: [{ file: 'a.xhtml', content: wrong }] }))
    expect(survey.warnings).toMatchObject([{ code: 'BAD_BYTES', count: 1 }, { code: 'NO_HEADINGS' }])
  })

  it('is read as far as it goes where the markup is broken, and that is told', async () => {
    const broken = xhtml('<h1>One</h1><p>a<br>b</p><p>c</i> d & e</p><p>f').replace('</body></html>', '')
    const { chapters, survey } = await read(
      epub({ pages: [{ file: 'a.xhtml', content: broken }, chapter(1)] }),
    )
    expect(chapters[0]).toEqual(['a\nb\n\nc\n\nd & e\n\nf'])
    expect(survey.warnings).toMatchObject([
      {
        code: 'BROKEN_MARKUP',
        count: 1,
        message: expect.stringContaining('a.xhtml'),
        pages: [{ name: 'a.xhtml' }],
      },
    ])
  })

  it('is without what is listed and not there, and that is told', async () => {
    const { chapters, survey } = await read(
      epub({
        pages: [chapter(1), chapter(2)],
        metadata:
          '</metadata><manifest><item id="gone" href="gone.xhtml" media-type="application/xhtml+xml"/></manifest><spine><itemref idref="gone"/></spine><metadata>',
      }),
    )
    expect(chapters).toHaveLength(2)
    expect(survey.warnings).toMatchObject([
      { code: 'BROKEN_MARKUP', message: expect.stringContaining('gone.xhtml') },
    ])
  })
})

describe('what an EPUB says of itself', () => {
  it.each([
    [
      '<dc:title>A &amp; B</dc:title><dc:creator>Ann</dc:creator><dc:language>pt-BR</dc:language>',
      { title: 'A & B', author: 'Ann', language: 'pt-BR' },
    ],
    [
      '<dc:title id="s">Sub</dc:title><dc:title id="t">Main</dc:title><meta refines="#t" property="title-type">main</meta><dc:creator id="e">Ed</dc:creator><meta refines="#e" property="role">edt</meta><dc:creator opf:role="aut">Ann</dc:creator><dc:creator>Bo</dc:creator>',
      { title: 'Main', author: 'Ann, Bo' },
    ],
    [
      '<dc:creator opf:role="ill">Only one</dc:creator><dc:language>und</dc:language>',
      { title: 'file', author: 'Only one' },
    ],
    [
      '<dc:title>Unknown Title</dc:title><dc:creator>Unknown Author</dc:creator><dc:language>en</dc:language>',
      { title: 'file', language: 'en' },
    ],
    [
      '<dc:title>Unknown</dc:title><dc:creator>Unknown</dc:creator><dc:creator>The Unknown Author</dc:creator>',
      { title: 'Unknown', author: 'The Unknown Author' },
    ],
    [
      `<dc:title>${'long '.repeat(100)}\u202e</dc:title><dc:language>no tag</dc:language>`,
      { title: 'long '.repeat(40).trim() },
    ],
  ])('%s', async (metadata, expected) => {
    const { survey } = await read(epub({ pages: [page('a.xhtml', p(prose(1), prose(2)))], metadata }))
    const { title, author, language } = survey
    expect(JSON.parse(JSON.stringify({ title, author, language }))).toEqual(expected)
  })
})
