import { ownCopy } from '../../ai/text/characters.ts'
import type { Steps } from '../../runtime/cooperate.ts'
import { groupedBy } from '../grouped-by.ts'
import type { Measure } from '../words.ts'
import type { Heading } from './heading.ts'

/** The amount of text before a place. */
export interface Totals {
  readonly characters: number
  readonly words: number
  /** Lines with text, headings included. */
  readonly lines: number
  /** Lines that end like a sentence or are as long as a paragraph, headings not included. */
  readonly sentences: number
  /** Words of paragraphs that end like a sentence, so without titles, lists and credits. */
  readonly prose: number
}

/** A line that may be a heading, with its surroundings. */
export interface Candidate {
  readonly heading: Heading
  /** Its title as it is compared with others. */
  readonly comparable: string
  readonly line: number
  /** Markdown level, 1 to 6, for a heading that is marked as one. */
  readonly level: number | undefined
  readonly before: Totals
  /** The size of the line itself. */
  readonly own: Measure
  /** After a blank line, a separator, another heading or the start of the text. */
  readonly blankBefore: boolean
  /** After a line that ends a sentence or is short, or at the start: the line cuts off no prose. */
  readonly afterSentence: boolean
  /** The next paragraph: its first lines, up to three. */
  readonly following: string[]
  /** Line number of the first one, or -1. */
  followingLine: number
  /** The paragraph ends within these lines. */
  followingEnds: boolean
}

/** Returns a copy of a heading that keeps no block of text in memory. */
export function ownHeading(heading: Heading): Heading {
  const { title, name, inner } = heading
  return {
    ...heading,
    title: ownCopy(title),
    name: ownCopy(name),
    inner: inner === undefined ? undefined : ownHeading(inner),
  }
}

/** Whether a blank line follows, or only the lines of a name do. */
export function blankAfter({ line, following, followingLine, followingEnds }: Candidate): boolean {
  if (followingLine !== line + 1) return true
  return followingEnds && !/[.!?。！？"”’]$/.test(following.at(-1) ?? '')
}

/** Returns the lines with text between two candidates, and the sentences among them. */
export function between(a: Candidate, b: Candidate): { lines: number; sentences: number } {
  return {
    lines: b.before.lines - a.before.lines - 1,
    sentences: b.before.sentences - a.before.sentences,
  }
}

/** Headings after which a loop over all of them yields. */
export const perStep = 256

/** As `filter` of a list; yields in between. */
export function* filtered<Item>(
  items: readonly Item[],
  keep: (item: Item, index: number) => boolean,
): Steps<Item[]> {
  const kept: Item[] = []
  for (const [index, item] of items.entries()) {
    if (index % perStep === 0) yield
    if (keep(item, index)) kept.push(item)
  }
  return kept
}

/** Counts how often each key occurs. */
export function countsOf<Key>(keys: Iterable<Key>): Map<Key, number> {
  const counts = new Map<Key, number>()
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
  return counts
}

/** As `countsOf` the keys of a list; yields in between. */
export function* countedBy<Item, Key>(
  items: readonly Item[],
  keyOf: (item: Item) => Key,
): Steps<Map<Key, number>> {
  const counts = new Map<Key, number>()
  for (const [index, item] of items.entries()) {
    if (index % perStep === 0) yield
    const key = keyOf(item)
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return counts
}

/** Groups candidates by the style of their headings. */
export function byStyle(candidates: Iterable<Candidate>): Map<string, Candidate[]> {
  return groupedBy(candidates, ({ heading }) => heading.style)
}

/** What a chosen heading starts. `again` is a heading printed a second time: it starts nothing, and is not text. */
export type Role = 'volume' | 'chapter' | 'section' | 'again'

/** A candidate that is a heading. */
export interface Chosen {
  readonly candidate: Candidate
  readonly role: Role
}

/** The facts about a text by which its headings are chosen. */
export interface TextFacts {
  /** Characters of the book. */
  readonly characters: number
  /** Characters before the book. */
  readonly charactersBefore: number
  /** Blank lines separate the paragraphs. */
  readonly usesBlanks: boolean
  /** Only marked lines are headings: the file is Markdown, or a book with a table of contents. */
  readonly declared: boolean
  /** The file itself marks its headings, as EPUB and DOCX do. */
  readonly structured: boolean
}
