/**
 * A selection of a scene's text: where it is, what takes its place, and what a model repeats of the text around it. Everything outside of it stays
 * as it is, unit by unit.
 */
import { isInCharacter } from '../ai/text/characters.ts'
import type { Writing } from '../ai/text/language.ts'
import { QuillworkError } from '../index.ts'
import type { Scene } from './library/scenes.ts'
import { amountOf, type Length, lengthOf, sameUnit } from './models/lengths.ts'
import { endsSentence } from './models/scene-plan.ts'
import type { PromptLanguage } from './prompts/prompts.ts'

/** What an author can have done with a selection. */
export const selectionEdits = ['rewrite', 'shorten', 'expand', 'continue'] as const

/** What is done with a selection. */
export type SelectionEdit = (typeof selectionEdits)[number]

/** A selection as an author made it. */
export interface Selection {
  /** Where it begins, in UTF-16 code units. */
  readonly start: number
  /** The selected text. */
  readonly text: string
  /** `version` of the scene in which it was selected. */
  readonly version: number
}

/** A stretch of a text, in UTF-16 code units. */
export interface Stretch {
  readonly start: number
  readonly end: number
}

const characters = new Intl.Segmenter('und', { granularity: 'grapheme' })

/** Whether a place is between two characters as a reader sees them. */
function isBetween(text: string, at: number): boolean {
  if (at === 0 || at === text.length) return true
  return !isInCharacter(text, at) && characters.segment(text).containing(at)?.index === at
}

/**
 * Returns where the selected text is, without the white space at its ends. If the text of the scene changed since it was selected, that is where
 * the selected text is found once. Throws SELECTION_NOT_FOUND, and OPTION_INVALID for a selection without a letter, or that cuts a character.
 */
export function findSelection(
  { content, textVersion }: Pick<Scene, 'content' | 'textVersion'>,
  { start, text, version }: Selection,
): Stretch {
  const core = text.trim()
  if (core === '') throw new QuillworkError('OPTION_INVALID', 'The selection has no words; select some.')
  const isUnchanged = textVersion <= version && content.startsWith(text, start)
  const at = isUnchanged ? start : onlyPlaceOf(content, text)
  const from = at + text.length - text.trimStart().length
  const found = { start: from, end: from + core.length }
  const isWhole = [at, at + text.length, found.start, found.end].every(place => isBetween(content, place))
  if (isWhole) return found
  // Where an accent, say, was typed behind it since, it is another text now.
  if (!isUnchanged) throw selectionNotFound('is not in the scene any more')
  const message = 'The selection begins or ends within a character; select whole characters.'
  throw new QuillworkError('OPTION_INVALID', message)
}

function onlyPlaceOf(content: string, text: string): number {
  const first = content.indexOf(text)
  if (first >= 0 && content.indexOf(text, first + 1) < 0) return first
  throw selectionNotFound(first < 0 ? 'is not in the scene any more' : 'is in the scene more than once')
}

function selectionNotFound(found: string): QuillworkError {
  const message = `The text of the scene changed since it was selected, and the selected text ${found}. Select it again.`
  return new QuillworkError('SELECTION_NOT_FOUND', message)
}

/** Length of what follows a selection, where none is asked for. */
const usualContinuation: Record<Writing, Length> = { spaced: { words: 150 }, cjk: { characters: 300 } }
/** Of the length of the selection. */
const shares = { rewrite: 1, shorten: 0.5, expand: 2 } as const

/** Returns the length to request where none is asked for. */
export function usualLengthOf(edit: SelectionEdit, selected: string, writing: Writing): Length {
  const usual = usualContinuation[writing]
  if (edit === 'continue') return usual
  return sameUnit(usual, Math.max(1, Math.round(lengthOf(selected, usual) * shares[edit])))
}

/** Of the text around, a model may repeat so much, which is dropped later. */
const repeated = { words: 50, characters: 100 }

/** Returns the factor by which a text may exceed a length: what follows a selection keeps it, what replaces one has to come to its end. */
export function mostOf(edit: SelectionEdit, length: Length): number {
  if (edit === 'continue') return 1.15
  return 2 + ('words' in length ? repeated.words : repeated.characters) / amountOf(length)
}

/** Returns the text of a scene with a new text in or behind a stretch of it, and where in it the new text is. */
export function withPassage(
  content: string,
  { start, end }: Stretch,
  { edit, text, writing }: { edit: SelectionEdit; text: string; writing: Writing },
): { content: string; passage: Stretch } {
  const isBehind = edit === 'continue'
  const head = content.slice(0, isBehind ? end : start)
  const after = content.slice(end)
  const joint = isBehind ? jointOf(content, { head, after, writing }) : ''
  // A scene without empty lines gets none.
  const fitting = hasEmptyLines(content) ? text : text.replace(/\n\s*\n/gu, '\n')
  const from = head.length + joint.length
  return { content: head + joint + fitting + after, passage: { start: from, end: from + fitting.length } }
}

/** A text in which a passage is new. */
interface WithPassage {
  readonly text: string
  readonly passage: Stretch
}

/**
 * Returns the text of a scene with a passage that was written for an earlier text of it: in place of what it replaced there, or where it was put in. All
 * that changed around it since stays. Undefined where its place changed too, or is no longer a single one.
 */
export function withPassageOf(
  { text, passage }: WithPassage,
  earlier: string,
  now: string,
): string | undefined {
  const after = text.slice(passage.end)
  const end = earlier.length - after.length
  // What joins a continuation to the text before it is new as well.
  const start = Math.min(passage.start, end)
  if (start < 0 || earlier !== text.slice(0, start) + earlier.slice(start, end) + after) return undefined
  const place = placeSince(earlier, { start, end }, now)
  return place && now.slice(0, place.start) + text.slice(start, passage.end) + now.slice(place.end)
}

/** Returns where a stretch of a text is in a later one: where it was, if all that changed is before or behind it, else where its words are once. */
function placeSince(earlier: string, { start, end }: Stretch, now: string): Stretch | undefined {
  const longest = Math.min(earlier.length, now.length)
  let head = 0
  while (head < longest && earlier[head] === now[head]) head++
  let tail = 0
  while (tail < longest - head && earlier.at(-1 - tail) === now.at(-1 - tail)) tail++
  const words = earlier.slice(start, end)
  const only = words === '' ? -1 : now.indexOf(words)
  const shift = now.length - earlier.length
  const places = [
    ...(end <= head ? [start] : []),
    ...(start >= earlier.length - tail ? [start + shift] : []),
    ...(only >= 0 && only === now.lastIndexOf(words) ? [only] : []),
  ]
  const stretches = places.map(from => ({ start: from, end: from + words.length }))
  return stretches.find(found => isBetween(now, found.start) && isBetween(now, found.end))
}

function hasEmptyLines(content: string): boolean {
  return /\n\s*\n/u.test(content) || !content.trim().includes('\n')
}

/** Returns what stands between a selection and its continuation: a new paragraph behind the end of one, else a space where words have spaces. */
function jointOf(
  content: string,
  { head, after, writing }: { head: string; after: string; writing: Writing },
): string {
  const endsParagraph = endsSentence(head) && /^[^\S\n]*(?:\n|$)/u.test(after)
  if (endsParagraph) return hasEmptyLines(content) ? '\n\n' : '\n'
  return writing === 'cjk' && !/\p{Script=Hangul}/u.test(head.slice(-40)) ? '' : ' '
}

/** Code units of a repetition: a shorter one may be chance. */
const leastEcho: Record<Writing, number> = { spaced: 24, cjk: 12 }
/** Code units in which repetitions are searched. */
const mostEcho = 2_000

/** Returns an answer without the text right before and right after that it repeats at its ends; as it is where it has nothing else. */
export function withoutEchoes(
  answer: string,
  { before, selected, after }: { before: string; selected: string; after: string },
  writing: Writing,
): string {
  const text = answer.trim()
  const [head, tail] = [before.trimEnd(), after.trimStart()]
  let from = 0
  let to = text.length
  for (let size = Math.min(mostEcho, head.length, to); size >= leastEcho[writing]; size--) {
    const echo = text.slice(0, size)
    if (!head.endsWith(echo) || selected.startsWith(echo) || !isBetweenWords(text, size, writing)) continue
    from = size
    break
  }
  for (let size = Math.min(mostEcho, tail.length, to - from); size >= leastEcho[writing]; size--) {
    const echo = text.slice(to - size)
    if (!tail.startsWith(echo) || selected.endsWith(echo) || !isBetweenWords(text, to - size, writing))
      continue
    to -= size
    break
  }
  return text.slice(from, to).trim() || text
}

function isBetweenWords(text: string, at: number, writing: Writing): boolean {
  if (!isBetween(text, at)) return false
  return writing === 'cjk' || !/^[\p{L}\p{N}]{2}/u.test(text.slice(Math.max(0, at - 1), at + 1))
}

const edits: Record<SelectionEdit, Record<PromptLanguage, string>> = {
  rewrite: {
    en: 'Rewrite the passage: tell the same, and tell it better.',
    zh: '改写这段文字：内容不变，写得更好。',
  },
  shorten: {
    en: 'Shorten the passage: keep what happens and who does it, and leave out what can be spared.',
    zh: '缩写这段文字：保留发生的事和人物，删去可有可无的部分。',
  },
  expand: {
    en: 'Expand the passage: tell the same in more detail, and let nothing else happen.',
    zh: '扩写这段文字：写得更细致，但不要增加新的情节。',
  },
  continue: {
    en: 'Leave the passage as it is, and write only what comes right after it, up to the text that follows.',
    zh: '这段文字保持不变，只写紧接在它后面的内容，并与后文衔接。',
  },
}

/** Returns what is to be done with a selection as an instruction in a prompt. */
export function editInstruction(edit: SelectionEdit, language: PromptLanguage): string {
  return edits[edit][language]
}
