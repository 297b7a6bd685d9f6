import type { CharacterFaults, Line } from './lines.ts'

/** What kind of file a text is read from. */
export type FileKind = 'text' | 'epub' | 'docx'

/** What a book says of itself, apart from its text. */
export interface BookFacts {
  readonly title?: string
  readonly author?: string
  /** BCP 47 tag. */
  readonly language?: string
}

/** Kinds of pages that are no part of a story. */
export const pageKinds = [
  'cover',
  'title-page',
  'half-title',
  'copyright',
  'imprint',
  'colophon',
  'contents',
  'illustrations',
  'tables',
] as const
export type PageKind = (typeof pageKinds)[number]

/** A page of a book: its kind, or what the book calls it. */
export type PageName = { readonly kind: PageKind } | { readonly name: string }

/** What of a book is not part of its text, counted while its lines are read. */
export interface LeftOut {
  /** Pages such as cover, copyright, table of contents. */
  readonly pages: PageName[]
  /** Footnotes and endnotes, or references to them. */
  notes: number
  /** Pages whose markup is broken; some of their text may be missing. */
  readonly broken: PageName[]
}

/** A file that is opened: its lines can be read as often as needed, each time the same. */
export interface OpenedText {
  readonly kind: FileKind
  readonly encoding: { readonly name: string; readonly confidence: number }
  readonly facts: BookFacts
  /** A table of contents says what the chapters are. */
  readonly declared: boolean
  lines(faults: CharacterFaults, leftOut: LeftOut): AsyncIterable<Line[]>
}

/** A fresh record for `lines`. */
export function nothingLeftOut(): LeftOut {
  return { pages: [], notes: 0, broken: [] }
}

/** The facts that are there and say something. */
export function factsOf(found: { [Key in keyof BookFacts]: string | undefined }): BookFacts {
  const { title, author, language } = found
  const tag = /^[A-Za-z]{2,3}(?:-[A-Za-z\d]{1,8}){0,4}$/.exec(language?.trim() ?? '')?.[0]
  return {
    ...given('title', plain(title)),
    ...given('author', plain(author)),
    ...given('language', tag === undefined || /^und/i.test(tag) ? '' : tag),
  }
}

function given<Key extends string>(key: Key, value: string): { readonly [Name in Key]?: string } {
  return value === '' ? {} : ({ [key]: value } as { readonly [Name in Key]?: string })
}

/** Longest title or author that is taken, in UTF-16 units. */
const longest = 200

function plain(text = ''): string {
  const line = text
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim()
  return line.length <= longest ? line : line.slice(0, longest).trim()
}
