import { defined } from '../../task/defined.ts'
import { type Heading, type HeadingName, plainSpaces, withoutPageNumber } from './heading.ts'
import { type NumberLanguage, numberAfterLabel } from './number-words.ts'
import { type FoundNumber, leadingNumber } from './numerals.ts'

interface Label extends Pick<Heading, 'style' | 'depth'> {
  /** The word also counts things in prose: day, story, scene. */
  readonly common?: true
  /** The language of its number in words; default: English. */
  readonly language?: NumberLanguage
}

/** Units with their depths and words. */
type LabelRow = readonly [style: string, depth: number, words: string, language?: NumberLanguage]

const LABEL_ROWS: readonly LabelRow[] = [
  ['volume', 1, 'volume vol tome band'],
  ['book', 2, 'book livre libro buch'],
  ['part', 2, 'part pt partie parte teil'],
  ['act', 3, 'act acte'],
  ['chapter', 4, 'chapter chap ch chapitre kapitel capítulo capitulo capitolo hoofdstuk'],
  ['letter', 4, 'letter'],
  ['stave', 4, 'stave'],
  ['canto', 4, 'canto'],
  ['section', 5, 'section'],
  ['book', 2, 'księga', 'pl'],
  ['part', 2, 'część', 'pl'],
  ['act', 3, 'akt', 'pl'],
  ['chapter', 4, 'rozdział', 'pl'],
  ['volume', 1, 'том', 'ru'],
  ['book', 2, 'книга', 'ru'],
  ['part', 2, 'часть', 'ru'],
  ['act', 3, 'акт действие', 'ru'],
  ['chapter', 4, 'глава', 'ru'],
  ['volume', 1, 'quyển tập', 'vi'],
  ['part', 2, 'phần', 'vi'],
  ['chapter', 4, 'chương', 'vi'],
  ['hồi', 4, 'hồi', 'vi'],
]
/** "Tom C." is the name of a person in many books. */
const COMMON_ROWS: readonly LabelRow[] = [
  ...'episode lesson adventure fit fytte tale story lecture day night scene'
    .split(' ')
    .map((word): LabelRow => [word, 4, word]),
  ['volume', 1, 'tom', 'pl'],
  ['scene', 4, 'scena', 'pl'],
  ['scene', 4, 'явление', 'ru'],
]

const LABELS = new Map<string, Label>()
for (const [style, depth, words, language] of LABEL_ROWS)
  for (const word of words.split(' ')) LABELS.set(word, { style, depth, ...defined({ language }) })
for (const [style, depth, word, language] of COMMON_ROWS)
  LABELS.set(word, { style, depth, common: true, ...defined({ language }) })
/** Words that only an ordinal before them numbers. */
const ORDINAL_LABELS = new Map<string, Label>([...LABELS, ['epilogue', { style: 'book', depth: 2 }]])

const WORD = /^((?:\p{L}\p{M}{0,2}){2,12})(\.?)(?:[\s:_-]{1,3}|(?=\d))/u
/** Labels of chapters that stand behind a volume, or behind the title of the book, in the same line. */
const BEHIND = 'chapter|chap\\.|rozdział|глава|chương'
const INNER = new RegExp(`[\\s.,:;—–-]{1,4}((?:${BEHIND}|chap)[\\s.].*)$`, 'i')
const AFTER_TITLE = new RegExp(`^(.{1,60}?)\\s[-–—:|]\\s((?:${BEHIND})\\s.*)$`, 'i')
/** Headings without a number of their own: English, Polish, Russian, Vietnamese. "Extra" only where a number follows. */
const NAMES = [
  'prologue|epilogue|finale|interlude|intermission|prelude|preface|introduction|foreword|afterword|appendix|appendices|postscript',
  "conclusion|coda|author['’]s note|author['’]s preface|translator['’]s (?:note|preface)|introductory(?: note)?|preamble",
  'acknowledge?ments|about the author|side (?:story|stories|chapter)|(?:bonus|extra|special) (?:chapter|story|scene|episode)',
  '(?:bonus|extra)(?= #?\\d)',
  'prolog|epilog|wstęp|przedmowa|posłowie|zakończenie|interludium|podziękowania|od autor(?:a|ki)',
  'пролог|эпилог|предисловие|послесловие|введение|вступление|заключение|интерлюдия|от автора|вместо (?:предисловия|послесловия)',
  'mở đầu|lời (?:mở đầu|nói đầu|tựa|giới thiệu|bạt|kết)|phần (?:mở đầu|kết)|chương (?:mở đầu|kết|cuối)|vĩ thanh|tiết tử',
  'ngoại truyện|phiên ngoại|hậu ký',
]
const NAMED = new RegExp(`^(?:the )?(${NAMES.join('|')})(?!\\p{L})(.*)$`, 'iu')

/** Reads a line, without decoration, as a heading of English or another language with capitals. */
export function englishHeading(text: string): Heading | undefined {
  const first = text[0] ?? ''
  if (first.toLowerCase() === first.toUpperCase()) return undefined
  return labelled(text) ?? ordinalFirst(text) ?? named(text) ?? afterTitle(text)
}

/** Chapter 12, PART TWO: THE SEA, Letter iv. */
function labelled(text: string): Heading | undefined {
  const word = WORD.exec(text)
  const label = LABELS.get((word?.[1] ?? '').normalize('NFC').toLowerCase())
  if (word === null || label === undefined) return undefined
  const after = text.slice(word[0].length).replace(/^(?:no\.|nr\.|number|#)\s?/i, '')
  const number = numberOf(after, label) ?? last(after)
  if (number === undefined) return undefined
  const rest = after.slice(number.length)
  return withInner(text, rest, label, number) ?? heading(text, label, number, rest)
}

function numberOf(text: string, { language }: Label): FoundNumber | undefined {
  return language === undefined ? leadingNumber(text) : numberAfterLabel(text, language)
}

/** "the Last" has no number. */
function last(text: string): FoundNumber | undefined {
  const found = /^(?:the )?last(?!\p{L})/iu.exec(text)
  return found === null ? undefined : { value: Number.NaN, length: found[0].length }
}

/** VOLUME I, CHAPTER II: a volume and a chapter in one line. */
function withInner(text: string, rest: string, label: Label, number: FoundNumber): Heading | undefined {
  if (label.depth >= 4) return undefined
  const found = INNER.exec(rest)
  const inner = labelled(found?.[1] ?? '')
  if (found === null || inner === undefined) return undefined
  const name = rest.slice(0, found.index)
  const outer = heading(text.slice(0, text.length - rest.length) + name, label, number, name)
  return outer === undefined ? undefined : { ...outer, inner }
}

/** THE FIRST PART, Second Volume. */
function ordinalFirst(text: string): Heading | undefined {
  const number = leadingNumber(text)
  const word =
    number === undefined ? null : /^\s(\p{Lu}\p{L}{2,11})(?!\p{L})/u.exec(text.slice(number.length))
  const label = ORDINAL_LABELS.get((word?.[1] ?? '').toLowerCase())
  if (number === undefined || word === null || label === undefined) return undefined
  const ordinal = text.slice(0, number.length)
  if (!/(?:st|nd|rd|th)$/i.test(ordinal)) return undefined
  const rest = text.slice(number.length + word[0].length)
  const found = heading(text, label, number, rest)
  return found !== undefined && found.name !== '' && /^\s+\w/.test(rest) ? undefined : found
}

/** The Long Road - Chapter 12. */
function afterTitle(text: string): Heading | undefined {
  const inner = labelled(AFTER_TITLE.exec(text)?.[2] ?? '')
  return inner?.depth === 4 ? { ...inner, sureness: 'doubtful' } : undefined
}

function named(text: string): Heading | undefined {
  const found = NAMED.exec(text)
  if (found === null || !startsLarge(text)) return undefined
  const name = nameAfterNamed(withoutNumber(found[2] ?? ''))
  if (name === undefined) return undefined
  return { style: 'named', depth: 4, sureness: 'sure', title: plainSpaces(text), name }
}

/** Interlude 2, Appendix B, Extra #3. */
function withoutNumber(text: string): string {
  const sign = /^\s#?/.exec(text)?.[0]
  if (sign === undefined) return text
  const after = text.slice(sign.length)
  const length = leadingNumber(after)?.length ?? /^[A-Z](?![\p{L}\p{N}])/u.exec(after)?.[0].length
  return length === undefined ? text : after.slice(length)
}

function nameAfterNamed(rest: string): string | undefined {
  if (/^[\s.:—–-]*$/.test(rest)) return ''
  if (/^ (?:to|by|for) /i.test(rest)) return /[.,;]$/.test(rest) ? undefined : rest.trim()
  const separator = /^(?:\s?[:—–]\s?|\s-\s|\.\s|(?=\s[([]))/.exec(rest)
  if (separator === null) return undefined
  const name = withoutPageNumber(rest.slice(separator[0].length))
  const sentence = /[.,;]$/.test(name) && !isCapitals(name)
  return sentence || name.length > 80 || !startsLarge(name) ? undefined : name
}

/** Returns the heading of a label, if the rest of the line after the number may be a name. */
function heading(text: string, label: Label, number: FoundNumber, rest: string): Heading | undefined {
  const found = nameAfter(rest, label)
  if (found === undefined) return undefined
  const sure = found.sureness === 'sure' && label.common === undefined && startsLarge(text)
  return {
    style: label.style,
    depth: label.depth,
    sureness: sure ? 'sure' : 'doubtful',
    number: Number.isNaN(number.value) ? undefined : number.value,
    title: plainSpaces(text),
    name: found.name,
  }
}

function nameAfter(rest: string, label: Label): HeadingName | undefined {
  if (/^[\s.:—–_-]*$/.test(rest)) return { name: '', sureness: 'sure' }
  const separator = /^(?:\s*[.:—–|~_-]+\s*|\s+(?=[^,;])|(?=[([“"]))/.exec(rest)
  if (separator === null) return undefined
  const name = withoutPageNumber(rest.slice(separator[0].length))
  if (/^\d{1,4}$/.test(name)) return { name: '', sureness: 'sure' } // a page number
  const sureness = /[.:—–|-]/.test(separator[0]) ? afterMark(name) : afterSpace(name, label)
  return sureness === undefined ? undefined : { name, sureness }
}

/** After a dot, colon or dash nearly anything may be a title, except a sentence that is broken off. */
function afterMark(name: string): HeadingName['sureness'] | undefined {
  if (isCapitals(name)) return 'sure'
  if (!startsLarge(name)) return smallName(name)
  if (/[,;]$/.test(name) || name.length > 90 || /\p{Ll}{3}[.!?] \p{Lu}/u.test(name)) return 'doubtful'
  return name.endsWith('.') && name.split(' ').length > 10 ? 'doubtful' : 'sure'
}

/** A name in small letters, as some print it; a sentence has a stop, or is long. */
function smallName(name: string): HeadingName['sureness'] | undefined {
  if (/[.,;!?"”]$/.test(name)) return undefined
  return name.length <= 40 && !/[,;]/.test(name) ? 'sure' : 'doubtful'
}

/** After a space alone, only a title in capitals is sure: "Chapter 3 was the worst" is a sentence. */
function afterSpace(name: string, label: Label): HeadingName['sureness'] | undefined {
  if (isCapitals(name)) return 'sure'
  if (!startsLarge(name) || /[,;]$/.test(name)) return undefined
  if (/[.!?]["”’']?$/.test(name) && label.style !== 'chapter') return undefined
  return isTitleCase(name) && !name.endsWith('.') ? 'sure' : 'doubtful'
}

function startsLarge(text: string): boolean {
  const letter = /[\p{L}\p{N}]/u.exec(text)?.[0]
  return letter === undefined || letter === letter.toUpperCase()
}

function isCapitals(text: string): boolean {
  return text === text.toUpperCase() && text !== text.toLowerCase()
}

/** Most of the longer words start with a capital. */
function isTitleCase(text: string): boolean {
  const long = text.split(/\s+/).filter(word => /\p{L}{4}/u.test(word))
  const large = long.filter(startsLarge).length
  return large * 2 > long.length || long.length === 0
}
