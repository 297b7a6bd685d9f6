import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { jsonPlaces, lineOf } from '../../dashboard/src/dead-letters/json-places.ts'
import { paragraphsOf } from '../../dashboard/src/novels/text-spans.ts'
import { compare } from '../../dashboard/src/parts/compare-texts.ts'
import { extractiveModel } from '../../src/ai/extractive/extractive.ts'
import { beginningOf, joinSentences } from '../../src/ai/extractive/join.ts'
import { accumulate, accumulateEnd, emptyAccumulator } from '../../src/ai/providers/accumulator.ts'
import { countTokens } from '../../src/ai/providers/tokens.ts'
import { detectLanguage } from '../../src/ai/text/language.ts'
import { splitParagraphs } from '../../src/ai/text/paragraphs.ts'
import { scanQuotations } from '../../src/ai/text/quotations.ts'
import { splitSentences } from '../../src/ai/text/sentences.ts'
import { characterPairs, letterRuns, normaliseWord } from '../../src/ai/text/terms.ts'
import { cut, printable, tableLines } from '../../src/cli/text.ts'
import { checkJsonText } from '../../src/http/guards.ts'
import { idempotencyKeyOf, ifMatchVersion, noneMatchNames } from '../../src/http/request-headers.ts'
import { QuillworkError } from '../../src/index.ts'
import { mentionFinder } from '../../src/novel/codex/find-mentions.ts'
import { noEntries } from '../../src/novel/codex/select-entries.ts'
import { writeMarkdown } from '../../src/novel/export/markdown.ts'
import { writePlainText } from '../../src/novel/export/plain-text.ts'
import { wordFinder } from '../../src/novel/find-words.ts'
import { resolveTarget } from '../../src/novel/import/archive.ts'
import { importBounds, shown } from '../../src/novel/import/bounds.ts'
import { joinedTitle } from '../../src/novel/import/chapter-name.ts'
import { comparable } from '../../src/novel/import/contents.ts'
import { detectEncoding, legacyEncoding } from '../../src/novel/import/encoding.ts'
import { plainSpaces, undecorate, withoutPageNumber } from '../../src/novel/import/heading.ts'
import { chineseHeading } from '../../src/novel/import/heading-chinese.ts'
import { englishHeading } from '../../src/novel/import/heading-english.ts'
import { uncasedHeading } from '../../src/novel/import/heading-uncased.ts'
import { isSeparator } from '../../src/novel/import/lines.ts'
import {
  levelHeading,
  MarkdownState,
  markedHeading,
  underlinedHeading,
} from '../../src/novel/import/markdown.ts'
import { numberAfterLabel } from '../../src/novel/import/number-words.ts'
import { chineseNumber, leadingNumber, romanNumber } from '../../src/novel/import/numerals.ts'
import { factsOf, oneSpaced } from '../../src/novel/import/opened.ts'
import { readHeading } from '../../src/novel/import/read-heading.ts'
import { TextScan } from '../../src/novel/import/scan.ts'
import { bytesSource } from '../../src/novel/import/source.ts'
import { titleOf } from '../../src/novel/import/title.ts'
import { XmlReader } from '../../src/novel/import/xml.ts'
import { deltaOf } from '../../src/novel/library/text-delta.ts'
import {
  endByTokens,
  fitMaterial,
  type MaterialText,
  onlyCodex,
  splitByTokens,
} from '../../src/novel/models/context.ts'
import { GrowingText } from '../../src/novel/models/growing-text.ts'
import { findNames } from '../../src/novel/names.ts'
import { asData, loadPrompts } from '../../src/novel/prompts/prompts.ts'
import { parseTemplate, renderTemplate } from '../../src/novel/prompts/template.ts'
import { beatsOf } from '../../src/novel/scene-brief.ts'
import { splitPassages } from '../../src/novel/search/passages.ts'
import { buildSegment } from '../../src/novel/search/segment.ts'
import { marksOf, termOccurrences } from '../../src/novel/search/terms.ts'
import { measure } from '../../src/novel/words.ts'
import { plainLine } from '../../src/server/log-lines.ts'
import { fingerprintOf } from '../../src/task/fingerprint.ts'
import { requestedWaitMs } from '../../src/task/retry-after.ts'
import { cpuSince } from '../cpu-since.ts'
import { sizeOf } from '../size.ts'
import { bookOf, chapterOf, fileOf } from './export/round-trip.ts'
import { docx, paragraph } from './import/docx-writer.ts'
import { escaped, pageBook } from './import/epub-writer.ts'
import { read } from './import/reading.ts'

/** Hostile texts: a stretch that is repeated, what stands before it, and what stands behind it and matches nothing. */
const texts: Record<string, string | [unit: string, before: string]> = {
  spaces: ' ',
  'line ends': '\n',
  'line ends of two signs': '\r\n',
  'all white space': ' \t\n\u3000\u2028',
  'wide spaces below a name': ['\u3000', 'Title: '],
  'spaces below a name in brackets': [' ', '《a》作者'],
  'invisible characters': '\u200b',
  'NUL and escape characters': '\0\u001b[',
  'half characters': '\ud800',
  'combining marks': ['\u0301', 'a'],
  'a word without end': 'a',
  'capitals without end': 'A',
  initials: 'A. ',
  'titles of persons': 'Mr. Aa said ',
  'hyphens and apostrophes': "a-b'",
  'a sentence without end': '中',
  'speech in Chinese': '，赵中中曰：“',
  'places in Chinese': '在中州',
  dots: '.',
  dashes: '—',
  'stars and lines': '*_',
  'semicolons and commas': ';，',
  'quotations that never end': '“"',
  brackets: '（》',
  'numbers of chapters': '第一章 中\n',
  'volumes and chapters in one line': '第一卷 中 第一章 ',
  'volumes in one line': '제1부 ',
  'ordinals in words': 'الأول ',
  numerals: '1\n',
  'headings and their names': 'CHAPTER I\n\nThe Rain\n\n',
  'marks of Markdown': '# a\n---\n```\n',
  digits: '1',
  'a slot that never ends': [' ', '{{'],
  'parts of a prompt': ['\n---\n# System\n', '---\nversion: 1\ndescription: a'],
  'marks of data': '<n o v e l',
  'end tags without a beginning': '</aa>',
  'ampersands and entities': '&#&a',
  'comments that never end': '<!--',
  'steps upwards': '../%',
  'keys and quoted signs': '"\\":',
}

const prompts = mkdtempSync(join(tmpdir(), 'quillwork-growth-'))
let promptFolders = 0
afterAll(() => rmSync(prompts, { recursive: true }))

const refuse = (what: string) => new QuillworkError('PROMPT_INVALID', what)

function promptFile(text: string): unknown {
  const folder = join(prompts, `${promptFolders++}`)
  mkdirSync(folder)
  writeFileSync(join(folder, 'generate-scene.en.md'), text)
  return loadPrompts(folder)
}

function materialOf(...given: readonly string[]): MaterialText[] {
  return given.map((text, at) => ({ text, source: { of: 'scene', id: `${at}`, title: '' } }))
}

/** Entries whose names are made of a text: pieces of all lengths. */
function codexOf(text: string) {
  const names = Array.from({ length: 50 }, (_, i) => text.slice(0, (i + 1) * 4) || 'a')
  return names.map((name, i) => ({
    ...{
      id: `${i}`,
      name,
      aliases: [],
      exclusions: [],
      matchCase: i % 2 === 0,
      when: 'when-detected' as const,
    },
  }))
}

function streamed(text: string): void {
  const accumulator = emptyAccumulator()
  const growing = new GrowingText(() => undefined)
  for (let at = 0; at < text.length; at += 2) {
    const part = { type: 'text-delta', id: '', text: text.slice(at, at + 2) } as const
    growing.add(accumulate(accumulator, part) ?? '')
  }
  growing.add(accumulateEnd(accumulator) ?? '')
  growing.end()
}

function parsed(text: string): void {
  const reader = new XmlReader({ name: 'a.xml', bounds: importBounds }, { open: () => undefined })
  reader.push(text)
  reader.end()
}

function followed(text: string): void {
  const state = new MarkdownState('a.md')
  state.takes('---', 0)
  for (const [at, line] of [text, ...text.split('\n')].entries()) state.takes(line, at + 1)
}

/** The title of a book whose title page has these lines. */
function titled(...lines: string[]): void {
  const scan = new TextScan('a.txt')
  scan.opening = lines.map((text, line) => ({ line, text: text.trim(), blankBefore: true }))
  for (const fileName of lines) titleOf(scan, [], { fileName, facts: {} })
}

function drained(steps: Iterable<unknown>): void {
  for (const _ of steps);
}

const source = (text: string) => bytesSource(Buffer.from(text), 'a.txt')
const inLines = (text: string, as: (line: string) => string) => text.split('\n').map(as).join('')
const whole = (text: string) => ({ start: 0, end: text.length })

/** What is done with a text. What one refuses, it has read. */
const functions: Record<string, (text: string) => unknown> = {
  'the language': detectLanguage,
  paragraphs: text => [...splitParagraphs(text)],
  sentences: text => [...splitSentences(text)],
  quotations: text => scanQuotations(text),
  'words and runs': text =>
    [...letterRuns(text)].map(({ start, end }) => normaliseWord(text.slice(start, end))),
  'pairs of characters': characterPairs,
  'a summary of key sentences': text => extractiveModel().summarise({ text }),
  'a summary put together': text => joinSentences(text, [whole(text)], 'cjk'),
  'the beginning of a text': text => beginningOf(text, whole(text), text.length - 1),
  tokens: countTokens,
  'an answer that streams': streamed,
  size: measure,
  names: text => findNames([text]),
  'steps of a summary': beatsOf,
  terms: text => drained(termOccurrences(text)),
  passages: text => [...splitPassages(text)],
  'marks of a query': text => marksOf(text, text),
  'an index': text =>
    buildSegment([...splitPassages(text)].map((_, id) => ({ id, text: text.slice(0, 99) }))),
  'data in a prompt': asData,
  'a template': text => parseTemplate(text, { required: [], optional: [] }, refuse),
  'a filled template': text =>
    renderTemplate(
      [
        { kind: 'text', text },
        { kind: 'slot', name: 'a' },
      ],
      { a: text },
    ),
  'a file of a prompt': promptFile,
  'material that fits': text =>
    fitMaterial(
      {
        ...onlyCodex(noEntries),
        textBefore: materialOf(text, text),
        chapterSummaries: materialOf(text),
        passages: materialOf(text),
        names: materialOf(...text.split('\n')),
      },
      text.length,
      countTokens,
    ),
  'mentions of a codex': text => mentionFinder(codexOf(text)).find(`${text} ${text}`),
  'words that are replaced': text => [
    wordFinder({ find: text.slice(0, 100) || 'a', replace: 'a', matchCase: false, wholeWords: true })(text),
    wordFinder({ find: 'a', replace: text.slice(0, 100), matchCase: false, wholeWords: false })(text),
  ],
  'parts by tokens': text => [...splitByTokens(text, 200, countTokens)],
  'an end by tokens': text => endByTokens(text, text.length / 4, countTokens),
  'a difference of versions': text => deltaOf(text, `${text.slice(1, -9)}b${text}`),
  'a difference to another text': text => deltaOf(text, text.replaceAll(/./gs, 'b$&')),
  'the encoding': text => detectEncoding(source(text)),
  'the encoding of a legacy text': text => legacyEncoding([Buffer.from(text, 'utf16le')]),
  'decoration of a line': undecorate,
  'a page number': withoutPageNumber,
  'spaces of a heading': plainSpaces,
  'spaces of a title': oneSpaced,
  'a heading': readHeading,
  'a Chinese heading': chineseHeading,
  'an English heading': englishHeading,
  'a Korean heading': text => uncasedHeading(`제1부 ${text}`),
  'an Arabic heading': text => uncasedHeading(`الجزء الأول ${text}`),
  'headings of Markdown': text => [markedHeading(`# ${text}`), underlinedHeading(text, text)],
  'a heading of a level': text => levelHeading(text, 1),
  'lines of Markdown': followed,
  numbers: text => [
    chineseNumber(text),
    leadingNumber(text),
    romanNumber(text),
    numberAfterLabel(text, 'vi'),
  ],
  'a separator': isSeparator,
  'a title that is compared': comparable,
  'a title from two lines': text => joinedTitle(text, [text], false),
  'a title page': text => titled('The Title', text, `a${text}`),
  'a title': text => titled(text),
  'the metadata of a book': text => factsOf({ title: text, author: text, language: text }),
  'a name in a message': shown,
  'a reference within a book': text => [resolveTarget('a/b', text), resolveTarget(text, 'a')],
  'a file of text': text => read(Buffer.from(text), 'a.txt'),
  'a file of Markdown': text => read(Buffer.from(text), 'a.md'),
  'an EPUB of headings': text => read(pageBook(inLines(text, line => `<h2>${escaped(line)}</h2>`))),
  'an EPUB of paragraphs': text => read(pageBook(inLines(text, line => `<p>${escaped(line)}</p>`))),
  'an EPUB of raw markup': text => read(pageBook(text)),
  'a DOCX of paragraphs': text => read(docx({ body: inLines(text, line => paragraph(line)) })),
  'a DOCX of headings': text => read(docx({ body: inLines(text, line => paragraph(line, 'Heading1')) })),
  'a DOCX of raw markup': text => read(docx({ body: text })),
  'raw markup': parsed,
  'an export as Markdown': text => fileOf(writeMarkdown, bookOf(chapterOf(text, text), { title: text })),
  'an export as plain text': text => fileOf(writePlainText, bookOf(chapterOf(text, text), { title: text })),
  'an exported file': text => read(Buffer.from(`---\nquillwork: 1\ntitle: "${text}"\n---\n${text}\n`)),
  'a line of the terminal': text => [printable(text), cut(text, 80)],
  'a table of the terminal': text => tableLines(text.split('\n'), [{ title: 'a', text: line => line }], 80),
  'a line of the log': text => plainLine(JSON.stringify({ message: text, a: text, err: { message: text } })),
  'a failure': message => fingerprintOf('a', { code: 'INTERNAL', message }),
  'a wait that is asked for': text =>
    requestedWaitMs(
      { headers: { 'retry-after': text, [`x-ratelimit-reset${text}`]: text }, retryDelay: text },
      0,
    ),
  'a body of JSON': text => checkJsonText(text, 64),
  'a version that is asked for': text => [noneMatchNames(text, 'x'), ifMatchVersion(text)],
  'the key of a request': text => idempotencyKeyOf(`"${text}"`),
  'paragraphs of a page': paragraphsOf,
  'places in JSON': text => jsonPlaces(JSON.stringify([text])),
  'a line of JSON': text => lineOf(text, text.length),
  'what changed': text => compare(text, [...text].reverse().join('')),
}

/** Code units of the shortest text, and of the longest where less takes too little time to be measured. */
const [shortest, longest] = [500, sizeOf(8_000, 32_000)]
/** Milliseconds that can be measured, that leave little doubt, and that leave none. */
const [measurable, long, longer] = [6, 200, 1_500]
/** A text that is four times as long may take so many times as long: the middle between what grows with the length and with its square. */
const mostGrowth = 8
/** A text that takes so many times as long as the shortest one shows how the time grows, whatever each text costs beside it. */
const clear = 10

function textOf(name: string, length: number): string {
  const [unit = '', before = ''] = [texts[name] ?? ''].flat()
  return `${before}${unit.repeat(Math.ceil(length / unit.length))}x`
}

/**
 * Returns the least time of some runs, in milliseconds: others may work beside it, and garbage is collected now and then. A text that takes
 * long is read three times at most, and one that leaves no doubt only once.
 */
async function timeOf(use: (text: string) => unknown, text: string, runs = 1): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let run = 0; run < runs; run++) {
    const [start, spent] = [performance.now(), cpuSince()]
    try {
      await use(text)
    } catch {
      // A refusal; how long it took counts.
    }
    least = Math.min(least, spent(), performance.now() - start)
    if (least > longer || (least > long && run >= 2)) break
  }
  return least
}

/**
 * Returns how the time grows where that is too much, else undefined. Too much is what is there again when both texts are measured anew, and
 * again with texts that are four times as long, and once more where these take little time: at some length a text no longer fits into a
 * cache, and its garbage has to be collected. The longest text is first: where it takes little time, or little more than the shortest, those
 * between them show nothing.
 */
async function growthOf(use: (text: string) => unknown, name: string): Promise<string | undefined> {
  const last = await timeOf(use, textOf(name, longest))
  if (last <= measurable) return undefined
  const first = await timeOf(use, textOf(name, shortest))
  if (last <= first * mostGrowth) return undefined
  let failures = 0
  let before = first
  for (let length = shortest * 4; length <= longest || failures > 0; length *= 4) {
    let short = before
    let time = length === longest ? last : await timeOf(use, textOf(name, length))
    const isFast = () => time <= measurable || time <= short * mostGrowth
    if (!isFast()) {
      short = await timeOf(use, textOf(name, length / 4), 6)
      time = await timeOf(use, textOf(name, length), 6)
    }
    failures = isFast() ? 0 : failures + 1
    if (failures > 2 || (failures > 1 && time > long) || (failures > 0 && time > longer))
      return `${name}: ${length / 4} in ${short.toFixed(1)} ms, ${length} in ${time.toFixed(1)} ms`
    if (failures === 0 && time > measurable && time > first * clear) return undefined
    before = time
  }
  return undefined
}

describe('on hostile texts, the time grows with their length and no faster', () => {
  test.each(Object.entries(functions))('%s', async (_, use) => {
    const growing: string[] = []
    for (const name of Object.keys(texts)) {
      const growth = await growthOf(use, name)
      if (growth !== undefined) growing.push(growth)
      if (growing.length > 2) break
    }
    expect(growing).toEqual([])
  })
})
