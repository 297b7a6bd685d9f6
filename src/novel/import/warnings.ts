import type { Steps } from '../../runtime/cooperate.ts'
import { shown } from './bounds.ts'
import { type Encoding, LOW_CONFIDENCE } from './encoding.ts'
import { countsOf, perStep } from './heading-candidate.ts'
import type { CharacterFaults } from './lines.ts'
import type { LeftOut, PageKind, PageName } from './opened.ts'
import type { Outline, OutlineChapter } from './outline.ts'

/** What a person should check before importing. */
export type WarningCode =
  | 'LOW_ENCODING_CONFIDENCE'
  | 'BAD_BYTES'
  | 'CONTROL_CHARACTERS'
  | 'EMPTY_TEXT'
  | 'NO_HEADINGS'
  | 'NUMBER_GAP'
  | 'NUMBER_REPEATED'
  | 'NUMBER_OUT_OF_ORDER'
  | 'DUPLICATE_TITLE'
  | 'EMPTY_CHAPTER'
  | 'LONG_CHAPTER'
  | 'BROKEN_MARKUP'
  | 'PAGES_LEFT_OUT'
  | 'NOTES_LEFT_OUT'

/** A warning of the survey. */
export interface SurveyWarning {
  readonly code: WarningCode
  /** The finding and its possible meaning, for a person. */
  readonly message: string
  /** Index of its chapter, over all volumes. */
  readonly chapter?: number
  /** Line number, from 1. */
  readonly line?: number
  /** The number of findings, where only the first ones are listed. */
  readonly count?: number
  /** The first 20 pages of the book that a warning about pages concerns. */
  readonly pages?: readonly PageName[]
}

/** Most warnings of one kind. */
const LISTED = 20

/** Returns the warnings about a text, at most 20 of a kind. Yields in between. */
export function* warningsOf(
  encoding: Encoding,
  faults: CharacterFaults,
  leftOut: LeftOut,
  { chapters }: Outline,
): Steps<SurveyWarning[]> {
  const all = [
    ...encodingWarnings(encoding, faults),
    ...structureWarnings(chapters),
    ...(yield* numberWarnings(chapters)),
    ...(yield* titleWarnings(chapters)),
    ...(yield* sizeWarnings(chapters)),
    ...leftOutWarnings(leftOut),
  ]
  yield
  const counts = countsOf(all.map(({ code }) => code))
  const listed = new Map<WarningCode, number>()
  return all.flatMap(warning => {
    const count = counts.get(warning.code) ?? 1
    const taken = (listed.get(warning.code) ?? 0) + 1
    listed.set(warning.code, taken)
    if (taken > LISTED) return []
    return count > LISTED ? [{ ...warning, count }] : [warning]
  })
}

/** Warns about parts of the file that are not in its text. */
function leftOutWarnings({ pages, notes, broken }: LeftOut): SurveyWarning[] {
  const warnings: SurveyWarning[] = []
  const add = (code: WarningCode, about: readonly PageName[], message: string) => {
    const named = about.slice(0, LISTED).map(page => ('kind' in page ? page : { name: shown(page.name) }))
    if (about.length > 0) warnings.push({ code, message, count: about.length, pages: named })
  }
  add('BROKEN_MARKUP', broken, `${listed(broken)}: the file is broken there, and some text may be missing.`)
  add('PAGES_LEFT_OUT', pages, `Not part of the story and left out: ${listed(pages)}.`)
  if (notes > 0) {
    const message = `The text refers to ${notes} notes; the numbers and the notes are left out.`
    warnings.push({ code: 'NOTES_LEFT_OUT', message, count: notes })
  }
  return warnings
}

/** The names of the kinds of pages that are not their words. */
const KIND_NAMES: Readonly<Partial<Record<PageKind, string>>> = {
  contents: 'table of contents',
  illustrations: 'list of illustrations',
  tables: 'list of tables',
}

/** Returns the first names of a list of pages. */
function listed(pages: readonly PageName[]): string {
  const nameOf = (kind: PageKind) => KIND_NAMES[kind] ?? kind.replace('-', ' ')
  const names = pages.map(page => ('kind' in page ? nameOf(page.kind) : page.name))
  const first = [...new Set(names)].slice(0, 5).map(name => shown(name))
  return names.length > first.length ? `${first.join(', ')} and others` : first.join(', ')
}

/** Returns the warnings about characters that could not be read, or may have been read wrongly. */
export function encodingWarnings(encoding: Encoding, faults: CharacterFaults): SurveyWarning[] {
  const warnings: SurveyWarning[] = []
  if (encoding.confidence < LOW_CONFIDENCE) {
    const message = `The text was read as ${encoding.name}, which may be wrong. If it looks garbled, name its encoding.`
    warnings.push({ code: 'LOW_ENCODING_CONFIDENCE', message })
  }
  if (faults.bad > 0) {
    const line = faults.firstBadLine + 1
    const message = `${faults.bad} characters could not be read and stand as U+FFFD, the first in line ${line}.`
    warnings.push({ code: 'BAD_BYTES', message, line, count: faults.bad })
  }
  if (faults.controls > 1) {
    const message = `${faults.controls} NUL or end-of-file characters were left out.`
    warnings.push({ code: 'CONTROL_CHARACTERS', message, count: faults.controls })
  }
  return warnings
}

/** Warns about a text without words. */
export const emptyText: SurveyWarning = { code: 'EMPTY_TEXT', message: 'The text has no words.' }

function structureWarnings(chapters: readonly OutlineChapter[]): SurveyWarning[] {
  if (chapters.every(chapter => chapter.words === 0)) return [emptyText]
  if (chapters.some(chapter => chapter.heading !== undefined)) return []
  const message = 'No chapter headings were found: the text is imported as one chapter.'
  return [{ code: 'NO_HEADINGS', message }]
}

/** The last numbered chapter of a unit. */
interface Numbered {
  readonly number: number
  readonly title: string
  readonly volume: number
  /** The highest number since the numbers restarted. */
  readonly top: number
}

/** Compares each number with the one before, within a unit of chapters. Numbers may restart at 1 or 0. */
function* numberWarnings(chapters: readonly OutlineChapter[]): Steps<SurveyWarning[]> {
  const warnings: SurveyWarning[] = []
  const last = new Map<string, Numbered>()
  let latest: Numbered | undefined
  for (const [i, { heading, title, line, volume }] of chapters.entries()) {
    if (i % perStep === 0) yield
    const number = heading?.number
    if (heading === undefined || number === undefined || UNNUMBERED.has(heading.style)) continue
    // Chapter 10.5 stands beside the numbering.
    if (!Number.isInteger(number)) continue
    const before = last.get(heading.style) ?? (latest?.number === number - 1 ? latest : undefined)
    const code = numberFault(number, volume, before)
    if (code !== undefined) {
      const place = before === undefined ? 'is the first' : `follows "${before.title}"`
      warnings.push({ code, message: `"${title}" ${place}: ${MEANING[code]}.`, chapter: i, line: line + 1 })
    }
    latest = { number, title, volume, top: number <= 1 ? number : Math.max(before?.top ?? 0, number) }
    last.set(heading.style, latest)
  }
  return warnings
}

const MEANING = {
  NUMBER_GAP: 'chapters between may be missing',
  NUMBER_REPEATED: 'the number stands twice',
  NUMBER_OUT_OF_ORDER: 'the numbers are out of order',
} as const

function numberFault(number: number, volume: number, before?: Numbered): keyof typeof MEANING | undefined {
  if (before === undefined) return number > 1 ? 'NUMBER_GAP' : undefined
  if (number === before.number) return number <= 1 && volume !== before.volume ? undefined : 'NUMBER_REPEATED'
  if (number === before.number + 1 || number <= 1 || number === before.top + 1) return undefined
  return number < before.number ? 'NUMBER_OUT_OF_ORDER' : 'NUMBER_GAP'
}

function* titleWarnings(chapters: readonly OutlineChapter[]): Steps<SurveyWarning[]> {
  const warnings: SurveyWarning[] = []
  const seen = new Map<string, number>()
  for (const [i, { title, volume, heading, line }] of chapters.entries()) {
    if (i % perStep === 0) yield
    // A bare "Chapter 1" may stand in each volume.
    const key =
      heading !== undefined && heading.name !== '' ? `${heading.style} ${heading.name}` : `${volume} ${title}`
    const first = seen.get(key)
    if (first === undefined) seen.set(key, i)
    else {
      const other = chapters[first]?.title ?? ''
      const message = `"${title}" has the same title as "${other}": a chapter may stand twice.`
      warnings.push({ code: 'DUPLICATE_TITLE', message, chapter: i, line: line + 1 })
    }
  }
  return warnings
}

function* sizeWarnings(chapters: readonly OutlineChapter[]): Steps<SurveyWarning[]> {
  const sizes = chapters.map(chapter => chapter.words).sort((a, b) => a - b)
  const median = sizes[Math.floor(sizes.length / 2)] ?? 0
  const warnings: SurveyWarning[] = []
  for (const [chapter, { title, words, line }] of chapters.entries()) {
    if (chapter % perStep === 0) yield
    const isLong = words > 30_000 && (chapters.length < 3 || words > 8 * median)
    const place = { chapter, line: line + 1 }
    if (words === 0) warnings.push({ code: 'EMPTY_CHAPTER', message: `"${title}" has no text.`, ...place })
    else if (isLong) {
      const message = `"${title}" has ${words} words: headings within it may have been missed.`
      warnings.push({ code: 'LONG_CHAPTER', message, ...place })
    }
  }
  return warnings
}

/** Styles whose numbers the book does not print. */
const UNNUMBERED = new Set(['named', 'marked', 'listed'])
