/**
 * The text of one call while it grows. What it has passed on is never taken back, so it holds back what may still change: white space
 * at the end, and a word that may not be complete. An answer that breaks off loses the word that it broke off in, and nothing else.
 */
export class GrowingText {
  readonly #pass: (text: string) => void
  #passed = ''
  #held = ''

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
    const all = this.#held + stretch
    const from = this.#passed === '' ? all.length - all.trimStart().length : 0
    const until = Math.max(from, all.length - unsure(all).length)
    this.#held = all.slice(until)
    this.#advance(all.slice(from, until))
  }

  /** The answer is whole. */
  end(): string {
    this.#advance(this.#passed === '' ? this.#held.trim() : this.#held.trimEnd())
    this.#held = ''
    return this.#passed
  }

  #advance(stretch: string): void {
    if (stretch === '') return
    this.#passed += stretch
    this.#pass(stretch)
  }
}

/** Letters of writings that put no space between words; half of a character that takes two code units waits for the other. */
const unspaced = '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}ー'
const atEnd = new RegExp(`\\s*(?:(?![${unspaced}])[\\p{L}\\p{M}\\p{N}'’-]){0,64}[\\uD800-\\uDBFF]?$`, 'u')

function unsure(text: string): string {
  return atEnd.exec(text)?.[0] ?? ''
}
