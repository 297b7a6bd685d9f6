import type { Steps } from '../../runtime/cooperate.ts'
import { measure } from '../words.ts'
import { joinedTitle, namesBelow } from './chapter-name.ts'
import { comparable } from './contents.ts'
import type { Heading } from './heading.ts'
import { type Candidate, type Chosen, perStep } from './heading-candidate.ts'
import { type Gap, isSentence, type Place } from './scan.ts'

/** Lines of the text and the chapter that they belong to. The lines between spans are headings. */
export interface Span {
  /** First line. */
  readonly from: number
  /** The line after the last one. */
  readonly to: number
  /** Index of the chapter; FRONT or BACK for text around the book. */
  readonly chapter: number
}

/** The chapter of spans before the book: title page, table of contents, licence. */
export const FRONT = -1
/** The chapter of spans behind the book. */
export const BACK = -2

/** A chapter of the outline. */
export interface OutlineChapter {
  readonly volume: number
  readonly title: string
  /** Its heading; none for text before the first heading. */
  readonly heading: Heading | undefined
  readonly line: number
  characters: number
  words: number
}

/** The book, divided by its headings. */
export interface Outline {
  readonly volumes: string[]
  readonly chapters: OutlineChapter[]
  readonly spans: Span[]
  /** Lines of headings within chapters: scenes start there. */
  readonly sections: number[]
}

/** The data for dividing a text, besides its headings. */
export interface Division {
  readonly start: Place
  readonly end: Place
  /** Between two books of the file. */
  readonly gaps: readonly Gap[]
  readonly last: Place
  /** Words of the table of contents before the first heading. */
  readonly contents: number
  readonly usesBlanks: boolean
  /** Title of a chapter before the first heading. */
  readonly frontTitle: string
  /** Title of the only chapter of a text without headings. */
  readonly title: string
}

/** Words of prose above which text before the first heading is a chapter of its own. */
const PROSE_OF_A_CHAPTER = 25
/** Words beside the table of contents above which text before the first heading is one too: a verse has no sentences, nor has a list of persons. */
const WORDS_OF_A_CHAPTER = 150
/** Words of prose above which text between a volume's heading and its first chapter is a chapter of its own. */
const PROSE_OF_A_VOLUME = 150

/** Divides a text at its chosen headings. Every line is in one span, or is a heading. Yields in between. */
export function* outlineOf(chosen: readonly Chosen[], division: Division): Steps<Outline> {
  const names = yield* namesBelow(chosen, division.usesBlanks)
  const builder = new OutlineBuilder(chosen, names, division)
  for (const [i, one] of chosen.entries()) {
    if (i % perStep === 0) yield
    builder.add(one, chosen[i + 1])
  }
  return builder.finish()
}

class OutlineBuilder {
  readonly #outline: Outline = { volumes: [], chapters: [], spans: [], sections: [] }
  readonly #division: Division
  readonly #names: ReadonlyMap<Candidate, readonly string[]>
  readonly #ranks: Map<string, number>
  #levels: { rank: number; title: string }[] = []
  readonly #held: Gap[] = []

  constructor(
    chosen: readonly Chosen[],
    names: ReadonlyMap<Candidate, readonly string[]>,
    division: Division,
  ) {
    this.#division = division
    this.#names = names
    this.#ranks = volumeRanks(chosen)
    const { start, end } = division
    if (start.line > 0) this.#outline.spans.push({ from: 0, to: start.line, chapter: FRONT })
    this.#addFront(start, chosen[0]?.candidate ?? end)
  }

  add({ candidate, role }: Chosen, next: Chosen | undefined): void {
    const to = next?.candidate ?? this.#division.end
    const below = this.#names.get(candidate) ?? []
    const after = placeAfter(candidate, below)
    if (role === 'section') this.#addSection(candidate, to)
    else if (role === 'again') this.#continue(after, to)
    else if (role === 'volume') this.#addVolume(candidate, below, after, to, next)
    else {
      const title = joinedTitle(candidate.heading.title, below, candidate.heading.name !== '')
      this.#addChapter(title, candidate.heading, candidate.line)
      this.#addText(after, to)
    }
  }

  finish(): Outline {
    for (const { from, to } of this.#held) this.#addText(from, to)
    const { end, last } = this.#division
    if (end.line < last.line) this.#outline.spans.push({ from: end.line, to: last.line, chapter: BACK })
    return this.#outline
  }

  #addFront(from: Place, to: Place): void {
    const { end, contents, title, frontTitle } = this.#division
    if (to.line === end.line && to.before.lines > from.before.lines)
      this.#addChapter(title, undefined, from.line)
    else if (isChapter(from, to, contents)) this.#addChapter(frontTitle, undefined, from.line)
    this.#addText(from, to)
  }

  /** Adds the text around a gap. Before the first heading of the next book it is a chapter, or left out. */
  #addAround(gap: Gap, from: Place, to: Place): void {
    this.#addText(from, gap.from)
    const isLeftOut = !isChapter(gap.to, to, 0)
    this.#outline.spans.push({ from: gap.from.line, to: isLeftOut ? to.line : gap.to.line, chapter: FRONT })
    if (isLeftOut) return
    this.#addChapter(this.#division.frontTitle, undefined, gap.to.line)
    this.#addText(gap.to, to)
  }

  #addVolume(
    candidate: Candidate,
    below: readonly string[],
    after: Place,
    to: Place,
    next: Chosen | undefined,
  ): void {
    const { heading } = candidate
    const title = joinedTitle(heading.title, heading.inner === undefined ? below : [], heading.name !== '')
    this.#enter(title, this.#ranks.get(rankKey(candidate)) ?? heading.depth)
    const { inner } = heading
    if (inner !== undefined) {
      this.#addChapter(joinedTitle(inner.title, below, inner.name !== ''), inner, candidate.line)
      this.#addText(after, to)
      return
    }
    const prose = to.before.prose - after.before.prose
    const isLast = next === undefined || next.role === 'volume'
    if (prose >= PROSE_OF_A_VOLUME || (isLast && prose > 0)) {
      this.#addChapter(title, undefined, candidate.line)
      this.#addText(after, to)
    } else if (next !== undefined) this.#held.push({ from: after, to })
    else this.#continue(after, to)
  }

  /** Opens a volume within the larger open ones. A volume that is already open continues. */
  #enter(title: string, rank: number): void {
    const open = this.#levels.find(level => level.rank === rank)
    if (open !== undefined && comparable(open.title) === comparable(title)) return
    this.#levels = [...this.#levels.filter(level => level.rank < rank), { rank, title }]
    const full = this.#levels.map(level => level.title).join(' · ')
    // The volume within names a larger volume without chapters of its own.
    const last = this.#outline.volumes.length - 1
    const isUnused = last >= 0 && this.#outline.chapters.at(-1)?.volume !== last
    if (isUnused && this.#levels.length > 1) this.#outline.volumes[last] = full
    else this.#outline.volumes.push(full)
  }

  #addChapter(title: string, heading: Heading | undefined, line: number): void {
    if (this.#outline.volumes.length === 0) this.#outline.volumes.push('')
    const volume = this.#outline.volumes.length - 1
    this.#outline.chapters.push({ volume, title, heading, line, characters: 0, words: 0 })
    for (const { from, to } of this.#held.splice(0)) this.#addText(from, to)
  }

  #addSection(candidate: Candidate, to: Place): void {
    this.#outline.sections.push(candidate.line)
    this.#continue(candidate, to)
  }

  /** Adds text to the open chapter, or to a volume that waits for its first chapter. */
  #continue(from: Place, to: Place): void {
    if (this.#held.length > 0) this.#held.push({ from, to })
    else this.#addText(from, to)
  }

  #addText(from: Place, to: Place): void {
    const gap = this.#division.gaps.find(each => each.from.line >= from.line && each.to.line <= to.line)
    if (gap !== undefined) {
      this.#addAround(gap, from, to)
      return
    }
    const index = this.#outline.chapters.length - 1
    const chapter = this.#outline.chapters[index]
    if (chapter !== undefined) {
      chapter.characters += to.before.characters - from.before.characters
      chapter.words += to.before.words - from.before.words
    }
    if (to.line > from.line) {
      this.#outline.spans.push({
        from: from.line,
        to: to.line,
        chapter: chapter === undefined ? FRONT : index,
      })
    }
  }
}

/** Whether the text before the first heading is a chapter of its own. `contents`: words of the table of contents in it. */
function isChapter({ before: from }: Place, { before: to }: Place, contents: number): boolean {
  return to.prose - from.prose >= PROSE_OF_A_CHAPTER || to.words - from.words - contents >= WORDS_OF_A_CHAPTER
}

/** Returns the ranks of volumes within volumes: the larger unit first, and of two equally large ones the rarer one. */
function volumeRanks(chosen: readonly Chosen[]): Map<string, number> {
  const counts = new Map<string, { depth: number; count: number }>()
  for (const { candidate, role } of chosen) {
    if (role !== 'volume') continue
    const { depth, style } = candidate.heading
    // An Epilogue with chapters ranks with the largest volumes.
    const size = style === 'named' ? 0 : (candidate.level ?? depth)
    const key = rankKey(candidate)
    counts.set(key, { depth: size, count: (counts.get(key)?.count ?? 0) + 1 })
  }
  const sorted = [...counts].sort((a, b) => a[1].depth - b[1].depth || a[1].count - b[1].count)
  return new Map(sorted.map(([key], i) => [key, i]))
}

function rankKey({ heading, level }: Candidate): string {
  return level === undefined ? heading.style : `level ${level}`
}

/** Returns the place after a heading and its name. */
function placeAfter(candidate: Candidate, below: readonly string[]): Place {
  const { before, own } = candidate
  const name = measure(below.join('\n'))
  return {
    line: below.length === 0 ? candidate.line + 1 : candidate.followingLine + below.length,
    before: {
      characters: before.characters + own.characters + name.characters,
      words: before.words + own.words + name.words,
      lines: before.lines + 1 + below.length,
      sentences: before.sentences + below.filter(isSentence).length,
      prose: before.prose,
    },
  }
}
