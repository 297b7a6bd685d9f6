import { ownCopy } from '../../ai/text/characters.ts'
import type { Steps } from '../../runtime/cooperate.ts'

/** A place in the text of a scene, in code units. */
export interface TermPlace {
  readonly sceneId: string
  readonly start: number
  readonly end: number
}

/** How often a term stands in a book. */
export interface Term {
  readonly text: string
  readonly count: number
  /** In how many chapters. */
  readonly chapters: number
  readonly first: TermPlace
}

/** A term that stands several times in a chapter. */
export interface OfChapter {
  readonly term: Pick<Term, 'text' | 'count'>
  /** How often it stands in the chapter. */
  readonly here: number
  readonly place: TermPlace
}

/** Whether two terms are two parts of one. */
export type Alike = (text: string, other: string) => boolean

/** Counts terms of a book, chapter by chapter, in a memory that does not grow with the book. */
export interface Tally {
  add(text: string, place: TermPlace): void
  /** Drops the rarest terms where there are too many; to be called now and then. */
  makeRoom(): Steps<void>
  /** Ends a chapter. Returns its terms that stand in it three times or more, the most frequent first, 60 at most. */
  endChapter(): Steps<readonly OfChapter[]>
  /** Returns the terms that stand in the book three times or more, the most frequent first; none that `isAlike` says is like one before it. */
  most(limit: number, isAlike?: Alike): Steps<Term[]>
  /** Whether terms were dropped: the counts of those that came again are too low. */
  isApproximate(): boolean
}

type Counted = { -readonly [Key in keyof Term]: Term[Key] } & { here: number; place: TermPlace }

/** Fewer are chance. */
const fewest = 3
const keptOfChapter = 60
/** Terms looked at between two yields. */
const perStep = 1_000

/** Returns a tally that keeps some `limit` terms at a time. */
export function createTally(limit: number): Tally {
  const terms = new Map<string, Counted>()
  let ofChapter: Counted[] = []
  let isApproximate = false

  return {
    add(text, place) {
      let term = terms.get(text)
      if (term === undefined) {
        term = { text: ownCopy(text), count: 0, chapters: 0, first: place, here: 0, place }
        terms.set(term.text, term)
      }
      if (term.here === 0) {
        term.chapters += 1
        term.place = place
        ofChapter.push(term)
      }
      term.count += 1
      term.here += 1
    },
    *makeRoom() {
      if (terms.size <= limit) return
      isApproximate = true
      // Half of the room is enough for some time.
      for (let rare = 1; terms.size > limit / 2; rare *= 2) {
        let at = 0
        for (const [text, { count }] of terms) {
          if (at++ % perStep === 0) yield
          if (count <= rare) terms.delete(text)
        }
      }
    },
    *endChapter() {
      const found: OfChapter[] = []
      for (const [at, term] of ofChapter.entries()) {
        if (at % perStep === 0) yield
        const { here, place } = term
        if (here >= fewest) found.push({ term, here, place })
        term.here = 0
      }
      ofChapter = []
      return found.sort((a, b) => b.here - a.here).slice(0, keptOfChapter)
    },
    *most(wanted, isAlike = () => false) {
      const found: Counted[] = []
      let at = 0
      for (const term of terms.values()) {
        if (at++ % perStep === 0) yield
        if (term.count >= fewest) found.push(term)
      }
      found.sort((a, b) => b.count - a.count)
      return unlike(found, wanted, isAlike).map(({ text, count, chapters, first }) => ({
        text,
        count,
        chapters,
        first,
      }))
    },
    isApproximate: () => isApproximate,
  }
}

/** Returns the first terms of a list, none that is like one before it. */
export function unlike<Each extends { readonly text: string }>(
  terms: readonly Each[],
  wanted: number,
  isAlike: Alike,
): Each[] {
  const kept: Each[] = []
  for (const term of terms) {
    if (kept.length === wanted) break
    if (!kept.some(({ text }) => isAlike(text, term.text))) kept.push(term)
  }
  return kept
}
