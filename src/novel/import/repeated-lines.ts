import { measure } from '../words.ts'
import { comparable } from './contents.ts'
import { inSteps, isSeparator, type Line, noFaults } from './lines.ts'
import { nothingLeftOut, type OpenedText } from './opened.ts'
import type { Span } from './outline.ts'
import { readHeading } from './read-heading.ts'

/** A line that stands in most chapters: an advertisement, a request for votes, the header of a page. */
export interface RepeatedLine {
  /** As it stands at its first place. */
  readonly line: string
  /** Number of the chapters that have it. */
  readonly chapters: number
  /** How often it stands there. */
  readonly count: number
  /** Its first places: the index of the chapter, and the line of the file, from 1. */
  readonly places: readonly { readonly chapter: number; readonly line: number }[]
}

/** Longest line that is looked at, in UTF-16 units. */
const longestLine = 120
/** A line is repeated from this number of chapters on, if these are half of those with a text. */
const fewestChapters = 5
/** Lines at the beginning and at the end of a chapter where a repeated line need not be long. */
const edgeLines = 3
const mostRepeated = 50
const mostPlaces = 3

/**
 * Returns what lines have in common that are the same but for white space and numbers; undefined for a line that is too long to be removed, and
 * for an empty one.
 */
export function lineKey(text: string): string | undefined {
  if (text.length > longestLine) return undefined
  return text.trim().replace(/\s+/g, ' ').replace(/\d+/g, '0') || undefined
}

/** Lines that are counted at the same time. */
const mostCounted = 20_000
/** Of these, how many are looked at again. */
const mostCandidates = 2_000

/**
 * Counts the short lines of a text in bounded memory (Misra and Gries, 1982): where there are too many different ones, each loses one. A line in
 * half of the chapters is among those that stay, unless chapters have many thousand short lines.
 */
export class FrequentLines {
  readonly #counts = new Map<number, number>()
  #lost = 0
  #continues = false

  add({ text, partial }: Line): void {
    const isWhole = !partial && !this.#continues
    this.#continues = partial
    const hash = isWhole ? hashOf(text) : undefined
    if (hash === undefined) return
    const counted = this.#counts.get(hash)
    if (counted === undefined && this.#counts.size >= mostCounted) this.#loseOne()
    else this.#counts.set(hash, (counted ?? 0) + 1)
  }

  /** Returns the hashes of the lines that may stand so often, the most frequent first. */
  atLeast(count: number): Set<number> {
    const enough = [...this.#counts].filter(([, counted]) => counted + this.#lost >= count)
    const sorted = enough.sort((a, b) => b[1] - a[1])
    return new Set(sorted.slice(0, mostCandidates).map(([hash]) => hash))
  }

  #loseOne(): void {
    this.#lost++
    for (const [hash, counted] of this.#counts) {
      if (counted === 1) this.#counts.delete(hash)
      else this.#counts.set(hash, counted - 1)
    }
  }
}

/** Signs with which a line of speech begins. */
const speech = new Set('"“”„‟«»‹›\'‘’‚「『﹁﹃—–―'.split('').map(sign => sign.charCodeAt(0)))
const [zero, nine, space, wideSpace] = [48, 57, 32, 0x3000]

/**
 * Returns a hash of what `lineKey` returns, without making it; undefined for lines that are no repeated lines: too long or too short, or speech.
 * Different lines may share a hash.
 */
function hashOf(text: string): number | undefined {
  if (text.length > longestLine || text.length < 3) return undefined
  let hash = 0
  let before = -1
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    const kind = code >= zero && code <= nine ? zero : code <= space || code === wideSpace ? space : code
    if (before === -1 && kind === space) continue
    if (before === -1 && speech.has(kind)) return undefined
    if ((kind !== space && kind !== zero) || kind !== before) hash = (Math.imul(hash, 31) + kind) | 0
    before = kind
  }
  return before === -1 ? undefined : hash
}

/** What is known of the text when its chapters are found. */
interface KnownText {
  readonly title: string
  readonly author?: string | undefined
  readonly plan: { readonly spans: readonly Span[]; readonly sections: readonly number[] }
}

/** How often and where a line stands. */
interface Counted {
  readonly line: string
  count: number
  chapters: number
  /** Chapters where it is among the first or the last lines. */
  edges: number
  lastChapter: number
  lastEdge: number
  /** The last number in it, and how often that rose. */
  number: number
  rises: number
  readonly places: { chapter: number; line: number }[]
}

/**
 * Returns the lines that stand in most chapters, the commonest first, at most 50. Reads the text again where there may be any. Throws the
 * signal's reason.
 */
export async function repeatedLines(
  opened: OpenedText,
  {
    survey,
    frequent,
    signal,
  }: { survey: KnownText; frequent: FrequentLines; signal?: AbortSignal | undefined },
): Promise<RepeatedLine[]> {
  const { spans } = survey.plan
  const chapters = chaptersWithText(spans)
  const fewest = Math.max(fewestChapters, Math.ceil(chapters / 2))
  const candidates = chapters < fewestChapters ? new Set<number>() : frequent.atLeast(fewest)
  if (candidates.size === 0) return []
  const counter = new LineCounter(survey, candidates)
  for await (const lines of inSteps(opened.lines(noFaults(), nothingLeftOut()), signal))
    for (const line of lines) counter.add(line)
  const names = new Set([survey.title, survey.author ?? ''].map(comparable))
  return counter
    .finish()
    .filter(counted => isRepeated(counted, { fewest, chapters, names }))
    .sort((a, b) => b.chapters - a.chapters || a.line.localeCompare(b.line))
    .slice(0, mostRepeated)
    .map(({ line, chapters: found, count, places }) => ({ line, chapters: found, count, places }))
}

function chaptersWithText(spans: readonly Span[]): number {
  let count = 0
  let last = -1
  for (const { chapter } of spans) {
    if (chapter < 0 || chapter === last) continue
    last = chapter
    count++
  }
  return count
}

/**
 * Whether a line is repeated, and no part of the story: it stands in half of the chapters and 5 at least, and either among their first or last lines
 * and twice in each at most, or once in hardly fewer than all and is long, or is the title or the author, or has a number that rises.
 */
function isRepeated(
  { line, count, chapters, edges, rises }: Counted,
  { fewest, chapters: all, names }: { fewest: number; chapters: number; names: ReadonlySet<string> },
): boolean {
  if (chapters < fewest) return false
  const { characters, ideographs } = measure(line)
  const isLong = characters >= (ideographs > 0 ? 6 : 12)
  const isOnce = chapters >= 0.8 * all && count <= 1.25 * chapters
  const isAtEdges = edges >= fewest && count <= 2 * chapters
  return isAtEdges || (isOnce && isLong) || names.has(comparable(line)) || rises >= 0.8 * (count - 1)
}

/** Whether a line may be repeated at all: no speech, no mark between scenes, no heading, and no word or two. */
function mayRepeat(line: string): boolean {
  if (speech.has(line.charCodeAt(0)) || isSeparator(line)) return false
  if (readHeading(line)?.sureness === 'sure') return false
  const { characters, words, ideographs } = measure(line)
  return /\p{L}{2}/u.test(line) && (ideographs > 0 ? ideographs >= 3 : characters >= 6 && words >= 2)
}

/** Counts the candidates among the lines of the chapters. */
class LineCounter {
  readonly #spans: readonly Span[]
  readonly #sections: ReadonlySet<number>
  readonly #candidates: ReadonlySet<number>
  readonly #counted = new Map<string, Counted>()
  #span = 0
  #chapter = -1
  /** Lines with text of the chapter so far. */
  #lines = 0
  /** The last lines of the chapter. */
  #last: (Counted | undefined)[] = []
  #continues = false

  constructor({ plan }: KnownText, candidates: ReadonlySet<number>) {
    this.#spans = plan.spans
    this.#sections = new Set(plan.sections)
    this.#candidates = candidates
  }

  add(line: Line): void {
    const isWhole = !line.partial && !this.#continues
    this.#continues = line.partial
    const chapter = this.#chapterAt(line.number)
    if (chapter < 0 || line.text.trim() === '') return
    if (chapter !== this.#chapter) this.#begin(chapter)
    this.#lines++
    const counted = isWhole && !this.#sections.has(line.number) ? this.#count(line) : undefined
    if (counted !== undefined && this.#lines <= edgeLines) this.#countEdge(counted)
    this.#last = [...this.#last.slice(1 - edgeLines), counted]
  }

  /** Returns what was counted. */
  finish(): Counted[] {
    this.#begin(-1)
    return [...this.#counted.values()]
  }

  #begin(chapter: number): void {
    for (const counted of this.#last) if (counted !== undefined) this.#countEdge(counted)
    this.#chapter = chapter
    this.#lines = 0
    this.#last = []
  }

  #chapterAt(line: number): number {
    while ((this.#spans[this.#span]?.to ?? Number.POSITIVE_INFINITY) <= line) this.#span++
    const span = this.#spans[this.#span]
    return span !== undefined && span.from <= line ? span.chapter : -1
  }

  #count({ text, number }: Line): Counted | undefined {
    const hash = hashOf(text)
    if (hash === undefined || !this.#candidates.has(hash)) return undefined
    const key = lineKey(text)
    if (key === undefined) return undefined
    const counted = this.#counted.get(key) ?? this.#newLine(key, text.trim())
    if (counted === undefined) return undefined
    counted.count++
    const own = Number(/\d+/.exec(text)?.[0] ?? Number.NaN)
    if (own > counted.number) counted.rises++
    counted.number = own
    if (counted.lastChapter === this.#chapter) return counted
    counted.lastChapter = this.#chapter
    counted.chapters++
    if (counted.places.length < mostPlaces) counted.places.push({ chapter: this.#chapter, line: number + 1 })
    return counted
  }

  #newLine(key: string, line: string): Counted | undefined {
    if (!mayRepeat(line)) return undefined
    const none = { count: 0, chapters: 0, edges: 0, number: Number.NaN, rises: 0 }
    const counted = { line, ...none, lastChapter: -1, lastEdge: -1, places: [] }
    this.#counted.set(key, counted)
    return counted
  }

  #countEdge(counted: Counted): void {
    if (counted.lastEdge === this.#chapter) return
    counted.lastEdge = this.#chapter
    counted.edges++
  }
}
