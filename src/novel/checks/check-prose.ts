import { detectLanguage, type Writing } from '../../ai/text/language.ts'
import { amountOf, type Length, lengthOf } from '../models/lengths.ts'
import { findNames } from '../names.ts'
import {
  firstShared,
  longStretch,
  mostRepeated,
  mostShared,
  type Share,
  type Units,
  unitsOf,
} from './repetition.ts'
import { findMark, findMarkup, findTalk, hasProse, type Place } from './talk.ts'

/**
 * Checks of prose that a model wrote. They need no model, take time in proportion to the text, and are calibrated on human prose
 * (docs/quality.md). They say nothing about taste.
 */

/** The kinds of findings. */
export const findingCodes = [
  'NO_PROSE',
  'PROMPT_ECHO',
  'META_TALK',
  'MARKUP',
  'LOOP',
  'REPEATS_TEXT_BEFORE',
  'OTHER_LANGUAGE',
  'LENGTH',
  'UNKNOWN_NAMES',
] as const

/** The kind of a finding. */
export type FindingCode = (typeof findingCodes)[number]

/** What a check found in a text. */
export interface Finding {
  readonly code: FindingCode
  /** In plain English; the pages translate by the code. */
  readonly message: string
  /** What was measured: a share from 0 to 1, for LENGTH the length as a multiple of the requested one, for UNKNOWN_NAMES how many. */
  readonly figure?: number
  /** The limit that the figure passed. */
  readonly limit?: number
  /** The place in the text, in code units; absent where it is the whole text. */
  readonly from?: number
  readonly to?: number
  /** Of UNKNOWN_NAMES: the first of them. */
  readonly names?: string[]
}

/** The result of the checks. */
export interface Findings {
  /** What makes a text unusable as it is. */
  readonly faults: readonly Finding[]
  /** What an author may want to look at. */
  readonly marks: readonly Finding[]
}

/** What a text is checked against. Without a part, its check is left out. */
export interface Expected {
  /** The requested length. */
  readonly requestedLength?: Length | undefined
  /** BCP 47 tag of the novel's language; `und` where it is unknown. */
  readonly language?: string | undefined
  /** The text right before, in reading order; its end counts. */
  readonly textBefore?: string | undefined
  /** The fixed texts of the prompt, without what stood in its slots. */
  readonly instructions?: string | undefined
  /** The names of the codex, and texts of the novel: a name that stands in none of them is new. */
  readonly known?: { readonly names: readonly string[]; readonly texts: readonly string[] } | undefined
}

/** Limits of a measure: above `mark` it is a mark, above `fault` a fault where at least `runs` runs are repeated. */
interface Limits {
  readonly mark: number
  readonly fault: number
  readonly runs: number
}

/** Verses repeat some sixty runs of four words (Alice), so a smaller number is no loop, unless it is most of the text. */
const repetition: Record<Writing, Limits> = {
  spaced: { mark: 0.12, fault: 0.2, runs: 75 },
  cjk: { mark: 0.03, fault: 0.1, runs: 75 },
}
/** A refrain shares thirty. */
const sharing: Limits = { mark: 0.01, fault: 0.05, runs: 40 }
const mostOfText = 0.5

const lengthLimits = { shortFault: 1 / 3, shortMark: 0.75, longMark: 1.25, longFault: 2 }

/** Words or characters from which a language is told. */
const enoughForLanguage = 50
/** Code units of a unit of a text, at most; a word has some six. */
const perUnit = 8
/** Code units before a text that are compared with it. */
const comparedBefore = longStretch * perUnit
/** Code units in which names are searched. */
const namesIn = 40_000
const mostNames = 20

/**
 * Returns the text on both sides of a passage as a `textBefore` of which all counts: what is nearest, of the text behind the passage half at most.
 */
export function textAround({ before, after }: { before: string; after: string }): string {
  const half = longStretch / 2
  const { starts: unitsBehind } = unitsOf(after.slice(0, half * perUnit))
  const behind = after.slice(0, unitsBehind[half] ?? half * perUnit)
  const near = before.slice(behind.length + 1 - comparedBefore)
  const left = longStretch - Math.min(half, unitsBehind.length)
  return `${behind}\n${near.slice(unitsOf(near).starts.at(-left) ?? 0)}`
}

/** Returns the faults and marks of a text. */
export function checkProse(text: string, expected: Expected): Findings {
  if (!hasProse(text)) return { faults: [noProse], marks: [] }
  const { writing } = detectLanguage(text)
  const units = unitsOf(text)
  const faults: Finding[] = [...plainFaults(text, units, writing, expected)]
  const marks: Finding[] = []
  const add = ({ isFault, ...finding }: Finding & { isFault: boolean }) => {
    ;(isFault ? faults : marks).push(finding)
  }
  for (const found of [
    ...repeated(units, writing),
    ...repeatedFromBefore(units, writing, expected.textBefore),
    ...otherLength(text, expected.requestedLength),
  ])
    add(found)
  return { faults, marks: [...marks, ...unknownNames(text, expected.known)] }
}

const noProse: Finding = { code: 'NO_PROSE', message: 'The text has no prose.' }

function* plainFaults(
  text: string,
  units: Units,
  writing: Writing,
  { instructions, language }: Expected,
): Generator<Finding> {
  const mark = findMark(text) ?? echoOf(text, units, writing, instructions)
  if (mark !== undefined)
    yield { code: 'PROMPT_ECHO', message: 'The text repeats words or marks of the prompt.', ...mark }
  const talk = findTalk(text)
  if (talk !== undefined)
    yield {
      code: 'META_TALK',
      message: 'The text talks about itself or to its reader as an assistant.',
      ...talk,
    }
  const markup = findMarkup(text)
  if (markup !== undefined)
    yield {
      code: 'MARKUP',
      message: 'The text has a code fence, a tag around what the model thought, or a mark of its template.',
      ...markup,
    }
  if (isOtherLanguage(text, units, language))
    yield {
      code: 'OTHER_LANGUAGE',
      message: `The text is in another language than the novel, which is in ${language}.`,
    }
}

/** Labels of a prompt: lines that end with a colon. */
const label = /^.{8,}[:：]$/u

function echoOf(
  text: string,
  units: Units,
  writing: Writing,
  instructions = '',
): Place | { from: number } | undefined {
  const from = firstShared(units, unitsOf(instructions), writing)
  if (from !== undefined) return { from }
  const labels = new Set(instructions.split('\n').filter(line => label.test(line)))
  if (labels.size === 0) return undefined
  let at = 0
  for (const line of text.split('\n')) {
    if (labels.has(line.trim())) return { from: at, to: at + line.length }
    at += line.length + 1
  }
  return undefined
}

/** Whether the language of a text is known not to be that of the novel. */
function isOtherLanguage(text: string, { codes }: Units, language = 'und'): boolean {
  const expected = language.toLowerCase().split('-')[0]
  if (expected === 'und' || codes.length < enoughForLanguage) return false
  const { tag, writing } = detectLanguage(text)
  if (tag !== 'und') return tag !== expected
  // Only English is told from other languages with spaces.
  return expected === 'en' || (writing === 'spaced' && /^(?:zh|ja|ko)$/u.test(expected ?? ''))
}

function* repeated(units: Units, writing: Writing): Generator<Finding & { isFault: boolean }> {
  const message = 'Parts of the text repeat over and over.'
  yield* beyond({ code: 'LOOP', message }, mostRepeated(units, writing), repetition[writing])
}

function* repeatedFromBefore(
  units: Units,
  writing: Writing,
  textBefore = '',
): Generator<Finding & { isFault: boolean }> {
  const before = unitsOf(textBefore.slice(-comparedBefore))
  const near = { codes: before.codes.slice(-longStretch), starts: [] }
  const message = 'The text repeats passages of the text right before it.'
  yield* beyond({ code: 'REPEATS_TEXT_BEFORE', message }, mostShared(units, near, writing), sharing)
}

function* beyond(
  finding: Pick<Finding, 'code' | 'message'>,
  { share, runs, from, to }: Share,
  { mark, fault, runs: enough }: Limits,
): Generator<Finding & { isFault: boolean }> {
  const isFault = share > fault && (runs >= enough || share > mostOfText)
  if (share > mark)
    yield { ...finding, figure: rounded(share), limit: isFault ? fault : mark, from, to, isFault }
}

function* otherLength(
  text: string,
  requested: Length | undefined,
): Generator<Finding & { isFault: boolean }> {
  if (requested === undefined) return
  const amount = lengthOf(text, requested)
  const ratio = amount / amountOf(requested)
  const { shortFault, shortMark, longMark, longFault } = lengthLimits
  const unit = 'words' in requested ? 'words' : 'characters'
  const message = `The text has ${amount} ${unit}; ${amountOf(requested)} were requested.`
  const found = { code: 'LENGTH', message, figure: rounded(ratio) } as const
  if (ratio < shortMark) {
    const isFault = ratio < shortFault
    yield { ...found, limit: rounded(isFault ? shortFault : shortMark), isFault }
  } else if (ratio > longMark) {
    const isFault = ratio > longFault
    yield { ...found, limit: isFault ? longFault : longMark, isFault }
  }
}

function* unknownNames(text: string, known: Expected['known']): Generator<Finding> {
  if (known === undefined) return
  const texts = [...known.names, ...known.texts].join('\n')
  const words = new Set(texts.match(nameWord))
  const isUnspaced = (name: string) => /^\p{Script=Han}/u.test(name)
  const isKnown = (name: string) =>
    isUnspaced(name)
      ? texts.includes(name)
      : (name.match(nameWord) ?? []).every(word => words.has(word) || isForm.test(word))
  const { people, places, others } = findNames([text.slice(0, namesIn)])
  const names = [...people, ...places, ...others].filter(name => !isKnown(name))
  if (names.length === 0) return
  const shown = names.slice(0, mostNames)
  const message = `Names that are in no entry of the codex, nor in the text before: ${shown.join(', ')}.`
  yield { code: 'UNKNOWN_NAMES', message, figure: names.length, limit: 0, names: shown }
}

/** A part of a name, without the end of a possessive. */
const nameWord = /[\p{L}\p{M}]+(?:['’](?!s\b)[\p{L}\p{M}]+)*/gu

/** Forms of address and joints within a name. */
const isForm =
  /^(?:Mr|Mrs|Ms|Miss|Dr|Sir|Lady|Lord|Captain|Colonel|Madame|Aunt|Uncle|King|Queen|Prince|Princess|of|de|von|van)\.?$/u

function rounded(figure: number): number {
  return Math.round(figure * 1_000) / 1_000
}
