import { mapped, type Steps } from '../../runtime/cooperate.ts'
import { type Heading, LONGEST_HEADING, plainSpaces, undecorate, withoutPageNumber } from './heading.ts'
import {
  between,
  type Candidate,
  type Chosen,
  countedBy,
  countsOf,
  filtered,
  perStep,
  type TextFacts,
} from './heading-candidate.ts'

/**
 * Drops the headings of tables of contents: runs of headings without prose between them, which occur again elsewhere or stand before all
 * prose. Takes and returns candidates in order. Linear in the candidates; yields in between.
 */
export function* withoutContents(candidates: readonly Candidate[], facts: TextFacts): Steps<Candidate[]> {
  const allKeys = yield* mapped(candidates, keyOf)
  const opening = yield* openingOf(candidates, allKeys, facts.charactersBefore + facts.characters)
  const left = candidates.slice(opening)
  const keys = allKeys.slice(opening)
  const listed = new Set<Candidate>()
  const document = { candidates: left, keys, qualified: qualifiedKeys(left, keys) }
  yield
  const everywhere = {
    keys: yield* countedBy(keys, key => key),
    qualified: yield* countedBy(document.qualified, key => key),
  }
  for (const run of runsOf(left)) yield* markRun(run, document, everywhere, listed)
  yield
  return yield* filtered(left, candidate => !listed.has(candidate))
}

/**
 * Returns the number of candidates in the contents before the book where titles are long or have a summary: each heading occurs again later,
 * and has hardly any text here.
 */
function* openingOf(candidates: readonly Candidate[], keys: readonly string[], end: number): Steps<number> {
  const starts = [...candidates.map(({ before }) => before.characters), end]
  const sizes = candidates.map((_, i) => (starts[i + 1] ?? 0) - (starts[i] ?? 0))
  const largest = new Map<string, number>()
  const lastIndex = new Map<string, number>()
  yield
  for (const [i, key] of keys.entries()) {
    if (i % perStep === 0) yield
    largest.set(key, Math.max(largest.get(key) ?? 0, sizes[i] ?? 0))
    lastIndex.set(key, i)
  }
  yield
  const seen = new Set<string>()
  let listed = 0
  for (const [i, candidate] of candidates.entries()) {
    const key = keys[i] ?? ''
    const size = sizes[i] ?? 0
    const isAgain = (lastIndex.get(key) ?? i) > i
    const isTiny = size < 400 && size * 10 < (largest.get(key) ?? 0)
    const next = candidates[i + 1]
    // The last entry has all text before the book below it.
    const isLast = listed === i && i >= 2 && !seen.has(key)
    if (isAgain && (candidate.heading.depth < 4 || isTiny || isLast)) listed = i + 1
    const hasProse = next === undefined || between(candidate, next).sentences > 0
    if (!(isAgain && candidate.heading.depth < 4) && !isTiny && hasProse) break
    seen.add(key)
  }
  const opening = (starts[listed] ?? 0) - (starts[0] ?? 0)
  const whole = end - (starts[0] ?? 0)
  const isContents = listed >= 3 || opening * 20 < whole
  const isVolumesOnly = candidates.slice(0, listed).every(({ heading }) => heading.depth < 4)
  // Volumes that occur twice are not contents if the first ones hold much of the book.
  return isContents && !(isVolumesOnly && opening * 10 >= whole) ? listed : 0
}

/** A run of candidates without prose between them: the indexes of its first and last one. */
type Run = Readonly<Record<'first' | 'last', number>>

function runsOf(candidates: readonly Candidate[]): Run[] {
  const runs: Run[] = []
  let first = 0
  for (let i = 1; i <= candidates.length; i++) {
    const a = candidates[i - 1]
    const b = candidates[i]
    if (a !== undefined && b !== undefined && isTouching(a, b)) continue
    if (i - first >= 3) runs.push({ first, last: i - 1 })
    first = i
  }
  return runs
}

/** Whether only the rest of a title is between two candidates. */
export function isTouching(a: Candidate, b: Candidate): boolean {
  const { lines, sentences } = between(a, b)
  const isTitle = a.followingEnds && lines === a.following.length
  return sentences === 0 && (lines <= 2 || isTitle)
}

interface Keyed<T> {
  readonly keys: T
  /** Keys within their volume. */
  readonly qualified: T
}

function* markRun(
  run: Run,
  { candidates, keys, qualified }: Keyed<readonly string[]> & { candidates: readonly Candidate[] },
  everywhere: Keyed<Map<string, number>>,
  listed: Set<Candidate>,
): Steps<void> {
  const inside = countsOf(keys.slice(run.first, run.last + 1))
  yield
  const insideQualified = countsOf(qualified.slice(run.first, run.last + 1))
  yield
  const empty = emptyOnes(run, candidates)
  const lastEmpty = empty.at(-1)
  if (lastEmpty === undefined) return
  const isOutside = (key = '') => (everywhere.keys.get(key) ?? 0) > (inside.get(key) ?? 0)
  yield
  const again = empty.filter(i => isOutside(keys[i]) || (inside.get(keys[i] ?? '') ?? 0) > 1)
  const isContents = empty.length >= 2 && again.length * 2 > empty.length
  if (!isContents && !(run.first === 0 && empty.length >= 3)) return
  const seen = new Set<string>()
  for (let i = run.first; i <= run.last; i++) {
    if (i % perStep === 0) yield
    const candidate = candidates[i]
    const key = qualified[i] ?? ''
    if (candidate === undefined) continue
    const isQualifiedOutside = (everywhere.qualified.get(key) ?? 0) > (insideQualified.get(key) ?? 0)
    const ends =
      (isQualifiedOutside && !seen.has(key)) || (isOutside(keys[i]) && isNextOf(candidates[i - 1], candidate))
    seen.add(key)
    if (i > lastEmpty && !ends) continue
    listed.add(candidate)
    take(everywhere.keys, keys[i] ?? '')
    take(everywhere.qualified, key)
  }
}

/** Returns the candidates followed at once by one of their depth or above. */
function emptyOnes(run: Run, candidates: readonly Candidate[]): number[] {
  const empty: number[] = []
  for (let i = run.first; i < run.last; i++) {
    const here = candidates[i]
    const next = candidates[i + 1]
    if (here !== undefined && next !== undefined && next.heading.depth <= here.heading.depth) empty.push(i)
  }
  return empty
}

function isNextOf(a: Candidate | undefined, b: Candidate): boolean {
  return a?.heading.style === b.heading.style && b.heading.number === (a.heading.number ?? Number.NaN) + 1
}

function take(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 1) - 1)
}

function qualifiedKeys(candidates: readonly Candidate[], keys: readonly string[]): string[] {
  let volume = ''
  return candidates.map((candidate, i) => {
    const key = keys[i] ?? ''
    if (candidate.heading.depth < 4) volume = key
    return candidate.heading.depth < 4 ? key : `${volume}/${key}`
  })
}

/** Returns a key that is equal for equal headings, within their volume or not. */
function keyOf({ heading, comparable: title }: Candidate): string {
  if (heading.number !== undefined && heading.style !== 'marked') return `${heading.style} ${heading.number}`
  return `${heading.style} ${title}`
}

/** Returns a title without case, spaces and punctuation, in which prints of it differ. */
export function comparable(title: string): string {
  return title.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')
}

const HEADER =
  /^(?:(?:table of )?contents|目[\s　]{0,4}[录錄次]|목\s?차|차\s?례|mục lục|spis treści|содержание|оглавление|(?:جدول )?المحتويات|الفهرس|فهرس)[.:：]?$/i
const MOST_TITLES = 2_000

/** Whether a line or a title stands above a table of contents. */
export function isContentsHeader(text: string): boolean {
  return text.length < 24 && HEADER.test(text)
}

/** The titles of a table of contents. Where chapters have no numbers, a line that stands alone and is in the table is a heading. */
export class ListedTitles {
  readonly #numbers = new Map<string, number>()
  readonly #places: number[] = []
  #isOpen = false
  #isDone = false

  /** Returns the words of the text before the entry of a title, by its number in the table. */
  placeOf(number: number): number | undefined {
    return this.#places[number - 1]
  }

  /** Returns the heading that a line is by the table; the line must not be a heading by itself. `words`: those of the text before it. */
  read(line: string, words: number): Heading | undefined {
    if (this.#isDone && this.#numbers.size === 0) return undefined
    if (!this.#isOpen && !this.#isDone) {
      this.#isOpen = isContentsHeader(line)
      return undefined
    }
    if (line.length > LONGEST_HEADING) {
      this.#close()
      return undefined
    }
    const title = withoutPageNumber(undecorate(line))
    const key = comparable(title)
    const number = this.#numbers.get(key)
    if (number !== undefined) {
      this.#close()
      return { style: 'listed', depth: 4, sureness: 'weak', number, title: plainSpaces(title), name: title }
    }
    if (this.#isOpen) this.#list(key, line, words)
    return undefined
  }

  #list(key: string, line: string, words: number): void {
    const isProse = line.length > 60 && /[.!?。！？”"]$/.test(line)
    if (isProse || this.#numbers.size >= MOST_TITLES) this.#close()
    else if (key !== '') this.#numbers.set(key, this.#places.push(words))
  }

  #close(): void {
    this.#isOpen = false
    this.#isDone = true
  }
}

/** Returns the words from the first to the last entry of a table of contents before the first of the chosen headings. */
export function contentsBefore(
  chosen: readonly Chosen[],
  { candidates, titles }: { candidates: readonly Candidate[]; titles: ListedTitles },
): number {
  const first = chosen[0]?.candidate.line ?? 0
  let [from, to] = [Number.POSITIVE_INFINITY, 0]
  const add = (words: number) => {
    from = Math.min(from, words)
    to = Math.max(to, words)
  }
  for (const { line, before } of candidates) {
    if (line >= first) break
    add(before.words)
  }
  for (const { candidate } of chosen) {
    const { style, number = 0 } = candidate.heading
    const place = style === 'listed' ? titles.placeOf(number) : undefined
    if (place !== undefined) add(place)
  }
  return Math.max(0, to - from)
}
