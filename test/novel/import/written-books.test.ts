import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { measure } from '../../../src/novel/words.ts'
import { docx, paragraph, style } from './docx-writer.ts'
import { epub, escaped, type NavEntry } from './epub-writer.ts'
import { read } from './reading.ts'

interface WrittenChapter {
  readonly title: string
  readonly paragraphs: readonly string[]
}

/** Words with the characters that mean something in XML, Markdown and headings. Each paragraph has its number, so that none repeats. */
const word = fc.constantFrom(
  ...'the mill & <b> "it" river’s # ## *** 第一章 说 雾。 Chapter 1. &amp; ]]> --> 老人 \u{20000} é'.split(
    ' ',
  ),
)
const prose = fc.array(word, { minLength: 1, maxLength: 12 }).map(words => words.join(' '))
const name = fc.array(fc.constantFrom(...'Mist Weir & < Sea 渡口 归舟 “Home”'.split(' ')), {
  minLength: 1,
  maxLength: 3,
})
const chapters = fc
  .array(fc.tuple(name, fc.array(prose, { minLength: 1, maxLength: 5 })), { minLength: 2, maxLength: 8 })
  .map(all =>
    all.map(
      ([words, texts], c): WrittenChapter => ({
        title: `${words.join(' ')} ${String.fromCharCode(97 + c)}x`,
        paragraphs: texts.map((text, i) => `p${c}-${i} ${text}`),
      }),
    ),
  )

const xhtmlOf = ({ paragraphs }: WrittenChapter) =>
  paragraphs.map(text => `<p>${escaped(text)}</p>`).join('\n')
const wordOf = ({ title, paragraphs }: WrittenChapter) =>
  paragraph(title, 'Heading1') + paragraphs.map(text => paragraph(text)).join('')

/** The books that hold the same chapters in each way. */
const writers: [string, (written: readonly WrittenChapter[]) => Buffer][] = [
  [
    'EPUB 3 with headings',
    written =>
      epub({
        pages: written.map((each, i) => ({
          file: `c${i}.xhtml`,
          body: `<h2>${escaped(each.title)}</h2>${xhtmlOf(each)}`,
        })),
        nav: navOf(written, i => `c${i}.xhtml`),
      }),
  ],
  [
    'EPUB 2 in one file',
    written =>
      epub({
        pages: [
          {
            file: 'all.xhtml',
            body: written
              .map((each, i) => `<h2 id="c${i}">${escaped(each.title)}</h2>${xhtmlOf(each)}`)
              .join(''),
          },
        ],
        ncx: navOf(written, i => `all.xhtml#c${i}`),
      }),
  ],
  [
    'EPUB without a table of contents',
    written =>
      epub({
        pages: [
          {
            file: 'all.xhtml',
            body: written.map(each => `<h3>${escaped(each.title)}</h3>${xhtmlOf(each)}`).join(''),
          },
        ],
      }),
  ],
  ['DOCX', written => docx({ styles: style('Heading1', 'heading 1'), body: written.map(wordOf).join('') })],
]

function navOf(written: readonly WrittenChapter[], href: (i: number) => string): NavEntry[] {
  return written.map(({ title }, i) => ({ title, href: href(i) }))
}

describe('any book', () => {
  it.each(writers)('is read as it was written: %s', async (_, write) => {
    await fc.assert(
      fc.asyncProperty(chapters, async written => {
        const { survey, chapters: texts } = await read(write(written))
        const listed = survey.volumes.flatMap(volume => volume.chapters)
        expect(listed.map(({ title }) => title)).toEqual(written.map(({ title }) => title))
        const paragraphs = texts.map(scenes => scenes.flatMap(text => text.split('\n\n')))
        expect(paragraphs).toEqual(written.map(each => each.paragraphs))
      }),
      { numRuns: 60 },
    )
  })

  it('counts in the survey what the read gives, and gives the same every time', async () => {
    await fc.assert(
      fc.asyncProperty(chapters, fc.constantFrom(...writers), async (written, [, write]) => {
        const bytes = write(written)
        const [first, second] = [await read(bytes), await read(bytes)]
        expect(second).toEqual(first)
        const counted = first.survey.volumes.flatMap(volume => volume.chapters)
        const measured = first.chapters.map(scenes => measure(scenes.join('\n')))
        expect(counted.map(({ characters, words }) => [characters, words])).toEqual(
          measured.map(({ characters, words }) => [characters, words]),
        )
        expect(first.survey.warnings.filter(({ code }) => code === 'EMPTY_CHAPTER')).toEqual([])
      }),
      { numRuns: 40 },
    )
  })
})
