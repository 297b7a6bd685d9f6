import type { Measure } from '../words.ts'
import type { Heading } from './heading.ts'

/** How much text stands before a place. */
export interface Totals {
  readonly characters: number
  readonly words: number
  /** Lines with text, headings included. */
  readonly lines: number
  /** Lines that end like a sentence or are as long as a paragraph, headings not included. */
  readonly sentences: number
  /** Words of paragraphs that end like a sentence: what is left when titles, lists and credits are set aside. */
  readonly prose: number
}

/** A line that may be a heading, with what stands around it. */
export interface Candidate {
  readonly heading: Heading
  readonly line: number
  /** Markdown level, 1 to 6, for a heading that is marked as one. */
  readonly level: number | undefined
  readonly before: Totals
  /** The size of the line itself. */
  readonly own: Measure
  /** A blank line, a separator, another heading or the start of the text stands before. */
  readonly blankBefore: boolean
  /** The line before ends a sentence, is short, or there is none: no prose is cut off. */
  readonly afterSentence: boolean
  /** Width of the white space before the line. */
  readonly indent: number
  /** The next paragraph: its first lines, up to three. */
  readonly following: string[]
  /** Line number of the first one, or -1. */
  followingLine: number
  /** The paragraph ends within these lines. */
  followingEnds: boolean
}

/**
 * A copy that does not keep its surroundings alive. A slice of a decoded block would hold the whole block in memory
 * for as long as the heading.
 */
export function ownCopy(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le')
}

/** A heading that holds no block of text alive. */
export function ownHeading(heading: Heading): Heading {
  const { title, name, inner } = heading
  return {
    ...heading,
    title: ownCopy(title),
    name: ownCopy(name),
    inner: inner === undefined ? undefined : ownHeading(inner),
  }
}

/** Whether a blank line stands below, or only the lines of a name do. */
export function blankAfter({ line, following, followingLine, followingEnds }: Candidate): boolean {
  if (followingLine !== line + 1) return true
  return followingEnds && !/[.!?。！？"”’]$/.test(following.at(-1) ?? '')
}

/** Lines with text between two candidates, and how many of them are sentences. */
export function between(
  a: Candidate,
  b: Candidate,
): { lines: number; sentences: number; characters: number } {
  return {
    lines: b.before.lines - a.before.lines - 1,
    sentences: b.before.sentences - a.before.sentences,
    characters: b.before.characters - a.before.characters - a.own.characters,
  }
}

/** What a chosen heading starts. `again` is a heading printed a second time: it starts nothing, and is no text. */
export type Role = 'volume' | 'chapter' | 'section' | 'again'

/** A candidate that is a heading. */
export interface Chosen {
  readonly candidate: Candidate
  readonly role: Role
}

/** What choosing needs to know of the text. */
export interface TextFacts {
  /** Characters from the start of the book to its end. */
  readonly characters: number
  /** Totals of characters before the book. */
  readonly charactersBefore: number
  /** Blank lines part the paragraphs. */
  readonly usesBlanks: boolean
  /** Headings are what is marked as one, and nothing else: the file is Markdown, or a book with a table of contents. */
  readonly declared: boolean
  /** The file itself says where its headings are, as EPUB and DOCX do. */
  readonly structured: boolean
}
