import { englishFunctionWords } from '../../ai/text/language.ts'
import { splitParagraphs } from '../../ai/text/paragraphs.ts'
import { scanQuotations } from '../../ai/text/quotations.ts'
import { splitSentences } from '../../ai/text/sentences.ts'
import { letterRuns } from '../../ai/text/terms.ts'
import type { Steps } from '../../runtime/cooperate.ts'
import { measure } from '../words.ts'
import { type Alike, createTally, type OfChapter, type Term, unlike } from './tally.ts'

/** What is counted of a text; the figures of several texts are added. */
export interface StyleCounts {
  readonly words: number
  readonly characters: number
  readonly sentences: number
  readonly paragraphs: number
  /** Code units of the paragraphs, and those of them between quotation marks. */
  readonly units: number
  readonly quoted: number
  /** Sentences that begin with the same two words, or two characters, as the sentence right before. */
  readonly repeatedOpenings: number
}

/** The counts of a chapter, with its words and phrases that stand out. */
export interface ChapterStyle extends StyleCounts {
  readonly distinctWords: readonly DistinctTerm[]
  readonly distinctPhrases: readonly DistinctTerm[]
}

/** A word or phrase that a chapter has more often than the other chapters of the book. */
export interface DistinctTerm extends Omit<Term, 'chapters'> {
  /** How often it stands in the chapter; `elsewhere`: in all others. */
  readonly count: number
  readonly elsewhere: number
}

/** The style of a book, in figures. */
export interface BookStyle {
  readonly whole: StyleCounts
  /** The most used terms, the most frequent first. */
  readonly words: readonly Term[]
  readonly phrases: readonly Term[]
  readonly sentenceOpenings: readonly Term[]
  readonly paragraphOpenings: readonly Term[]
  /** By id of the chapter. */
  readonly chapters: ReadonlyMap<string, ChapterStyle>
  /** Whether the book has more terms than are kept: rare ones were dropped, and counts of terms may be too low. */
  readonly approximate: boolean
}

/** Collects the style of a book from its texts, in reading order. */
export interface StyleBook {
  add(text: { readonly chapterId: string; readonly sceneId: string; readonly content: string }): Steps<void>
  /** To be called once, after the last text. */
  finish(): Steps<BookStyle>
}

/** Terms that are kept at a time. */
const keptWords = 50_000
const keptPhrases = 150_000
const keptOpenings = 30_000
/** Terms of a list of the book, and of a chapter. */
const shownOfBook = 30
const shownOfChapter = 3
/** Words, or characters of a writing without spaces, of a phrase. */
const wordsOfPhrase = 4
const charactersOfPhrase = 5

const noCounts: StyleCounts = {
  ...{ words: 0, characters: 0, sentences: 0, paragraphs: 0 },
  ...{ units: 0, quoted: 0, repeatedOpenings: 0 },
}

/** Returns the counts of a chapter without text. */
export const emptyStyle: ChapterStyle = { ...noCounts, distinctWords: [], distinctPhrases: [] }

type Open = { -readonly [Key in keyof StyleCounts]: number }

interface Counted {
  readonly counts: Open
  words: readonly OfChapter[]
  phrases: readonly OfChapter[]
}

/**
 * Returns a collector of the style of a book. Memory grows with the number of chapters, not with their texts. Words of English carry grammar and are left out of
 * the lists, as are single characters of a writing without spaces.
 */
export function createStyleBook(): StyleBook {
  const words = createTally(keptWords)
  const phrases = createTally(keptPhrases)
  const sentenceOpenings = createTally(keptOpenings)
  const paragraphOpenings = createTally(keptOpenings)
  const tallies = [words, phrases, sentenceOpenings, paragraphOpenings]
  const chapters = new Map<string, Counted>()
  let open: { id: string; counted: Counted } | undefined

  function* endChapter(): Steps<void> {
    if (open === undefined) return
    open.counted.words = yield* words.endChapter()
    open.counted.phrases = yield* phrases.endChapter()
    yield* sentenceOpenings.endChapter()
    yield* paragraphOpenings.endChapter()
  }

  function* countSentences(content: string, sceneId: string, counts: Open): Steps<void> {
    const beginnings = yield* countParagraphs(content, counts)
    let before = ''
    for (const { start, end } of splitSentences(content)) {
      yield
      for (const tally of tallies) yield* tally.makeRoom()
      const sentence = unitsOf(content.slice(start, end))
      if (sentence.units.length === 0) continue
      counts.sentences += 1
      const place = (from: number, to: number) => ({ sceneId, start: start + from, end: start + to })
      const [opening, ...at] = openingOf(sentence)
      if (opening !== '') {
        if (opening === before) counts.repeatedOpenings += 1
        sentenceOpenings.add(opening, place(...at))
        if (beginnings.has(start)) paragraphOpenings.add(opening, place(...at))
      }
      before = opening
      for (const [text, from, to] of wordsOf(sentence)) words.add(text, place(from, to))
      for (const [text, from, to] of phrasesOf(sentence)) phrases.add(text, place(from, to))
    }
  }

  return {
    *add({ chapterId, sceneId, content }) {
      if (open?.id !== chapterId) {
        yield* endChapter()
        open = { id: chapterId, counted: { counts: { ...noCounts }, words: [], phrases: [] } }
        chapters.set(chapterId, open.counted)
      }
      const { counts } = open.counted
      const { words: size, characters } = measure(content)
      counts.words += size
      counts.characters += characters
      yield* countSentences(content, sceneId, counts)
    },
    *finish() {
      yield* endChapter()
      const whole = sumOf([...chapters.values()].map(({ counts }) => counts))
      const styles = new Map<string, ChapterStyle>()
      for (const [id, { counts, ...found }] of chapters) {
        yield
        const sizes = { size: counts.words, rest: whole.words - counts.words }
        styles.set(id, {
          ...counts,
          distinctWords: standingOut(found.words, sizes),
          distinctPhrases: standingOut(found.phrases, sizes, isAlike),
        })
      }
      return {
        whole,
        words: yield* words.most(shownOfBook),
        phrases: yield* phrases.most(shownOfBook, isAlike),
        sentenceOpenings: yield* sentenceOpenings.most(shownOfBook),
        paragraphOpenings: yield* paragraphOpenings.most(shownOfBook),
        chapters: styles,
        approximate: tallies.some(tally => tally.isApproximate()),
      }
    },
  }
}

/** Counts the paragraphs of a text, and what of them stands between quotation marks. Returns where they begin. */
function* countParagraphs(content: string, counts: Open): Steps<ReadonlySet<number>> {
  const beginnings = new Set<number>()
  for (const { start, end } of splitParagraphs(content)) {
    yield
    const paragraph = content.slice(start, end).trim()
    if (!hasUnit.test(paragraph)) continue
    beginnings.add(start)
    counts.paragraphs += 1
    counts.units += paragraph.length
    counts.quoted += scanQuotations(paragraph).quoted
  }
  return beginnings
}

const hasUnit = /[\p{L}\p{N}]/u

function sumOf(all: readonly StyleCounts[]): StyleCounts {
  const sum: Open = { ...noCounts }
  for (const counts of all)
    for (const key of Object.keys(sum) as (keyof StyleCounts)[]) sum[key] += counts[key]
  return sum
}

/** A part of a sentence: its text as it is compared, and where it stands in the sentence. */
type Part = readonly [text: string, start: number, end: number]

/** A sentence in its units: words in lower case, and characters of a writing without spaces. */
interface Sentence {
  readonly units: readonly Part[]
  readonly words: readonly Part[]
  /** The runs of a writing without spaces. */
  readonly runs: readonly Part[]
}

function unitsOf(sentence: string): Sentence {
  const units: Part[] = []
  const words: Part[] = []
  const runs: Part[] = []
  for (const { kind, start, end } of letterRuns(sentence)) {
    const text = sentence.slice(start, end)
    if (kind === 'word') {
      const word: Part = [text.toLowerCase().replaceAll('’', "'"), start, end]
      units.push(word)
      words.push(word)
      continue
    }
    runs.push([text, start, end])
    let at = start
    for (const character of text) {
      units.push([character, at, at + character.length])
      at += character.length
    }
  }
  return { units, words, runs }
}

const isUnspaced = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}ー]/u

/** Returns the first two words or characters of a sentence; an empty text for a sentence that has fewer. */
function openingOf({ units: [first, second] }: Sentence): Part {
  if (first === undefined || second === undefined) return ['', 0, 0]
  const space = isUnspaced.test(first[0]) && isUnspaced.test(second[0]) ? '' : ' '
  return [[first[0], second[0]].join(space), first[1], second[2]]
}

function isContent(word: string): boolean {
  return !englishFunctionWords.has(word) && !/^[\p{N}']+$/u.test(word)
}

let segmenter: Intl.Segmenter | undefined

/** Yields the words of a sentence that say something. */
function* wordsOf({ words, runs }: Sentence): Generator<Part, void> {
  for (const word of words) if (word[0].length > 1 && isContent(word[0])) yield word
  segmenter ??= new Intl.Segmenter('zh', { granularity: 'word' })
  for (const [text, start] of runs)
    for (const { segment, index } of segmenter.segment(text))
      if (segment.length > 1) yield [segment, start + index, start + index + segment.length]
}

/** Yields every four words and every five characters in a row. */
function* phrasesOf({ words, runs }: Sentence): Generator<Part, void> {
  for (let at = 0; at + wordsOfPhrase <= words.length; at++) {
    const phrase = words.slice(at, at + wordsOfPhrase)
    const texts = phrase.map(([text]) => text)
    if (texts.some(isContent)) yield [texts.join(' '), phrase[0]?.[1] ?? 0, phrase.at(-1)?.[2] ?? 0]
  }
  for (const [text, start] of runs)
    for (let at = 0; at + charactersOfPhrase <= text.length; at++)
      yield [text.slice(at, at + charactersOfPhrase), start + at, start + at + charactersOfPhrase]
}

/** Whether two phrases may be parts of one longer one: the end of one is the beginning of the other, in two words or characters or more. */
function isAlike(text: string, other: string): boolean {
  const [units, others] = [text, other].map(each => (each.includes(' ') ? each.split(' ') : [...each]))
  if (units === undefined || others === undefined || units.length !== others.length) return false
  const follows = (first: readonly string[], second: readonly string[], by: number) =>
    first.slice(by).every((unit, at) => unit === second[at])
  for (let by = 1; by <= units.length - 2; by++)
    if (follows(units, others, by) || follows(others, units, by)) return true
  return false
}

interface Sizes {
  /** Words of the chapter. */
  readonly size: number
  /** Words of all others. */
  readonly rest: number
}

/** Above it, chance alone is behind fewer than one of a thousand (the 0.1 % point of the chi-squared distribution with one degree of freedom). */
const surprising = 10.83

/**
 * Returns the terms that a chapter has more often than the rest of the book, by the log-likelihood ratio (Dunning, "Accurate methods for the statistics of
 * surprise and coincidence", Computational Linguistics 19, 1993).
 */
function standingOut(
  terms: readonly OfChapter[],
  { size, rest }: Sizes,
  isAlikeTo: Alike = () => false,
): DistinctTerm[] {
  const found = terms
    .map(({ term: { text, count }, here, place: first }) => {
      const elsewhere = Math.max(0, count - here)
      const isMore = rest > 0 && here / size > elsewhere / rest
      const surprise = isMore ? surpriseOf(here, elsewhere, { size, rest }) : 0
      return { text, count: here, elsewhere, first, surprise }
    })
    .filter(({ surprise }) => surprise > surprising)
    .sort((a, b) => b.surprise - a.surprise)
  return unlike(found, shownOfChapter, isAlikeTo).map(({ surprise: _, ...term }) => term)
}

function surpriseOf(here: number, elsewhere: number, { size, rest }: Sizes): number {
  const rate = (here + elsewhere) / (size + rest)
  const part = (seen: number, expected: number) => (seen === 0 ? 0 : seen * Math.log(seen / expected))
  return 2 * (part(here, size * rate) + part(elsewhere, rest * rate))
}
