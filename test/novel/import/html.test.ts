import { describe, expect, it } from 'vitest'
import { importBounds } from '../../../src/novel/import/bounds.ts'
import { encode } from './encoders.ts'
import { hanProse, prose, read } from './reading.ts'

const page = (body: string, head = '') =>
  `<!DOCTYPE html>\n<html><head>${head}</head><body>${body}</body></html>`
const of = (html: string, name = 'the-book.html', encoding?: string) =>
  read(Buffer.from(html), name, encoding)
const p = (...seeds: readonly number[]) => seeds.map(seed => `<p>${prose(seed)}</p>`).join('\n')

describe('the chapters of an HTML page', () => {
  const cases: [string, string, Record<string, string[]>][] = [
    [
      'by headings',
      page(`<h2>Night 1</h2>${p(1, 2)}<h2>Night 2</h2>${p(3)}`),
      { '': ['Night 1', 'Night 2'] },
    ],
    [
      'by headings below one that is the title',
      page(`<h1>The Book</h1>${[1, 2, 3].map(n => `<h2>Night ${n}</h2>${p(n, n + 1)}`).join('')}`),
      { '': ['Night 1', 'Night 2', 'Night 3'] },
    ],
    [
      'by two levels',
      page(
        ['One', 'Two']
          .map(part => `<h1>Part ${part}</h1>${[1, 2].map(n => `<h2>Night ${n}</h2>${p(n)}`).join('')}`)
          .join(''),
      ),
      { 'Part One': ['Night 1', 'Night 2'], 'Part Two': ['Night 1', 'Night 2'] },
    ],
    [
      'without the list of links to them',
      page(
        `<h1>The Book</h1><ul>${['Alpha', 'Beta', 'Gamma'].map(name => `<li><a href="#${name}">${name}</a></li>`).join('')}</ul>${['Alpha', 'Beta', 'Gamma'].map((name, n) => `<h2 id="${name}">${name}</h2>${p(n, n + 3)}`).join('')}`,
      ),
      { '': ['Alpha', 'Beta', 'Gamma'] },
    ],
    [
      'by their lines',
      page(`<p>Chapter 1</p>${p(1)}<p>Chapter 2: Rain</p>${p(2)}`),
      { '': ['Chapter 1', 'Chapter 2: Rain'] },
    ],
    [
      'by their lines, between line breaks',
      page(`<div>Chapter 1<br><br>${prose(1)}<br><br>Chapter 2<br><br>${prose(2)}</div>`),
      { '': ['Chapter 1', 'Chapter 2'] },
    ],
    [
      'by their lines, in a text as it is',
      page(`<pre>\nChapter 1\n\n${prose(1)}\n\nChapter 2\n\n${prose(2)}</pre>`),
      { '': ['Chapter 1', 'Chapter 2'] },
    ],
    [
      'without any tag that may be left out',
      `<!DOCTYPE html><html><title>The Book</title><h2>Alpha</h2><p>${prose(1)}<h2>Beta</h2><p>${prose(2)}`,
      { '': ['Alpha', 'Beta'] },
    ],
    [
      'of XHTML with empty elements',
      `<?xml version="1.0"?>\n<!DOCTYPE html>\n<html><head><title>The Book</title><script src="a"/></head><body><div/><h2><a id="a"/>Alpha</h2>${p(1)}<h2>Beta</h2>${p(2)}</body></html>`,
      { '': ['Alpha', 'Beta'] },
    ],
  ]
  it.each(cases)('%s', async (_, html, outline) => {
    const found = await of(html)
    expect(found.outline).toEqual(outline)
    expect(found.survey).toMatchObject({ kind: 'html', warnings: [] })
    expect(found.survey.title.toLowerCase()).toBe('the book')
    for (const [first] of found.chapters) expect(first).toMatch(/^[A-Z]/)
  })
})

describe('the text of an HTML page', () => {
  it.each([
    [
      'tags that are crossed, unknown or not closed',
      '<p>a <b>b <i>c</b> d</i> <zz>e <p>f <font color=red>g',
      'a b c d e\n\nf g',
    ],
    [
      'references to characters, with and without their end',
      '<p>&ldquo;a&rdquo; &amp b &#8212; &#x4e2d;&hellip;&nosuch;',
      '“a” & b — 中…&nosuch;',
    ],
    ['ampersands and angle brackets that are text', '<p>a & b < c > d &</p>', 'a & b < c > d &'],
    ['white space as browsers show it', '<p>  a\n   b\t c <b> d</b></p>', 'a b c d'],
    ['line ends between Chinese characters', '<p>渡口的\n  灯&#x4eae;\n着</p>', '渡口的灯亮着'],
    ['line breaks', '<p>a<br>b<br/>c</br>d', 'a\nb\nc\nd'],
    [
      'no scripts, styles, comments, navigation and forms of choice',
      '<p>a</p><script>document.write("<p>x</p>")</script><style>p { x: y }</style><!-- <p>x</p> --><nav>Home</nav><select><option>x</select><![if !x]><p>b',
      'a\n\nb',
    ],
    [
      'no notes and their numbers',
      '<p>a<a href="#n1"><sup>1</sup></a> b</p><aside role="doc-footnote" id="n1">x</aside>',
      'a b',
    ],
    ['no readings of ruby', '<p><ruby>漢<rp>(</rp><rt>かん<rp>)</rp></ruby>字', '漢字'],
    ['lists and tables', '<ul><li>a<li>b</ul><table><tr><td>c<td>d<tr><td>e</table>', 'a\n\nb\n\nc\td\n\ne'],
  ])('has %s', async (_, body, text) => {
    const { chapters } = await of(page(body))
    expect(chapters).toEqual([[text]])
  })

  it('is divided into scenes at rules and marks', async () => {
    const { chapters } = await of(
      page(`<h2>Alpha</h2>${p(1)}<hr>${p(2)}<p>* * *</p>${p(3)}<h2>Beta</h2>${p(4)}`),
    )
    expect(chapters.map(scenes => scenes.length)).toEqual([3, 1])
  })

  it('is the same however a long one is divided when it is read', async () => {
    const words = Array.from({ length: 60_000 }, (_, n) => `字${n % 10}\n`).join('')
    const { chapters } = await of(page(`<p>${words}</p>`))
    expect(chapters.flat().join('').replaceAll('\n', '')).toBe(
      words
        .replaceAll('\n', ' ')
        .trim()
        .replace(/ (?=$)/, ''),
    )
  })
})

describe('what an HTML page says of itself', () => {
  const head = '<title>The Weir &amp; the Mill</title><META NAME="Author" CONTENT="Ann Tamsin">'
  it.each<[string, string, object]>([
    ['title and author', page(p(1), head), { title: 'The Weir & the Mill', author: 'Ann Tamsin' }],
    [
      'the title as libraries have it',
      page(
        p(1),
        `<title>A | Site</title><meta name="dc.title" content="A"><meta name="DC.Creator" content="B">`,
      ),
      { title: 'A', author: 'B' },
    ],
    ['the language', `<html lang="de"><body>${p(1)}</body></html>`, { language: 'de' }],
    [
      'what programs put there does not count',
      page(p(1), '<title>Untitled Document</title><meta name="author" content="User">'),
      { title: 'the book' },
    ],
    [
      'a title without a head, and the text that follows it',
      `<html><title>A</title><p>${prose(1)}</p></html>`,
      { title: 'A' },
    ],
  ])('%s', async (_, html, facts) => {
    const { survey, chapters } = await of(html)
    expect(survey).toMatchObject(facts)
    expect(chapters).toEqual([[prose(1)]])
  })

  const chinese = (label: string) =>
    `<html><head><meta ${label}><title>渡口</title></head><body><h2>第一章 雾</h2><p>${hanProse(1)}</p><h2>第二章 潮</h2><p>${hanProse(2)}</p></body></html>`
  it.each<[string, string, string, string]>([
    ['charset', 'charset=gbk', 'gb18030', 'gb18030'],
    ['http-equiv', 'http-equiv="Content-Type" content="text/html; charset=gb2312"', 'gb18030', 'gb18030'],
    ['a mark before what is declared', 'charset="gb2312"', 'utf-16le', 'utf-16le'],
    ['the bytes where the declared one does not exist', 'charset="klingon"', 'gb18030', 'gb18030'],
    ['the bytes where none is declared', 'name="x"', 'gb18030', 'gb18030'],
    ['the bytes where it cannot be true', 'charset="utf-16"', 'utf-8', 'utf-8'],
  ])('its encoding: %s', async (_, meta, encoding, name) => {
    const mark = encoding === 'utf-16le' ? '\ufeff' : ''
    const { survey, outline } = await read(encode(mark + chinese(meta), encoding), 'a.txt')
    expect(survey).toMatchObject({ kind: 'html', title: '渡口', encoding: { name } })
    expect(outline).toEqual({ '': ['第一章 雾', '第二章 潮'] })
  })

  it('less than who imports it', async () => {
    const { survey, outline } = await read(encode(chinese('charset="big5"'), 'gb18030'), 'a.html', 'gb18030')
    expect(survey.encoding).toEqual({ name: 'gb18030', confidence: 1 })
    expect(outline).toEqual({ '': ['第一章 雾', '第二章 潮'] })
  })
})

describe('a hostile HTML page', () => {
  const over = (bound: keyof typeof importBounds) => ({
    code: 'FILE_LIMIT_EXCEEDED',
    details: { bound, limit: importBounds[bound] },
  })
  it.each<[keyof typeof importBounds, string]>([
    ['xmlDepth', '<div>'.repeat(600)],
    ['xmlAttributes', `<p ${Array.from({ length: 1_001 }, (_, i) => `a${i}`).join(' ')}>`],
    ['xmlToken', `<p title="${'word '.repeat(1_700_000)}">x</p>`],
    ['xmlToken', `<!--${'word '.repeat(1_700_000)}`],
  ])('is refused with the bound: %s', async (bound, body) => {
    await expect(of(page(body))).rejects.toMatchObject(over(bound))
  })

  it('has a script of any length', async () => {
    expect((await of(page(`<script>${'x = 1;\n'.repeat(1_500_000)}</script><p>a`))).chapters).toEqual([['a']])
  })

  const laughs = Array.from({ length: 10 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join(
    '',
  )
  it.each([
    ['a billion laughs', `[<!ENTITY l0 "lol">${laughs}]`, '&l10;'],
    ['a file of the server', '[<!ENTITY x SYSTEM "file:///etc/passwd">]', '&x;'],
  ])('has no entity expanded: %s', async (_, doctype, entity) => {
    const { chapters } = await of(`<!DOCTYPE html ${doctype}><html><body><p>a ${entity} b</p></body></html>`)
    expect(chapters.flat().join()).toMatch(new RegExp(`a ${entity} b$`))
    expect(chapters.flat().join()).not.toMatch(/lol{2}|root:/)
  })

  it.each([
    ['paragraphs', '<p>'],
    ['tags that close nothing', '</i>'],
    ['starts of tags', '<a '],
    ['references', '&amp'],
    ['comments', '<!---->'],
    ['forms', '<form>'],
    ['links', '<a href="#a">[1]</a>'],
    ['raised links', '<sup><a href="#a">1</a></sup>'],
    ['crossed tags', '<b><p></b>'],
  ])(
    'is read or refused in linear time: 1 MB of %s',
    async (_, unit) => {
      const start = process.cpuUsage()
      const answer = await of(page(unit.repeat(Math.ceil(1_000_000 / unit.length)))).catch(
        (error: unknown) => error,
      )
      const { user, system } = process.cpuUsage(start)
      expect(user + system).toBeLessThan(8_000_000)
      if (answer instanceof Error) expect(answer).toMatchObject({ code: 'FILE_LIMIT_EXCEEDED' })
    },
    60_000,
  )
})

describe('the first heading of a page', () => {
  it.each([
    ['is the title of the book where it is that of the page', '<h1>The Weir</h1>', { '': ['One', 'Two'] }],
    ['is a volume where it is none', '<h1>Part One</h1>', { 'Part One': ['One', 'Two'] }],
  ])('%s', async (_, first, outline) => {
    const chapters = ['One', 'Two'].map((title, n) => `<h2>${title}</h2><p>${prose(n)}</p>`).join('')
    const page = `<!doctype html><title>The  Weir</title>${first}${chapters}`
    const found = await read(new TextEncoder().encode(page))
    expect(found.outline).toEqual(outline)
    expect(found.survey.title).toBe('The Weir')
  })
})
