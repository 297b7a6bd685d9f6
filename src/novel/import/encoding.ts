import { isAscii, isUtf8 } from 'node:buffer'
import { createDecoder, encodingName } from './decoder.ts'
import { LATIN_ENCODINGS, latinEncoding } from './latin-encoding.ts'
import { BLOCK_BYTES, blocks, type TextSource } from './source.ts'

/** The encoding of a text. */
export interface Encoding {
  /** 'utf-8', 'gb18030', 'big5', 'utf-16le', 'utf-16be', 'windows-1252', or another name of the Encoding Standard. */
  readonly name: string
  /** Confidence of the detection, 0 to 1. Below LOW_CONFIDENCE a person should check the preview. */
  readonly confidence: number
}

/** A survey warns below this confidence. */
export const LOW_CONFIDENCE = 0.5

/**
 * Returns the encoding of a text: by byte order mark, then by UTF-8 validity of the whole source, then by a score of how much the text
 * resembles language in each other encoding. Holds a few blocks in memory. `forced` names the encoding instead (throws ENCODING_UNKNOWN
 * when it does not exist).
 */
export async function detectEncoding(source: TextSource, forced?: string): Promise<Encoding> {
  if (forced !== undefined) return { name: encodingName(forced), confidence: 1 }
  const scan = new Utf8Scan()
  const samples: Uint8Array[] = []
  let number = 0
  for await (const block of blocks(source.read(), BLOCK_BYTES)) {
    const marked = number === 0 ? byteOrderMark(block) : undefined
    if (marked !== undefined) return { name: marked, confidence: 1 }
    if (isSample(block, number++, samples.length)) samples.push(sampleOf(block))
    scan.push(block)
    if (scan.hopeless) break
  }
  return decide(scan, samples)
}

function decide(scan: Utf8Scan, samples: readonly Uint8Array[]): Encoding {
  const first = samples[0]
  if (first === undefined) return { name: 'utf-8', confidence: 1 }
  const wide = nulShare(first) > 0.02
  if (!wide && scan.bad === 0)
    return { name: 'utf-8', confidence: scan.characters === 0 || scan.solid ? 1 : 0.9 }
  if (!wide && scan.characters >= 4 * scan.bad) {
    return { name: 'utf-8', confidence: round(1 - scan.bad / (scan.characters + scan.bad)) }
  }
  const { name, confidence } = legacyEncoding(samples)
  return { name, confidence: round(confidence) }
}

/** Samples are the first block, then the first blocks with more than ASCII, then one at each doubling of the distance. */
function isSample(block: Uint8Array, number: number, taken: number): boolean {
  if (number === 0) return true
  if (taken >= 8 || isAscii(block)) return false
  return taken < 4 || (number & (number - 1)) === 0
}

/** Returns the part of a block around its first bytes beyond ASCII, from an even place, for UTF-16. */
function sampleOf(block: Uint8Array): Uint8Array {
  const first = block.findIndex(byte => byte >= 0x80)
  const start = Math.max(0, first - 2_048) & ~1
  return block.subarray(start)
}

function byteOrderMark(head: Uint8Array): string | undefined {
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return 'utf-8'
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le'
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be'
  if (head[0] === 0x84 && head[1] === 0x31 && head[2] === 0x95 && head[3] === 0x33) return 'gb18030'
  return undefined
}

function nulShare(block: Uint8Array): number {
  let nul = 0
  for (const byte of block) if (byte === 0) nul++
  return nul / block.length
}

function round(share: number): number {
  return Math.round(share * 1000) / 1000
}

/** Counts the characters beyond ASCII that are valid UTF-8, and the places that are not. A cut at the end is not a fault. */
class Utf8Scan {
  /** Valid characters of two to four bytes. */
  characters = 0
  /** Valid characters of three or four bytes: these rarely occur by chance. */
  solidCharacters = 0
  /** Places where the bytes are not UTF-8. */
  bad = 0
  #carry = new Uint8Array(0)

  get solid(): boolean {
    return this.solidCharacters > 0 || this.characters > 8
  }

  /** Too many faults: no more bytes need to be checked. */
  get hopeless(): boolean {
    return this.bad > 2_000 && this.bad > this.characters
  }

  push(block: Uint8Array): void {
    if (this.#carry.length === 0 && isAscii(block)) return
    const bytes = this.#carry.length === 0 ? block : Buffer.concat([this.#carry, block])
    const whole = bytes.length - cutTail(bytes)
    this.#carry = bytes.slice(whole)
    const text = bytes.subarray(0, whole)
    if (isUtf8(text)) this.#countValid(text)
    else this.#countFaults(text)
  }

  #countValid(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (byte < 0xc2) continue
      this.characters++
      if (byte >= 0xe0) this.solidCharacters++
    }
  }

  #countFaults(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const length = sequenceLength(bytes, at)
      if (length === 0) this.bad++
      if (length > 1) this.characters++
      if (length > 2) this.solidCharacters++
      at += Math.max(1, length)
    }
  }
}

/** Returns the length of the valid UTF-8 sequence at a place, or 0. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0
  if (lead < 0x80) return 1
  const length = leadLength(lead)
  if (length === 0) return 0
  for (let i = 1; i < length; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0
  const second = bytes[at + 1] ?? 0
  if ((lead === 0xe0 && second < 0xa0) || (lead === 0xed && second > 0x9f)) return 0
  if ((lead === 0xf0 && second < 0x90) || (lead === 0xf4 && second > 0x8f)) return 0
  return length
}

function leadLength(lead: number): number {
  if (lead >= 0xc2 && lead <= 0xdf) return 2
  if (lead >= 0xe0 && lead <= 0xef) return 3
  return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0
}

/** Returns the number of bytes at the end that belong to a character continued in the next block. */
function cutTail(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if ((byte & 0xc0) === 0x80) continue
    return leadLength(byte) > back ? back : 0
  }
  return 0
}

/**
 * Returns the encoding, other than UTF-8, in which samples most resemble language, with a confidence from its lead over the next one. The
 * score of an encoding is the share of common characters among the telling ones, minus ten times the share of impossible ones. Latin
 * encodings differ in so few letters that their languages decide between them.
 */
export function legacyEncoding(samples: readonly Uint8Array[]): { name: string; confidence: number } {
  const scores = CANDIDATES.map(name => ({ name, ...scoreOf(name, samples) })).sort(
    (a, b) => b.score - a.score,
  )
  const [best] = scores
  if (best === undefined || best.score <= 0) return { name: 'windows-1252', confidence: 0.1 }
  const isLatin = LATIN_ENCODINGS.includes(best.name)
  const next = scores.find(({ name }) => name !== best.name && !(isLatin && LATIN_ENCODINGS.includes(name)))
  const lead = Math.min(1, (best.score - Math.max(0, next?.score ?? 0)) / 0.2)
  const level = Math.min(1, best.score / 0.3)
  const amount = Math.min(1, 0.5 + best.telling / 40)
  const confidence = Math.min(0.99, lead * level * amount)
  if (!isLatin) return { name: best.name, confidence }
  const latin = latinEncoding(name => samples.map((sample, i) => textOf(name, sample, i === 0)))
  return { name: latin.name, confidence: Math.min(confidence, latin.confidence) }
}

const CANDIDATES =
  'euc-jp gb18030 big5 utf-8 utf-16le utf-16be windows-1252 windows-1250 windows-1251 koi8-r shift_jis euc-kr'.split(
    ' ',
  )

/** Bytes of each sample that are scored; even, for UTF-16. */
const SAMPLE_BYTES = 24_576

function textOf(name: string, sample: Uint8Array, isFirst: boolean): string {
  const part = sample.subarray(0, SAMPLE_BYTES)
  return createDecoder(name).decode(isWide(name) ? part : aligned(part, isFirst))
}

function isWide(name: string): boolean {
  return name.startsWith('utf-16')
}

/** Returns the score, and the number of telling characters, which distinguish encodings. */
function scoreOf(name: string, samples: readonly Uint8Array[]): { score: number; telling: number } {
  const wide = isWide(name)
  let left = samples.reduce((sum, sample) => sum + Math.min(sample.length, SAMPLE_BYTES), 0)
  let telling = 0
  let common = 0
  let impossible = 0
  for (const [i, sample] of samples.entries()) {
    const text = textOf(name, sample, i === 0)
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (isImpossible(code) || (name === 'koi8-r' && isLineInWord(text, at))) impossible++
      // ASCII distinguishes nothing, except where it takes two bytes.
      if (code < 0x80 && !wide) continue
      telling++
      if (isCommon(text, at, name)) common++
    }
    left -= Math.min(sample.length, SAMPLE_BYTES)
    // The rest cannot outweigh these.
    if (10 * impossible > common + left) return { score: 0, telling }
  }
  return { score: telling === 0 ? 0 : (common - 10 * impossible) / telling, telling }
}

/** In a Latin text, letters beyond ASCII stand alone among ASCII; in a Cyrillic one, they form words. */
function isCommon(text: string, at: number, encoding: string): boolean {
  const code = text.charCodeAt(at)
  if (encoding === 'windows-1252') return WESTERN.has(code) && isLonely(text, at)
  if (encoding === 'windows-1250') return CENTRAL.has(code) && isLonely(text, at)
  if (encoding === 'windows-1251' || encoding === 'koi8-r') {
    // Small letters only: the bytes of Chinese text read as a mixture, and each of the two encodings has its capitals where the other has these.
    return code >= 0x430 && isCyrillic(code) && isInCyrillic(text, at)
  }
  const isKana = code >= 0x3041 && code <= 0x30ff
  return code < 0x80 || COMMON.has(code) || isKana
}

/** A line of a box behind a letter: a letter of Ukrainian in KOI8-U, which KOI8-R lacks. */
function isLineInWord(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code >= 0x2500 && code < 0x2580 && isCyrillic(text.charCodeAt(at - 1))
}

/** Whether a Cyrillic letter is beside a place, and no Latin one: "çã" in a Portuguese word is no Cyrillic. */
function isInCyrillic(text: string, at: number): boolean {
  const [before, after] = [text.charCodeAt(at - 1), text.charCodeAt(at + 1)]
  return (isCyrillic(before) || isCyrillic(after)) && !isAsciiLetter(before) && !isAsciiLetter(after)
}

function isAsciiLetter(code: number): boolean {
  return (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a
}

function isCyrillic(code: number): boolean {
  return code >= 0x410 && code <= 0x44f
}

function isLonely(text: string, at: number): boolean {
  const before = at === 0 ? 0 : text.charCodeAt(at - 1)
  const after = at + 1 < text.length ? text.charCodeAt(at + 1) : 0
  return before < 0x80 || (after < 0x80 && PUNCTUATION.has(before))
}

/** Controls other than white space, private use, and the mark of undecodable bytes. */
function isImpossible(code: number): boolean {
  if (code < 0x20) return code !== 9 && code !== 10 && code !== 12 && code !== 13 && code !== 0x1a
  return (
    (code >= 0x7f && code <= 0x9f) || (code >= 0xe000 && code <= 0xf8ff) || code === 0xfffd || code === 0xffff
  )
}

/** Returns a sample without a cut character at its ends: from its first line end to its last ASCII byte, where it has them. */
function aligned(sample: Uint8Array, isFirst: boolean): Uint8Array {
  const start = isFirst ? 0 : sample.indexOf(10) + 1
  let end = sample.length
  while (end > start && (sample[end - 1] ?? 0) >= 0x80) end--
  // In GB18030 and Big5 the second byte may be ASCII, but never a line end or another control.
  while (end > start && (sample[end - 1] ?? 0) > 0x2f) end--
  return end > start ? sample.subarray(start, end) : sample
}

const PUNCTUATION = codes('‘’“”–—…•«»')
const WESTERN = codes('‘’“”–—…•«»¡¿£§©°·½¼¾×àáâãäåæçèéêëìíîïñòóôõöøùúûüýÿßœŒÀÁÂÄÆÇÈÉÊËÍÎÑÓÔÖØÚÛÜšžŠŽ€\u00a0')
const CENTRAL = codes(
  '‘’‚“”„–—…•«»§©°·áâăąäćčçďđéęëěíîĺľłńňóôöőŕřśšşßťţúůüűýźżžÁÂĂĄÄĆČÇĎĐÉĘËĚÍÎĹĽŁŃŇÓÔÖŐŔŘŚŠŞŤŢÚŮÜŰÝŹŻŽ\u00a0',
)

// The most frequent characters of running Chinese text, simplified and traditional, then of Japanese and Korean, and punctuation.
const COMMON = codes(
  '的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里' +
    '用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实' +
    '日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政' +
    '美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员' +
    '解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件' +
    '计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象' +
    '完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运笑曰吾汝曹' +
    '刘操备军兵城关羽飞孔布袁绍孙权诸葛亮贾宝玉黛钗姑娘奶哥姐妹嘴脸眉夜灯窗雨风雪花草树' +
    '這個們來為國說時會對過後裡種經學現當沒動還進樣開從實軍無與長機業將兩間問應戰頭體見產話門東聲員論處' +
    '義幾認條係氣題爾別變總電數報結務場計資統區隊決馬書則聽卻達難權設記類據邊張該規萬許觀讓識帶導爭運點' +
    '給歲聲樂雙張陳劉孫諸賈寶媽爺臉樹風飛雲龍鳥魚' +
    '々私僕俺彼何言気持込思考寒歩店駅町村犬猫声戻変実発対楽読買売飲食薬覚静顔髪首腕肩足朝昼夕昨今週年誰方様達返答待黙笑泣怒振始終続' +
    '少若男母父兄弟姉妹息娘子供部屋窓扉机椅空海山川岸舟橋道暗明光影音匂味色形伝届置忘知聞渡' +
    '의가이은는을를에다고하지도로나기사그한자시어리아서있것들수게해인면만라대보마여니요었' +
    '，。：“”！？、；《》〈〉「」『』‘’…—（）　·～',
)

function codes(characters: string): Set<number> {
  return new Set(Array.from(characters, c => c.codePointAt(0) ?? 0))
}
