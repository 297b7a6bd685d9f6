import { type Heading, type HeadingName, plainSpaces, withoutPageNumber } from './heading.ts'
import { CHINESE_NUMERALS, chineseNumber } from './numerals.ts'

/** Units by their depth, from 1; the first of several spellings gives the style, so that 话 and 話 are one. */
const UNITS = ['部/部分', '卷 册/冊 集 编/編 季 辑/輯', '篇', '章/章节/章節 回 话/話 折 幕 夜', '节/節 场/場']

type Unit = Pick<Heading, 'style' | 'depth'>

const UNIT_OF = new Map<string, Unit>()
for (const [i, units] of UNITS.entries()) {
  for (const spellings of units.split(' ').map(unit => unit.split('/')))
    for (const word of spellings) UNIT_OF.set(word, { style: spellings[0] ?? word, depth: i + 1 })
}

/** Units that also count things in prose: 第一回见到他, 第二部电影, 第三节课. */
const COUNTS_THINGS = new Set('部 卷 册 集 编 季 辑 篇 回 折 幕 夜 节 场'.split(' '))

const NUMERAL = `[${CHINESE_NUMERALS}]{1,9}`
const UNIT = [...UNIT_OF.keys()].sort((a, b) => b.length - a.length).join('|')
const LABEL = `第[\\s　]{0,3}(${NUMERAL}(?:[.．]\\d{1,2})?)(?:[\\s　]?[-~～—–至、][\\s　]?${NUMERAL})?[\\s　]{0,3}(${UNIT})`
const NUMBERED = new RegExp(`^${LABEL}`)
const VOLUME_FIRST = new RegExp(`^(卷|章)(?:之|第)?[\\s　]?(${NUMERAL})(?![${CHINESE_NUMERALS}])`)
const INNER = new RegExp(`第[\\s　]{0,3}${NUMERAL}[\\s　]{0,3}(?:章|回|节|節|话|話)`)
const POSITION = /^([上中下前后後终終末外])(卷|部|册|冊|篇|集|编|編)(?![\p{L}\p{N}])/u
const UNNUMBERED_VOLUME = /^([^\s　第，。：]{1,16}[卷部篇集册冊])[\s　:：·、_-]+(?=第)/

const NAMED = new RegExp(
  `^(${(
    '序章 序言 序幕 序曲 自序 代序 原序 总序 總序 序 楔子 引子 引言 前言 前记 前記 导言 導言 导读 導讀 绪论 緒論 开场白 開場白 ' +
    '尾声 尾聲 尾章 终章 終章 终幕 終幕 最终章 最終章 最终回 最終回 最终话 最終話 大结局 大結局 结语 結語 后记 後記 后序 後序 跋 ' +
    '番外篇 番外 外传 外傳 附录 附錄 间章 間章 幕间 幕間 完本感言 完结感言 作者后记 译者序 譯者序 译后记 编后记 出版说明 ' +
    'プロローグ エピローグ あとがき'
  )
    .split(' ')
    .sort((a, b) => b.length - a.length)
    .join('|')})(.*)$`,
)

/** Reads a line, without decoration, as a Chinese heading. */
export function chineseHeading(line: string): Heading | undefined {
  if (!mayBeChinese(line)) return undefined
  const text = line.replace(/^(?:正文卷?|VIP卷?|vip卷?)[\s　:：、·.．_-]*(?=第|序|楔|引|卷|尾|番|后|後)/, '')
  return (
    numbered(text) ??
    prefixed(text) ??
    volumeFirst(text) ??
    afterVolumeName(text) ??
    position(text) ??
    named(text)
  )
}

function mayBeChinese(line: string): boolean {
  const first = line.charCodeAt(0)
  return first >= 0x2e80 || (first | 0x20) === 0x76 // v, for VIP
}

/** Labels read in one line: volume and chapter, each perhaps twice. */
const MOST_LABELS = 4
const TRAILING_SEPARATOR = /[\s　:：·、_-]+$/
/** A few words without punctuation before the label. */
const PREFIX = new RegExp(`^([^，。！？；…“”‘’「」]{1,40}?)[\\s　]+(?=${LABEL})`)

function numbered(text: string, labels = MOST_LABELS): Heading | undefined {
  const found = NUMBERED.exec(text)
  const unit = UNIT_OF.get(found?.[2] ?? '')
  const number = decimal(found?.[1] ?? '')
  if (found === null || unit === undefined || number === undefined) return undefined
  const rest = text.slice(found[0].length)
  return withInner(text, rest, unit, number, labels) ?? heading(text, unit, number, rest)
}

/** 第10.5章 stands between two chapters. */
function decimal(text: string): number | undefined {
  const [whole = '', part] = text.split(/[.．]/)
  const number = chineseNumber(whole)
  return number === undefined || part === undefined ? number : Number(`${number}.${part}`)
}

/** 第一卷 少年 第三章 初见: a volume and a chapter in one line. */
function withInner(
  text: string,
  rest: string,
  unit: Unit,
  number: number,
  labels: number,
): Heading | undefined {
  const at = rest.search(INNER)
  const inner = at < 0 || labels <= 1 ? undefined : numbered(rest.slice(at), labels - 1)
  if (inner === undefined) return undefined
  // 第一部 山雨 第一部 山雨 第一章: the same twice.
  if (inner.depth === unit.depth && inner.number === number) return inner
  if ((inner.inner ?? inner).depth <= unit.depth) return undefined
  const title = text.slice(0, text.length - rest.length + at).replace(TRAILING_SEPARATOR, '')
  const name = rest.slice(0, at).replace(TRAILING_SEPARATOR, '')
  const outer = heading(title, unit, number, name)
  return outer === undefined ? undefined : { ...outer, sureness: inner.sureness, inner }
}

/** 三侠五义 第一回 设阴谋: the book or a named part stands before the chapter. */
function prefixed(text: string): Heading | undefined {
  const found = PREFIX.exec(text)
  const inner = found === null ? undefined : numbered(text.slice(found[0].length))
  if (found === null || inner === undefined || inner.depth < 4) return undefined
  const prefix = found[1] ?? ''
  const outer = position(prefix) ?? volumeFirst(prefix)
  if (outer !== undefined) return { ...outer, inner }
  return { ...inner, sureness: 'doubtful', prefix }
}

/** 卷一 少年, 卷之三. */
function volumeFirst(text: string): Heading | undefined {
  const found = VOLUME_FIRST.exec(text)
  const unit = UNIT_OF.get(found?.[1] ?? '')
  const number = chineseNumber(found?.[2] ?? '')
  if (found === null || unit === undefined || number === undefined) return undefined
  return heading(text, unit, number, text.slice(found[0].length))
}

/** 风起云涌卷 第一章 初见: a volume without a number before a chapter. */
function afterVolumeName(text: string): Heading | undefined {
  const found = UNNUMBERED_VOLUME.exec(text)
  const inner = found === null ? undefined : numbered(text.slice(found[0].length))
  if (found === null || inner === undefined || inner.sureness !== 'sure') return undefined
  const title = found[1] ?? ''
  return { style: '卷', depth: 2, sureness: 'sure', title, name: title, inner }
}

/** 上卷, 下部 归来. */
function position(text: string): Heading | undefined {
  const found = POSITION.exec(text)
  const unit = UNIT_OF.get(found?.[2] ?? '')
  if (found === null || unit === undefined) return undefined
  const number = { 上: 1, 中: 2, 前: 1 }[found[1] ?? '']
  return heading(text, unit, number, text.slice(found[0].length))
}

function named(line: string): Heading | undefined {
  const text = /^\S[\s　]{1,4}\S$/.test(line) ? line.replace(/[\s　]+/, '') : line
  const found = NAMED.exec(text)
  if (found === null) return undefined
  const label = found[1] ?? ''
  const name = nameAfterNamed(label, found[2] ?? '')
  if (name === undefined) return undefined
  return { style: 'named', depth: 4, sureness: 'sure', title: plainSpaces(line), name }
}

const NUMBER_PART = new RegExp(
  `^[\\s　]?(?:${NUMERAL}|[（(][\\s　]?${NUMERAL}[\\s　]?[)）]|[（(]?[上中下][)）]?(?![\\p{L}\\p{N}])|[之其]${NUMERAL})`,
  'u',
)

function nameAfterNamed(label: string, rest: string): string | undefined {
  const after = rest.replace(NUMBER_PART, '')
  if (after.trim() === '' || /^[:：。.]$/.test(after)) return ''
  const separated = /^[\s　:：·・—–\-_、（(《【]/.test(after)
  const belongs = /^[番外]/.test(label) && after.startsWith('之')
  if (!separated && !belongs) return undefined
  const name = withoutPageNumber(after.replace(/^(?:[\s　:：·・—–\-_、]+|之)/, ''))
  if (name.length > 30 || /[，。；,;]/.test(name) || /^[—–-]/.test(name)) return undefined
  return name
}

/** Returns the heading of a label, if the rest of the line after the label may be a name. */
function heading(text: string, unit: Unit, number: number | undefined, rest: string): Heading | undefined {
  const found = nameAfter(rest, unit.style)
  if (found === undefined) return undefined
  return { ...unit, sureness: found.sureness, number, title: once(plainSpaces(text)), name: found.name }
}

/** 第一部 第一部: once is enough. */
function once(title: string): string {
  const half = (title.length - 1) / 2
  return Number.isInteger(half) && title.slice(0, half) === title.slice(half + 1)
    ? title.slice(0, half)
    : title
}

const SEPARATOR = /^(?:[\s　:：、.．·・—–\-_|~～]+|(?=[（(【《「『[]))/
/** A sentence continues like this after a label: 第三章的事情, 第一章里. */
const GOES_ON = /^[的里裡中是讲講说說写寫还還就到之内內以时時后後前结結末也都和与與在被把让讓没沒]/
const END_MARK = /^[（(]?(?:全?[文书書]?完|终|終|结束|結束|未完|待续|待續|未完待续|未完待續)[)）]?$/

function nameAfter(rest: string, style: string): HeadingName | undefined {
  if (/^[\s　:：.．。、]*$/.test(rest)) return { name: '', sureness: 'sure' }
  const separator = SEPARATOR.exec(rest)
  const name = withoutPageNumber(separator === null ? rest : rest.slice(separator[0].length))
  if (END_MARK.test(name) || name.length > 60 || /[；：;:]$/.test(name) || /[。；].|^[，。；,]/.test(name)) {
    return undefined
  }
  const stops = /[。，,]$/.test(name)
  if (separator !== null) {
    return { name, sureness: stops || name.length > 45 ? 'doubtful' : 'sure' }
  }
  if (stops || name.length > 30) return undefined
  const proseLike =
    GOES_ON.test(name) || /[，：:“”]/.test(name) || name.length > 20 || COUNTS_THINGS.has(style)
  return { name, sureness: proseLike ? 'doubtful' : 'sure' }
}
