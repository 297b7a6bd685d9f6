import { type FoundNumber, leadingDigits, leadingRoman } from './numerals.ts'

/** Languages whose numbers are read in words, beside English, Chinese and Korean. */
export type NumberLanguage = 'ar' | 'pl' | 'ru' | 'vi'

/** What one or more words at the start of a text mean, and their length in UTF-16 units. */
export interface FoundPhrase<Meaning> {
  readonly value: Meaning
  readonly length: number
}

const WORD = /[ \u00a0]{0,2}([\p{L}\p{M}]+)/uy
/** Words of the longest phrase: một trăm hai mươi mốt. */
const MOST_WORDS = 5

/** Returns a word as it is compared: in small letters, without the signs of Arabic and the dots of Russian that many leave out. */
function folded(word: string): string {
  return word
    .normalize('NFC')
    .toLowerCase()
    .replace(/[\p{M}\u0640]/gu, '')
    .replace(/[\u0622\u0623\u0625\u0671]/g, '\u0627')
    .replace(/\u0649$/, '\u064a')
    .replace(/ё/g, 'е')
}

/** Returns what the longest phrase of whole words at the start of a text means. */
export function leadingPhrase<Meaning>(
  text: string,
  phrases: ReadonlyMap<string, Meaning>,
): FoundPhrase<Meaning> | undefined {
  let found: FoundPhrase<Meaning> | undefined
  let phrase = ''
  WORD.lastIndex = 0
  for (let count = 0; count < MOST_WORDS; count++) {
    const word = WORD.exec(text)?.[1]
    if (word === undefined) break
    phrase = count === 0 ? folded(word) : `${phrase} ${folded(word)}`
    const value = phrases.get(phrase)
    if (value !== undefined) found = { value, length: WORD.lastIndex }
  }
  return found
}

/** Returns the map of some phrases for `leadingPhrase`. */
export function phraseMap<Meaning>(
  entries: Iterable<readonly [phrase: string, meaning: Meaning]>,
): Map<string, Meaning> {
  return new Map(
    Array.from(entries, ([phrase, meaning]) => [phrase.split(' ').map(folded).join(' '), meaning]),
  )
}

type NumberPhrase = readonly [phrase: string, value: number]

/** The words of the numbers from 1 to 19, and of the tens from 20 to 90, alone and before a unit. */
interface Forms {
  readonly small: string
  readonly tens: string
  readonly tensBefore?: string
}

function* phrasesOf({ small, tens, tensBefore = tens }: Forms): Generator<NumberPhrase> {
  const words = small.split(' ')
  for (const [i, word] of words.entries()) yield [word, i + 1]
  for (const [i, word] of tens.split(' ').entries()) yield [word, 20 + 10 * i]
  for (const [i, ten] of tensBefore.split(' ').entries())
    for (const [unit, word] of words.slice(0, 9).entries()) yield [`${ten} ${word}`, 21 + 10 * i + unit]
}

/** Returns the same forms with other endings: пятый, пятая, пятое. */
function withEndings(forms: Forms, endings: readonly (readonly [RegExp, string])[]): Forms {
  const change = (words: string) =>
    words
      .split(' ')
      .map(word => endings.reduce((changed, [ending, other]) => changed.replace(ending, other), word))
      .join(' ')
  const { small, tens, tensBefore } = forms
  return { small: change(small), tens: change(tens), tensBefore: tensBefore ?? change(tens) }
}

const RUSSIAN_TENS = 'двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто'
const RUSSIAN: Forms = {
  small:
    'один два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать тринадцать четырнадцать пятнадцать шестнадцать ' +
    'семнадцать восемнадцать девятнадцать',
  tens: RUSSIAN_TENS,
}
const RUSSIAN_ORDINALS: Forms = {
  small:
    'первый второй третий четвертый пятый шестой седьмой восьмой девятый десятый одиннадцатый двенадцатый тринадцатый четырнадцатый ' +
    'пятнадцатый шестнадцатый семнадцатый восемнадцатый девятнадцатый',
  tens: 'двадцатый тридцатый сороковой пятидесятый шестидесятый семидесятый восьмидесятый девяностый',
  tensBefore: RUSSIAN_TENS,
}

function russian(): Map<string, number> {
  const feminine = withEndings(RUSSIAN_ORDINALS, [
    [/[ыо]й$/, 'ая'],
    [/ий$/, 'ья'],
  ])
  const neuter = withEndings(RUSSIAN_ORDINALS, [
    [/[ыо]й$/, 'ое'],
    [/ий$/, 'ье'],
  ])
  return phraseMap([RUSSIAN, RUSSIAN_ORDINALS, feminine, neuter].flatMap(forms => [...phrasesOf(forms)]))
}

const POLISH: Forms = {
  small:
    'jeden dwa trzy cztery pięć sześć siedem osiem dziewięć dziesięć jedenaście dwanaście trzynaście czternaście piętnaście szesnaście ' +
    'siedemnaście osiemnaście dziewiętnaście',
  tens: 'dwadzieścia trzydzieści czterdzieści pięćdziesiąt sześćdziesiąt siedemdziesiąt osiemdziesiąt dziewięćdziesiąt',
}
const POLISH_ORDINALS: Forms = {
  small:
    'pierwszy drugi trzeci czwarty piąty szósty siódmy ósmy dziewiąty dziesiąty jedenasty dwunasty trzynasty czternasty piętnasty ' +
    'szesnasty siedemnasty osiemnasty dziewiętnasty',
  tens: 'dwudziesty trzydziesty czterdziesty pięćdziesiąty sześćdziesiąty siedemdziesiąty osiemdziesiąty dziewięćdziesiąty',
}

function polish(): Map<string, number> {
  const feminine = withEndings(POLISH_ORDINALS, [
    [/y$/, 'a'],
    [/gi$/, 'ga'],
    [/ci$/, 'cia'],
  ])
  return phraseMap([POLISH, POLISH_ORDINALS, feminine].flatMap(forms => [...phrasesOf(forms)]))
}

/** The words of each digit; some of them stand only as ordinals or after a ten. */
const VIETNAMESE_DIGITS = 'một/mốt/nhất hai/nhì ba bốn/tư năm/lăm/nhăm sáu bảy/bẩy tám chín'
  .split(' ')
  .map(words => words.split('/'))

function vietnamese(): Map<string, number> {
  const digits = VIETNAMESE_DIGITS.flatMap((words, i) => words.map((word): NumberPhrase => [word, i + 1]))
  const tens = VIETNAMESE_DIGITS.slice(1).map(([word = ''], i): NumberPhrase => [`${word} mươi`, 20 + 10 * i])
  const twoDigits = [['mười', 10] as const, ...tens].flatMap(([ten, value]): NumberPhrase[] => [
    [ten, value],
    ...digits.map(([word, digit]): NumberPhrase => [`${ten} ${word}`, value + digit]),
  ])
  const zeros = digits.flatMap(([word, digit]): NumberPhrase[] => [
    [`linh ${word}`, digit],
    [`lẻ ${word}`, digit],
  ])
  const hundreds = [['', 0] as const, ...twoDigits, ...zeros].map(
    ([phrase, value]): NumberPhrase => [`một trăm ${phrase}`.trim(), 100 + value],
  )
  return phraseMap([...digits, ...twoDigits, ...hundreds])
}

/** Ordinals from 1 to 10 with the article, of masculine and feminine words. */
const ARABIC_ORDINALS = [
  'الأول الثاني الثالث الرابع الخامس السادس السابع الثامن التاسع العاشر',
  'الأولى الثانية الثالثة الرابعة الخامسة السادسة السابعة الثامنة التاسعة العاشرة',
]
/** The same from 1 to 9 before a ten, and the ten of 11 to 19. */
const ARABIC_BEFORE_TENS = [
  { units: 'الحادي الثاني الثالث الرابع الخامس السادس السابع الثامن التاسع', ten: 'عشر' },
  { units: 'الحادية الثانية الثالثة الرابعة الخامسة السادسة السابعة الثامنة التاسعة', ten: 'عشرة' },
]
const ARABIC_TENS = 'العشرون الثلاثون الأربعون الخمسون الستون السبعون الثمانون التسعون'

function arabic(): Map<string, number> {
  const tens = [ARABIC_TENS, ARABIC_TENS.replaceAll('ون', 'ين')].flatMap(words =>
    words.split(' ').map((word, i): NumberPhrase => [word, 20 + 10 * i]),
  )
  const ordinals = ARABIC_ORDINALS.flatMap(words =>
    words.split(' ').map((word, i): NumberPhrase => [word, i + 1]),
  )
  const compound = ARABIC_BEFORE_TENS.flatMap(({ units, ten }) =>
    units
      .split(' ')
      .flatMap((unit, i): NumberPhrase[] => [
        [`${unit} ${ten}`, 11 + i],
        ...tens.map(([word, value]): NumberPhrase => [`${unit} و${word}`, value + i + 1]),
      ]),
  )
  return phraseMap([...ordinals, ...compound, ...tens, ['المائة', 100], ['المئة', 100]])
}

const NUMBERS: Readonly<Record<NumberLanguage, ReadonlyMap<string, number>>> = {
  ar: arabic(),
  pl: polish(),
  ru: russian(),
  vi: vietnamese(),
}

/** Words between a label and its number: Hồi thứ 3, الفصل رقم 3. */
const BEFORE_NUMBERS = phraseMap(['thứ', 'số', 'رقم'].map(word => [word, true] as const))

/**
 * Returns the number after a label, in digits, as a Roman number or in words of a language. In Polish "i" is a word, so that Roman numbers
 * have capitals there.
 */
export function numberAfterLabel(text: string, language: NumberLanguage): FoundNumber | undefined {
  const start = leadingPhrase(text, BEFORE_NUMBERS)?.length ?? 0
  const after = text.slice(start).trimStart()
  const found =
    leadingDigits(after) ?? leadingRoman(after, language !== 'pl') ?? leadingPhrase(after, NUMBERS[language])
  return found === undefined
    ? undefined
    : { value: found.value, length: text.length - after.length + found.length }
}
