/** The size of a text. The preview of an import, the library and the pages count by the same rule. */
export interface Measure {
  /** Visible characters: code points without white space and controls. */
  readonly characters: number
  /** Words: each Han, kana or hangul character is one; elsewhere, each run of letters and digits ("don't" is one). */
  readonly words: number
  /** How many of the words are Han, kana or hangul characters. */
  readonly ideographs: number
}

const SPACE = 1
const OTHER = 2
const LETTER = 3
const JOINER = 4
const IDEOGRAPH = 5
const HIGH_SURROGATE = 6
const LOW_SURROGATE = 7

/** The class of each code unit; 0 until it was met, because classifying all of them would cost each start of a command 30 ms of the processor. */
const CLASSES = new Uint8Array(65_536)

/** Counts the characters and words of a text. One pass, no allocation. */
export function measure(text: string): Measure {
  let characters = 0
  let words = 0
  let ideographs = 0
  let before = SPACE // the class before, where JOINER means: within a word, after an apostrophe or hyphen
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const kind = CLASSES[code] || classify(code)
    if (kind !== SPACE && kind !== LOW_SURROGATE) characters++
    if (kind === IDEOGRAPH || (kind === HIGH_SURROGATE && isHanSurrogate(code))) ideographs++
    else if (kind === LETTER && before !== LETTER && before !== JOINER) words++
    before = kind === JOINER && before !== LETTER ? OTHER : kind
  }
  return { characters, words: words + ideographs, ideographs }
}

/** Remembers and returns the class of a code unit. */
function classify(code: number): number {
  const kind = classOf(code)
  CLASSES[code] = kind
  return kind
}

function isHanSurrogate(code: number): boolean {
  return code >= 0xd840 && code <= 0xd88c
}

function classOf(code: number): number {
  if (code >= 0xd800 && code <= 0xdbff) return HIGH_SURROGATE
  if (code >= 0xdc00 && code <= 0xdfff) return LOW_SURROGATE
  const char = String.fromCharCode(code)
  if (/[\s\p{Cc}\p{Cf}]/u.test(char)) return SPACE
  if (/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u.test(char)) return IDEOGRAPH
  if (/[\p{L}\p{N}\p{M}]/u.test(char)) return LETTER
  return char === "'" || char === '’' || char === '-' || char === '‐' ? JOINER : OTHER
}
