import { ownCopy } from '../../ai/text/characters.ts'
import { type Measure, measure } from '../words.ts'
import { comparable, ListedTitles } from './contents.ts'
import { type Heading, LONGEST_HEADING } from './heading.ts'
import { type Candidate, ownHeading, type Totals } from './heading-candidate.ts'
import { isSeparator, isWrapperEnd, isWrapperStart, type Line } from './lines.ts'
import {
  levelHeading,
  MarkdownState,
  type MarkedHeading,
  markedHeading,
  underlinedHeading,
} from './markdown.ts'
import { readHeading } from './read-heading.ts'

/** A line near the start of the text, for the title page. */
export interface OpeningLine {
  readonly line: number
  readonly text: string
  readonly blankBefore: boolean
}

/** A place in the text: a line, and the totals before it. */
export interface Place {
  readonly line: number
  readonly before: Totals
}

/** Lines that belong to no book. */
export interface Gap {
  readonly from: Place
  readonly to: Place
}

/** Most candidates of one style. A numeral on more lines does not number chapters. */
const MOST_CANDIDATES = { weak: 10_000, other: 50_000 } as const
const OPENING_LINES = 120
/** Most enclosed books of one file; the rest is left out. */
const MOST_BOOKS = 200
/** A shorter line is not cut off by the end of a page. */
const SHORT_LINE = 45
const SENTENCE_END = new Set('.!?。！？؟…”"」』’\'）)；;：:—'.split(''))
/** Paragraphs of a title page about the makers of the file. */
const CREDITS =
  /^(?:produced by|e-?text prepared|transcribed|this e-?(?:book|text)|copyright|©|\(c\)|all rights|isbn|published|first published|printed|http|www\.|\[?illustrat|\[?transcriber)/i

/** The first pass over a text: collects candidates for headings and the facts by which to choose among them. */
export class TextScan {
  readonly markdown: MarkdownState
  candidates: Candidate[] = []
  opening: OpeningLine[] = []
  /** The opening before the wrapper's start line: it names title and author. */
  header: OpeningLine[] = []
  separators = 0
  ideographs = 0
  /** Counts of paragraphs, away from headings, that come after 0, 1, 2, 3 or more blank lines. */
  readonly blankRuns = [0, 0, 0, 0]
  bodyStart: Place
  bodyEnd: Place | undefined
  /** Of a file with several enclosed books: from the end of one to the start of the next. */
  readonly gaps: Gap[] = []
  readonly titles = new ListedTitles()
  #totals = { characters: 0, words: 0, lines: 0, sentences: 0, prose: 0 }
  #line = 0
  #blank = 1
  #continues = false
  #credits = false
  #paragraphWords = 0
  #afterMark = true
  #afterHeading = false
  #afterSentence = true
  #wrapperOpen = false
  #previous: { text: string; place: Place; own: Measure; alone: boolean } | undefined
  #open: Candidate[] = []
  readonly #isPlain: boolean
  readonly #perStyle = new Map<string, number>()

  /** `isPlain`: the file is plain text, so that Markdown may mark its headings. */
  constructor(fileName: string, isPlain = true) {
    this.#isPlain = isPlain
    this.markdown = new MarkdownState(fileName, isPlain)
    this.bodyStart = this.#here()
  }

  /** The place after the last line. */
  get end(): Place {
    return { line: this.#line + 1, before: { ...this.#totals } }
  }

  add(line: Line): void {
    this.#line = line.number
    if (line.partial || this.#continues) {
      this.#addPiece(line)
      return
    }
    const text = line.text.trim()
    if (text === '') this.#addBlank()
    else if (line.level === undefined && isSeparator(text)) this.#addSeparator(text)
    else this.#addText(text, line)
    // Fields are no text of the book.
    if (this.markdown.fieldsEnd === line.number) this.bodyStart = this.end
  }

  #here(): Place {
    return { line: this.#line, before: { ...this.#totals } }
  }

  #addPiece(line: Line): void {
    const own = measure(line.text)
    this.#count(own)
    this.#totals.lines++
    this.#totals.sentences++
    this.#totals.prose += own.words
    this.#feed('', true)
    this.#continues = line.partial
    this.#after(false, true)
    this.#previous = undefined
  }

  #addBlank(): void {
    this.#blank++
    if (this.#open.length > 0) this.#closeParagraphs()
    this.#previous = undefined
  }

  #addSeparator(text: string): void {
    if (this.#underlines(text)) return
    if (!this.markdown.takes(text, this.#line)) this.separators++
    this.#closeParagraphs()
    this.#afterMark = true
    this.#previous = undefined
  }

  #addText(text: string, line: Line): void {
    if (this.#addWrapper(text)) return
    const place = this.#here()
    const own = measure(text)
    const taken = this.markdown.takes(text, this.#line, /^[ \t]/.test(line.text))
    const marked = taken ? undefined : this.#marked(text, line)
    const heading = marked?.heading ?? (taken ? undefined : this.#read(text))
    if (!taken) this.#remember(text)
    this.#feed(text, false)
    const known = heading !== undefined && heading.sureness !== 'weak'
    this.#countRun(known)
    const alone = this.#blank > 0 || this.#afterMark
    if (heading !== undefined) this.#take(heading, marked?.level, place, own)
    this.#count(own)
    this.#totals.lines++
    const ends = isSentence(text)
    this.#countSentence(text, own.words, known, ends)
    this.#previous = this.markdown.declared && !taken ? { text, place, own, alone } : undefined
    this.#after(known, text.length < SHORT_LINE || SENTENCE_END.has(text.at(-1) ?? ''))
  }

  #marked(text: string, { level }: Line): MarkedHeading | undefined {
    if (level !== undefined) return levelHeading(text, level)
    return this.#isPlain ? markedHeading(text) : undefined
  }

  #read(text: string): Heading | undefined {
    const heading = readHeading(text)
    if (heading !== undefined && heading.name === '') return heading
    const listed = this.titles.read(
      heading === undefined || heading.style === 'word space name' ? text : heading.name,
      this.#totals.words,
    )
    // "Two Gallants" has a number word, and is listed as it stands.
    return heading === undefined || heading.style === 'word space name' ? (listed ?? heading) : heading
  }

  #after(heading: boolean, sentence: boolean): void {
    this.#blank = 0
    this.#afterMark = false
    this.#afterHeading = heading
    this.#afterSentence = sentence || heading
  }

  #count(own: Measure): void {
    this.#totals.characters += own.characters
    this.#totals.words += own.words
    this.ideographs += own.ideographs
  }

  #countSentence(text: string, words: number, isHeading: boolean, ends: boolean): void {
    const starts = this.#blank > 0 || this.#afterMark || this.#afterHeading
    if (starts) this.#credits = CREDITS.test(text)
    this.#paragraphWords = isHeading ? 0 : (starts ? 0 : this.#paragraphWords) + words
    if (isHeading || !ends) return
    this.#totals.sentences++
    if (!this.#credits) this.#totals.prose += this.#paragraphWords
    this.#paragraphWords = 0
  }

  #countRun(isHeading: boolean): void {
    if (isHeading || this.#afterHeading || this.#afterMark) return
    const run = Math.min(3, this.#blank)
    this.blankRuns[run] = (this.blankRuns[run] ?? 0) + 1
  }

  /** Separates the lines before and after the wrapper from the book. */
  #addWrapper(text: string): boolean {
    if (this.#wrapperOpen) {
      this.#wrapperOpen = false
      if (this.#blank === 0 && text.endsWith('***')) return this.#startBody(true)
    }
    const isNext = this.bodyEnd !== undefined && this.gaps.length < MOST_BOOKS && text.startsWith('***')
    const isFirst = this.bodyEnd === undefined && this.#line < 3_000
    if ((isFirst || isNext) && isWrapperStart(text)) return this.#startBody(text.endsWith('*'))
    if (this.bodyEnd === undefined && isWrapperEnd(text)) this.bodyEnd = this.#here()
    return false
  }

  #startBody(closed: boolean): boolean {
    this.#wrapperOpen = !closed
    const to = { line: this.#line + 1, before: { ...this.#totals } }
    const from = this.bodyEnd ?? this.gaps.pop()?.from
    if (from === undefined) this.#startFirst(to)
    else this.gaps.push({ from, to })
    this.bodyEnd = undefined
    this.#open = []
    this.#after(true, true)
    return true
  }

  #startFirst(start: Place): void {
    this.header.push(...this.opening)
    this.opening = []
    this.candidates = []
    this.#perStyle.clear()
    this.bodyStart = start
  }

  #remember(text: string): void {
    if (this.opening.length >= OPENING_LINES || text.length > 2_000) return
    this.opening.push({ line: this.#line, text: ownCopy(text), blankBefore: this.#blank > 0 })
  }

  #take(heading: Heading, level: number | undefined, place: Place, own: Measure): void {
    if (this.bodyEnd !== undefined || !this.#counts(heading)) return
    const blankBefore = this.#blank > 0 || this.#afterMark || this.#afterHeading
    const at = { ...place, own, blankBefore, afterSentence: this.#afterSentence }
    this.#open.push(this.#addCandidate(heading, level, at))
  }

  #addCandidate(
    heading: Heading,
    level: number | undefined,
    at: Place & Pick<Candidate, 'own' | 'blankBefore' | 'afterSentence'>,
  ): Candidate {
    const next = { following: [], followingLine: -1, followingEnds: false }
    const own = ownHeading(heading)
    const candidate = { heading: own, comparable: comparable(own.title), level, ...at, ...next }
    this.candidates.push(candidate)
    return candidate
  }

  /** Counts a heading of its style; returns whether there are not too many of them. */
  #counts(heading: Heading): boolean {
    const most = heading.sureness === 'weak' ? MOST_CANDIDATES.weak : MOST_CANDIDATES.other
    const taken = (this.#perStyle.get(heading.style) ?? 0) + 1
    this.#perStyle.set(heading.style, taken)
    if (taken === most + 1 && heading.sureness === 'weak') {
      this.candidates = this.candidates.filter(candidate => candidate.heading.style !== heading.style)
    }
    return taken <= most
  }

  /** Adds a line to the candidates whose next paragraph is not complete. */
  #feed(text: string, tooLong: boolean): void {
    if (this.#open.length === 0) return
    const kept = tooLong || text.length > LONGEST_HEADING ? undefined : ownCopy(text)
    this.#open = this.#open.filter(candidate => {
      if (candidate.following.length === 0) candidate.followingLine = this.#line
      if (kept === undefined || candidate.following.length === 3) return false
      candidate.following.push(kept)
      return true
    })
  }

  #closeParagraphs(): void {
    this.#open = this.#open.filter(candidate => {
      if (candidate.following.length === 0) return true
      candidate.followingEnds = true
      return false
    })
  }

  /** Makes a line that stands alone a Markdown heading if a line of === or --- is under it. */
  #underlines(text: string): boolean {
    const previous = this.#previous
    if (previous === undefined || !previous.alone) return false
    const marked = underlinedHeading(previous.text, text)
    if (marked === undefined || !this.#counts(marked.heading)) return false
    if (this.candidates.at(-1)?.line === previous.place.line) this.candidates.pop()
    this.#open = []
    const { place, own } = previous
    const at = { ...place, own, blankBefore: true, afterSentence: true }
    this.#addCandidate(marked.heading, marked.level, at)
    this.#totals.sentences = place.before.sentences
    this.#after(true, true)
    this.#previous = undefined
    return true
  }
}

/** Whether a line ends like a sentence, or is as long as a paragraph. */
export function isSentence(text: string): boolean {
  return text.length > LONGEST_HEADING || SENTENCE_END.has(text.at(-1) ?? '')
}
