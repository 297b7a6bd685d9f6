import { defined } from '../../task/defined.ts'
import type { Encoding } from './encoding.ts'
import type { ExportedFrontMatter } from './exported.ts'
import type { CharacterFaults, Line } from './lines.ts'

/** The kinds of files that a text is read from. */
export const fileKinds = ['text', 'html', 'rtf', 'epub', 'docx', 'odt', 'scrivener', 'archive'] as const
export type FileKind = (typeof fileKinds)[number]

/** The metadata that a book declares. */
export interface BookFacts {
  readonly title?: string
  readonly author?: string
  /** BCP 47 tag. */
  readonly language?: string
}

/** Kinds of pages outside a story. */
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

/** A page of a book: its kind, or the name that the book gives it. */
export type PageName = { readonly kind: PageKind } | { readonly name: string }

/** The parts of a book that are not in its text, counted while its lines are read. */
export interface LeftOut {
  /** Pages such as cover, copyright, table of contents. */
  readonly pages: PageName[]
  /** Footnotes and endnotes, or references to them. */
  notes: number
  /** Pages whose markup is broken; some of their text may be missing. */
  readonly broken: PageName[]
}

/** An opened file: its lines can be read any number of times, and are always the same. The archive of a novel has rows and no lines. */
export interface OpenedText {
  readonly kind: FileKind
  readonly encoding: Encoding
  readonly facts: BookFacts
  /** A table of contents lists the chapters. */
  readonly declared: boolean
  /** Of a file that Quillwork exported: its marks alone divide it. */
  readonly exported?: ExportedFrontMatter
  lines(faults: CharacterFaults, leftOut: LeftOut): AsyncIterable<Line[]>
}

/** Returns an empty record for `lines`. */
export function nothingLeftOut(): LeftOut {
  return { pages: [], notes: 0, broken: [] }
}

/** Returns the metadata without empty fields and unknown languages. */
export function factsOf({
  title,
  author,
  language = '',
}: { [Key in keyof BookFacts]: string | undefined }): BookFacts {
  const tag = /^(?!und)[A-Za-z]{2,3}(?:-[A-Za-z\d]{1,8}){0,4}$/i.exec(language.trim())?.[0]
  return defined({ title: plain(title), author: plain(author), language: tag })
}

/** Titles and authors that programs put into new documents and pages. */
const placeholders =
  /^(?:word document|(?:new )?(?:document|page) ?\d*|untitled(?: (?:document|page))?|无标题(?:文档)?|administrator|admin|user|(?:microsoft(?: office)?|windows|office) (?:user|用户)|微软用户|用户|un-?named|unknown|python-docx)$/i

/** Whether a title or an author is what a program puts where nobody has written one. */
export function isPlaceholder(text: string): boolean {
  return placeholders.test(text.trim())
}

/** Longest title or author, in UTF-16 units. */
const longest = 200

function plain(text = ''): string | undefined {
  const line = oneSpaced(text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' '))
  return line.slice(0, longest).trim() || undefined
}

/** Returns a text with one space in place of each run of white space, and none around it. */
export function oneSpaced(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}
