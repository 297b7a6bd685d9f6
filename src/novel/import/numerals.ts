/** A number at the start of a text, and its length in UTF-16 units. */
export interface FoundNumber {
  readonly value: number
  readonly length: number
}

/** Characters that Chinese numbers are written with, ASCII and full-width digits included; for a character class. */
export const CHINESE_NUMERALS =
  '0-9０-９零〇○Ｏ一二三四五六七八九十百千万萬两兩廿卅卌壹贰叁肆伍陆柒捌玖拾佰仟貳參陸'

/** The characters of each digit, from 0. */
const CHINESE_DIGITS = '零〇○Ｏ 一壹 二两兩贰貳 三叁參 四肆 五伍 六陆陸 七柒 八捌 九玖'.split(' ')
const DIGIT_OF = new Map(
  CHINESE_DIGITS.flatMap((characters, digit) => Array.from(characters, each => [each, digit] as const)),
)
const CHINESE_TENS: Readonly<Record<string, number>> = { 廿: 20, 卅: 30, 卌: 40 }
const CHINESE_UNITS: Readonly<Record<string, number>> = {
  十: 10,
  拾: 10,
  百: 100,
  佰: 100,
  千: 1000,
  仟: 1000,
}

/** Returns the value of a whole Chinese number: 三十六, 一二〇, 廿三, 两千零五, 12, １２. Undefined for other texts. */
export function chineseNumber(text: string): number | undefined {
  const ascii = text.replace(/[０-９]/g, digit => String.fromCharCode(digit.charCodeAt(0) - 0xfee0))
  if (/^\d{1,5}$/.test(ascii)) return Number(ascii)
  const hasUnits = /[十拾百佰千仟万萬廿卅卌]/.test(ascii)
  return hasUnits ? placeValue(ascii) : digitString(ascii)
}

function digitString(text: string): number | undefined {
  if (text === '' || text.length > 5) return undefined
  let value = 0
  for (const character of text) {
    const digit = digitOf(character)
    if (digit === undefined) return undefined
    value = value * 10 + digit
  }
  return value
}

function placeValue(text: string): number | undefined {
  let total = 0
  let section = 0
  let digit: number | undefined
  for (const character of text) {
    const unit = CHINESE_UNITS[character]
    const tens = CHINESE_TENS[character]
    if (unit !== undefined) {
      section += (digit ?? 1) * unit
      digit = undefined
    } else if (tens !== undefined) section += tens
    else if (character === '万' || character === '萬') {
      total += (section + (digit ?? 0) || 1) * 10_000
      section = 0
      digit = undefined
    } else {
      const next = digitOf(character)
      if (next === undefined) return undefined
      digit = digit === undefined || digit === 0 ? next : digit * 10 + next
    }
  }
  return total + section + (digit ?? 0)
}

function digitOf(character: string): number | undefined {
  const code = character.charCodeAt(0)
  return code >= 48 && code <= 57 ? code - 48 : DIGIT_OF.get(character)
}

const ROMAN = /^M{0,3}(?:CM|CD|D?C{0,4})(?:XC|XL|L?X{0,4})(?:IX|IV|V?I{0,4})$/
const ROMAN_VALUES: Readonly<Record<string, number>> = { I: 1, V: 5, X: 10, L: 50, C: 100, D: 500, M: 1000 }

/** Returns the value of a whole Roman number in capitals, including IIII and XXXX. Undefined for other texts. */
export function romanNumber(text: string): number | undefined {
  if (text === '' || text.length > 12 || !ROMAN.test(text)) return undefined
  let value = 0
  for (let i = 0; i < text.length; i++) {
    const here = ROMAN_VALUES[text[i] ?? ''] ?? 0
    const next = ROMAN_VALUES[text[i + 1] ?? ''] ?? 0
    value += here < next ? -here : here
  }
  return value
}

const SMALL =
  'one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'
const SMALL_ORDINAL =
  'first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth'
const TENS = 'twenty thirty forty fifty sixty seventy eighty ninety'
const TENS_ORDINAL = 'twentieth thirtieth fortieth fiftieth sixtieth seventieth eightieth ninetieth'

const SMALL_WORDS = numbered([SMALL, SMALL_ORDINAL], 1, 1)
const TENS_WORDS = numbered([TENS, TENS_ORDINAL], 20, 10)

function numbered(lists: readonly string[], first: number, step: number): Map<string, number> {
  return new Map(lists.flatMap(list => list.split(' ').map((word, i) => [word, first + i * step] as const)))
}

const SPACE = '[ \\u00a0]{1,2}'
const UNITS = [...SMALL_WORDS].filter(([, value]) => value < 10).map(([word]) => word)
const BELOW_HUNDRED = `(?:(${[...TENS_WORDS.keys()].join('|')})(?:(?:${SPACE}|[-‐–])(${UNITS.join('|')}))?|(${[...SMALL_WORDS.keys()].join('|')}))`
const ENGLISH = new RegExp(
  `^(?:the${SPACE})?(?:(?:(a|${UNITS.join('|')})${SPACE})?(hundred(?:th)?)(?:(?:${SPACE}and)?${SPACE}${BELOW_HUNDRED})?|${BELOW_HUNDRED})(?![\\p{L}'’])`,
  'iu',
)

/** Returns the number in English words at the start of a text: "Twenty-One", "the First", "One Hundred and Seven". Up to 999. */
export function englishNumber(text: string): FoundNumber | undefined {
  const found = ENGLISH.exec(text)
  if (found === null) return undefined
  const [all, hundreds, hundred, ...below] = found.map(word => word?.toLowerCase())
  const count = hundreds === undefined || hundreds === 'a' ? 1 : (SMALL_WORDS.get(hundreds) ?? 1)
  let value = hundred === undefined ? 0 : 100 * count
  for (const word of below) value += TENS_WORDS.get(word ?? '') ?? SMALL_WORDS.get(word ?? '') ?? 0
  return { value, length: all?.length ?? 0 }
}

/** Returns digits as ASCII ones: ١٢ and ۱۲ are 12. */
export function asciiDigits(text: string): string {
  return text.replace(/[\u0660-\u0669\u06f0-\u06f9]/g, digit => String(digit.charCodeAt(0) & 0xf))
}

/** Returns the number in digits at the start of a text: 12, 12th, 2.5, ١٢. */
export function leadingDigits(text: string): FoundNumber | undefined {
  const found = /^(\d{1,4}(?:\.\d{1,2})?)(?:st|nd|rd|th)?(?![\d\p{L}])/u.exec(asciiDigits(text))
  return found === null ? undefined : { value: Number(found[1]), length: found[0].length }
}

/** Returns the Roman number at the start of a text, in capitals or, where `isSmallToo`, in small letters. */
export function leadingRoman(text: string, isSmallToo: boolean): FoundNumber | undefined {
  const capitals = /^[IVXLCDM]{1,12}(?![\p{L}'’])/u.exec(text)
  const letters = capitals ?? (isSmallToo ? /^[ivxlcdm]{1,12}(?![\p{L}'’])/u.exec(text) : null)
  const value = letters === null ? undefined : romanNumber(letters[0].toUpperCase())
  return letters === null || value === undefined ? undefined : { value, length: letters[0].length }
}

/** Returns the number at the start of a text: 12, XII (in either case), Twelve, 12th, the Twelfth. */
export function leadingNumber(text: string): FoundNumber | undefined {
  return leadingDigits(text) ?? leadingRoman(text, true) ?? englishNumber(text)
}
