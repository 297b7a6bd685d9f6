/** A stretch of letters in one manner of writing, with its place in the text in UTF-16 code units. */
export interface LetterRun {
  /** `unspaced`: Chinese, Japanese, Korean, where spaces do not tell the words. `word`: a word of any other writing. */
  readonly kind: 'unspaced' | 'word'
  readonly start: number
  readonly end: number
}

const unspaced = '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}ー'
const letter = `(?:(?![${unspaced}])[\\p{L}\\p{M}\\p{N}])`
const runs = new RegExp(`([${unspaced}]+)|${letter}+(?:['’]${letter}+)*`, 'gu')
/** No word of a language is longer; the rest of a longer one does not count. In code units. */
const longestWord = 64

/** The runs of letters and digits of a text, in order. What stands between them is punctuation and white space. */
export function* letterRuns(text: string): Generator<LetterRun, void> {
  for (const found of text.matchAll(runs)) {
    const kind = found[1] === undefined ? 'word' : 'unspaced'
    yield { kind, start: found.index, end: found.index + found[0].length }
  }
}

/**
 * The form under which a word is compared: NFKC, lower case, without a possessive ending, without the ending of a
 * plural (the S-stemmer: Harman, "How effective is suffixing?", JASIS 42, 1991).
 */
export function normaliseWord(word: string): string {
  const plain = word
    .slice(0, longestWord)
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll('’', "'")
    .replace(/'s?$/, '')
  if (plain.length <= 3 || !plain.endsWith('s')) return plain
  if (plain.endsWith('ies') && !/[ae]ies$/.test(plain)) return `${plain.slice(0, -3)}y`
  return /(?:[aeo]e|[us])s$/.test(plain) ? plain : plain.slice(0, -1)
}

/** The pairs of neighbouring characters of an unspaced run; a run of one character is its own only term. */
export function characterPairs(run: string): string[] {
  const characters = [...run]
  if (characters.length < 2) return characters
  return characters.slice(1).map((character, place) => `${characters[place]}${character}`)
}
