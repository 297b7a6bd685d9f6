import { type Heading, type HeadingName, plainSpaces, withoutPageNumber } from './heading.ts'
import { leadingPhrase, numberAfterLabel, phraseMap } from './number-words.ts'
import { chineseNumber } from './numerals.ts'

/** A label with its number at the start of a line. */
interface Label extends Pick<Heading, 'style' | 'depth' | 'number'> {
  /** UTF-16 units of the line that it takes. */
  readonly length: number
  /**
   * How far the label alone makes a heading: `sure` with any name; `marked` alone or before a mark, because a sentence may go on after a space;
   * `common` never, because the same words count things in prose.
   */
  readonly trust: 'sure' | 'marked' | 'common'
}

/** What headings look like in a language without capitals. */
interface Language {
  /** Reads a label with its number. */
  readonly label: (text: string) => Label | undefined
  /** Headings without a number of their own. */
  readonly named: ReadonlyMap<string, true>
  /** A number after one of those. */
  readonly numberOfNamed: RegExp
  /** A sentence continues like this after a label and a space. */
  readonly goesOn: RegExp
}

/** Digits for the syllables of Sino-Korean numbers. */
const KOREAN_DIGITS: Readonly<Record<string, string>> = {
  일: '一',
  이: '二',
  삼: '三',
  사: '四',
  오: '五',
  육: '六',
  칠: '七',
  팔: '八',
  구: '九',
  십: '十',
  백: '百',
}
const KOREAN_DEPTHS = new Map(
  ['부', '권', '편막', '장화회', '절'].flatMap((units, i) =>
    Array.from(units, unit => [unit, i + 1] as const),
  ),
)
const KOREAN_LABEL =
  /^(제\s{0,2})?(\d{1,4}|[일이삼사오육칠팔구십백]{1,7})\s{0,2}(부|권|편|막|장|화|회|절)(?![\p{L}\p{N}])/u

/** 제1장, 제 1 화, 12화. Without 제 only 화 counts nothing else; in words, 제사장 is a priest and 제일 the most. */
function koreanLabel(text: string): Label | undefined {
  const found = KOREAN_LABEL.exec(text)
  const [all = '', first, numeral = '', style = ''] = found ?? []
  const isDigits = /^\d/.test(numeral)
  if (found === null || (first === undefined && !isDigits)) return undefined
  const number = chineseNumber(numeral.replace(/\D/g, syllable => KOREAN_DIGITS[syllable] ?? ''))
  const trustWithFirst = style === '회' ? 'marked' : 'sure'
  const trustAlone = style === '화' ? 'marked' : 'common'
  const trust = first === undefined ? trustAlone : isDigits ? trustWithFirst : 'common'
  return { style, depth: KOREAN_DEPTHS.get(style) ?? 4, number, length: all.length, trust }
}

const KOREAN: Language = {
  label: koreanLabel,
  named: namesOf(
    '프롤로그 에필로그 인터루드 서장 서막 서문 서언 머리말 여는_글 들어가는_글 들어가는_말 종장 종막 막간 맺음말 맺는_말 닫는_글 나가는_글 후기 작가_후기 ' +
      '작가의_말 지은이의_말 옮긴이의_말 역자_후기 외전 번외 번외편 특별편 특별_외전 부록 최종장 최종화 마지막_장 마지막_화',
  ),
  numberOfNamed: /^\s?[（(]?\d{1,3}[)）]?(?:화|장|편|부)?(?![\p{L}\p{N}])/u,
  goesOn: /(?:[다요죠까네지]\.|,)$/,
}

const ARABIC_LABELS = phraseMap(
  ['المجلد', 'الجزء الكتاب القسم', 'الباب', 'الفصل الحلقة'].flatMap((words, i) =>
    words.split(' ').map(style => [style, { style, depth: i + 1 }] as const),
  ),
)
const ARABIC_LAST = phraseMap(['الأخير', 'الأخيرة'].map(word => [word, true] as const))

/** الفصل الأول, الفصل 12, الباب (٣). */
function arabicLabel(text: string): Label | undefined {
  const label = leadingPhrase(text, ARABIC_LABELS)
  const space = label === undefined ? undefined : /^[\s:_-]{0,3}/.exec(text.slice(label.length))?.[0]
  if (label === undefined || space === undefined) return undefined
  const start = label.length + space.length
  const after = text.slice(start).replace(/^\(([^()]{1,24})\)/, ' $1 ')
  const number = numberAfterLabel(after, 'ar')
  const length = start + (number?.length ?? leadingPhrase(after, ARABIC_LAST)?.length ?? 0)
  if (length === start) return undefined
  const closed = /^\s?\)/.exec(text.slice(length))?.[0].length ?? 0
  return { ...label.value, number: number?.value, length: length + closed, trust: 'marked' }
}

const ARABIC: Language = {
  label: arabicLabel,
  named: namesOf(
    'مقدمة المقدمة تمهيد التمهيد مدخل استهلال توطئة تصدير تقديم خاتمة الخاتمة ملحق الملحق فاصل كلمة_المؤلف كلمة_المؤلفة كلمة_أخيرة',
  ),
  numberOfNamed: /^\s?[(]?\p{Nd}{1,3}[)]?(?![\p{L}\p{N}])/u,
  goesOn: /[.,،]$|^(?:من|في|كان|كانت|هو|هي|لم|لا|لن|ما|ليس|الذي|التي|على|إلى|عن|ثم|قد|لقد|و)(?!\p{L})/u,
}

/** Returns the set of names in a list; `_` stands for a space within one. */
function namesOf(list: string): ReadonlyMap<string, true> {
  return phraseMap(list.split(' ').map(name => [name.replace('_', ' '), true] as const))
}

/** Signs of the direction of writing, which stand before and within Arabic lines. */
const DIRECTIONS = /[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/g

/** Reads a line, without decoration, as a heading of a language without capitals: Korean or Arabic. */
export function uncasedHeading(line: string): Heading | undefined {
  const first = line.charCodeAt(0)
  if (first < 0x30 || (first > 0x39 && first < 0x600)) return undefined
  const text = first >= 0x600 && first < 0x2100 ? line.replace(DIRECTIONS, '') : line
  const start = text.charCodeAt(0)
  if (start >= 0x600 && start <= 0x6ff) return read(text, ARABIC)
  if (start <= 0x39 || (start >= 0xac00 && start <= 0xd7a3)) return read(text, KOREAN)
  return undefined
}

function read(text: string, language: Language): Heading | undefined {
  return labelled(text, language) ?? named(text, language)
}

function labelled(text: string, language: Language): Heading | undefined {
  const label = language.label(text)
  if (label === undefined) return undefined
  const rest = text.slice(label.length)
  return withInner(text, rest, label, language) ?? heading(text, label, rest, language)
}

/** 제1부 제3장 나루터: a volume and a chapter in one line. */
function withInner(text: string, rest: string, outer: Label, language: Language): Heading | undefined {
  if (outer.depth >= 4) return undefined
  for (const { index } of rest.matchAll(/[\s:·,،–—-](?=[\p{L}\d])/gu)) {
    const inner = language.label(rest.slice(index + 1))
    if (inner === undefined || inner.depth !== 4) continue
    const chapter = labelled(rest.slice(index + 1), language)
    const start = rest.slice(0, index).replace(/[\s:·,،–—-]{1,9}$/, '')
    const volume = heading(text.slice(0, text.length - rest.length) + start, outer, start, language)
    return chapter === undefined || volume === undefined
      ? undefined
      : { ...volume, sureness: chapter.sureness, inner: chapter }
  }
  return undefined
}

function heading(text: string, label: Label, rest: string, language: Language): Heading | undefined {
  const found = nameAfter(rest, language)
  if (found === undefined) return undefined
  const { style, depth, number, trust } = label
  const isSure = trust === 'sure' || (trust === 'marked' && !found.isSpaced)
  const sureness = isSure ? found.sureness : 'doubtful'
  return { style, depth, sureness, number, title: plainSpaces(text), name: found.name }
}

function named(text: string, language: Language): Heading | undefined {
  const length = leadingPhrase(text, language.named)?.length
  if (length === undefined) return undefined
  const found = nameAfter(text.slice(length).replace(language.numberOfNamed, ''), language)
  if (found === undefined || (found.isSpaced && language !== KOREAN)) return undefined
  return { style: 'named', depth: 4, sureness: 'sure', title: plainSpaces(text), name: found.name }
}

const LONGEST_NAME = { afterSpace: 30, afterMark: 60 } as const

/** Returns the name in the rest of a line after a label; undefined where the rest is that of a sentence. */
function nameAfter(
  rest: string,
  { goesOn }: Language,
): (HeadingName & { readonly isSpaced: boolean }) | undefined {
  if (/^[\s.:：·—–_-]*$/.test(rest)) return { name: '', sureness: 'sure', isSpaced: false }
  const mark = /^\s{0,3}[.:：·—–|_~-]{1,9}\s{0,3}/.exec(rest)
  const bracket = /^\s{0,3}(?=[(（[「『“"'<〈《«])/.exec(rest)
  const sign = mark ?? bracket ?? /^\s{1,9}/.exec(rest)
  if (sign === null) return undefined
  const isSpaced = mark === null && bracket === null
  const name = withoutPageNumber(rest.slice(sign[0].length))
  if (/^\d{1,4}$/.test(name)) return { name: '', sureness: 'sure', isSpaced: false }
  if (/[,;،؛]$/.test(name) || name.length > LONGEST_NAME.afterMark) return undefined
  if (isSpaced && goesOn.test(name)) return undefined
  const isLong = isSpaced && name.length > LONGEST_NAME.afterSpace
  const isProse = isLong || /[.!?؟。] ./.test(name) || (/[.؟]$/.test(name) && name.length > 20)
  return { name, sureness: isProse ? 'doubtful' : 'sure', isSpaced }
}
