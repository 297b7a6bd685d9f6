import type { Candidate } from './candidate.ts'

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
