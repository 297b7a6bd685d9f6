import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readChapterText } from '../../../src/novel/import/chapter-text.ts'
import { editedOutline, type ImportEdit, isTaken } from '../../../src/novel/import/edited-outline.ts'
import { checkTaken } from '../../../src/novel/import/edits.ts'
import { type ReadOptions, readChapters } from '../../../src/novel/import/read-chapters.ts'
import { bytesSource } from '../../../src/novel/import/source.ts'
import { surveyText, type TextSurvey } from '../../../src/novel/import/survey.ts'
import { sizeOf } from '../../size.ts'
import { epub, xhtml } from './epub-writer.ts'
import { prose } from './reading.ts'

const sourceOf = (text: string) => bytesSource(new TextEncoder().encode(text), 'the-book.txt')
const chapter = (number: number, lines: string[] = [prose(number)]) =>
  [`Chapter ${number}`, '', ...lines, ''].join('\n')
const three = [1, 2, 3].map(number => chapter(number, [prose(number), '', prose(number + 10)])).join('\n')

/** The volumes with their chapters that a reading makes, each chapter with its text. */
async function made(text: string, options: ReadOptions, survey?: TextSurvey) {
  const source = sourceOf(text)
  const volumes: { title: string; chapters: { title: string; scenes: string[] }[] }[] = []
  for await (const piece of readChapters(source, survey ?? (await surveyText(source)), options)) {
    const volume = volumes.at(-1)
    if (piece.kind === 'volume') volumes.push({ title: piece.title, chapters: [] })
    else if (piece.kind === 'chapter') volume?.chapters.push({ title: piece.title, scenes: [] })
    else if (piece.kind === 'scene') volume?.chapters.at(-1)?.scenes.push(piece.text)
  }
  return volumes
}

const outlineOf = (volumes: Awaited<ReturnType<typeof made>>) =>
  volumes.map(({ title, chapters }) => [title, chapters.map(one => one.title)] as const)

/** The lines of all chapters of a text, as the preview shows them. */
async function shownLines(text: string) {
  const source = sourceOf(text)
  const survey = await surveyText(source)
  const count = survey.volumes.flatMap(volume => volume.chapters).length
  const chapters = []
  for (let index = 0; index < count; index++)
    chapters.push((await readChapterText(source, survey, { index, from: 0 })).lines)
  return { survey, chapters }
}

describe('the edits of a preview', () => {
  it('rename, merge and cut chapters, and begin and end volumes', async () => {
    const { chapters } = await shownLines(three)
    const line = chapters[2]?.[1]?.line ?? 0
    const edits: ImportEdit[] = [
      { index: 2, line, title: 'The Bank', volume: 'Part Two' },
      { index: 1, merge: true },
      { index: 0, title: 'The Ferry', volume: 'Part One' },
    ]
    const found = await made(three, { edits })
    expect(outlineOf(found)).toEqual([
      ['Part One', ['The Ferry', 'Chapter 3']],
      ['Part Two', ['The Bank']],
    ])
    expect(found[0]?.chapters[0]?.scenes).toEqual([
      `${prose(1)}\n\n${prose(11)}\n\nChapter 2\n\n${prose(2)}\n\n${prose(12)}`,
    ])
    expect(found[1]?.chapters[0]?.scenes).toEqual([prose(13)])
  })

  it('end a volume, whose chapters go on in the one before; one that begins with a merged chapter begins with the next', async () => {
    const text = `Part One\n\n${chapter(1)}\nPart Two\n\n${chapter(2)}\n${chapter(3)}`
    expect(outlineOf(await made(text, { edits: [{ index: 1, volume: null }] }))).toEqual([
      ['Part One', ['Chapter 1', 'Chapter 2', 'Chapter 3']],
    ])
    expect(outlineOf(await made(text, { edits: [{ index: 0, volume: null }] }))[0]).toEqual([
      '',
      ['Chapter 1'],
    ])
    expect(outlineOf(await made(text, { edits: [{ index: 1, merge: true }] }))).toEqual([
      ['Part One', ['Chapter 1']],
      ['Part Two', ['Chapter 3']],
    ])
  })

  it('make a heading of a line, which is no text then, and leave out a part of a chapter', async () => {
    const text = `${prose(1)}\n\nThe Crossing\n\n${prose(2)}\n\nThe Return\n\n${prose(3)}\n`
    const { chapters } = await shownLines(text)
    const [lines = []] = chapters
    const at = (words: string) => lines.find(line => line.text === words)?.line ?? 0
    const edits: ImportEdit[] = [
      { index: 0, line: at('The Crossing'), title: 'Crossing', heading: true },
      { index: 0, line: at('The Return'), title: 'Return', leftOut: true },
    ]
    const [volume] = await made(text, { edits, chapters: [] })
    expect(volume?.chapters).toEqual([{ title: 'Crossing', scenes: [prose(2)] }])
  })

  it('give back the heading of a chapter without a text, and that of the last line', async () => {
    const text = `${chapter(1)}\n${chapter(2)}\nChapter 3\nChapter 4\n\n${prose(4)}\n\nChapter 5`
    const edits: ImportEdit[] = [2, 4].map(index => ({ index, merge: true }))
    const [volume] = await made(text, { edits })
    expect(volume?.chapters.map(({ title, scenes }) => [title, scenes.join('|')])).toEqual([
      ['Chapter 1', prose(1)],
      ['Chapter 2', `${prose(2)}\n\nChapter 3`],
      ['Chapter 4', `${prose(4)}\n\nChapter 5`],
    ])
  })

  it('are made of an EPUB as well', async () => {
    const pages = [1, 2, 3].map(number => ({
      file: `c${number}.xhtml`,
      content: xhtml(`<h1>Chapter ${number}</h1><p>${prose(number)}</p>`),
    }))
    const source = bytesSource(epub({ pages }), 'book.epub')
    const survey = await surveyText(source)
    const titles: string[] = []
    for await (const piece of readChapters(source, survey, { edits: [{ index: 1, merge: true }] }))
      if (piece.kind === 'chapter') titles.push(piece.title)
      else if (piece.kind === 'scene') titles.push(piece.text)
    expect(titles).toEqual(['Chapter 1', `${prose(1)}\n\nChapter 2\n\n${prose(2)}`, 'Chapter 3', prose(3)])
  })

  it.each<[string, ReadOptions, string]>([
    ['a chapter that is not there', { edits: [{ index: 3, title: 'X' }] }, 'CHAPTER_NOT_FOUND'],
    ['the first chapter merged into none', { edits: [{ index: 0, merge: true }] }, 'OPTION_INVALID'],
    ['a line of another chapter', { edits: [{ index: 0, line: 20, title: 'X' }] }, 'OPTION_INVALID'],
    ['the line of a heading', { edits: [{ index: 1, line: 7, title: 'X' }] }, 'OPTION_INVALID'],
    ['a line that is not listed', { removeLines: [prose(1)] }, 'OPTION_INVALID'],
  ])('are refused for %s', async (_, options, code) => {
    await expect(made(three, options)).rejects.toMatchObject({ code })
  })

  it('are refused where nothing is left, and where a chapter is named without the one that it continues', async () => {
    const survey = await surveyText(sourceOf(three))
    const merged: ImportEdit[] = [{ index: 1, merge: true }]
    const failed = expect.objectContaining({ code: 'OPTION_INVALID' })
    await expect(checkTaken(survey, { chapters: [1, 2], edits: merged })).rejects.toEqual(failed)
    await expect(checkTaken(survey, { chapters: [] })).rejects.toEqual(failed)
    await checkTaken(survey, { chapters: [0, 2], edits: merged })
    await checkTaken(survey, { chapters: [0, 1], edits: merged })
  })

  it('are refused of a file that Quillwork exported, which is read as it is', async () => {
    const exported = `---\nquillwork: 1\ntitle: "X"\n---\n\n## One\n\nText.\n\n## Two\n\nText.\n`
    await expect(made(exported, { edits: [{ index: 1, merge: true }] })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
    })
  })
})

const bookLine = fc.oneof(
  fc.constantFrom(
    '',
    '',
    '***',
    'Chapter 1',
    'Chapter 2',
    'Chapter 3: Rain',
    'PART ONE',
    'PART TWO',
    'Prologue',
  ),
  fc.constantFrom('第一章 雾', '第二章', '第一卷 河', '楔子', 'I', '2.'),
  fc.integer({ min: 1, max: 9 }).map(number => prose(number, 2)),
)
const book = fc.array(bookLine, { minLength: 4, maxLength: 50 }).map(lines => lines.join('\n'))
const letters = (text: string) => text.replace(/[^\p{L}\p{N}]/gu, '')

/** One edit for each place that a coin picks. */
function someEdits(chapters: readonly (readonly { line: number }[])[], next: () => number): ImportEdit[] {
  return chapters.flatMap((lines, index) => {
    const edits: ImportEdit[] = []
    const kind = next() % 6
    if (kind === 1 && index > 0) edits.push({ index, merge: true })
    if (kind === 2) edits.push({ index, title: `Renamed ${index}` })
    if (kind === 3) edits.push({ index, volume: next() % 2 === 0 ? null : `Volume ${index}` })
    for (const { line } of lines) {
      const part = next() % 8
      const title = `Part ${line}`
      if (part === 1) edits.push({ index, line, title })
      if (part === 2) edits.push({ index, line, title, heading: true })
      if (part === 3) edits.push({ index, line, title, leftOut: true })
      if (part === 4) edits.push({ index, line, title, volume: `Volume ${line}` })
    }
    return edits
  })
}

describe('any edits of any text', () => {
  it('make the chapters that the preview shows, and lose no line', async () => {
    await fc.assert(
      fc.asyncProperty(book, fc.infiniteStream(fc.nat()), async (text, numbers) => {
        const next = () => numbers.next().value ?? 0
        const { survey, chapters: lines } = await shownLines(text)
        const edits = someEdits(lines, next)
        const taken = lines.flatMap((_, index) => (next() % 4 === 0 ? [] : [index]))
        const chapters = next() % 2 === 0 ? undefined : taken
        const found = await made(text, { edits, chapters }, survey)

        const own = chapters && new Set(chapters)
        const shown = editedOutline(survey.volumes, edits).map(
          ({ title, chapters: all }) =>
            [title, all.filter(one => isTaken(one, own)).map(one => one.title)] as const,
        )
        // A volume without chapters is only made where nothing is left out.
        const isAll = chapters === undefined && edits.every(edit => edit.leftOut !== true)
        const compared = (volumes: readonly (readonly [string, readonly string[]])[]) =>
          volumes.filter(([, titles]) => isAll || titles.length > 0)
        expect(compared(outlineOf(found))).toEqual(compared(shown))

        if (chapters !== undefined || edits.some(edit => edit.leftOut)) return
        // Without edits the lines of all chapters; with them also the headings that were merged, and not those that were made.
        const madeLines = new Set(edits.flatMap(({ heading, line = 0 }) => (heading === true ? [line] : [])))
        const before = lines
          .flat()
          .filter(({ line }) => !madeLines.has(line))
          .map(one => letters(one.text))
        const after = found
          .flatMap(volume => volume.chapters)
          .flatMap(one => one.scenes)
          .flatMap(scene => scene.split('\n'))
          .map(letters)
        const left = [...after]
        for (const line of before) {
          const at = left.indexOf(line)
          expect(at).toBeGreaterThanOrEqual(0)
          left.splice(at, 1)
        }
        const merged = edits.flatMap(edit => (edit.merge === true ? [edit.index] : []))
        const titles = survey.volumes.flatMap(volume => volume.chapters.map(one => letters(one.title)))
        for (const index of merged) expect(left.join('')).toContain(titles[index])
        if (merged.length === 0) expect(left.join('')).toBe('')
      }),
      { numRuns: sizeOf(60, 400) },
    )
  })
})
