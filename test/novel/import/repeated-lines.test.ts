import { describe, expect, it } from 'vitest'
import { readChapterText } from '../../../src/novel/import/chapter-text.ts'
import { readChapters } from '../../../src/novel/import/read-chapters.ts'
import { lineKey } from '../../../src/novel/import/repeated-lines.ts'
import { bytesSource } from '../../../src/novel/import/source.ts'
import { surveyText } from '../../../src/novel/import/survey.ts'
import { hanProse, prose, survey } from './reading.ts'

const chinese = (number: number, lines: string[]) => [`第${number}章 风雨`, '', ...lines].join('\n')
const english = (number: number, lines: string[]) => [`Chapter ${number}`, ...lines].join('\n\n')

/** A text of chapters, of which some have further lines. */
function book(
  count: number,
  linesOf: (number: number) => string[],
  chapterOf: (number: number, lines: string[]) => string = english,
): string {
  return Array.from({ length: count }, (_, at) => chapterOf(at + 1, linesOf(at + 1))).join('\n\n')
}

const repeatedOf = async (text: string) => (await survey(text)).repeated.map(({ line }) => line)

describe('lines that stand in most chapters', () => {
  it('are listed once, with how often and where they stand', async () => {
    const text = book(
      6,
      number => [
        hanProse(number),
        hanProse(number + 20),
        '请投推荐票！',
        ...(number > 1 ? ['（本章完）'] : []),
      ],
      chinese,
    )
    expect((await survey(text)).repeated).toEqual([
      {
        line: '请投推荐票！',
        chapters: 6,
        count: 6,
        places: [5, 11, 18].map((line, chapter) => ({ chapter, line })),
      },
      {
        line: '（本章完）',
        chapters: 5,
        count: 5,
        places: [12, 19, 26].map((line, at) => ({ chapter: at + 1, line })),
      },
    ])
  })

  it.each<[string, string, string[]]>([
    [
      'at the end of half of the chapters',
      book(10, number => [
        prose(number),
        prose(number + 1),
        ...(number % 2 === 0 ? ['Please vote for this story'] : []),
      ]),
      ['Please vote for this story'],
    ],
    [
      'somewhere in each chapter, once',
      book(6, number => [
        ...[0, 1, 2, 3].map(at => prose(number + at)),
        'Read it first at the site of the author',
        ...[4, 5, 6, 7].map(at => prose(number + at)),
      ]),
      ['Read it first at the site of the author'],
    ],
    [
      'as the header of each page, with a number that rises',
      book(5, number =>
        [0, 1, 2, 3, 4, 5, 6].flatMap(at => [
          prose(number + at),
          ...(at > 0 && at < 6 ? [`Rain and other stories ${number * 10 + at}`] : []),
        ]),
      ),
      ['Rain and other stories 11'],
    ],
    [
      'as the header of each page, which is the title of the book',
      `Title: Rain and Salt\n\n${book(5, number => [0, 1, 2, 3, 4, 5, 6].flatMap(at => [prose(number + at), ...(at > 2 && at < 6 ? ['RAIN AND SALT'] : [])]))}`,
      ['RAIN AND SALT'],
    ],
  ])('are found %s', async (_, text, expected) => {
    expect(await repeatedOf(text)).toEqual(expected)
  })

  it.each<[string, string]>([
    ['speech', book(8, number => [prose(number), '“I shall never go there.”', prose(number + 1)])],
    ['speech with a dash', book(8, number => [prose(number), '— I shall never go there.'])],
    ['a word', book(8, number => [prose(number), 'Yes.'])],
    ['marks between scenes', book(8, number => [prose(number), '* * *', prose(number + 1), '***'])],
    [
      'a short sentence in the middle',
      book(8, number =>
        [0, 1, 2, 3, 4, 5, 6, 7].flatMap(at => [prose(number + at), ...(at === 4 ? ['He nodded.'] : [])]),
      ),
    ],
    [
      'a sentence that comes again and again',
      book(8, number =>
        [0, 1, 2, 3, 4, 5, 6, 7].flatMap(at => [
          prose(number + at),
          ...(at > 2 && at < 6 ? ['The rain went on.'] : []),
        ]),
      ),
    ],
    [
      'less than half of the chapters',
      book(12, number => [prose(number), ...(number < 6 ? ['Please vote for this story'] : [])]),
    ],
    ['four chapters', book(4, number => [prose(number), 'Please vote for this story'])],
    ['numbered scenes', book(8, number => [prose(number), 'Part 2', prose(number + 1)])],
    ['a long paragraph', book(8, number => [prose(number), prose(3)])],
  ])('are not taken of %s', async (_, text) => {
    expect(await repeatedOf(text)).toEqual([])
  })

  it('are not looked for in a file that Quillwork exported', async () => {
    const scenes = Array.from(
      { length: 8 },
      (_, at) => `## Chapter ${at}\n\n${prose(at)}\n\nPlease vote for this story`,
    )
    expect(await repeatedOf(`---\nquillwork: 1\n---\n\n${scenes.join('\n\n')}\n`)).toEqual([])
  })

  it('are found among 30,000 different ones', async () => {
    const words = (number: number) => [...String(number)].map(digit => 'abcdefghij'[Number(digit)]).join('')
    const text = book(6, number => [
      ...Array.from({ length: 5_000 }, (_, at) => `the line ${words(number * 5_000 + at)}`),
      'Please vote for this story',
    ])
    expect(await repeatedOf(text)).toEqual(['Please vote for this story'])
  })

  it('stay unless the choice removes them; the gap around one is no larger than before', async () => {
    const text = book(6, number => [
      prose(number),
      'Please vote for this story',
      prose(number + 1),
      'Go to page 1',
    ])
    const source = bytesSource(new TextEncoder().encode(text), 'book.txt')
    const found = await surveyText(source)
    expect(found.repeated.map(({ line }) => line)).toEqual(['Go to page 1', 'Please vote for this story'])
    const texts = async (removeLines: string[]) => {
      const all: string[] = []
      for await (const piece of readChapters(source, found, { chapters: [1], removeLines }))
        if (piece.kind === 'scene') all.push(piece.text)
      return all
    }
    const [second, third] = [prose(2), prose(3)]
    expect(await texts([])).toEqual([`${second}\n\nPlease vote for this story\n\n${third}\n\nGo to page 1`])
    expect(await texts(['Please vote for this story'])).toEqual([`${second}\n\n${third}\n\nGo to page 1`])
    expect(await texts(['Go to page 1', 'Please vote for this story'])).toEqual([`${second}\n\n${third}`])
    const { lines } = await readChapterText(source, found, { index: 1, from: 0 })
    expect(lines.map(({ text: line, repeated }) => [line, repeated])).toEqual([
      [second, undefined],
      ['Please vote for this story', 1],
      [third, undefined],
      ['Go to page 1', 0],
    ])
  })

  it('are the same but for white space and numbers', () => {
    expect(lineKey('　Page  12 of 300 ')).toBe(lineKey('Page 7 of 300'))
    expect(lineKey('Page 12')).not.toBe(lineKey('page 12'))
    expect(lineKey('x'.repeat(121))).toBeUndefined()
  })
})

describe('the text of a chapter', () => {
  const text = `Chapter 1\n\n${prose(1)}\n\n***\n\n${prose(2)}\n${prose(3)}\n\nChapter 2\n\n${Array.from({ length: 1_200 }, (_, at) => `Line ${at}.`).join('\n')}\n`

  it('is shown by its lines, with their scenes', async () => {
    const source = bytesSource(new TextEncoder().encode(text), 'book.txt')
    const found = await surveyText(source)
    const shown = await readChapterText(source, found, { index: 0, from: 0 })
    expect(shown).toMatchObject({ index: 0, title: 'Chapter 1' })
    expect(shown).not.toHaveProperty('next')
    expect(shown.lines.map(({ line, scene, isAfterBlank }) => [line, scene, isAfterBlank])).toEqual([
      [3, 0, true],
      [7, 1, true],
      [8, 1, false],
    ])
    await expect(readChapterText(source, found, { index: 2, from: 0 })).rejects.toMatchObject({
      code: 'CHAPTER_NOT_FOUND',
    })
  })

  it('is read in parts', async () => {
    const source = bytesSource(new TextEncoder().encode(text), 'book.txt')
    const found = await surveyText(source)
    const all: string[] = []
    let from: number | undefined = 0
    let parts = 0
    while (from !== undefined) {
      const part = await readChapterText(source, found, { index: 1, from })
      all.push(...part.lines.map(line => line.text))
      from = part.next
      parts++
    }
    expect(parts).toBe(3)
    expect(all).toEqual(Array.from({ length: 1_200 }, (_, at) => `Line ${at}.`))
  })

  it('is that of its scenes in a file that Quillwork exported', async () => {
    const exported = `---\nquillwork: 1\n---\n\n## One\n\nFirst.\n\nSecond.\n\n* * *\n\nThird.\n`
    const source = bytesSource(new TextEncoder().encode(exported), 'book.md')
    const { lines } = await readChapterText(source, await surveyText(source), { index: 0, from: 0 })
    expect(lines.map(line => [line.text, line.scene])).toEqual([
      ['First.', 0],
      ['Second.', 0],
      ['Third.', 1],
    ])
  })
})
