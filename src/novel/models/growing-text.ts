/**
 * The text of one call while it streams. It never retracts a stretch, so it holds back the parts that may still change: white space at the
 * end, and a word that may be incomplete. A truncated answer loses only its last, incomplete word.
 */
export class GrowingText {
  readonly #pass: (text: string, startsParagraph: boolean) => void
  #passed = ''
  /** White space before the word. A faulty model writes it endlessly, so it is not scanned again with each stretch. */
  #space = ''
  /** The end of a word, or nothing. */
  #word = ''

  /** A line break stood before the text. */
  #startsParagraph = false

  /** `pass` receives each final stretch, and whether a line break stood before the text. */
  constructor(pass: (text: string, startsParagraph: boolean) => void) {
    this.#pass = pass
  }

  /** The final text so far. */
  get text(): string {
    return this.#passed
  }

  get startsParagraph(): boolean {
    return this.#startsParagraph
  }

  /** Adds a stretch of the answer. */
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

  /** Ends the answer and returns its text. */
  end(): string {
    if (this.#word !== '') this.#advance(this.#word)
    this.#space = ''
    this.#word = ''
    return this.#passed
  }

  /** Passes the held white space and a stretch; the text does not begin with white space. */
  #advance(end: string): void {
    if (this.#passed === '') this.#startsParagraph = /^\s*\n/u.test(this.#space + end)
    const stretch = this.#passed === '' ? end.trimStart() : this.#space + end
    this.#passed += stretch
    this.#pass(stretch, this.#startsParagraph)
  }
}

/** Letters of scripts without spaces between words. */
const unspaced = '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}ー'
const inWord = new RegExp(`^(?![${unspaced}])[\\p{L}\\p{M}\\p{N}'’-]$`, 'u')
/** A longer word is passed before it ends. */
const longestWord = 64

/** Returns the start of the word at the end. The first half of a surrogate pair belongs to it and waits for the second. */
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
