import { createDecoder } from './decoder.ts'

/**
 * Returns the encoding, other than UTF-8, in which samples most resemble language, with a confidence from its lead over the next one. The
 * score of an encoding is the share of common characters among the telling ones, minus ten times the share of impossible ones.
 */
export function legacyEncoding(samples: readonly Uint8Array[]): { name: string; confidence: number } {
  const scores = CANDIDATES.map(name => ({ name, ...scoreOf(name, samples) })).sort(
    (a, b) => b.score - a.score,
  )
  const [best, next] = scores
  if (best === undefined || next === undefined || best.score <= 0)
    return { name: 'windows-1252', confidence: 0.1 }
  const lead = Math.min(1, (best.score - Math.max(0, next.score)) / 0.2)
  const level = Math.min(1, best.score / 0.3)
  const amount = Math.min(1, 0.5 + best.telling / 40)
  return { name: best.name, confidence: Math.min(0.99, lead * level * amount) }
}

const CANDIDATES = 'gb18030 big5 utf-8 utf-16le utf-16be windows-1252 windows-1251 shift_jis euc-kr'.split(
  ' ',
)

/** Bytes of each sample that are scored; even, for UTF-16. */
const SAMPLE_BYTES = 24_576

/** Returns the score, and the number of telling characters, which distinguish encodings. */
function scoreOf(name: string, samples: readonly Uint8Array[]): { score: number; telling: number } {
  const wide = name.startsWith('utf-16')
  let telling = 0
  let common = 0
  let impossible = 0
  for (const [i, sample] of samples.entries()) {
    const part = sample.subarray(0, SAMPLE_BYTES)
    const text = createDecoder(name).decode(wide ? part : aligned(part, i === 0))
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (isImpossible(code)) impossible++
      // ASCII distinguishes nothing, except where it takes two bytes.
      if (code < 0x80 && !wide) continue
      telling++
      if (isCommon(text, at, name)) common++
    }
  }
  return { score: telling === 0 ? 0 : (common - 10 * impossible) / telling, telling }
}

/** In a Western text, letters beyond ASCII stand alone among ASCII; in a Cyrillic one, they form words. */
function isCommon(text: string, at: number, encoding: string): boolean {
  const code = text.charCodeAt(at)
  if (encoding === 'windows-1252') return WESTERN.has(code) && isLonely(text, at)
  if (encoding === 'windows-1251') {
    const isInWord = isCyrillic(text.charCodeAt(at - 1)) || isCyrillic(text.charCodeAt(at + 1))
    // Small letters only: the bytes of Chinese text read as a mixture.
    return code >= 0x430 && isCyrillic(code) && isInWord
  }
  const isKana = code >= 0x3041 && code <= 0x30ff
  return code < 0x80 || COMMON.has(code) || isKana
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

// The most frequent characters of running Chinese text, simplified and traditional, then of Korean, and punctuation.
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
    '의가이은는을를에다고하지도로나기사그한자시어리아서있것들수게해인면만라대보마여니요었' +
    '，。：“”！？、；《》〈〉「」『』‘’…—（）　·～',
)

function codes(characters: string): Set<number> {
  return new Set(Array.from(characters, c => c.codePointAt(0) ?? 0))
}
