/**
 * The text of one call while it grows. What it has passed on is never taken back, so it holds back what may still change: white space
 * at the end, and a word that may not be complete. An answer that breaks off loses the word that it broke off in, and nothing else.
 */
export class GrowingText {
  readonly #pass: (text: string) => void
  #passed = ''
  /** White space before the word. Models that lost their way write it without end, so it is not looked at again with each stretch. */
  #space = ''
  /** The end of a word, or nothing. */
  #word = ''

  /** `pass` is told each stretch that is sure to stay. */
  constructor(pass: (text: string) => void) {
    this.#pass = pass
  }

  /** What is sure to stay. */
  get text(): string {
    return this.#passed
  }

  /** More of the answer. */
  add(stretch: string): void {
    const all = this.#word + stretch
    const wordAt = startOfWord(all)
    const spaceAt = all.slice(0, wordAt).trimEnd().length
    if (spaceAt > 0) {
      this.#advance(all.slice(0, spaceAt))
      this.#space = ''
    }
    this.#space += all.slice(spaceAt, wordAt)
    this.#word = all.slice(wordAt)
  }

  /** The answer is whole. */
  end(): string {
    if (this.#word !== '') this.#advance(this.#word)
    this.#space = ''
    this.#word = ''
    return this.#passed
  }

  /** Passes on what is held, and this after it; no white space at the start of the text. */
  #advance(end: string): void {
    const stretch = this.#passed === '' ? end.trimStart() : this.#space + end
    this.#passed += stretch
    this.#pass(stretch)
  }
}

/** Letters of writings that put no space between words. */
const unspaced = '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}ー'
const inWord = new RegExp(`^(?![${unspaced}])[\\p{L}\\p{M}\\p{N}'’-]$`, 'u')
/** A longer word is passed on before it ends. */
const longestWord = 64

/** Where the word at the end begins; half of a character that takes two code units belongs to it and waits for the other. */
function startOfWord(text: string): number {
  let at = text.length
  if (isHighSurrogate(text, at - 1)) at -= 1
  for (let letters = 0; letters < longestWord; letters++) {
    const before = isPair(text, at - 2) ? at - 2 : at - 1
    if (before < 0 || !inWord.test(text.slice(before, at))) return at
    at = before
  }
  return at
}

function isHighSurrogate(text: string, at: number): boolean {
  const unit = text.charCodeAt(at)
  return unit >= 0xd800 && unit <= 0xdbff
}

function isPair(text: string, at: number): boolean {
  return isHighSurrogate(text, at) && (text.codePointAt(at) ?? 0) > 0xffff
}
