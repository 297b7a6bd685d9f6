import type { LanguageModel } from '../../ai/model.ts'
import type { Writing } from '../../ai/text/language.ts'
import { splitSentences } from '../../ai/text/sentences.ts'
import {
  type AnswerBounds,
  amountOf,
  type Length,
  lengthOf,
  partTokens,
  sameUnit,
  tokensFor,
} from './lengths.ts'

/** A part of a scene: what happens in it, and how long it is to be, in the unit of the scene's length. */
export interface Beat {
  /** Sentences or lines of the summary; empty where it has none. */
  readonly text: string
  readonly amount: number
}

/** The plan of a scene: one call of the model for each beat. */
export interface ScenePlan {
  readonly length: Length
  readonly beats: readonly Beat[]
}

/** Words that one call writes well, in Chinese, Japanese and Korean characters; and the most where a summary cannot be divided. */
const comfortable: Record<Writing, { usual: number; most: number }> = {
  spaced: { usual: 600, most: 1_000 },
  cjk: { usual: 1_000, most: 1_500 },
}
/** Characters of a word, with what is between words. */
const charactersPerWord = 5.5

/**
 * Returns the plan of a scene. Its beats are the sentences or lines of its summary, grouped so that one call writes each comfortably; a summary
 * of fewer sentences is shared by several beats.
 */
export function planScene({
  model,
  length,
  writing,
  summary,
}: {
  model: AnswerBounds & Pick<LanguageModel, 'countTokens'>
  length: Length
  writing: Writing
  summary: string
}): ScenePlan {
  const amount = amountOf(length)
  const { usual, most } = comfortable[writing]
  const unit = 'characters' in length && writing === 'spaced' ? charactersPerWord : 1
  const steps = stepsOf(summary, Math.ceil(amount / unit / usual))
  const count = Math.max(
    1,
    Math.ceil(tokensFor(model, length, writing) / partTokens(model)),
    Math.ceil(amount / unit / most),
    Math.min(Math.ceil(amount / unit / usual), steps.length),
  )
  const beats = Array.from({ length: count }, (_, place): Beat => {
    const from = Math.floor((place * steps.length) / count)
    const to = Math.floor(((place + 1) * steps.length) / count)
    const share = steps.length < count ? 1 / count : (to - from) / steps.length
    return { text: steps.slice(from, Math.max(to, from + 1)).join('\n'), amount: Math.ceil(amount * share) }
  })
  return { length, beats }
}

/** Returns the lines of a summary, or its sentences where it has fewer lines than `wanted`. */
function stepsOf(summary: string, wanted: number): string[] {
  const lines = nonEmpty(summary.split('\n'))
  if (lines.length >= wanted) return lines
  return nonEmpty([...splitSentences(summary)].map(({ start, end }) => summary.slice(start, end)))
}

function nonEmpty(texts: readonly string[]): string[] {
  return texts.map(text => text.trim()).filter(text => text !== '')
}

/** Returns the length that a scene is to have up to the end of a beat, the first of which is 1. */
export function lengthUpTo({ length, beats }: ScenePlan, place: number): Length {
  const sum = beats.slice(0, place).reduce((total, { amount }) => total + amount, 0)
  return sameUnit(length, Math.min(sum, amountOf(length)))
}

/** A beat is requested with at least this share of its length. */
const smallestRest = 0.1

/** Returns the length to request for a beat behind a text: less where the text is longer than planned, so that the scene keeps its length. */
export function requestedLength({ length, beats }: ScenePlan, place: number, text: string): Length {
  const amount = beats[place - 1]?.amount ?? 0
  const rest = beats.slice(place - 1).reduce((total, beat) => total + beat.amount, 0)
  const share = ((amountOf(length) - lengthOf(text, length)) * amount) / Math.max(1, rest)
  return sameUnit(length, Math.ceil(Math.min(amount, Math.max(share, amount * smallestRest))))
}

/** Returns the length to request for the rest of a beat whose answer broke off. */
export function remainingLength(
  { length, beats }: ScenePlan,
  place: number,
  left: Length,
  text: string,
): Length {
  const amount = beats[place - 1]?.amount ?? 0
  return sameUnit(length, Math.ceil(Math.max(amountOf(left) - lengthOf(text, length), amount * smallestRest)))
}

const closing = '["\'”’」』）)\\]]'
const ended = new RegExp(`[.!?…。！？]${closing}*$`, 'u')
const notAbbreviated = `(?<!(?:^|[\\s"“'‘(])(?:Mr|Mrs|Ms|Dr|St|[A-Z]))`
/** Signs that end a sentence, from the first one of a run on: a search from each of them would take a time that grows with the square of their number. */
const run = (signs: string) => `(?<![${signs}])(?:${notAbbreviated}[${signs}]|[${signs}]{2})[${signs}]*`
/** The end of a sentence, known by what follows it; not behind an abbreviation. */
const sentenceEnd = new RegExp(
  `${run('.!?…')}${closing}*(?=\\s)|${run('。！？…')}${closing}*(?=[^"'”’」』）)\\]。！？…])|(?=\\n)`,
  'u',
)
/** A sentence that goes on longer is no sentence; in code units. */
const longestSentence = 4_000

/** Returns whether a text ends with a sentence. */
export function endsSentence(text: string): boolean {
  return ended.test(text.slice(-longestEnd))
}

/** Code units at the end of a text that show how it ends. */
const longestEnd = 40

/**
 * Keeps the text of an answer within its length while it streams. A sentence that begins within the length is passed whole, at once; one that
 * begins behind it is passed when it is complete, and only if the text then exceeds the length by the factor `most` at most. What follows is dropped.
 */
export class LengthKeeper {
  readonly #length: Length
  readonly #most: number
  readonly #pass: (text: string) => void
  #amount: number
  /** The sentence began in the text before. */
  #isBegun: boolean
  /** Of the sentence that has begun, with the white space before it: what has come, and how much of it was passed. */
  #sentence = ''
  #passedOf = 0
  #text = ''
  #isFull = false

  /** `length` counts from the beginning of the scene, `before` is what is written of it. */
  constructor(
    { length, before, most }: { length: Length; before: string; most: number },
    pass: (text: string) => void,
  ) {
    this.#length = length
    this.#most = most
    this.#amount = lengthOf(before, length)
    this.#isBegun = before !== '' && !endsSentence(before)
    this.#pass = pass
  }

  /** What was passed. */
  get text(): string {
    return this.#text
  }

  /** The text has its length, and something was dropped. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** Adds a stretch of the answer. */
  add(stretch: string): void {
    if (this.#isFull) return
    this.#sentence += stretch
    for (;;) {
      // A line break before a sentence belongs to it.
      const begun = this.#sentence.length - this.#sentence.trimStart().length
      const found = sentenceEnd.exec(this.#sentence.slice(begun))
      const isLong = found === null && this.#sentence.length > longestSentence
      if (found === null && !isLong) break
      const end = found === null ? this.#sentence.length : begun + found.index + found[0].length
      const rest = this.#sentence.slice(end)
      this.#sentence = this.#sentence.slice(0, end)
      this.#endSentence()
      if (this.#isFull) return
      this.#sentence = rest
      this.#passedOf = 0
    }
    if (this.#isWithin()) this.#passRest()
  }

  /** Ends the answer: a sentence that is not complete is dropped behind the length. */
  end(): void {
    if (this.#isFull || this.#sentence.length === this.#passedOf) return
    this.#endSentence()
  }

  /** Whether the sentence began within the length. */
  #isWithin(): boolean {
    return this.#isBegun || this.#amount < amountOf(this.#length)
  }

  #endSentence(): void {
    const amount = this.#amount + lengthOf(this.#sentence, this.#length)
    // White space at the end is no sentence that is dropped.
    const isTaken =
      this.#isWithin() ||
      this.#sentence.trim() === '' ||
      (amount <= amountOf(this.#length) * this.#most && endsSentence(this.#sentence))
    if (!isTaken) {
      this.#isFull = true
      return
    }
    this.#passRest()
    this.#amount = amount
    this.#isBegun = false
  }

  #passRest(): void {
    const text = this.#sentence.slice(this.#passedOf)
    this.#passedOf = this.#sentence.length
    if (text === '') return
    this.#text += text
    this.#pass(text)
  }
}
