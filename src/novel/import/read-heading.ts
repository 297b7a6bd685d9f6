import { type Heading, LONGEST_HEADING, plainSpaces, undecorate, withoutPageNumber } from './heading.ts'
import { chineseHeading } from './heading-chinese.ts'
import { englishHeading } from './heading-english.ts'
import { uncasedHeading } from './heading-uncased.ts'
import { asciiDigits, chineseNumber, englishNumber, type FoundNumber, romanNumber } from './numerals.ts'

/** A dash before a line and none behind it: speech, in most languages. */
const SPEECH = /^[—–][^—–]+$/

/** Reads a trimmed line as a heading, in bounded time: lines above LONGEST_HEADING are never headings. */
export function readHeading(line: string): Heading | undefined {
  if (line.length > LONGEST_HEADING) return undefined
  const text = undecorate(line)
  if (text === '') return undefined
  return chineseHeading(text) ?? alphabetHeading(text, line) ?? numeralHeading(text)
}

function alphabetHeading(text: string, line: string): Heading | undefined {
  const heading = englishHeading(text) ?? uncasedHeading(text)
  return heading !== undefined && SPEECH.test(line) ? { ...heading, sureness: 'doubtful' } : heading
}

const ROMAN = /^[IVXLC]{1,9}(?![\p{L}\p{N}'’])/u
const ARABIC = /^[\d\u0660-\u0669\u06f0-\u06f9]{1,4}(?![\p{L}\p{N}])/u
const HAN = /^[（(]?[一二三四五六七八九十百零〇廿卅]{1,6}[)）]?/

/** Longest name after a bare numeral. */
const LONGEST_NAME = 60

interface Numeral extends FoundNumber {
  readonly kind: 'roman' | 'arabic' | 'word' | 'han'
}

/**
 * Reads a line that starts with a bare numeral: "XII", "12.", "Twelve", "十二、初见". The style includes the kind of numeral, and whether a
 * name follows and after which sign, because a book uses one of them.
 */
function numeralHeading(text: string): Heading | undefined {
  const numeral = roman(text) ?? arabic(text) ?? word(text) ?? han(text)
  if (numeral === undefined) return undefined
  const rest = text.slice(numeral.length)
  const base = { depth: 4, sureness: 'weak', number: numeral.value, title: plainSpaces(text) } as const
  if (/^[\s　.．、:：。—–-]*$/.test(rest)) return { ...base, style: numeral.kind, name: '' }
  const mark = /^(?:\s?[.．、:：—–]+[\s　]*|\s-\s|\s--\s?)/.exec(rest)
  const sign = mark ?? /^[\s　]+/.exec(rest)
  if (sign === null) return undefined
  const name = withoutPageNumber(rest.slice(sign[0].length))
  if (!mayBeName(name, mark !== null)) return undefined
  return { ...base, style: `${numeral.kind} ${mark === null ? 'space' : 'mark'} name`, name }
}

function mayBeName(name: string, marked: boolean): boolean {
  if (name === '' || name.length > LONGEST_NAME || /[，。；,;]$/.test(name)) return false
  const first = /\p{L}/u.exec(name)?.[0] ?? ''
  if (first !== first.toUpperCase()) return false
  const capitals = name === name.toUpperCase() && /\p{L}{3}/u.test(name)
  if (name.endsWith('.') && !capitals && name.split(' ').length > 8) return false
  return marked || !/[.!?]$/.test(name)
}

function roman(text: string): Numeral | undefined {
  const letters = ROMAN.exec(text)?.[0] ?? ''
  const value = romanNumber(letters)
  return value === undefined ? undefined : { kind: 'roman', value, length: letters.length }
}

function arabic(text: string): Numeral | undefined {
  const digits = ARABIC.exec(text)?.[0]
  if (digits === undefined) return undefined
  return { kind: 'arabic', value: Number(asciiDigits(digits)), length: digits.length }
}

function word(text: string): Numeral | undefined {
  const first = text[0] ?? ''
  if (first < 'A' || first > 'Z') return undefined
  const found = englishNumber(text)
  return found === undefined ? undefined : { kind: 'word', ...found }
}

function han(text: string): Numeral | undefined {
  const found = HAN.exec(text)?.[0] ?? ''
  const value = chineseNumber(found.replace(/[（()）]/g, ''))
  return value === undefined ? undefined : { kind: 'han', value, length: found.length }
}
